"""The nearest other images of each image, exactly, ties by position."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from nearlabel.bars import Progress

# Images named beyond those wanted: the image itself, copies of it, near-duplicates.
_MORE = 20
# Images asked about at a time.
_ROWS = 4096
# Squared distances held at a time: 64 MB, and twice as much while they are sorted.
_HELD = 8_000_000
# Pairs whose distance is computed anew at a time.
_PAIRS = 200_000
# Of ‖x‖² + ‖y‖² − 2xy, the error as a share of the norms; see `nearlabel.grouping.scores.distance_sums`.
_ERROR = 1e-12


def nearest_images(features: np.ndarray, k: int, groups: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Find the k nearest other images of each image: exact, Euclidean, in float64.

    Scikit-learn names some more than k by the square's expansion; their distances are computed once more from the
    differences. Where an image that was not named may be nearer than the k-th, by the expansion's rounding error or at
    the same distance, all images are looked at. So the order depends on no number of threads, images with the same
    features are at distance 0 exactly, and ties go by position. Time grows with n², memory with n.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Finite numbers.
    k : int
        Neighbours wanted, at least 1; cut to n − 1.
    groups : ndarray of int, shape (n,), optional
        Images with one number are no neighbours of each other, as near-duplicates. By default each is alone.

    Returns
    -------
    neighbors : ndarray of int32, shape (n, min(k, n − 1))
        Positions, nearest first; −1 where there are fewer images of other groups.
    distances : ndarray of float64, of the same shape
        Infinite there.

    Raises
    ------
    ValueError
        Features that are not finite, or no table.
    """
    points = check_features(features)
    n = len(points)
    groups = np.arange(n) if groups is None else np.asarray(groups)
    k = max(0, min(k, n - 1))
    neighbors, distances = np.full((n, k), -1, np.int32), np.full((n, k), np.inf)
    if not k:
        return neighbors, distances
    # Without its origin the square loses fewer digits; to the median, as a mean would follow an outlier.
    points = points - np.median(points, axis=0)
    norms = np.einsum("ij,ij->i", points, points)
    asked = min(n, k + 1 + _MORE)
    index = NearestNeighbors(n_neighbors=asked, algorithm="brute").fit(points)
    left = []
    with Progress(n, "images") as progress:
        for start in range(0, n, _ROWS):
            rows = np.arange(start, min(start + _ROWS, n))
            reported, named = index.kneighbors(points[rows])
            own, other = np.repeat(rows, asked), named.ravel()
            allowed = groups[own] != groups[other]
            _fill(points, own[allowed], other[allowed], neighbors, distances)
            if asked < n:
                # Whatever was not named is at least as far as the last of those, but for the error; its norm is at
                # most 2 (‖x‖² + distance²).
                last = reported[:, -1] ** 2
                nearer = last - _ERROR * (3 * norms[rows] + 2 * last)
                left.append(rows[~(distances[rows, -1] ** 2 < nearer)])
            progress.update(len(rows))
    left = np.concatenate([*left, np.empty(0, np.int64)])
    neighbors[left], distances[left] = -1, np.inf
    strip = max(1, _HELD // n)
    for start in range(0, len(left), strip):
        rows = left[start : start + strip]
        squared = points[rows] @ points.T
        squared *= -2
        squared += norms[rows, np.newaxis]
        squared += norms
        squared[groups[rows, np.newaxis] == groups] = np.inf
        last = np.partition(squared, k - 1, axis=1)[:, k - 1]
        squared -= _ERROR * norms
        limit = last + _ERROR * (3 * norms[rows] + 2 * last)
        own, other = np.nonzero((squared <= limit[:, np.newaxis]) & np.isfinite(squared))
        _fill(points, rows[own], other, neighbors, distances)
    return neighbors, distances


def check_features(features: np.ndarray) -> np.ndarray:
    """Return features as float64 (n, d), n ≥ 1.

    Raises
    ------
    ValueError
        Features that are not finite, or no table.
    """
    points = np.ascontiguousarray(features, dtype=np.float64)
    if points.ndim != 2 or not points.size:
        raise ValueError(f"features have shape {points.shape}; a map needs a row for each image")
    wrong = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(wrong):
        raise ValueError(
            f"features hold NaN or infinity in {len(wrong)} of {len(points)} images (first: row {wrong[0]}); "
            "check those images and the encoder"
        )
    return points


def _fill(points: np.ndarray, own: np.ndarray, other: np.ndarray, neighbors: np.ndarray, distances: np.ndarray) -> None:
    """Keep the nearest of some pairs of images; `own` ascends."""
    exact = np.empty(len(own))
    for start in range(0, len(own), _PAIRS):
        part = slice(start, start + _PAIRS)
        between = points[own[part]] - points[other[part]]
        exact[part] = np.sqrt(np.einsum("ij,ij->i", between, between))
    order = np.lexsort((other, exact, own))
    own, other, exact = own[order], other[order], exact[order]
    rank = np.arange(len(own)) - np.searchsorted(own, own)
    kept = rank < neighbors.shape[1]
    neighbors[own[kept], rank[kept]] = other[kept]
    distances[own[kept], rank[kept]] = exact[kept]
