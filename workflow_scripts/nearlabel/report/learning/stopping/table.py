"""The table of stopping rules: where they stop, what they miss and what they cost, over the folds."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nearlabel.report.base.tables import write_table
from nearlabel.report.learning.frames import mean_and_std
from nearlabel.report.learning.shapes import format_spread
from nearlabel.report.learning.stopping.stops import ComparedRule
from nearlabel.report.learning.tables import SPREAD, LearningTable

MEASURES = {
    "n_labelled": "Images labelled",
    "audited": "Audited",
    "recall": "Recall",
    "test_auc": "Test AUC",
    "auc_lost": "AUC lost",
    "overshoot": "Overshoot",
}
STOPPING_COLUMNS = [
    "dataset", "strategy", "rule", "folds", "folds_stopped",
    *(f"{measure}_{part}" for measure in MEASURES for part in ("mean", "std")),
    "certified", "target", "missed", "guarantees", "assumes",
]  # fmt: skip
CAPTION = (
    f"Stopping rules on the simulated runs; {SPREAD}, which are those where the rule stopped. AUC lost: against a "
    "model trained on the whole pool. Overshoot: images labelled beyond the first round at which the target recall was "
    "truly reached, as a share of the pool. Missed: folds where the rule stopped below its target."
)


def guarantee_sentence(rules: Iterable[ComparedRule]) -> str:
    """Say which of some rules guarantee anything."""
    rules = list(rules)
    sure = [rule for rule in rules if rule.guarantees]
    named = " and ".join(f"{rule.id} (recall {rule.target:g})" for rule in sure)
    verb = "guarantees" if len(sure) == 1 else "guarantee"
    text = f"Only {named} {verb} the target recall, whatever the strategy" if sure else "None guarantees anything"
    if len(sure) < len(rules):
        text += "; all others are heuristics" if sure else ": all are heuristics"
    return f"{text}."


def stopping_frame(stops: pd.DataFrame, rules: Mapping[str, ComparedRule]) -> pd.DataFrame:
    """Summarise stops over folds.

    Parameters
    ----------
    stops : DataFrame
        From `nearlabel.report.learning.stopping.stops.collect_stops`, of one data set or of several.
    rules : mapping of str to ComparedRule

    Returns
    -------
    DataFrame
        `STOPPING_COLUMNS`, a row for each data set, strategy and rule. certified: share of the folds that stopped;
        missed: share of all folds, missing where the rule has no target.
    """
    rows = []
    for (dataset, strategy, rule), own in stops.groupby(["dataset", "strategy", "rule"], sort=False):
        described, stopped = rules[rule], own[own["n_labelled"].notna()]
        row = {"dataset": dataset, "strategy": strategy, "rule": rule}
        row |= {"folds": len(own), "folds_stopped": len(stopped)}
        for measure in MEASURES:
            _, row[f"{measure}_mean"], row[f"{measure}_std"] = mean_and_std(stopped[measure].astype(np.float64))
        row["certified"] = float(stopped["certified"].astype(np.float64).mean()) if len(stopped) else np.nan
        row["target"] = np.nan if described.target is None else described.target
        missed = (stopped["recall"] < described.target).sum() / len(own) if described.target else np.nan
        rows.append(row | {"missed": missed, "guarantees": described.guarantees, "assumes": described.assumes})
    return pd.DataFrame(rows, columns=STOPPING_COLUMNS)


def stopping_table(stops: pd.DataFrame, rules: Mapping[str, ComparedRule]) -> LearningTable:
    """Make the table in both forms; see `stopping_frame`."""
    frame = stopping_frame(stops, rules)
    shown = pd.DataFrame(
        {
            "Data set": frame["dataset"],
            "Strategy": frame["strategy"],
            "Rule": frame["rule"],
            "Stopped": [
                f"{some} of {folds}" for some, folds in zip(frame["folds_stopped"], frame["folds"], strict=True)
            ],
            **{header: _spreads(frame, measure) for measure, header in MEASURES.items()},
            "Missed": _counts(frame["missed"], frame["folds"]),
            "Guarantees": ["yes" if sure else "no" for sure in frame["guarantees"]],
            "Assumes": frame["assumes"],
        }
    )
    return LearningTable(frame, shown, f"{CAPTION} {guarantee_sentence(rules.values())}", [])


def write_stopping_table(parts: Sequence[pd.DataFrame], rules: Mapping[str, ComparedRule], stem) -> None:
    """Write the table as ``{stem}.csv``, ``.md`` and ``.tex``.

    Parameters
    ----------
    parts : sequence of DataFrame
        From `nearlabel.report.learning.stopping.stops.collect_stops`, one for each data set.
    rules : mapping of str to ComparedRule
    stem : str or Path
        Path without suffix.
    """
    table = stopping_table(pd.concat(parts, ignore_index=True), rules)
    write_table(table.frame, Path(stem), table.caption, shown=table.shown)


def _spreads(frame: pd.DataFrame, measure: str) -> list[str]:
    decimals = {"n_labelled": 0, "audited": 0}.get(measure, 3)
    means, stds = frame[f"{measure}_mean"], frame[f"{measure}_std"]
    return [format_spread(mean, std, decimals) for mean, std in zip(means, stds, strict=True)]


def _counts(shares: pd.Series, folds: pd.Series) -> list[str]:
    pairs = zip(shares, folds, strict=True)
    return ["–" if np.isnan(share) else f"{round(share * count)} of {count}" for share, count in pairs]
