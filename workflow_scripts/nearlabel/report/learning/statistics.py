"""What the learning curves of a run amount to, and how its strategies compare, in long form."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nearlabel.learning.statistics import (
    PAIR_COLUMNS,
    area_under_budget_curve,
    compare_strategies,
    images_to_reach,
    win_matrix,
)
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.report.learning.frames import FOLD_SUMMARY, mean_and_std, scores_at_best

# Share of the full-pool model's AUC that "images to reach" asks for.
SHARE = 0.95
STATISTICS_COLUMNS = ["dataset", "measure", "strategy", *FOLD_SUMMARY]
COMPARISON_COLUMNS = ["dataset", "measure", *PAIR_COLUMNS]
WIN_COLUMNS = ["measure", "winner", "loser", "wins", "datasets"]
COMPARED = ("aubc", "test_auc_at_best")


def statistics_table(runs: Sequence[LearningRuns]) -> pd.DataFrame:
    """Return what each strategy's curves amount to: `STATISTICS_COLUMNS`, rounds that were not evaluated left out.

    Measures: ``aubc`` and ``aubc_ap``, the area under the budget curve of test AUC and of average precision;
    ``images_to_95``, the images labelled when the test AUC first reaches 95 % of the full-pool model's (``folds_with``
    folds reach it, mean and std are over these); ``degenerate_share``, the share of the images selected whose
    activation map was degenerate (strategies with maps only).
    """
    rows = []
    for run in runs:
        for strategy in run.strategies:
            for measure, values in _measure(run, strategy).items():
                rows.append((run.name, measure, strategy, run.folds, *mean_and_std(values)))
    return pd.DataFrame(rows, columns=STATISTICS_COLUMNS)


def comparison_table(runs: Sequence[LearningRuns]) -> pd.DataFrame:
    """Return pairwise tests of strategies on each data set: `COMPARISON_COLUMNS`.

    Measures are ``aubc`` and ``test_auc_at_best``; p-values are adjusted over the pairs of one data set and measure.
    A measure that a fold lacks is left out; so is a data set with one fold or one strategy.
    """
    tables = []
    for run in runs:
        if run.folds < 2 or len(run.strategies) < 2:
            continue
        for measure in COMPARED:
            values = values_by_fold(run, measure)
            if not values["value"].isna().any():
                pairs = compare_strategies(values, n_test=run.n_test, n_train=run.n_pool)
                tables.append(pairs.assign(dataset=run.name, measure=measure)[COMPARISON_COLUMNS])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COMPARISON_COLUMNS)


def comparison_notes(comparisons: pd.DataFrame) -> list[str]:
    """Say what the comparisons do not: that nothing differs, and that few folds cannot show it.

    Parameters
    ----------
    comparisons : DataFrame
        Of `comparison_table`.

    Returns
    -------
    list of str
        Without a full stop.
    """
    notes = []
    for dataset, own in comparisons.groupby("dataset", sort=False):
        if not (own["t_p_holm"] < 0.05).any():
            notes.append(f"{dataset}: no strategy differs significantly from another by the corrected t-test")
    folds = int(comparisons["folds"].min()) if len(comparisons) else 0
    # Two-sided, all differences of one sign.
    if folds and (floor := 2.0 ** (1 - folds)) > 0.05:
        notes.append(
            f"with {folds} folds Wilcoxon's p cannot be smaller than {floor:g}, whatever the differences: it shows none"
        )
    return notes


def win_table(comparisons: pd.DataFrame, strategies: Sequence[str]) -> pd.DataFrame:
    """Return on how many data sets each strategy beats each other one significantly: `WIN_COLUMNS`.

    Parameters
    ----------
    comparisons : DataFrame
        Of `comparison_table`.
    strategies : sequence of str
        Ids, in the order to show them.
    """
    rows = []
    for measure in COMPARED:
        own = [table for _, table in comparisons[comparisons["measure"] == measure].groupby("dataset", sort=False)]
        wins = win_matrix(own, strategies)
        for winner in strategies if own else ():
            for loser in strategies:
                if winner != loser:
                    rows.append((measure, winner, loser, int(wins.loc[winner, loser]), len(own)))
    return pd.DataFrame(rows, columns=WIN_COLUMNS)


def count_degenerate(run: LearningRuns, strategy: str, fold: int) -> tuple[int, int]:
    """Count the selected images whose map was degenerate, and the images selected by maps, of a strategy on a fold.

    Returns
    -------
    degenerate, selected : int
        Both 0 where the strategy selects without maps. The first batch is not selected by maps.
    """
    rounds = run.rounds[strategy][fold]
    selected = dict(zip(rounds["round"][1:], rounds["n_labelled"].diff()[1:], strict=True))
    counted = []
    for entry in run.choices[strategy][fold]["rounds"]:
        if entry["round"] in selected:
            # A strategy around another one says so of each part that the other chose.
            parts = [part for part in entry.values() if isinstance(part, Mapping)]
            counted += [part for part in parts if "degenerate_selected" in part]
            if "degenerate_selected" in entry:
                counted.append({"selected": selected[entry["round"]]} | entry)
    return tuple(sum(int(part[key]) for part in counted) for key in ("degenerate_selected", "selected"))


def _measure(run: LearningRuns, strategy: str) -> dict[str, list[float | None]]:
    folds = range(run.folds)
    rounds = run.rounds[strategy]
    measures = {
        "aubc": [_area(rounds[fold], "test_auc") for fold in folds],
        "aubc_ap": [_area(rounds[fold], "test_ap") for fold in folds],
        "images_to_95": [_images_to_reach(rounds[fold], run.full_pool[fold]["test_auc"]) for fold in folds],
    }
    shares = [degenerate / n if n else None for degenerate, n in (count_degenerate(run, strategy, f) for f in folds)]
    if any(share is not None for share in shares):
        measures["degenerate_share"] = shares
    return measures


def _area(rounds: pd.DataFrame, score: str) -> float | None:
    evaluated = rounds[rounds[score].notna()]
    return area_under_budget_curve(evaluated["n_labelled"], evaluated[score]) if len(evaluated) > 1 else None


def _images_to_reach(rounds: pd.DataFrame, bound: float) -> int | None:
    evaluated = rounds[rounds["test_auc"].notna()]
    return images_to_reach(evaluated["n_labelled"], evaluated["test_auc"], bound, SHARE)


def values_by_fold(run: LearningRuns, measure: str) -> pd.DataFrame:
    """Return a measure of `COMPARED` for each strategy and fold, as `compare_strategies` takes it."""
    rows = []
    for strategy in run.strategies:
        values = _measure(run, strategy)["aubc"] if measure == "aubc" else scores_at_best(run, strategy)
        rows += [(strategy, fold, value) for fold, value in enumerate(values)]
    return pd.DataFrame(rows, columns=["strategy", "fold", "value"]).astype({"value": np.float64})
