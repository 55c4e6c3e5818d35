"""What the rules of the report take from the plan: its tables and figures, and what it says of the settings."""

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nearlabel.plan.datasets import extra_columns
from nearlabel.plan.grouping import per_classification, per_dataset
from nearlabel.plan.labelling import per_labelled
from nearlabel.plan.learning import learnt_datasets, per_learnt, stopping_rules, strategy_names
from nearlabel.plan.resolve import Plan
from nearlabel.plan.resources import merging
from nearlabel.report.catalogue import (
    COLUMN_TABLES,
    GROUPING_TABLES,
    LEARNING_FIGURES,
    LEARNING_TABLES,
    MERGE_FIGURES,
    MODEL_FIGURES,
    NODE_FIGURES,
    STOPPING_FIGURES,
    STOPPING_TABLES,
)
from nearlabel.run_files import (
    ASKED_INDEX,
    ASKED_SHEET,
    COLUMNS,
    DATASET_FIGURE,
    LEDGER,
    MODEL_FIGURE,
    MODEL_RULES,
    MODEL_SUMMARY,
    NEAR_DUPLICATES,
    SUFFIXES,
    TABLE,
    fill,
)


def describe_command(configfiles: Iterable[str | Path]) -> str:
    """Return what runs the workflow with these config files, which stand at the end."""
    files = [os.path.relpath(file) for file in configfiles]
    return shlex.join(["snakemake", "--cores", "all", *(["--configfile", *files] if files else [])])


def node_figures(plan: Plan, node: str) -> list[str]:
    """Kinds of the figures that a clustered node has."""
    return [*NODE_FIGURES, *(MERGE_FIGURES if merging(plan.level(node).algorithms) else ())]


def grouping_tables(plan: Plan, suffixes: tuple[str, ...] = SUFFIXES) -> list[str]:
    """Tables over all grouped data sets; none without any."""
    tables = [*(GROUPING_TABLES if plan.grouping.datasets else ()), *(COLUMN_TABLES if with_columns(plan) else ())]
    return [fill(TABLE, run=plan.config.run, table=table, suffix=suffix) for table in tables for suffix in suffixes]


def ledgers(plan: Plan) -> list[str]:
    """What became of the files of every data set."""
    return list(dict.fromkeys([*per_dataset(plan, LEDGER), *per_learnt(plan, LEDGER), *per_labelled(plan, LEDGER)]))


def near_duplicates(plan: Plan) -> list[str]:
    """Images that look alike, of every data set."""
    kinds = (per_dataset, per_learnt, per_labelled)
    return list(dict.fromkeys(file for files in kinds for file in files(plan, NEAR_DUPLICATES)))


def with_columns(plan: Plan) -> list[str]:
    """Grouped data sets whose table has columns that the groups are held against."""
    return [name for name in plan.grouping.datasets if extra_columns(plan, name)]


def columns_files(plan: Plan) -> list[str]:
    """What those columns hold."""
    return [fill(COLUMNS, run=plan.config.run, dataset=name) for name in with_columns(plan)]


def learning_tables() -> list[str]:
    """Patterns of the tables over all learnt data sets."""
    return [fill(TABLE, table=table, suffix=suffix) for table in LEARNING_TABLES for suffix in SUFFIXES]


def run_learning_tables(plan: Plan) -> list[str]:
    """Those tables of this run, and that of stopping rules where any are compared; none where nothing is learnt."""
    tables = learning_tables() if plan.learning else []
    if plan.rules:
        tables += [fill(TABLE, table=table, suffix=suffix) for table in STOPPING_TABLES for suffix in SUFFIXES]
    return [fill(table, run=plan.config.run) for table in tables]


def learning_figures(plan: Plan, suffix: str) -> list[str]:
    """Figures of every learnt data set; that of stopping rules where any are compared."""
    kinds = [*LEARNING_FIGURES, *(STOPPING_FIGURES if plan.rules else ())]
    return [file for kind in kinds for file in per_learnt(plan, DATASET_FIGURE, kind=kind, suffix=suffix)]


def asked_files(plan: Plan) -> list[str]:
    """What each strategy asked for, of every learnt data set."""
    return [
        file
        for strategy in plan.strategies
        for pattern in (ASKED_SHEET, ASKED_INDEX)
        for file in per_learnt(plan, pattern, strategy=strategy)
    ]


def model_files(plan: Plan) -> list[str]:
    """What the report shows of the models on top of the clusters."""
    if not plan.classifications:
        return []
    files = [fill(TABLE, run=plan.config.run, table="models", suffix="csv")]
    for pattern in (MODEL_SUMMARY, MODEL_RULES):
        files += per_classification(plan, pattern)
    for kind in MODEL_FIGURES:
        files += per_classification(plan, MODEL_FIGURE, kind=kind, suffix="svg")
    return files


def grouped_kinds(plan: Plan) -> dict[str, str]:
    """Kind of each grouped data set."""
    return {name: plan.config.datasets[name].kind for name in plan.grouping.datasets}


def shown_learning(plan: Plan) -> dict[str, Any] | None:
    """What the report shows of the learning half; None without it."""
    if not plan.learning:
        return None
    shown = {
        "datasets": learnt_datasets(plan),
        "strategies": strategy_names(plan),
        "folds": plan.learning.folds,
        "settings": _learning_settings(plan),
    }
    return shown | {"rules": stopping_rules(plan)} if plan.rules else shown


def _learning_settings(plan: Plan) -> dict[str, str]:
    """What the report says of how the models were trained."""
    learning, size = plan.learning, plan.network.image_size
    sides = size if isinstance(size, list) else [size, size]
    return {
        "network": plan.network.name,
        "weights": plan.network.weights,
        "geometry": plan.network.geometry,
        "image_size": "the weights' own" if size is None else " × ".join(map(str, sides)),
        "training": learning.training,
        "fine_tune": learning.fine_tune,
        "batch_size": str(learning.batch_size),
        "epochs": str(learning.epochs),
        "optimiser": f"{learning.optimiser.name}, learning rate {learning.optimiser.learning_rate:g}",
        "class_weights": learning.class_weights,
        "maps": learning.maps.target,
        "positive": learning.positive,
    }
