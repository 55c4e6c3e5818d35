"""What the explorer takes from the plan: the files of a data set that say something of its images, and settings."""

from typing import Any

from nearlabel.plan.datasets import extra_columns
from nearlabel.plan.grouping import names_file, novelty_files
from nearlabel.plan.labelling import label_names, rounds_folder
from nearlabel.plan.learning import learnt_datasets
from nearlabel.plan.resolve import Plan
from nearlabel.run_files import (
    COLUMNS,
    GIVEN_LABELS,
    IMAGES,
    MODEL_PREDICTIONS,
    MODEL_SUMMARY,
    NEAR_DUPLICATES,
    NEAR_LABELS,
    PREDICTIONS,
    QUERIES,
    QUEUE,
    SUSPECTS,
    THUMBNAIL_INDEX,
    fill,
)

STRATEGIES = 6
"""Strategies at most whose rounds are shown."""


def explorer_files(plan: Plan, dataset: str) -> dict[str, Any]:
    """Files of a data set as a whole: always there, or an empty list where the run does not make them."""
    places = {"run": plan.config.run, "dataset": dataset}
    labelled = dataset in plan.labelled
    classified = ("root", "near_labels") in plan.classifications
    model = [
        fill(pattern, **places, node="root", target="near_labels") for pattern in (MODEL_PREDICTIONS, MODEL_SUMMARY)
    ]
    return {
        "images": fill(IMAGES, **places),
        "near_labels": fill(NEAR_LABELS, **places),
        "duplicates": fill(NEAR_DUPLICATES, **places),
        "suspects": fill(SUSPECTS, **places),
        "thumbnails": fill(THUMBNAIL_INDEX, **places),
        "names": names_file(plan, dataset),
        "columns": [fill(COLUMNS, **places)] if extra_columns(plan, dataset) else [],
        "model": model if classified else [],
        "novelty": novelty_files(plan, dataset, "root")[:1],
        "queries": [fill(QUERIES, **places, strategy=id, fold=0) for id in shown_strategies(plan, dataset)],
        # The rounds on record are what they were when the queue was written.
        "labelling": [fill(pattern, **places) for pattern in (GIVEN_LABELS, PREDICTIONS, QUEUE)] if labelled else [],
    }


def shown_strategies(plan: Plan, dataset: str) -> list[str]:
    """Strategies whose rounds are shown of a data set: the first six."""
    return list(plan.strategies)[:STRATEGIES] if dataset in learnt_datasets(plan) else []


def explorer_settings(plan: Plan, dataset: str) -> dict[str, Any]:
    """What the page is told beside the files."""
    labelled = dataset in plan.labelled
    return {
        "names_file": plan.grouping.names.get(dataset, ""),
        "labels": label_names(plan) if labelled else [],
        "labels_folder": plan.labelling.folder if labelled else "",
        "rounds": rounds_folder(plan) if labelled else "",
        "strategies": shown_strategies(plan, dataset),
    }
