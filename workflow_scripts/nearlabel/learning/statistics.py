"""Comparing strategies over folds: what a curve amounts to, paired tests, and who beats whom."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

PAIR_COLUMNS = [
    "first",
    "second",
    "folds",
    "mean_difference",
    "t",
    "t_p",
    "t_p_holm",
    "wilcoxon",
    "wilcoxon_p",
    "wilcoxon_p_holm",
]


def area_under_budget_curve(labelled: Sequence | np.ndarray, scores: Sequence | np.ndarray) -> float:
    """Mean height of a learning curve: the area under it by trapezoids, divided by its width.

    Parameters
    ----------
    labelled : array_like, shape (n,)
        Images labelled, rising; n ≥ 2.
    scores : array_like, shape (n,)
        AUC, or another score, after each round.

    Returns
    -------
    float
        Within the range of the scores.

    Raises
    ------
    ValueError
        Fewer than two rounds, NaN, or images labelled that do not rise.
    """
    x, y = _curve(labelled, scores)
    if len(x) < 2:
        raise ValueError("a curve of fewer than two rounds has no area; label more than one batch")
    return float(np.trapezoid(y, x) / (x[-1] - x[0]))


def images_to_reach(
    labelled: Sequence | np.ndarray, scores: Sequence | np.ndarray, bound: float, share: float = 0.95
) -> int | None:
    """Count the images labelled when a score first reaches a share of a bound.

    Parameters
    ----------
    labelled, scores : array_like, shape (n,)
        As for `area_under_budget_curve`; n ≥ 1.
    bound : float
        Score of the model that was trained on the full pool.
    share : float
        Of the bound.

    Returns
    -------
    int or None
        One of `labelled`; None when no round reaches it.

    Raises
    ------
    ValueError
        NaN, or images labelled that do not rise.
    """
    if not np.isfinite(bound):
        raise ValueError(f"the bound is {bound}; train on the full pool first")
    x, y = _curve(labelled, scores)
    reached = np.flatnonzero(y >= share * bound)
    return int(x[reached[0]]) if len(reached) else None


def _curve(labelled, scores) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(labelled, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"images labelled and scores have shapes {x.shape} and {y.shape}; give one of each per round")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("a round has no finite score; leave out the rounds that were not evaluated")
    if not (np.diff(x) > 0).all():
        raise ValueError("images labelled do not rise from round to round; sort the rounds and give each once")
    return x, y


def corrected_t_test(differences: Sequence | np.ndarray, n_test: float, n_train: float) -> tuple[float, float]:
    """Corrected resampled t-test of differences that were measured on overlapping training sets.

    Nadeau & Bengio, Machine Learning 52 (2003), 239-281: the variance of the mean of k differences is taken as
    (1/k + n_test/n_train) times their variance instead of 1/k, since folds share training images; two-sided, k − 1
    degrees of freedom. With n_test = 0 it is the paired t-test.

    Parameters
    ----------
    differences : array_like, shape (k,)
        One for each fold, k ≥ 2.
    n_test, n_train : float
        Images that a fold tests on, and images that its model was trained on: here the pool.

    Returns
    -------
    statistic, p_value : float
        0 and 1 when all differences are 0; ±infinity and 0 when all are equal otherwise.

    Raises
    ------
    ValueError
        Fewer than two differences, NaN, no training images.
    """
    from scipy.stats import t as student

    differences = _finite(differences, "differences")
    k = len(differences)
    if k < 2:
        raise ValueError(f"{k} fold cannot be tested; a t-test needs at least 2")
    if not (n_test >= 0 and n_train > 0):
        raise ValueError(f"n_test is {n_test} and n_train {n_train}; give the images of a fold's test set and its pool")
    mean = float(differences.mean())
    # Equal differences have no variance, whatever rounding makes of it.
    variance = 0.0 if np.ptp(differences) == 0 else float(differences.var(ddof=1))
    if not variance:
        return (0.0, 1.0) if mean == 0 else (float(np.copysign(np.inf, mean)), 0.0)
    statistic = mean / np.sqrt((1 / k + n_test / n_train) * variance)
    return float(statistic), float(2 * student.sf(abs(statistic), k - 1))


def wilcoxon_test(differences: Sequence | np.ndarray) -> tuple[float, float]:
    """Wilcoxon's signed-rank test of paired differences, two-sided, by ``scipy.stats.wilcoxon``.

    Parameters
    ----------
    differences : array_like, shape (k,)
        One for each fold. Zeros are left out, as Wilcoxon did.

    Returns
    -------
    statistic, p_value : float
        The smaller sum of ranks. 0 and 1 when all differences are 0.

    Raises
    ------
    ValueError
        No differences, or NaN.
    """
    from scipy.stats import wilcoxon

    differences = _finite(differences, "differences")
    if not differences.any():
        return 0.0, 1.0
    found = wilcoxon(differences)
    return float(found.statistic), float(found.pvalue)


def holm(p_values: Sequence | np.ndarray) -> np.ndarray:
    """Adjust p-values for their number: Holm's step-down method (Scandinavian Journal of Statistics 6, 1979, 65-70).

    The i-th smallest of m is multiplied by m − i + 1, is at least as large as the ones before it, and at most 1.

    Parameters
    ----------
    p_values : array_like, shape (m,)
        In [0, 1].

    Returns
    -------
    ndarray of float64, shape (m,)
        In the order of `p_values`.

    Raises
    ------
    ValueError
        NaN, or values outside [0, 1].
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    if not ((p_values >= 0) & (p_values <= 1)).all():
        raise ValueError("a p-value is NaN or outside 0 to 1; Holm's method needs one for every test")
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def compare_strategies(values: pd.DataFrame, *, n_test: float, n_train: float) -> pd.DataFrame:
    """Compare every two strategies by tests that are paired by fold.

    Parameters
    ----------
    values : DataFrame
        Columns strategy, fold, value: one row for each strategy and fold, every strategy on the same folds.
    n_test, n_train : float
        As for `corrected_t_test`.

    Returns
    -------
    DataFrame
        One row for each two strategies, in the order in which they first come: first, second, folds, mean_difference
        (first − second), t and t_p (`corrected_t_test`), wilcoxon and wilcoxon_p (`wilcoxon_test`), t_p_holm and
        wilcoxon_p_holm (`holm` over the rows of this table). Without rows for a single strategy.

    Raises
    ------
    ValueError
        A value is NaN; a strategy has a fold twice, or not all folds that another has; a single fold.
    """
    table = _by_fold(values)
    names = list(table.columns)
    rows = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            differences = (table[first] - table[second]).to_numpy()
            t, t_p = corrected_t_test(differences, n_test, n_train)
            w, w_p = wilcoxon_test(differences)
            rows.append((first, second, len(differences), differences.mean(), t, t_p, np.nan, w, w_p, np.nan))
    pairs = pd.DataFrame(rows, columns=PAIR_COLUMNS)
    for test in ("t_p", "wilcoxon_p"):
        pairs[f"{test}_holm"] = holm(pairs[test])
    return pairs


def win_matrix(
    comparisons: Iterable[pd.DataFrame], strategies: Sequence[str], *, alpha: float = 0.05, test: str = "t_p_holm"
) -> pd.DataFrame:
    """Count how often each strategy beats each other one significantly.

    The pairwise penalty matrix of Ash et al. (ICLR 2020), as counts. One table of comparisons is one experiment: a
    data set, or a data set at one budget.

    Parameters
    ----------
    comparisons : iterable of DataFrame
        Tables of `compare_strategies`.
    strategies : sequence of str
        Rows and columns.
    alpha : float
        A win is a p-value below it.
    test : str
        The column of p-values.

    Returns
    -------
    DataFrame of int64
        By strategy and strategy: in how many tables the row's had the higher mean, significantly.
    """
    wins = pd.DataFrame(0, index=pd.Index(strategies), columns=pd.Index(strategies), dtype=np.int64)
    for pairs in comparisons:
        for row in pairs[pairs[test] < alpha].itertuples():
            winner, loser = (row.first, row.second) if row.mean_difference > 0 else (row.second, row.first)
            wins.loc[winner, loser] += 1
    return wins


def _by_fold(values: pd.DataFrame) -> pd.DataFrame:
    """One row for each fold, one column for each strategy."""
    _finite(values["value"], "values")
    twice = values[values.duplicated(["strategy", "fold"])]
    if len(twice):
        row = twice.iloc[0]
        raise ValueError(f"strategy {row['strategy']!r} has more than one value for fold {row['fold']}; give it once")
    table = values.pivot(index="fold", columns="strategy", values="value")[list(values["strategy"].unique())]
    missing = table.isna()
    if missing.any(axis=None):
        name = missing.any().idxmax()
        raise ValueError(
            f"strategy {name!r} has no value for fold {missing[name].idxmax()}, which another strategy has; tests are "
            "paired by fold, run the missing folds"
        )
    return table


def _finite(values, name: str) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if not values.size or not np.isfinite(values).all():
        raise ValueError(f"the {name} of the folds are missing or not all finite; every fold needs a number")
    return values
