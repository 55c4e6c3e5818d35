"""Euclidean distances between features, in float64."""

import numpy as np

# Distances held at a time.
CHUNK = 2_000_000
# Numbers of the points held at a time when differences are formed: they stay in cache.
CACHED = 131_072
# Squared distances below this share of the squared norms are rounding noise of ‖x‖² + ‖y‖² − 2xy: the points coincide.
COINCIDENT = 1e-13


def distances_to_point(points: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Distances of points to one point, from their differences: exactly 0 where they coincide.

    Parameters
    ----------
    points : ndarray of float64, shape (n, d)
    point : ndarray of float64, shape (d,) or (n, d)
        One point for all, or one for each.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    squared = np.empty(len(points))
    step = max(1, CACHED // points.shape[1])
    for start in range(0, len(points), step):
        rows = slice(start, start + step)
        differences = points[rows] - (point if point.ndim == 1 else point[rows])
        np.einsum("ij,ij->i", differences, differences, out=squared[rows])
    return np.sqrt(squared)


def nearest_distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance of each point to the nearest of other points.

    The nearest is found by matrix products, its distance then computed from the differences, so that no digits are lost
    to cancellation.

    Parameters
    ----------
    points : ndarray of float64, shape (n, d)
    others : ndarray of float64, shape (m, d), m ≥ 1

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    nearest = np.empty(len(points), dtype=np.int64)
    # Without the common part the products lose fewer digits.
    origin = others.mean(axis=0)
    centred = others - origin
    half_norms = np.einsum("ij,ij->i", centred, centred) / 2
    step = max(1, CHUNK // len(others))
    for start in range(0, len(points), step):
        rows = slice(start, start + step)
        nearest[rows] = np.argmin(half_norms - (points[rows] - origin) @ centred.T, axis=1)
    return distances_to_point(points, others[nearest])


def lower_nearest(nearest: np.ndarray, points: np.ndarray, squares: np.ndarray, chosen: int) -> None:
    """Lower each point's distance to the nearest of some points, in place, now that one of the points is among them.

    As ``np.minimum(nearest, distances_to_point(points, points[chosen]))``, to the last bit: a matrix product with a
    bound on its rounding tells the few points that may have come nearer, whose distances then come from differences.

    Parameters
    ----------
    nearest : ndarray of float64, shape (n,)
        Below 0: stays.
    points : ndarray of float64, shape (n, d)
    squares : ndarray of float64, shape (n,)
        ‖x‖² of each.
    chosen : int
    """
    scale = squares + squares[chosen]
    # Of the product, of both norms, and of the distance from differences: γ_d of Higham (2002), section 3.1, for each.
    slack = 4 * (points.shape[1] + 8) * np.finfo(np.float64).eps * scale + np.finfo(np.float64).tiny
    # What is no number may come nearer too.
    far = scale - 2 * (points @ points[chosen]) - slack > nearest**2
    rows = np.flatnonzero(~far & (nearest >= 0))
    nearest[rows] = np.minimum(nearest[rows], distances_to_point(points[rows], points[chosen]))


def nearest_neighbours(points: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nearest other points of each point, nearest first.

    Parameters
    ----------
    points : ndarray of float64, shape (n, d), n ≥ 2
    count : int
        Neighbours wanted, up to n − 1.

    Returns
    -------
    neighbours : ndarray of int64, shape (n, count)
    distances : ndarray of float64, shape (n, count)
        0 where points coincide up to rounding.
    """
    points = points - points.mean(axis=0)
    norms = np.einsum("ij,ij->i", points, points)
    neighbours, distances = np.empty((len(points), count), np.int64), np.empty((len(points), count))
    step = max(1, CHUNK // len(points))
    for start in range(0, len(points), step):
        rows = np.arange(start, min(start + step, len(points)))
        scale = norms[rows, np.newaxis] + norms
        squared = scale - 2 * (points[rows] @ points.T)
        squared[squared < COINCIDENT * scale] = 0
        squared[rows - start, rows] = np.inf
        if count < len(points) - 1:
            found = np.argpartition(squared, count - 1, axis=1)[:, :count]
        else:
            found = np.argsort(squared, axis=1)[:, :count]
        near = np.take_along_axis(squared, found, axis=1)
        order = np.argsort(near, axis=1, kind="stable")
        neighbours[rows] = np.take_along_axis(found, order, axis=1)
        distances[rows] = np.sqrt(np.take_along_axis(near, order, axis=1))
    return neighbours, distances
