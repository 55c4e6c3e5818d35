"""Sums of distances from points to the clusters of many clusterings, a few points at a time: what silhouettes need."""

import os
import shutil
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

# Squared distances below this share of the squared norms are rounding noise of ‖x‖² + ‖y‖² − 2xy: the points coincide.
COINCIDENT = 1e-13
# Distances held at a time on the CPU: about 3 MB, so that they stay in cache while every clustering sums them.
CACHED_DISTANCES = 400_000


class Partition(NamedTuple):
    """One clustering among many.

    Attributes
    ----------
    own : ndarray of int32, shape (n,)
        Number of each point's cluster within the clustering, from 0.
    rows : ndarray of int, shape (k,)
        The clusters' rows in the membership matrix.
    sizes : ndarray of int, shape (k,)
        Points in each cluster.
    """

    own: np.ndarray
    rows: np.ndarray
    sizes: np.ndarray


def index_clusters(labelings: Iterable[np.ndarray], n: int) -> tuple[list[Partition | None], csr_array]:
    """Find the distinct clusters of many clusterings; one that several share, as the cuts of a tree do, counts once.

    Parameters
    ----------
    labelings : iterable of array_like, shape (n,)
        One clustering each; any values.
    n : int
        Number of points.

    Returns
    -------
    partitions : list of Partition or None
        None for a clustering without silhouette: a single cluster, or as many as points.
    members : sparse array of float64, shape (number of distinct clusters, n)
        1 where a point is in a cluster.

    Raises
    ------
    ValueError
        Labels that are not one for each point.
    """
    partitions: list[Partition | None] = []
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
        partitions.append(Partition(own.astype(np.int32), np.array(rows), sizes))
    ends = np.concatenate([[0], np.cumsum([len(cluster) for cluster in clusters], dtype=np.int64)])
    indices = np.concatenate([*clusters, np.empty(0, np.int32)])
    return partitions, csr_array((np.ones(len(indices)), indices, ends), shape=(len(clusters), n))


def pick_device(device: str) -> str:
    """Resolve ``auto``: ``cuda`` where there is a GPU that torch can use, else ``cpu``; other names are kept."""
    if device != "auto":
        return device
    # Importing torch takes seconds: only where there is a driver.
    if not (os.path.exists("/dev/nvidiactl") or shutil.which("nvidia-smi")):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def sums_on_cpu(
    points: np.ndarray, members: csr_array, targets: np.ndarray | None = None
) -> Callable[[int, int], np.ndarray]:
    """Prepare summing distances to every cluster.

    Parameters
    ----------
    points : ndarray of float64, shape (n, d)
        All points.
    members : sparse array, shape (number of clusters, n)
        From `index_clusters`.
    targets : ndarray of int, shape (m,), optional
        Points whose distances are wanted; all if absent.

    Returns
    -------
    function (start, stop) -> ndarray of float64, shape (number of clusters, stop - start)
        Summed distances of targets start … stop to the members of every cluster.
    """
    norms = np.einsum("ij,ij->i", points, points)
    width = max(16, min(256, CACHED_DISTANCES // len(points)))

    def sums(start: int, stop: int) -> np.ndarray:
        found = np.empty((members.shape[0], stop - start))
        for left in range(start, stop, width):
            right = min(left + width, stop)
            chosen = slice(left, right) if targets is None else targets[left:right]
            scale = norms[:, np.newaxis] + norms[chosen]
            squared = points @ points[chosen].T
            squared *= -2
            squared += scale
            scale *= COINCIDENT
            squared[squared < scale] = 0
            squared[np.arange(left, right) if targets is None else chosen, np.arange(right - left)] = 0
            found[:, left - start : right - start] = members @ np.sqrt(squared, out=squared)
        return found

    return sums


def sums_on_torch(
    points: np.ndarray, members: csr_array, device: str, targets: np.ndarray | None = None
) -> Callable[[int, int], np.ndarray]:
    """`sums_on_cpu` on a torch device, by dense products: on a GPU sparse ones may differ from run to run."""
    import torch

    points = torch.from_numpy(points).to(device)
    members = torch.from_numpy(members.astype(np.uint8).toarray()).to(device)
    norms = (points * points).sum(1)
    targets = torch.arange(len(points)) if targets is None else torch.from_numpy(targets)

    def sums(start: int, stop: int) -> np.ndarray:
        chosen = targets[start:stop].to(device)
        scale = norms[:, None] + norms[chosen]
        squared = scale - 2 * (points @ points[chosen].T)
        squared[squared < COINCIDENT * scale] = 0
        squared[chosen, torch.arange(stop - start, device=device)] = 0
        distances = squared.sqrt_()
        return torch.cat([some.double() @ distances for some in members.split(1024)]).cpu().numpy()

    return sums
