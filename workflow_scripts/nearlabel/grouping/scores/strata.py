"""Samples of points stratified by cluster, and the means and variances that they give."""

import numpy as np

from nearlabel.grouping.scores.distance_sums import Partition


def draw_strata(partitions: list[Partition], n: int, sample: int, seed: int, least: int) -> list[np.ndarray]:
    """Draw each clustering's points: the first of a random order, the same for all, and some of each cluster.

    Parameters
    ----------
    partitions : list of Partition
        Clusterings of the same n points.
    n : int
        Number of points.
    sample : int
        Points of the order that every clustering takes.
    seed : int
        Of the order.
    least : int
        Points that a clustering takes of each of its clusters at least, the first in the order; all of a smaller one.

    Returns
    -------
    list of ndarray of int
        Points of each clustering, in the random order. Given how many are of a cluster, they are a simple random sample
        of it.
    """
    order = np.random.default_rng(seed).permutation(n)
    taken = []
    for partition in partitions:
        starts = np.cumsum(partition.sizes) - partition.sizes
        # Rank of each point of the order among those of its cluster.
        rank = np.empty(n, dtype=np.int64)
        rank[np.argsort(partition.own[order], kind="stable")] = np.arange(n) - np.repeat(starts, partition.sizes)
        taken.append(order[(np.arange(n) < sample) | (rank < least)])
    return taken


def average_strata(partition: Partition, taken: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the mean of a quantity over each cluster.

    Parameters
    ----------
    partition : Partition
        The clustering.
    taken : ndarray of int, shape (m,)
        Points drawn, some of every cluster.
    values : ndarray of float64, shape (m,)
        The quantity at those points.

    Returns
    -------
    means : ndarray of float64, shape (k,)
        Mean of each cluster's points.
    variances : ndarray of float64, shape (k,)
        Of those means: (1 − m_c / n_c) s_c² / m_c, 0 for a cluster that was taken whole.
    """
    cluster, sizes = partition.own[taken], partition.sizes
    counts = np.bincount(cluster, minlength=len(sizes))
    means = np.bincount(cluster, weights=values, minlength=len(sizes)) / counts
    squares = np.bincount(cluster, weights=(values - means[cluster]) ** 2, minlength=len(sizes))
    # A cluster of one point is taken whole: its mean has no variance.
    spread = squares / np.maximum(counts - 1, 1)
    return means, (1 - counts / sizes) * spread / counts
