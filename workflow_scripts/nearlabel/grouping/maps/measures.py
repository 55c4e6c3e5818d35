"""How well each image fits its cluster: silhouette, distance to the centre, the nearest prototype."""

import logging

import numpy as np
import pandas as pd

from nearlabel.grouping.maps.neighbors import check_features
from nearlabel.grouping.scores.distance_sums import index_clusters
from nearlabel.grouping.scores.strata import draw_strata

logger = logging.getLogger(__name__)

MEASURE_COLUMNS = ["image_id", "cluster", "silhouette", "distance", "nearest_prototype"]
EXACT_UP_TO = 20_000
"""Images up to which all count in each one's silhouette."""
SAMPLE = 5_000
"""Images that stand for all above that; of each cluster at least `LEAST`."""
LEAST = 100
# Distances held at a time: 16 MB.
_HELD = 2_000_000


def measure_images(
    image_ids: np.ndarray,
    features: np.ndarray,
    clusters: pd.DataFrame,
    *,
    seed: int,
    exact_up_to: int = EXACT_UP_TO,
    sample: int = SAMPLE,
) -> pd.DataFrame:
    """Measure how each image of a node lies to the clusters of the chosen clustering.

    Parameters
    ----------
    image_ids : sequence of str, shape (n,)
        Rows of `features`.
    features : ndarray, shape (n, d)
        Reduced features of the chosen encoder, finite numbers.
    clusters : DataFrame
        ``clusters.csv`` of the node: image_id, cluster, numbers from 0.
    seed, exact_up_to, sample
        As for `image_silhouettes`.

    Returns
    -------
    DataFrame
        ``images.csv`` of the node, in the order of `image_ids`: image_id; cluster; silhouette, NaN where undefined;
        distance, Euclidean, to the mean of the own cluster; nearest_prototype, the cluster whose prototype (the image
        nearest its mean, by name where several are) is nearest; where several are, the own cluster, else the first.

    Raises
    ------
    ValueError
        An image has no cluster; features that are not finite.
    """
    points = check_features(features)
    ids = [str(name) for name in image_ids]
    own = clusters.set_index("image_id")["cluster"].reindex(ids)
    if own.isna().any():
        raise ValueError(f"clusters.csv lacks {int(own.isna().sum())} images, the first {own.index[own.isna()][0]!r}")
    labels = own.to_numpy(dtype=np.int64)
    distance = np.empty(len(points))
    for cluster in np.unique(labels):
        rows = labels == cluster
        distance[rows] = np.linalg.norm(points[rows] - points[rows].mean(axis=0), axis=1)
    return pd.DataFrame(
        {
            "image_id": ids,
            "cluster": labels,
            "silhouette": image_silhouettes(points, labels, seed=seed, exact_up_to=exact_up_to, sample=sample),
            "distance": distance,
            "nearest_prototype": _nearest_prototypes(points, labels, find_prototypes(ids, labels, distance)),
        },
        columns=MEASURE_COLUMNS,
    )


def find_prototypes(image_ids, labels: np.ndarray, distance: np.ndarray) -> dict[int, int]:
    """Find the image nearest the centre of each cluster; of several, the first by name.

    Parameters
    ----------
    image_ids : sequence of str, shape (n,)
        Names.
    labels : ndarray of int, shape (n,)
        Cluster of each image.
    distance : ndarray, shape (n,)
        To its centre.

    Returns
    -------
    dict of int to int
        Cluster → row of the image, clusters ascending.
    """
    names = np.argsort(np.argsort(np.asarray(image_ids, dtype=object), kind="stable"))
    order = np.lexsort((names, distance, labels))
    found, first = np.unique(labels[order], return_index=True)
    return {int(cluster): int(order[row]) for cluster, row in zip(found, first, strict=True)}


def image_silhouettes(
    features: np.ndarray, labels: np.ndarray, *, seed: int, exact_up_to: int = EXACT_UP_TO, sample: int = SAMPLE
) -> np.ndarray:
    """Silhouette of each image in one clustering, Euclidean (Rousseeuw 1987), as scikit-learn's ``silhouette_samples``.

    For more than `exact_up_to` images each one's mean distances are taken to a sample, stratified by cluster: the
    first `sample` images of a random order, and of each cluster at least 100 (all of a smaller one). An image does not
    count among the others of its cluster. The log says so.

    Parameters
    ----------
    features : ndarray of float64, shape (n, d)
        Finite numbers.
    labels : ndarray of int, shape (n,)
        Cluster of each image.
    seed : int
        Of the sample.
    exact_up_to, sample : int
        See above.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 for an image alone in its cluster; NaN for all where silhouettes are undefined: a single cluster, or as many
        as images.
    """
    from scipy.spatial.distance import cdist

    [partition], _ = index_clusters([labels], len(features))
    values = np.full(len(features), np.nan)
    if partition is None:
        return values
    taken = np.arange(len(features))
    if len(features) > exact_up_to:
        taken = draw_strata([partition], len(features), sample, seed, LEAST)[0]
        logger.info("silhouettes of %d images, each against %d of them", len(features), len(taken))
    # Clusters side by side, so that each one's distances are summed by their bounds.
    taken = taken[np.lexsort((taken, partition.own[taken]))]
    counts = np.bincount(partition.own[taken], minlength=len(partition.sizes))
    starts = np.cumsum(counts) - counts
    sampled = np.zeros(len(features), bool)
    sampled[taken] = True
    strip = max(1, _HELD // len(taken))
    for start in range(0, len(features), strip):
        rows = np.arange(start, min(start + strip, len(features)))
        column, own = np.arange(len(rows)), partition.own[rows]
        sums = np.add.reduceat(cdist(features[rows], features[taken]), starts, axis=1).T
        # The image itself is at distance 0 and no other.
        others = counts[own] - sampled[rows]
        within = sums[own, column] / np.maximum(others, 1)
        means = sums / counts[:, np.newaxis]
        means[own, column] = np.inf
        nearest = means.min(axis=0)
        larger = np.maximum(within, nearest)
        defined = (partition.sizes[own] > 1) & (larger > 0)
        values[rows] = np.divide(nearest - within, larger, out=np.zeros(len(rows)), where=defined)
    return values


def _nearest_prototypes(points: np.ndarray, labels: np.ndarray, prototypes: dict[int, int]) -> np.ndarray:
    from scipy.spatial.distance import cdist

    numbers = np.array(list(prototypes))
    between = cdist(points, points[list(prototypes.values())])
    nearest = between.min(axis=1)
    mine = between[np.arange(len(points)), np.searchsorted(numbers, labels)]
    return np.where(mine == nearest, labels, numbers[between.argmin(axis=1)])
