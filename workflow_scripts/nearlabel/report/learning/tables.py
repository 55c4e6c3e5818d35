"""All tables of active learning, each in long form and in the paper's shape, with captions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from nearlabel.report.base.tables import write_table
from nearlabel.report.catalogue import LEARNING_TABLES
from nearlabel.report.learning import shapes
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.report.learning.frames import knee_table, table1, table2, table3
from nearlabel.report.learning.published import published_table
from nearlabel.report.learning.statistics import (
    comparison_notes,
    comparison_table,
    statistics_table,
    win_table,
)

SPREAD = "mean ± standard deviation of the sample (n − 1) over the folds that have a value"
CAPTIONS = {
    "table1": (
        "{score} of the model that is best on validation, learnt incrementally, and of a model trained anew in a batch "
        f"on the images labelled until there; {SPREAD}. Full pool: a model trained on the whole pool, the bound."
    ),
    "table2": f"Images labelled at each cut-off; {SPREAD}. Folds without a knee are not counted.",
    "table3": (
        "{score} at each cut-off of the incremental model, chosen on validation; what choosing on the test fold would "
        f"have claimed; and a model trained anew on the images labelled until there; {SPREAD}."
    ),
    "knees": (
        "Knees of the defective images left against the learning curves: in how many folds there is a knee, the share "
        "of these whose best model comes before it, and the slope of the test AUC on both sides, means over folds."
    ),
    "statistics": f"What the learning curves amount to, on the test folds; {SPREAD}.",
    "comparisons": (
        "Every two strategies, paired by fold, in the area under the budget curve of the AUC ROC and in the test AUC "
        "ROC at best: corrected resampled t-test (Nadeau and Bengio 2003) and Wilcoxon's "
        "signed-rank test, two-sided; p-values adjusted by Holm over the pairs of a data set and measure."
    ),
    "wins": (
        "On how many data sets the winner has the higher mean and the corrected t-test, adjusted by Holm, gives p < "
        "0.05."
    ),
    "published": "What the paper's Tables 1 to 3 print, with what contradicts it within the paper.",
}
SCORES = {"test_auc": "Test AUC ROC", "test_ap": "Average precision on test"}


class LearningTable(NamedTuple):
    """A table in its two forms.

    Attributes
    ----------
    frame : DataFrame
        Long form, every digit.
    shown : DataFrame
        The paper's shape, text.
    caption : str
        What it holds.
    notes : list of str
        What contradicts the published values in it.
    """

    frame: pd.DataFrame
    shown: pd.DataFrame
    caption: str
    notes: list[str]


def make_learning_tables(
    runs: Sequence[LearningRuns], kinds: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, LearningTable]:
    """Make all tables of active learning.

    Parameters
    ----------
    runs : sequence of LearningRuns
        One for each data set.
    kinds : mapping of str to str
        Data set → kind; a kind that the paper tested gets its values beside ours.
    names : mapping of str to str
        Id of a strategy → its name.

    Returns
    -------
    dict of str to LearningTable
        By `LEARNING_TABLES`.
    """
    strategies = list(dict.fromkeys(strategy for run in runs for strategy in run.strategies))
    comparisons = comparison_table(runs)
    frames = {
        "table1": (table1(runs, kinds, names), shapes.shape_table1),
        "table1_ap": (table1(runs, kinds, names, "test_ap"), shapes.shape_table1),
        "table2": (table2(runs, kinds, names), shapes.shape_table2),
        "table3": (table3(runs, kinds, names), shapes.shape_table3),
        "table3_ap": (table3(runs, kinds, names, "test_ap"), shapes.shape_table3),
        "knees": (knee_table(runs), shapes.shape_knees),
        "statistics": (statistics_table(runs), shapes.shape_statistics),
        "comparisons": (comparisons, shapes.shape_comparisons),
        "wins": (win_table(comparisons, strategies), lambda frame: shapes.shape_wins(frame, strategies)),
        "published": (published_table(), shapes.shape_published),
    }
    tables = {}
    for stem in LEARNING_TABLES:
        frame, shape = frames[stem]
        caption = CAPTIONS[stem.removesuffix("_ap")]
        caption = caption.format(score=SCORES["test_ap" if stem.endswith("_ap") else "test_auc"])
        tables[stem] = LearningTable(frame, shape(frame), caption, _list_notes(stem, frame))
    return tables


def write_learning_tables(
    runs: Sequence[LearningRuns], kinds: Mapping[str, str], names: Mapping[str, str], folder
) -> None:
    """Write all tables of active learning as ``{stem}.csv``, ``.md`` and ``.tex``; see `make_learning_tables`.

    Parameters
    ----------
    runs, kinds, names
        Of `make_learning_tables`.
    folder : str or Path
        ``results/{run}/tables``; the stems are `LEARNING_TABLES`.
    """
    for stem, table in make_learning_tables(runs, kinds, names).items():
        caption = " ".join([table.caption, *(f"Note: {note}." for note in table.notes)])
        write_table(table.frame, Path(folder) / stem, caption, shown=table.shown)


def _list_notes(stem: str, frame: pd.DataFrame) -> list[str]:
    if stem == "comparisons":
        return comparison_notes(frame)
    if stem in ("table2", "table3", "table3_ap"):
        return [*_no_knees(frame), *dict.fromkeys(note for note in frame["note"] if note)]
    # The table of published values has a column for them.
    if stem == "published" or "note" not in frame:
        return []
    return list(dict.fromkeys(note for note in frame["note"] if note))


def _no_knees(frame: pd.DataFrame) -> list[str]:
    return [
        f"{dataset}: no fold has a knee, as the defective images left fall without a bend; its rows are left out"
        for dataset, own in frame[frame["cutoff"] == "knee"].groupby("dataset", sort=False)
        if not own["folds_with"].any()
    ]
