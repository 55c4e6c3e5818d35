"""HDBSCAN: groups of any density, as many as there are, and the points that lie in none."""

import numpy as np

from nearlabel.bars import over
from nearlabel.grouping.clustering.fits import OUTLIER, Found, flagged_not_warned

GRID_STEPS = 12
SMALLEST_SIZE = 5


def hdbscan(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    """Keep the best fit of a grid for every k that one of them found; see `nearlabel.grouping.clustering.algorithms`.

    Campello, Moulavi and Sander, PAKDD 2013, by scikit-learn. k counts the groups, and the outliers as one more where
    there are any. Of the fits that found k, the one with the smallest share of outliers is kept, of equal ones that of
    the largest ``min_cluster_size``. A fit with fewer than two groups beside the outliers has found nothing.

    Parameters
    ----------
    features, ks, seed, settings, recorded
        As `nearlabel.grouping.clustering.algorithms.sweep` gives them. Nothing is random. `recorded` gets
        ``min_cluster_sizes`` (the grid) and ``fits``: for each k found the ``min_cluster_size`` and the share of
        outliers.

    Returns
    -------
    Found
        Of the k of `ks` that were found; `OUTLIER` for the outliers.
    """
    sizes = [settings["min_cluster_size"]] if settings["min_cluster_size"] != "auto" else size_grid(len(features))
    found: Found = {}
    fits: dict[int, dict[str, float]] = {}
    for size in over(sizes, "fits"):
        labels = fit_hdbscan(features, size, settings)
        share = float(np.mean(labels == OUTLIER))
        k = len(np.unique(labels))
        groups = k - (share > 0)
        if groups < 2 or k not in ks or (k in fits and share > fits[k]["outliers"]):
            continue
        fits[k] = {"min_cluster_size": size, "outliers": share}
        found[k] = (labels, [])
    recorded["min_cluster_sizes"] = sizes
    recorded["fits"] = {str(k): fits[k] for k in sorted(fits)}
    return dict(sorted(found.items()))


def size_grid(n: int) -> list[int]:
    """Values of ``min_cluster_size`` that ``auto`` tries on n points.

    Parameters
    ----------
    n : int
        At least 1.

    Returns
    -------
    list of int
        Ascending: at most `GRID_STEPS` whole numbers, in steps of about the same ratio, from `SMALLEST_SIZE` to n / 4;
        that of fewer than 20 points is n / 4 alone, at least 2.
    """
    largest = max(2, n // 4)
    grid = np.geomspace(min(SMALLEST_SIZE, largest), largest, GRID_STEPS)
    return np.unique(np.rint(grid).astype(int)).tolist()


def fit_hdbscan(features: np.ndarray, size: int, settings: dict) -> np.ndarray:
    """Fit once.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Points.
    size : int
        ``min_cluster_size``; as many as there are points where it exceeds them.
    settings : dict
        The other parameters of the catalogue; ``min_samples`` likewise, ``auto`` for `size`.

    Returns
    -------
    ndarray of int, shape (n,)
        Group of each point, from 0; `OUTLIER` for those in none.
    """
    from sklearn.cluster import HDBSCAN

    n = len(features)
    if n < 2:
        return np.full(n, OUTLIER)
    size = min(size, n)
    samples = size if settings["min_samples"] == "auto" else min(settings["min_samples"], n)
    estimator = HDBSCAN(
        min_cluster_size=max(2, size),
        min_samples=samples,
        cluster_selection_method=settings["cluster_selection_method"],
        cluster_selection_epsilon=float(settings["cluster_selection_epsilon"]),
        copy=True,
    )
    with flagged_not_warned():
        return estimator.fit(features).labels_
