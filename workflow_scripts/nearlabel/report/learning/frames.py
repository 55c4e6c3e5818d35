"""The paper's Tables 1 to 3 and its section 6.2 on a run's data sets, in long form."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from nearlabel.learning.stopping.cutoffs import compare_with_knees, find_cutoffs
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.report.learning.published import published_value
from nearlabel.run_files import CUTOFFS

FOLD_SUMMARY = ["folds", "folds_with", "mean", "std"]
PUBLISHED = ["published_mean", "published_std", "note"]
TABLE1_COLUMNS = ["dataset", "learning", "strategy", *FOLD_SUMMARY, *PUBLISHED]
TABLE2_COLUMNS = ["dataset", "cutoff", "strategy", *FOLD_SUMMARY, *PUBLISHED]
TABLE3_COLUMNS = [
    *TABLE2_COLUMNS[:-3],
    "chosen_on_test_mean",
    "chosen_on_test_std",
    "batch_mean",
    "batch_std",
    *PUBLISHED,
]
KNEE_COLUMNS = [
    "dataset", "strategy", "folds", "folds_with_knee", "best_before_knee", "slope_before", "slope_after",
]  # fmt: skip


def mean_and_std(values: Iterable[float | None]) -> tuple[int, float, float]:
    """Summarise the values of folds.

    Parameters
    ----------
    values : iterable of float or None
        One for each fold; None or NaN where a fold has none.

    Returns
    -------
    folds_with : int
        Folds that have a value.
    mean, std : float
        Over these; std of the sample (ddof = 1). NaN for the mean without any, for std with fewer than two.
    """
    known = np.array([value for value in values if value is not None and not np.isnan(value)], dtype=np.float64)
    mean = float(known.mean()) if len(known) else np.nan
    return len(known), mean, float(known.std(ddof=1)) if len(known) > 1 else np.nan


def scores_at_best(runs: LearningRuns, strategy: str, score: str = "test_auc") -> list[float | None]:
    """Return a score of the model that is best on validation, for each fold."""
    return _scores_at(runs, strategy, "best", score)


def table1(
    runs: Sequence[LearningRuns], kinds: Mapping[str, str], names: Mapping[str, str], score: str = "test_auc"
) -> pd.DataFrame:
    """Return the paper's Table 1: the score at the best cut-off, learnt incrementally and in a batch.

    Parameters
    ----------
    runs : sequence of LearningRuns
        One for each data set.
    kinds : mapping of str to str
        Data set → kind; a kind that the paper tested gets its values beside ours.
    names : mapping of str to str
        Id of a strategy → its name, by which the paper's value is found.
    score : {"test_auc", "test_ap"}
        What is averaged; the paper has ``test_auc`` only.

    Returns
    -------
    DataFrame
        `TABLE1_COLUMNS`. ``learning`` is ``incremental``, ``batch`` or, with an empty strategy, ``full_pool``.
    """
    rows = []
    for run in runs:
        for learning in ("incremental", "batch"):
            for strategy in run.strategies:
                if learning == "incremental":
                    values = scores_at_best(run, strategy, score)
                else:
                    values = _batch_scores(run, strategy, "best", score)
                published = _published("table1", score, kinds.get(run.name), learning, names.get(strategy))
                rows.append((run.name, learning, strategy, run.folds, *mean_and_std(values), *published))
        bound = mean_and_std(full[score] for full in run.full_pool.values())
        rows.append((run.name, "full_pool", "", run.folds, *bound, None, None, ""))
    return _frame(rows, TABLE1_COLUMNS)


def table2(runs: Sequence[LearningRuns], kinds: Mapping[str, str], names: Mapping[str, str]) -> pd.DataFrame:
    """Return the paper's Table 2: images labelled at each cut-off, over the folds that have it; see `table1`."""
    rows = []
    for run in runs:
        for cutoff in CUTOFFS:
            for strategy in run.strategies:
                found = [run.knees[strategy][fold][cutoff] for fold in range(run.folds)]
                counts = mean_and_std(place and place["n_labelled"] for place in found)
                published = _published("table2", "test_auc", kinds.get(run.name), cutoff, names.get(strategy))
                rows.append((run.name, cutoff, strategy, run.folds, *counts, *published))
    return _frame(rows, TABLE2_COLUMNS)


def table3(
    runs: Sequence[LearningRuns], kinds: Mapping[str, str], names: Mapping[str, str], score: str = "test_auc"
) -> pd.DataFrame:
    """Return the paper's Table 3: the score at each cut-off of the incremental model; see `table1`.

    ``chosen_on_test`` is what choosing the cut-off on the test fold would have claimed, ``batch`` the score of a model
    that was trained anew on the images labelled until there.
    """
    rows = []
    for run in runs:
        for cutoff in CUTOFFS:
            for strategy in run.strategies:
                own = mean_and_std(_scores_at(run, strategy, cutoff, score))
                claimed = mean_and_std(_claimed(run, strategy, fold, cutoff, score) for fold in range(run.folds))
                batch = mean_and_std(_batch_scores(run, strategy, cutoff, score))
                published = _published("table3", score, kinds.get(run.name), cutoff, names.get(strategy))
                key = (run.name, cutoff, strategy, run.folds)
                rows.append((*key, *own, *claimed[1:], *batch[1:], *published))
    return _frame(rows, TABLE3_COLUMNS)


def knee_table(runs: Sequence[LearningRuns]) -> pd.DataFrame:
    """Return what `compare_with_knees` finds for every data set and strategy: `KNEE_COLUMNS`."""
    rows = [
        {"dataset": run.name, "strategy": strategy} | compare_with_knees(run.rounds[strategy], run.knees[strategy])
        for run in runs
        for strategy in run.strategies
    ]
    table = pd.DataFrame(rows, columns=KNEE_COLUMNS)
    return table.astype(dict.fromkeys(KNEE_COLUMNS[4:], np.float64))


def _scores_at(run: LearningRuns, strategy: str, cutoff: str, score: str) -> list[float | None]:
    values = []
    for fold in range(run.folds):
        place = run.knees[strategy][fold][cutoff]
        values.append(place and _score_of_round(run.rounds[strategy][fold], place["round"], score))
    return values


def _score_of_round(rounds: pd.DataFrame, number: int, score: str) -> float:
    return float(rounds.loc[rounds["round"] == number, score].iloc[0])


def _batch_scores(run: LearningRuns, strategy: str, cutoff: str, score: str) -> list[float | None]:
    models = [run.batches[strategy][fold][cutoff] for fold in range(run.folds)]
    return [model and model[score] for model in models]


def _claimed(run: LearningRuns, strategy: str, fold: int, cutoff: str, score: str) -> float | None:
    rounds, knee = run.rounds[strategy][fold], run.knees[strategy][fold]["knee"]
    if cutoff == "knee":
        return knee and _score_of_round(rounds, knee["round"], score)
    if cutoff == "best_until_knee":
        if knee is None:
            return None
        rounds = rounds[rounds["n_labelled"] <= knee["n_labelled"]]
    # The knee is known, and may have been sought with other options: a flat curve has none, so none is sought again.
    best = find_cutoffs(rounds.assign(defects_left=0), choose_on=score)["best"]
    return best and _score_of_round(rounds, best["round"], score)


def _published(table: str, score: str, kind: str | None, row: str, strategy: str | None) -> tuple:
    return published_value(table, kind, row, strategy) if score == "test_auc" else (None, None, "")


def _frame(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    numbers = [name for name in columns if name.endswith(("mean", "std"))]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, np.float64))
