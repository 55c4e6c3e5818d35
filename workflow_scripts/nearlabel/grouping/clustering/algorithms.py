"""The clustering algorithms, each run for a whole block of k with whatever can be shared computed once.

Every algorithm works in float64 and draws its random numbers from the one seed that it is given, the same for every k,
so that a k gives the same labels whichever block it is computed in. Labels can differ in rare, close cases between
machines and between numbers of BLAS threads, because sums are then rounded differently; limit threads where bytes must
repeat.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from nearlabel.grouping.clustering.agglomerative import agglomerative
from nearlabel.grouping.clustering.catalogue import CATALOGUE, PairMemory
from nearlabel.grouping.clustering.fits import OUTLIER, Found
from nearlabel.grouping.clustering.gaussian_mixture import gaussian_mixture
from nearlabel.grouping.clustering.hdbscan import hdbscan
from nearlabel.grouping.clustering.kmeans import kmeans, minibatch_kmeans
from nearlabel.grouping.clustering.labels import OUTLIERS, Sweep
from nearlabel.grouping.clustering.spectral import spectral
from nearlabel.grouping.reduction.copies import first_copies
from nearlabel.parameters import complete_parameters

logger = logging.getLogger(__name__)

ALGORITHMS: dict[str, Callable[[np.ndarray, list[int], int, dict, dict], Found]] = {
    "kmeans": kmeans,
    "agglomerative": agglomerative,
    "minibatch_kmeans": minibatch_kmeans,
    "spectral": spectral,
    "gaussian_mixture": gaussian_mixture,
    "hdbscan": hdbscan,
}
"""What fits each algorithm of the catalogue: features, ks, seed, complete parameters, and a record to add to."""


def cluster(
    features: np.ndarray, algorithm: str, ks: Iterable[int], seed: int, **parameters: Any
) -> dict[int, np.ndarray]:
    """Cluster points once for every k; `sweep` without its record.

    Parameters
    ----------
    features, algorithm, ks, seed, **parameters
        See `sweep`.

    Returns
    -------
    dict of int to ndarray
        int32 labels (n,) for each k of `ks` up to n; of ``hdbscan`` only for those that it found.
    """
    return sweep(features, algorithm, ks, seed, **parameters).labels


def sweep(
    features: np.ndarray,
    algorithm: str,
    ks: Iterable[int],
    seed: int,
    *,
    vectors: int | None = None,
    **parameters: Any,
) -> Sweep:
    """Cluster points once for every k, sharing what does not depend on k.

    ``kmeans``, ``minibatch_kmeans`` and ``gaussian_mixture`` are scikit-learn's estimators with ``random_state=seed``
    for every k. ``agglomerative`` builds one tree (scikit-learn's) and undoes its last k - 1 merges for each k, which
    gives the partitions of ``AgglomerativeClustering(n_clusters=k)``; with ``connectivity="nearest_neighbors"`` the
    tree merges along a graph of neighbours only, see `nearlabel.grouping.clustering.hierarchy.build_tree`. ``spectral``
    computes one embedding, that of scikit-learn's ``spectral_embedding(affinity, n_components=vectors,
    drop_first=False, random_state=seed)``, and clusters its first k columns by K-Means (random_state=seed), as
    ``SpectralClustering`` does with the k-column embedding.

    Spectral affinities: ``rbf`` is exp(-gamma d²), with ``gamma="median"`` meaning gamma = 1 / (2 s²) and s the median
    of the distances of all pairs of points (of those that differ, should more than half of the pairs coincide; 1 when
    all do): scikit-learn's gamma of 1 underflows in high dimension. ``nearest_neighbors`` is (A + Aᵀ) / 2 of the graph
    A that joins each point to its `n_neighbors` nearest, itself included; above 5,000 points its embedding is computed
    by `nearlabel.grouping.clustering.spectral_graph.graph_vectors`, to 6 digits, as the factors would fill the memory.

    ``agglomerative`` (but for ``single``) and ``spectral`` hold numbers for all pairs of points unless they use a graph
    of neighbours: more than `max_images` points are refused before any memory is taken.

    A mixture is flagged ``degenerate`` where a component has fewer members (points whose most probable component it is)
    than there are dimensions: their scatter has not full rank, so that only `reg_covar` keeps the covariance invertible
    and the answer stays close to the K-Means start (with ``diag`` and ``spherical`` it is invertible, but rests on
    fewer points than dimensions). Where scikit-learn refuses a covariance as ill-defined, `reg_covar` is raised tenfold
    until it accepts (flag ``reg_covar_raised``, value in `recorded`).

    ``hdbscan`` finds its own number of groups: most k have no labels, and are listed as ``missing``. It is fitted once
    for each value of a grid of ``min_cluster_size``, see `nearlabel.grouping.clustering.hdbscan`, whatever `ks`; the
    points that it leaves out of every group are one more group, counted in k and flagged ``outliers:`` with its share
    of the points. Its time grows with n².

    Points that are exactly the same can end in different clusters, for no reason but their order: in those of
    ``agglomerative`` where k exceeds the number of distinct points, and of ``spectral``. Such a clustering is flagged
    ``identical_points``. The other algorithms find fewer clusters than k instead (flag ``fewer_clusters``).

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Finite numbers, n ≥ 2; computed with in float64.
    algorithm : str
        A name of `nearlabel.grouping.clustering.catalogue.CATALOGUE`.
    ks : iterable of int
        Numbers of clusters, each at least 2; those above n are cut.
    seed : int
        ``random_state`` of every fit.
    vectors : int, optional
        Spectral only (ignored by the others): columns of the embedding. Eigenvectors depend in the last bits on how
        many are asked for, so blocks of one sweep must all name the sweep's largest k. Default: the largest of `ks`.
    **parameters
        As the catalogue lists them.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        Unknown algorithm or parameter, a value out of its range, features that are not finite, too many points.
    """
    features = np.ascontiguousarray(features, dtype=np.float64)
    if features.ndim != 2 or not features.size:
        raise ValueError(f"features have shape {features.shape}; give a table of points by dimensions")
    if not np.isfinite(features).all():
        bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
        raise ValueError(f"features hold NaN or infinity in {len(bad)} rows (first: {bad[0]}); remove those images")
    ks = sorted(set(ks))
    if ks and ks[0] < 2:
        raise ValueError(f"k is {ks[0]}; a clustering needs at least 2 clusters")
    if algorithm not in CATALOGUE:
        raise ValueError(f"unknown algorithm '{algorithm}'; choose one of {', '.join(CATALOGUE)}")
    settings = complete_parameters(algorithm, parameters, CATALOGUE[algorithm].parameters)
    feasible = [k for k in ks if k <= len(features)]
    if len(feasible) < len(ks):
        logger.info("k from %d is cut: there are only %d images", len(features) + 1, len(features))
    recorded: dict[str, Any] = {"seed": int(seed), **settings}
    labels: dict[int, np.ndarray] = {}
    flags: dict[int, list[str]] = {}
    outliers: dict[int, int] = {}
    if CATALOGUE[algorithm].embeds:
        vectors = min(vectors or max(ks, default=2), len(features))
        if feasible and vectors < feasible[-1]:
            raise ValueError(f"vectors is {vectors}, below the largest k of {feasible[-1]}; give at least that")
        recorded["vectors"] = vectors
    if feasible:
        _check_size(algorithm, CATALOGUE[algorithm].pairs(settings), len(features))
        first = first_copies(features)
        for k, (found, raised) in ALGORITHMS[algorithm](features, feasible, seed, settings, recorded).items():
            labels[k] = np.asarray(found, dtype=np.int32)
            if (left_out := labels[k] == OUTLIER).any():
                outliers[k] = int(labels[k].max()) + 1
                labels[k][left_out] = outliers[k]
                raised = [*raised, f"{OUTLIERS}:{left_out.mean():.3g}"]
            fewer = ["fewer_clusters"] if len(np.unique(labels[k])) < k else []
            torn = ["identical_points"] if (labels[k] != labels[k][first]).any() else []
            flags[k] = sorted({*fewer, *torn, *raised})
    missing = [k for k in feasible if k not in labels]
    return Sweep(labels, flags, [k for k in ks if k > len(features)], recorded, missing, outliers)


def _check_size(algorithm: str, pairs: PairMemory | None, n: int) -> None:
    """Refuse what would hold numbers for all pairs of too many points, and say what to configure instead."""
    if pairs and pairs.instead and n > pairs.most:
        raise ValueError(
            f"{algorithm} would take {pairs.bytes_per_pair * n**2 / 2**30:.0f} GiB for all pairs of {n} images, and "
            f"max_images is {pairs.most}; in the config's grouping.levels[].algorithms give it the parameter "
            f"{pairs.instead}, take kmeans or minibatch_kmeans in its place, or raise max_images where there is the "
            "memory"
        )
