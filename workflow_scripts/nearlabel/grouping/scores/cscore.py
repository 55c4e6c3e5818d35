"""The C-Score and its kin, and what chance alone would give.

The paper is Mathias et al., ICAART 2025, section 3.3.1. What it states beyond the definitions holds only in part:

- Eqs. 3 to 5 (C = k) are for pure clusters. In general 1 ≤ C ≤ min(k, m), with C = min(k, m) exactly where one
  partition refines the other; the lower bound of eq. 6, 0, is never approached.
- "The computation can exceed to higher numbers" contradicts eq. 6, which holds.
- The normalised score does not range to 1: it lies in [1 / (k m), 1 / max(k, m)]; a perfect result with k = m = 2
  has 0.5.
- The convergence difference favours many clusters whatever they hold: for independent balanced partitions it is
  (k − 1) / (m (k + m − 1)), so that it falls with m² even for random labels. Read it beside its null
  (`permutation_null`) and the other measures (`nearlabel.grouping.scores.agreement`).

Here k is the number of near-labels and m that of clusters, both counted over the images that have a near-label.
"""

from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

import numpy as np

from nearlabel.grouping.scores.contingency import contingency_table, jaccard_table

# A C-Score is rounded: a difference below this is 0, and two differences this close tie.
TIE = 1e-12
# Cells of the random tables held at a time: 16 MB each for the counts and for their Jaccard similarities.
HELD_CELLS = 2_000_000


def c_score(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> float:
    """C-Score: the sum of the Jaccard similarities of all pairs of a near-label and a cluster.

    Defined in section 3.3.1 (the display before eq. 3); at most min(k, m) (eq. 6), and at least 1. Symmetric in its
    arguments to the last bit. Computed from the contingency table in O(n + k m).

    Parameters
    ----------
    near_labels, clusters : array_like, shape (n,)
        Near-label and cluster of each image. Images without near-label (empty text, None, NaN) are left out.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Different lengths, or no image with a near-label.
    """
    return score_table(contingency_table(near_labels, clusters))["c_score"]


def normalized_c_score(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> float:
    """C-Score divided by k m (section 3.3.1, before eq. 7); at most min(1 / k, 1 / m) (eq. 7), not 1 as the text says.

    Parameters
    ----------
    near_labels, clusters : array_like, shape (n,)
        As for `c_score`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As for `c_score`.
    """
    return score_table(contingency_table(near_labels, clusters))["normalized_c_score"]


def convergence_difference(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> float:
    """C-Score convergence difference D = (min(k, m) − C) / (k m): the normalised score below its limit, eq. 7.

    0 exactly where one partition refines the other: a single near-label, a single cluster, clusters of one image each,
    pure clusters. The smaller the better, but see the module's text: many clusters lower it by themselves.

    Parameters
    ----------
    near_labels, clusters : array_like, shape (n,)
        As for `c_score`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As for `c_score`.
    """
    return score_table(contingency_table(near_labels, clusters))["convergence_difference"]


def best_match_jaccard(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> float:
    """Two-way best-match Jaccard: how well each near-label has a cluster of its own, and each cluster a near-label.

    (mean over near-labels of the largest Jaccard similarity with any cluster + mean over clusters of the largest with
    any near-label) / 2, every near-label and every cluster counting the same. 1 exactly for equal partitions; unlike
    the C-Score it falls when a near-label is split.

    Parameters
    ----------
    near_labels, clusters : array_like, shape (n,)
        As for `c_score`.

    Returns
    -------
    float
        In (0, 1].

    Raises
    ------
    ValueError
        As for `c_score`.
    """
    return score_table(contingency_table(near_labels, clusters))["best_match_jaccard"]


class PermutationNull(NamedTuple):
    """The convergence difference beside those of clusters that know nothing of the near-labels.

    Attributes
    ----------
    observed : float
        The clustering's own difference.
    mean : float
        Mean of `differences`.
    ratio : float
        observed / mean: 0 pure, 1 as expected by chance; NaN where the mean is 0, as with a single near-label, a single
        cluster or clusters of one image each.
    p_value : float
        One-sided, a small difference being good: (1 + number of `differences` ≤ observed) / (1 + permutations). Never
        0; 1 where the mean is 0.
    low, high : float
        5 % and 95 % quantiles of `differences`.
    differences : ndarray, shape (permutations,)
        The null's differences, in the order drawn.
    """

    observed: float
    mean: float
    ratio: float
    p_value: float
    low: float
    high: float
    differences: np.ndarray


def permutation_null(
    near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray, permutations: int, seed: int
) -> PermutationNull:
    """Compare the convergence difference with its distribution when near-labels are shuffled among the images.

    Shuffling keeps how many images each near-label and each cluster has, so it is the draw of a random contingency
    table with these margins: SciPy's ``random_table`` by Patefield's algorithm (AS 159, 1981), whose cost hardly
    depends on the number of images. k and m stay the same, so that the null has the preference for many clusters that
    the difference itself has. Depends on the partitions only: not on names, nor on which of the two is which.

    Parameters
    ----------
    near_labels, clusters : array_like, shape (n,)
        As for `c_score`.
    permutations : int
        Tables to draw, at least 1; the smallest p-value is 1 / (1 + permutations), so give 200 or more.
    seed : int
        Of the draw.

    Returns
    -------
    PermutationNull

    Raises
    ------
    ValueError
        As for `c_score`; fewer than 1 permutation.
    """
    return null_of_table(contingency_table(near_labels, clusters), permutations, seed)


def score_table(table: np.ndarray) -> dict[str, float]:
    """Compute every measure of this module, by name, from one contingency table.

    Parameters
    ----------
    table : ndarray of int, shape (k, m)
        As `contingency_table` gives.

    Returns
    -------
    dict of str to float
        c_score, normalized_c_score, convergence_difference, best_match_jaccard: see the functions of these names.
    """
    jaccard = jaccard_table(table)
    # fsum is the same in any order of the terms: renaming or swapping the partitions changes no bit.
    score = fsum(jaccard.ravel())
    return {
        "c_score": score,
        "normalized_c_score": score / table.size,
        "convergence_difference": float(_difference(score, table.shape)),
        "best_match_jaccard": float(jaccard.max(axis=1).mean() + jaccard.max(axis=0).mean()) / 2,
    }


def null_of_table(table: np.ndarray, permutations: int, seed: int) -> PermutationNull:
    """Draw the null of `permutation_null` for a contingency table.

    Parameters
    ----------
    table : ndarray of int, shape (k, m)
        As `contingency_table` gives.
    permutations, seed
        As for `permutation_null`.

    Returns
    -------
    PermutationNull

    Raises
    ------
    ValueError
        Fewer than 1 permutation.
    """
    if permutations < 1:
        raise ValueError(f"permutations is {permutations}; a null needs at least 1, and 200 to be of use")
    differences = _draw_differences(table, permutations, seed)
    observed = score_table(table)["convergence_difference"]
    mean = float(differences.mean())
    low, high = np.quantile(differences, [0.05, 0.95])
    as_small = int(np.count_nonzero(differences <= observed + TIE))
    return PermutationNull(
        observed=observed,
        mean=mean,
        ratio=observed / mean if mean else np.nan,
        p_value=(1 + as_small) / (1 + permutations),
        low=float(low),
        high=float(high),
        differences=differences,
    )


def _draw_differences(table: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    differences = np.zeros(permutations)
    if min(table.shape) == 1:
        # There is but one table with these margins; random_table (SciPy 1.17) gives wrong ones here.
        return differences
    from scipy.stats import random_table

    # Renamed or swapped partitions have the same margins in this order, so the same draws.
    rows, columns = sorted((sorted(table.sum(axis=axis).tolist()) for axis in (0, 1)), key=lambda m: (len(m), m))
    tables = random_table(rows, columns)
    rng = np.random.default_rng(seed)
    held = max(1, HELD_CELLS // table.size)
    for start in range(0, permutations, held):
        stop = min(start + held, permutations)
        drawn = tables.rvs(stop - start, method="patefield", random_state=rng)
        differences[start:stop] = _difference(jaccard_table(drawn).sum(axis=(-2, -1)), table.shape)
    return differences


def _difference(score: float | np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    difference = (min(shape) - score) / (shape[0] * shape[1])
    # A pure clustering must tie with another at 0.
    return np.where(difference > TIE, difference, 0.0)
