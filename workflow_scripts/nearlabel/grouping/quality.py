"""Scores that need no labels: entropy of the cluster sizes and exact silhouettes of many clusterings in one pass."""

import logging
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from nearlabel.grouping.labels import LabelBlock

logger = logging.getLogger(__name__)

QUALITY_COLUMNS = ["algorithm", "k", "entropy", "silhouette", "smallest", "largest", "flags"]

# Squared distances below this share of the squared norms are rounding noise of ‖x‖² + ‖y‖² − 2xy: the points coincide.
COINCIDENT = 1e-13
# Distances held at a time on the CPU: about 3 MB, so that they stay in cache while every clustering sums them.
CACHED_DISTANCES = 400_000
# Images whose distances to every cluster are held at a time.
STRIP = 512


def label_entropy(labels: Sequence | np.ndarray) -> float:
    """Entropy of a clustering's sizes, in bits.

    Mathias et al. 2025, eq. 1: H = −Σ p log₂ p over the clusters, p their shares of the points. 0 for a single
    cluster, log₂ k for k equal ones. Depends on the sizes only, to the last bit.

    Parameters
    ----------
    labels : array_like, shape (n,)
        Cluster of each point, n ≥ 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        No labels.
    """
    labels = np.asarray(labels)
    if not labels.size:
        raise ValueError("there are no labels; entropy needs at least one")
    share = np.sort(np.unique(labels, return_counts=True)[1]) / labels.size
    return abs(float(np.sum(share * np.log2(share))))


def silhouette_scores(
    features: np.ndarray, labelings: Iterable[np.ndarray], *, threads: int = 1, device: str = "auto"
) -> np.ndarray:
    """Mean silhouettes of many clusterings of the same points: exact, Euclidean, float64.

    s = (b − a) / max(a, b) averaged over all points, a the mean distance to the other points of the own cluster, b the
    smallest mean distance to the points of another (Rousseeuw 1987; Mathias et al. 2025, eq. 2); s = 0 for a
    point alone in its cluster and where a = b = 0. Agrees with ``sklearn.metrics.silhouette_score``. Points closer than
    about 3e-7 of their distance from the features' median are taken to coincide.

    Distances are computed a few columns at a time, summed over every cluster (membership matrix times distances) and
    forgotten: memory grows with n · (d + number of clusterings), on a GPU n · (d + number of clusters), never with n².
    A cluster that several clusterings share, as the cuts of one tree do, is summed once, so that the same partition
    always has the same score.

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
    points = np.ascontiguousarray(features, dtype=np.float64)
    if points.ndim != 2 or not np.isfinite(points).all():
        raise ValueError(f"features of shape {points.shape} are no table of finite numbers; remove NaN and infinity")
    partitions, members = _index_clusters(labelings, len(points))
    scores = np.full(len(partitions), np.nan)
    defined = [i for i, partition in enumerate(partitions) if partition is not None]
    if not defined:
        return scores
    # Distances do not change, and the expansion of the square loses fewer digits; a mean would follow an outlier.
    points = points - np.median(points, axis=0)
    device = _pick_device(device)
    sums = _sums_on_cpu(points, members) if device == "cpu" else _sums_on_torch(points, members, device)
    add_up = partial(_sum_silhouettes, sums=sums, partitions=[partitions[i] for i in defined])
    strips = [(start, min(start + STRIP, len(points))) for start in range(0, len(points), STRIP)]
    totals = np.zeros(len(defined))
    with ThreadPoolExecutor(threads if device == "cpu" else 1) as pool:
        for total in pool.map(add_up, strips):
            totals += total
    scores[defined] = totals / len(points)
    return scores


class _Partition(NamedTuple):
    own: np.ndarray  # (n,) number of each point's cluster within the clustering
    rows: np.ndarray  # (k,) the clusters' rows in the membership matrix
    sizes: np.ndarray  # (k,)


def _index_clusters(labelings: Iterable[np.ndarray], n: int) -> tuple[list[_Partition | None], csr_array]:
    """Find the distinct clusters; None for a clustering whose silhouette is undefined."""
    partitions: list[_Partition | None] = []
    row_of: dict[bytes, int] = {}
    clusters: list[np.ndarray] = []
    for labels in labelings:
        labels = np.asarray(labels)
        if labels.shape != (n,):
            raise ValueError(f"labels have shape {labels.shape} for {n} points; give one label for each point")
        _, own, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        if not 2 <= len(sizes) <= n - 1:
            partitions.append(None)
            continue
        order = np.argsort(own, kind="stable").astype(np.int32)
        rows = []
        for cluster in np.split(order, np.cumsum(sizes)[:-1]):
            row = row_of.setdefault(blake2b(cluster.tobytes(), digest_size=16).digest(), len(clusters))
            if row == len(clusters):
                clusters.append(cluster)
            rows.append(row)
        partitions.append(_Partition(own.astype(np.int32), np.array(rows), sizes))
    ends = np.concatenate([[0], np.cumsum([len(cluster) for cluster in clusters], dtype=np.int64)])
    indices = np.concatenate([*clusters, np.empty(0, np.int32)])
    return partitions, csr_array((np.ones(len(indices)), indices, ends), shape=(len(clusters), n))


def _pick_device(device: str) -> str:
    if device != "auto":
        return device
    # Importing torch takes seconds: only where there is a driver.
    if not (os.path.exists("/dev/nvidiactl") or shutil.which("nvidia-smi")):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _sums_on_cpu(points: np.ndarray, members: csr_array) -> Callable[[int, int], np.ndarray]:
    """Return a function giving, for points start … stop, their summed distances to every cluster (clusters, points)."""
    norms = np.einsum("ij,ij->i", points, points)
    width = max(16, min(256, CACHED_DISTANCES // len(points)))

    def sums(start: int, stop: int) -> np.ndarray:
        found = np.empty((members.shape[0], stop - start))
        for left in range(start, stop, width):
            right = min(left + width, stop)
            scale = norms[:, np.newaxis] + norms[left:right]
            squared = points @ points[left:right].T
            squared *= -2
            squared += scale
            scale *= COINCIDENT
            squared[squared < scale] = 0
            squared[np.arange(left, right), np.arange(right - left)] = 0
            found[:, left - start : right - start] = members @ np.sqrt(squared, out=squared)
        return found

    return sums


def _sums_on_torch(points: np.ndarray, members: csr_array, device: str) -> Callable[[int, int], np.ndarray]:
    """`_sums_on_cpu` on a torch device, by dense products: on a GPU sparse ones may differ from run to run."""
    import torch

    points = torch.from_numpy(points).to(device)
    members = torch.from_numpy(members.astype(np.uint8).toarray()).to(device)
    norms = (points * points).sum(1)

    def sums(start: int, stop: int) -> np.ndarray:
        scale = norms[:, None] + norms[start:stop]
        squared = scale - 2 * (points @ points[start:stop].T)
        squared[squared < COINCIDENT * scale] = 0
        squared[torch.arange(start, stop), torch.arange(stop - start)] = 0
        distances = squared.sqrt_()
        return torch.cat([some.double() @ distances for some in members.split(1024)]).cpu().numpy()

    return sums


def _sum_silhouettes(
    strip: tuple[int, int], sums: Callable[[int, int], np.ndarray], partitions: list[_Partition]
) -> np.ndarray:
    start, stop = strip
    sums_of_all = sums(start, stop)
    column = np.arange(stop - start)
    totals = np.empty(len(partitions))
    for i, (own, rows, sizes) in enumerate(partitions):
        mine = own[start:stop]
        size = sizes[mine]
        means = sums_of_all[rows]
        within = means[mine, column] / np.maximum(size - 1, 1)
        means /= sizes[:, np.newaxis]
        means[mine, column] = np.inf
        nearest = means.min(axis=0)
        larger = np.maximum(within, nearest)
        counted = (size > 1) & (larger > 0)
        totals[i] = np.sum((nearest[counted] - within[counted]) / larger[counted])
    return totals


def cluster_silhouettes(features: np.ndarray, labels: Sequence | np.ndarray) -> np.ndarray:
    """Mean silhouette of each cluster of one clustering: how far its own points lie from the other clusters.

    By scikit-learn's ``silhouette_samples`` (Rousseeuw 1987), Euclidean, float64. Weighted by the clusters' sizes, the
    values average to what `silhouette_scores` gives. 0 for a cluster of one point.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Finite numbers.
    labels : array_like of int, shape (n,)
        Number of each point's cluster, from 0.

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
    if not 2 <= np.count_nonzero(sizes) <= len(points) - 1:
        return np.full(len(sizes), np.nan)
    from sklearn import config_context
    from sklearn.metrics import silhouette_samples

    # As in `silhouette_scores`: without its origin the square loses fewer digits. 64 MiB of distances at a time.
    with config_context(working_memory=64):
        values = silhouette_samples(points - np.median(points, axis=0), labels)
    sums = np.bincount(labels, weights=values)
    return np.divide(sums, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)


def score_clusterings(
    features: np.ndarray, blocks: Mapping[str, LabelBlock], *, threads: int = 1, device: str = "auto"
) -> pd.DataFrame:
    """Score every clustering by its sizes and by its silhouette.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        What was clustered.
    blocks : mapping of str to LabelBlock
        What `nearlabel.grouping.labels.read_labels` gave.
    threads, device
        As for `silhouette_scores`.

    Returns
    -------
    DataFrame
        ``quality.csv``: algorithm, k, entropy (bits), silhouette (NaN where undefined), smallest and largest (images in
        the smallest and largest cluster), flags (joined by ``;``). Algorithms as given, k ascending; a k above the
        number of images has no row.

    Raises
    ------
    ValueError
        Features and labels differ in length.
    """
    rows, labelings = [], []
    for algorithm, block in blocks.items():
        for k, labels in block.labels.items():
            sizes = np.unique(labels, return_counts=True)[1]
            flags = ";".join(block.flags[k])
            rows.append((algorithm, k, label_entropy(labels), np.nan, sizes.min(), sizes.max(), flags))
            labelings.append(labels)
        if block.cut:
            logger.info("%s: no clustering for k = %s, above the number of images", algorithm, block.cut)
    quality = pd.DataFrame(rows, columns=QUALITY_COLUMNS)
    quality["silhouette"] = silhouette_scores(features, labelings, threads=threads, device=device)
    return quality
