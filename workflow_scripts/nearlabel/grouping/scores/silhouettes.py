"""Silhouettes of many clusterings in one pass over the distances: exact, or of a sample with its standard error."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from nearlabel.bars import Progress
from nearlabel.grouping.scores.distance_sums import Partition, index_clusters, pick_device, sums_on_cpu, sums_on_torch
from nearlabel.grouping.scores.limits import EXACT_UP_TO, SAMPLE
from nearlabel.grouping.scores.strata import average_strata, draw_strata

logger = logging.getLogger(__name__)

# Points whose distances to every cluster are held at a time.
STRIP = 512
# Points that a sample holds of every cluster at least: with two there is a variance, with ten one to rely on.
LEAST = 10
# The same where each cluster's own silhouette is wanted.
LEAST_OF_ONE = 100


def silhouette_scores(
    features: np.ndarray, labelings: Iterable[np.ndarray], *, threads: int = 1, device: str = "cpu"
) -> np.ndarray:
    """Mean silhouettes of many clusterings of the same points: exact, Euclidean, float64.

    s = (b − a) / max(a, b) averaged over all points, a the mean distance to the other points of the own cluster, b the
    smallest mean distance to the points of another (Rousseeuw 1987; Mathias et al. 2025, eq. 2); s = 0 for a
    point alone in its cluster and where a = b = 0. Agrees with ``sklearn.metrics.silhouette_score``. Points closer than
    about 3e-7 of their distance from the features' median are taken to coincide.

    Distances are computed a few columns at a time, summed over every cluster (membership matrix times distances) and
    forgotten: memory grows with n · (d + number of clusterings), on a GPU n · (d + number of clusters), never with n²;
    time does. A cluster that several clusterings share, as the cuts of one tree do, is summed once, so that the same
    partition always has the same score.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Finite numbers.
    labelings : iterable of array_like, shape (n,)
        One clustering each; any values.
    threads : int
        Threads that work side by side. Their number changes no bit, but the number of threads of the BLAS library may;
        keep that at 1 when this is above 1.
    device : {"auto", "cpu", "cuda"} or a torch device
        ``auto``: torch on CUDA when there is a GPU that torch can use, else the CPU without torch.

    Returns
    -------
    ndarray of float64, shape (number of clusterings,)
        NaN where scikit-learn refuses: a single cluster, or as many as points.

    Raises
    ------
    ValueError
        Features that are not finite; labels of another length than the features.
    """
    points = _check_points(features)
    partitions, members = index_clusters(labelings, len(points))
    scores = np.full(len(partitions), np.nan)
    defined = [i for i, partition in enumerate(partitions) if partition is not None]
    if not defined:
        return scores
    points = _centre(points)
    device = pick_device(device)
    sums = sums_on_cpu(points, members) if device == "cpu" else sums_on_torch(points, members, device)
    add_up = partial(_sum_silhouettes, sums=sums, partitions=[partitions[i] for i in defined])
    totals = np.zeros(len(defined))
    strips = _strips(len(points))
    with ThreadPoolExecutor(threads if device == "cpu" else 1) as pool, Progress(len(points), "images") as progress:
        for (start, stop), total in zip(strips, pool.map(add_up, strips), strict=True):
            totals += total
            progress.update(stop - start)
    scores[defined] = totals / len(points)
    return scores


class Estimates(NamedTuple):
    """Mean silhouettes of clusterings, estimated.

    Attributes
    ----------
    scores : ndarray of float64, shape (number of clusterings,)
        NaN where undefined.
    standard_errors : ndarray of float64, shape (number of clusterings,)
        Of the scores; NaN where undefined, 0 where all points were taken.
    samples : ndarray of int, shape (number of clusterings,)
        Points that each score is from.
    """

    scores: np.ndarray
    standard_errors: np.ndarray
    samples: np.ndarray


def estimate_silhouettes(
    features: np.ndarray,
    labelings: Iterable[np.ndarray],
    *,
    sample: int,
    seed: int,
    threads: int = 1,
    device: str = "cpu",
) -> Estimates:
    """Estimate mean silhouettes of many clusterings from a seeded sample, stratified by cluster.

    A sampled point's own silhouette is exact: its distances to all n points count. Only the mean over the points is
    estimated, so that nothing but the choice of points errs, without bias. (Silhouettes within a sample would be off by
    what its few points say of each cluster.)

    Points are put in one random order. A clustering's sample is the first `sample` of them, the same for all
    clusterings, so that one pass over the distances serves all and two clusterings are compared on the same points;
    and, of each cluster that has fewer than 10 there, its first 10 in that order (all of a smaller one), which count
    for this clustering only. Given how many, each cluster's points are a simple random sample of it. The score is
    Σ (n_c / n) · mean of cluster c's sample, its variance Σ (n_c / n)² (1 − m_c / n_c) s_c² / m_c, with n_c points in
    the cluster, m_c of them sampled, s_c² the variance of their silhouettes (Cochran, Sampling Techniques, 1977, 5.3
    and 5A.9). Time grows with n · `sample`, memory as for `silhouette_scores`.

    Parameters
    ----------
    features, labelings, threads, device
        As for `silhouette_scores`.
    sample : int
        Points that all clusterings share, at least 1.
    seed : int
        Of the order. The same for other features of the same points samples the same points.

    Returns
    -------
    Estimates

    Raises
    ------
    ValueError
        As for `silhouette_scores`; a sample of less than 1 point.
    """
    if sample < 1:
        raise ValueError(f"sample is {sample}; silhouettes need at least 1 point")
    points = _check_points(features)
    partitions, members = index_clusters(labelings, len(points))
    defined = [partition for partition in partitions if partition is not None]
    taken = draw_strata(defined, len(points), sample, seed, LEAST)
    values, place = _silhouettes_of(points, members, defined, taken, threads, device)
    found = np.full((2, len(partitions)), np.nan)
    counts = np.zeros(len(partitions), dtype=int)
    numbers = [i for i, partition in enumerate(partitions) if partition is not None]
    for i, partition, row, own in zip(numbers, defined, values, taken, strict=True):
        means, variances = average_strata(partition, own, row[place[own]])
        share = partition.sizes / len(points)
        found[:, i] = share @ means, np.sqrt(share**2 @ variances)
        counts[i] = len(own)
    return Estimates(*found, counts)


def cluster_silhouettes(
    features: np.ndarray,
    labels: Sequence | np.ndarray,
    *,
    exact_up_to: int = EXACT_UP_TO,
    sample: int = SAMPLE,
    seed: int = 0,
) -> np.ndarray:
    """Mean silhouette of each cluster of one clustering: how far its own points lie from the other clusters.

    By scikit-learn's ``silhouette_samples`` (Rousseeuw 1987), Euclidean, float64. Weighted by the clusters' sizes, the
    values average to what `silhouette_scores` gives. 0 for a cluster of one point. For more than `exact_up_to` points
    estimated as by `estimate_silhouettes`, with at least 100 points of each cluster (all of a smaller one); the log
    gives the largest standard error.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Finite numbers.
    labels : array_like of int, shape (n,)
        Number of each point's cluster, from 0.
    exact_up_to : int
        Points up to which all of them count.
    sample, seed
        As for `estimate_silhouettes`, above that.

    Returns
    -------
    ndarray of float64, shape (largest label + 1,)
        NaN for a number that no point has, and for all where silhouettes are undefined: a single cluster, or as many
        as points.

    Raises
    ------
    ValueError
        Features that are not finite; labels that are no whole numbers from 0, one for each point.
    """
    points, labels = np.asarray(features, dtype=np.float64), np.asarray(labels)
    if labels.shape != points.shape[:1] or labels.dtype.kind not in "iu" or not labels.size or labels.min() < 0:
        raise ValueError(f"labels do not number the clusters of {len(points)} points; give each point a whole number")
    sizes = np.bincount(labels)
    found = np.full(len(sizes), np.nan)
    if not 2 <= np.count_nonzero(sizes) <= len(points) - 1:
        return found
    if len(points) > exact_up_to:
        [partition], members = index_clusters([labels], len(points))
        taken = draw_strata([partition], len(points), sample, seed, LEAST_OF_ONE)
        values, place = _silhouettes_of(_check_points(points), members, [partition], taken, 1, "cpu")
        found[sizes > 0], variances = average_strata(partition, taken[0], values[0][place[taken[0]]])
        worst = np.sqrt(variances.max())
        logger.info("silhouettes of clusters: %d of %d images, error up to %.2g", len(taken[0]), len(points), worst)
        return found
    from sklearn import config_context
    from sklearn.metrics import silhouette_samples

    # As in `silhouette_scores`: without its origin the square loses fewer digits. 64 MiB of distances at a time.
    with config_context(working_memory=64):
        values = silhouette_samples(_centre(points), labels)
    return np.divide(np.bincount(labels, weights=values), sizes, out=found, where=sizes > 0)


def _check_points(features: np.ndarray) -> np.ndarray:
    points = np.ascontiguousarray(features, dtype=np.float64)
    if points.ndim != 2 or not np.isfinite(points).all():
        raise ValueError(f"features of shape {points.shape} are no table of finite numbers; remove NaN and infinity")
    return points


def _centre(points: np.ndarray) -> np.ndarray:
    """Move the origin: distances do not change, and the square's expansion loses fewer digits.

    To the median, as a mean would follow an outlier.
    """
    return points - np.median(points, axis=0)


def _strips(count: int) -> list[tuple[int, int]]:
    return [(start, min(start + STRIP, count)) for start in range(0, count, STRIP)]


def _sum_silhouettes(
    strip: tuple[int, int], sums: Callable[[int, int], np.ndarray], partitions: list[Partition]
) -> np.ndarray:
    start, stop = strip
    sums_of_all = sums(start, stop)
    totals = np.empty(len(partitions))
    for i, partition in enumerate(partitions):
        totals[i] = np.sum(_point_silhouettes(sums_of_all, partition, partition.own[start:stop])[1])
    return totals


def _point_silhouettes(sums: np.ndarray, partition: Partition, mine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For points of clusters `mine`: which have a silhouette other than 0 by definition, and those silhouettes."""
    column = np.arange(len(mine))
    size = partition.sizes[mine]
    means = sums[partition.rows]
    within = means[mine, column] / np.maximum(size - 1, 1)
    means /= partition.sizes[:, np.newaxis]
    means[mine, column] = np.inf
    nearest = means.min(axis=0)
    larger = np.maximum(within, nearest)
    counted = (size > 1) & (larger > 0)
    return counted, (nearest[counted] - within[counted]) / larger[counted]


def _silhouettes_of(
    points: np.ndarray,
    members: csr_array,
    partitions: list[Partition],
    taken: list[np.ndarray],
    threads: int,
    device: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Silhouettes (clusterings, targets) of every point that some clustering took; each point's place among them."""
    targets = np.unique(np.concatenate([*taken, np.empty(0, np.int64)]))
    place = np.full(len(points), -1)
    place[targets] = np.arange(len(targets))
    values = np.zeros((len(partitions), len(targets)))
    points, device = _centre(points), pick_device(device)
    on_cpu = device == "cpu"
    sums = sums_on_cpu(points, members, targets) if on_cpu else sums_on_torch(points, members, device, targets)

    def fill(strip: tuple[int, int]) -> int:
        start, stop = strip
        sums_of_all = sums(start, stop)
        for row, partition in zip(values, partitions, strict=True):
            counted, found = _point_silhouettes(sums_of_all, partition, partition.own[targets[start:stop]])
            row[start:stop][counted] = found
        return stop - start

    with ThreadPoolExecutor(threads if on_cpu else 1) as pool, Progress(len(targets), "images") as progress:
        for count in pool.map(fill, _strips(len(targets))):
            progress.update(count)
    return values, place
