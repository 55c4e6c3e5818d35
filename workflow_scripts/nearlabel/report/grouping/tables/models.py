"""The table of the post-clustering models: how well each tells the groups or near-labels of a node."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

SCORES = ["balanced_accuracy", "macro_f1", "roc_auc"]
COLUMNS = [
    "dataset",
    "node",
    "target",
    "model",
    "kind",
    "images",
    "classes",
    "folds",
    *(column for score in SCORES for column in (score, f"{score}_std")),
    "chosen",
]


def models_table(summaries: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a row per model of every classification.

    Parameters
    ----------
    summaries : iterable of mapping
        Contents of ``summary.json`` of each, in the order of the rows.

    Returns
    -------
    DataFrame
        ``COLUMNS``: ``classes`` is their number, scores are means and standard deviations over the folds (missing where
        undefined), ``chosen`` marks the saved model. A detector's scores are those of normal against the rest.
    """
    rows = [
        {
            "dataset": summary["dataset"],
            "node": summary["node"],
            "target": summary["target"],
            "model": model["id"],
            "images": summary["images"],
            "classes": len(summary["classes"]),
            "folds": summary["folds"],
            "chosen": model["id"] == summary["chosen"],
            **{column: model[column] for column in COLUMNS if column in model},
        }
        for summary in summaries
        for model in summary["models"]
    ]
    scores = {column: float for column in COLUMNS if column.removesuffix("_std") in SCORES}
    return pd.DataFrame(rows, columns=COLUMNS).astype(scores)
