"""How well each cluster is found again when the images are drawn anew: clusterwise bootstrap stability."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.bars import over
from nearlabel.files import how_to_remake
from nearlabel.grouping.clustering.algorithms import cluster, sweep
from nearlabel.grouping.clustering.catalogue import CATALOGUE
from nearlabel.grouping.scores.contingency import contingency_table, jaccard_table
from nearlabel.grouping.scores.limits import EXACT_UP_TO, SAMPLE
from nearlabel.grouping.scores.silhouettes import cluster_silhouettes
from nearlabel.seeds import derive_seed

logger = logging.getLogger(__name__)


def bootstrap_stability(
    features: np.ndarray,
    clusters: Sequence | np.ndarray,
    algorithm: str,
    k: int,
    *,
    bootstraps: int,
    seed: int,
    parameters: Mapping[str, Any],
) -> np.ndarray:
    """Stability of each cluster: the mean over bootstraps of its largest Jaccard similarity with a cluster found again.

    Hennig, Computational Statistics & Data Analysis 52 (2007), 258-271. His reading (``fpc::clusterboot``): below 0.6 a
    cluster is not to be trusted; from 0.6 to 0.75 it shows a pattern, but which images belong to it is doubtful; from
    0.75 it is valid; from 0.85 highly stable. Stable is not the same as meaningful: one large blob is stable too, and
    a large cluster more easily than a small one.

    Parameters
    ----------
    features, clusters, algorithm, k, bootstraps, seed, parameters
        As for `bootstrap_jaccards`.

    Returns
    -------
    ndarray of float64, shape (largest cluster number + 1,)
        In (0, 1]; NaN for a number that no image has, or whose images were in no counted bootstrap.

    Raises
    ------
    ValueError
        As for `bootstrap_jaccards`.
    """
    return _means(
        bootstrap_jaccards(features, clusters, algorithm, k, bootstraps=bootstraps, seed=seed, parameters=parameters)
    )


def bootstrap_jaccards(
    features: np.ndarray,
    clusters: Sequence | np.ndarray,
    algorithm: str,
    k: int,
    *,
    bootstraps: int,
    seed: int,
    parameters: Mapping[str, Any],
) -> np.ndarray:
    """Cluster bootstrap samples of the images and find each cluster again.

    Each bootstrap draws n images with replacement and clusters the distinct ones (about 63 %), with the algorithm, k
    and parameters of the clustering. An image drawn twice counts once, as by default in ``fpc::clusterboot``: copies
    would form tiny clusters of their own, leave mixtures with components of no extent, and fill the neighbourhoods of
    a nearest-neighbour graph. Similarities are between the drawn images of a cluster and the clusters found.

    An algorithm that finds its own number of groups (``hdbscan``) is fitted anew with the ``min_cluster_size`` that
    gave k of them on all images, and its ``min_samples``, both scaled by the share of the images drawn; however many
    groups it then finds count, the outliers as one, and where it finds none, the sample is one cluster.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        What was clustered.
    clusters : array_like of int, shape (n,)
        Number of each image's cluster, from 0.
    algorithm : str
        Name of the algorithm that made them, as `nearlabel.grouping.clustering.algorithms.sweep` takes.
    k : int
        Number of clusters that it was asked for.
    bootstraps : int
        How many samples to draw, at least 1; 50 or more for two digits.
    seed : int
        Of the draws and of the clusterings.
    parameters : mapping
        The algorithm's parameters.

    Returns
    -------
    ndarray of float64, shape (bootstraps, largest cluster number + 1)
        Largest Jaccard similarity of each cluster in each bootstrap; NaN where the cluster had no image drawn. A whole
        row is NaN where the sample had fewer distinct images than k, or could not be clustered; the log says how many.

    Raises
    ------
    ValueError
        Fewer than 1 bootstrap, clusters that are no whole numbers from 0, one for each image; features, algorithm or
        parameters that `nearlabel.grouping.clustering.algorithms.sweep` refuses.
    """
    if bootstraps < 1:
        raise ValueError(f"bootstraps is {bootstraps}; stability needs at least 1")
    features, clusters = np.asarray(features, dtype=np.float64), np.asarray(clusters)
    if (
        clusters.shape != features.shape[:1]
        or clusters.dtype.kind not in "iu"
        or not clusters.size
        or clusters.min() < 0
    ):
        raise ValueError(f"clusters do not number those of {len(features)} images; give each image a whole number")
    cluster(features, algorithm, [], seed, **parameters)  # What is wrong with all bootstraps is an error.
    own = _own_fit(features, algorithm, k, seed, parameters) if CATALOGUE[algorithm].own_k else None
    found = np.full((bootstraps, clusters.max() + 1), np.nan)
    too_few, failures = 0, []
    for bootstrap in over(range(bootstraps), "bootstraps"):
        rng = np.random.default_rng(derive_seed(seed, f"draw/{bootstrap}"))
        drawn = np.unique(rng.integers(0, len(features), len(features)))
        if len(drawn) < k:
            too_few += 1
            continue
        again = derive_seed(seed, f"cluster/{bootstrap}")
        try:
            if own is None:
                labels = cluster(features[drawn], algorithm, [k], again, **parameters)[k]
            else:
                labels = _find_own(features[drawn], algorithm, again, _scale(own, len(drawn) / len(features)))
        except ValueError as error:  # LinAlgError included
            failures.append(str(error))
            continue
        best = jaccard_table(contingency_table(clusters[drawn], labels)).max(axis=1)
        found[bootstrap, np.unique(clusters[drawn])] = best
    if too_few:
        logger.warning(
            "%d of %d bootstraps left out: fewer distinct images than the %d clusters", too_few, bootstraps, k
        )
    if failures:
        logger.warning(
            "%d of %d bootstraps left out: %s failed (%s)", len(failures), bootstraps, algorithm, failures[0]
        )
    return found


def _own_fit(features: np.ndarray, algorithm: str, k: int, seed: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the one fit that found k groups."""
    fits = sweep(features, algorithm, [k], seed, **parameters).recorded["fits"]
    if str(k) not in fits:
        raise ValueError(
            f"{algorithm} does not find {k} groups in these features; give the k that it was selected with"
        )
    return {**parameters, "min_cluster_size": fits[str(k)]["min_cluster_size"]}


def _scale(parameters: Mapping[str, Any], share: float) -> dict[str, Any]:
    """Those parameters that count images, for a sample."""
    least = {"min_cluster_size": 2, "min_samples": 1}
    counts = {name: parameters[name] for name in least if isinstance(parameters.get(name), int)}
    return {**parameters, **{name: max(least[name], round(share * count)) for name, count in counts.items()}}


def _find_own(features: np.ndarray, algorithm: str, seed: int, parameters: Mapping[str, Any]) -> np.ndarray:
    """Labels of however many groups there are; zeros where none is found."""
    found = cluster(features, algorithm, range(2, len(features) + 1), seed, **parameters)
    return next(iter(found.values()), np.zeros(len(features), dtype=np.int32))


def assess_stability(
    values: np.ndarray,
    image_ids: Sequence[str],
    clusters: pd.DataFrame,
    algorithm: str,
    parameters: Mapping[str, Any],
    k: int,
    bootstraps: int,
    seed: int,
    *,
    exact_up_to: int = EXACT_UP_TO,
    sample: int = SAMPLE,
) -> pd.DataFrame:
    """Describe each cluster of a node's selected clustering without any near-label.

    Parameters
    ----------
    values : ndarray, shape (n, d)
        Reduced features of the selected encoder.
    image_ids : sequence of str, length n
        The images, in the order of `values`.
    clusters : DataFrame
        ``clusters.csv``: image_id, cluster; the same images in any order.
    algorithm : str
        Name of the selected algorithm.
    parameters : mapping
        Its parameters.
    k : int
        Number of clusters that it was asked for.
    bootstraps, seed
        As for `bootstrap_jaccards`.
    exact_up_to, sample
        As for `nearlabel.grouping.scores.silhouettes.cluster_silhouettes`.

    Returns
    -------
    DataFrame
        ``stability.csv``, by cluster: cluster, size (images), silhouette (mean over the cluster's images, NaN where
        undefined), stability (`bootstrap_stability`; NaN for a cluster of
        one image), bootstraps (how many its mean is over).

    Raises
    ------
    ValueError
        `clusters` is on other images; as for `bootstrap_jaccards`.
    """
    number_of = clusters.set_index(clusters["image_id"].astype(str))["cluster"].astype(np.int64)
    if number_of.index.has_duplicates or set(number_of.index) != set(image_ids):
        remake = how_to_remake("reduce_features")
        raise ValueError(f"clusters.csv and the reduced features are on different images; {remake}")
    numbers = number_of.loc[list(image_ids)].to_numpy()
    found = bootstrap_jaccards(values, numbers, algorithm, k, bootstraps=bootstraps, seed=seed, parameters=parameters)
    sizes = np.bincount(numbers)
    # A cluster of one image overlaps with whatever holds that image: its stability would say nothing.
    found[:, sizes < 2] = np.nan
    frame = pd.DataFrame(
        {
            "cluster": np.arange(len(sizes)),
            "size": sizes,
            "silhouette": cluster_silhouettes(
                values, numbers, exact_up_to=exact_up_to, sample=sample, seed=derive_seed(seed, "silhouettes")
            ),
            "stability": _means(found),
            "bootstraps": np.count_nonzero(~np.isnan(found), axis=0),
        }
    )
    return frame[frame["size"] > 0].reset_index(drop=True)


def _means(found: np.ndarray) -> np.ndarray:
    counted = np.count_nonzero(~np.isnan(found), axis=0)
    return np.divide(np.nansum(found, axis=0), counted, out=np.full(len(counted), np.nan), where=counted > 0)
