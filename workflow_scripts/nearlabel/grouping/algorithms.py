"""The five clustering algorithms, each run for a whole block of k with whatever can be shared computed once.

Every algorithm works in float64 and draws its random numbers from the one seed that it is given, the same for every k,
so that a k gives the same labels whichever block it is computed in. Labels can differ in rare, close cases between
machines and between numbers of BLAS threads, because sums are then rounded differently; limit threads where bytes must
repeat.
"""

import logging
import warnings
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import ClusterWarning
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import kneighbors_graph

from nearlabel.grouping.hierarchy import build_tree, cut_tree
from nearlabel.grouping.labels import Sweep
from nearlabel.grouping.limits import MOST_FACTORED
from nearlabel.grouping.parameters import ALGORITHM_PARAMETERS
from nearlabel.grouping.reduce import first_copies
from nearlabel.grouping.spectral import median_gamma, spectral_vectors
from nearlabel.grouping.spectral_graph import graph_vectors

logger = logging.getLogger(__name__)


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
        int32 labels (n,) for each k of `ks` up to n.
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
    tree merges along a graph of neighbours only, see `nearlabel.grouping.hierarchy.build_tree`. ``spectral`` computes
    one embedding, that of scikit-learn's ``spectral_embedding(affinity, n_components=vectors, drop_first=False,
    random_state=seed)``, and clusters its first k columns by K-Means (random_state=seed), as ``SpectralClustering``
    does with the k-column embedding.

    Spectral affinities: ``rbf`` is exp(-gamma d²), with ``gamma="median"`` meaning gamma = 1 / (2 s²) and s the median
    of the distances of all pairs of points (of those that differ, should more than half of the pairs coincide; 1 when
    all do): scikit-learn's gamma of 1 underflows in high dimension. ``nearest_neighbors`` is (A + Aᵀ) / 2 of the graph
    A that joins each point to its `n_neighbors` nearest, itself included; above 5,000 points its embedding is computed
    by `nearlabel.grouping.spectral_graph.graph_vectors`, to 6 digits, as the factors would fill the memory.

    ``agglomerative`` (but for ``single``) and ``spectral`` hold numbers for all pairs of points unless they use a graph
    of neighbours: more than `max_images` points are refused before any memory is taken.

    A mixture is flagged ``degenerate`` where a component has fewer members (points whose most probable component it is)
    than there are dimensions: their scatter has not full rank, so that only `reg_covar` keeps the covariance invertible
    and the answer stays close to the K-Means start (with ``diag`` and ``spherical`` it is invertible, but rests on
    fewer points than dimensions). Where scikit-learn refuses a covariance as ill-defined, `reg_covar` is raised tenfold
    until it accepts (flag ``reg_covar_raised``, value in `recorded`).

    Points that are exactly the same can end in different clusters, for no reason but their order: in those of
    ``agglomerative`` where k exceeds the number of distinct points, and of ``spectral``. Such a clustering is flagged
    ``identical_points``. The other algorithms find fewer clusters than k instead (flag ``fewer_clusters``).

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Finite numbers, n ≥ 2; computed with in float64.
    algorithm : str
        Key of ``parameters.ALGORITHM_PARAMETERS``.
    ks : iterable of int
        Numbers of clusters, each at least 2; those above n are cut.
    seed : int
        ``random_state`` of every fit.
    vectors : int, optional
        Spectral only (ignored by the others): columns of the embedding. Eigenvectors depend in the last bits on how
        many are asked for, so blocks of one sweep must all name the sweep's largest k. Default: the largest of `ks`.
    **parameters
        As in ``parameters.ALGORITHM_PARAMETERS``.

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
    settings = _settings(algorithm, parameters)
    feasible = [k for k in ks if k <= len(features)]
    if len(feasible) < len(ks):
        logger.info("k from %d is cut: there are only %d images", len(features) + 1, len(features))
    recorded: dict[str, Any] = {"seed": int(seed), **settings}
    labels: dict[int, np.ndarray] = {}
    flags: dict[int, list[str]] = {}
    if algorithm == "spectral":
        vectors = min(vectors or max(ks, default=2), len(features))
        if feasible and vectors < feasible[-1]:
            raise ValueError(f"vectors is {vectors}, below the largest k of {feasible[-1]}; give at least that")
        recorded["vectors"] = vectors
    if feasible:
        _check_size(algorithm, settings, len(features))
        first = first_copies(features)
        for k, (found, raised) in ALGORITHMS[algorithm](features, feasible, seed, settings, recorded).items():
            labels[k] = np.asarray(found, dtype=np.int32)
            fewer = ["fewer_clusters"] if len(np.unique(labels[k])) < k else []
            torn = ["identical_points"] if (labels[k] != labels[k][first]).any() else []
            flags[k] = sorted({*fewer, *torn, *raised})
    return Sweep(labels, flags, [k for k in ks if k > len(features)], recorded)


Found = dict[int, tuple[np.ndarray, list[str]]]


def _settings(algorithm: str, parameters: dict[str, Any]) -> dict[str, Any]:
    if algorithm not in ALGORITHM_PARAMETERS:
        raise ValueError(f"unknown algorithm '{algorithm}'; choose one of {', '.join(ALGORITHM_PARAMETERS)}")
    known = ALGORITHM_PARAMETERS[algorithm]
    for name, value in parameters.items():
        if name not in known:
            raise ValueError(f"{algorithm} has no parameter '{name}'; it has {', '.join(known)}")
        if problem := known[name].problem(value):
            raise ValueError(f"{algorithm}: {name} is {value!r}; it {problem}")
    return {name: parameters.get(name, parameter.default) for name, parameter in known.items()}


def _check_size(algorithm: str, settings: dict[str, Any], n: int) -> None:
    """Refuse what would hold numbers for all pairs of too many points, and say what to configure instead."""
    if algorithm == "agglomerative" and settings["linkage"] != "single" and settings["connectivity"] == "none":
        gigabytes, instead = 8 * n**2 / 2**30, "connectivity: nearest_neighbors"
    elif algorithm == "spectral" and settings["affinity"] == "rbf":
        gigabytes, instead = 34 * n**2 / 2**30, "affinity: nearest_neighbors"
    else:
        return
    if n > settings["max_images"]:
        raise ValueError(
            f"{algorithm} would take {gigabytes:.0f} GiB for all pairs of {n} images, and max_images is "
            f"{settings['max_images']}; in the config's grouping.levels[].algorithms give it the parameter {instead}, "
            "take kmeans or minibatch_kmeans in its place, or raise max_images where there is the memory"
        )


@contextmanager
def _flagged_not_warned():
    """Log scikit-learn's warnings but for those that flags tell or that a few points raise for no reason."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    # A ClusterWarning takes two points such as (0, 1) and (1, 0) for a matrix of distances.
    told = (ConvergenceWarning, ClusterWarning)
    for text in sorted({str(w.message) for w in caught if not issubclass(w.category, told)}):
        logger.warning("%s", text)


def _kmeans(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    return {k: _fit_kmeans(KMeans(k, random_state=seed, **settings), features) for k in ks}


def _minibatch_kmeans(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    return {k: _fit_kmeans(MiniBatchKMeans(k, random_state=seed, **settings), features) for k in ks}


def _fit_kmeans(estimator: KMeans | MiniBatchKMeans, features: np.ndarray) -> tuple[np.ndarray, list[str]]:
    with _flagged_not_warned():
        estimator.fit(features)
    return estimator.labels_, ["not_converged"] if estimator.n_iter_ >= estimator.max_iter else []


def _agglomerative(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    graph = settings["connectivity"] == "nearest_neighbors"
    with _flagged_not_warned():
        tree = build_tree(features, settings["linkage"], settings["n_neighbors"] if graph else None)
    if graph:
        recorded["graph_components"] = tree.components
    joined = ["disconnected_graph"] if graph and tree.components > 1 else []
    return {k: (labels, joined) for k, labels in cut_tree(tree.merges, ks).items()}


def _gaussian_mixture(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    found: Found = {}
    dimension = features.shape[1]
    for k in ks:
        labels, converged, reg_covar = _fit_mixture(features, k, seed, settings)
        raised = [] if converged else ["not_converged"]
        if np.bincount(labels, minlength=k).min() < dimension:
            raised.append("degenerate")
        if reg_covar != settings["reg_covar"]:
            raised.append("reg_covar_raised")
            recorded.setdefault("reg_covar_raised", {})[str(k)] = reg_covar
        found[k] = (labels, raised)
    return found


def _fit_mixture(features: np.ndarray, k: int, seed: int, settings: dict) -> tuple[np.ndarray, bool, float]:
    settings = dict(settings)
    limit = max(1.0, float(features.var(axis=0).max()))
    while True:
        mixture = GaussianMixture(k, random_state=seed, **settings)
        try:
            with _flagged_not_warned():
                labels = mixture.fit_predict(features)
            return labels, bool(mixture.converged_), settings["reg_covar"]
        except ValueError as error:
            # scikit-learn's message for a covariance that has no Cholesky factor, or has it only in name.
            if "ill-defined" not in str(error) or settings["reg_covar"] >= limit:
                raise
            settings["reg_covar"] = float(f"{max(settings['reg_covar'], 1e-7) * 10:.1e}")


def _spectral(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    if settings["affinity"] == "rbf":
        gamma = median_gamma(features) if settings["gamma"] == "median" else float(settings["gamma"])
        recorded["gamma_used"] = gamma
        affinity = rbf_kernel(features, gamma=gamma)
    else:
        neighbors = min(settings["n_neighbors"], len(features))
        recorded["n_neighbors_used"] = neighbors
        graph = kneighbors_graph(features, neighbors, include_self=True)
        affinity = 0.5 * (graph + graph.T)
    recorded["graph_components"] = int(connected_components(affinity)[0])
    disconnected = ["disconnected_graph"] if recorded["graph_components"] > 1 else []
    factored = settings["affinity"] == "rbf" or len(features) <= MOST_FACTORED
    recorded["factored"] = factored
    embedding = (spectral_vectors if factored else graph_vectors)(affinity, recorded["vectors"], seed)
    found: Found = {}
    for k in ks:
        labels, raised = _fit_kmeans(KMeans(k, random_state=seed, n_init=settings["n_init"]), embedding[:, :k])
        found[k] = (labels, raised + disconnected)
    return found


ALGORITHMS: dict[str, Callable[[np.ndarray, list[int], int, dict, dict], Found]] = {
    "kmeans": _kmeans,
    "agglomerative": _agglomerative,
    "minibatch_kmeans": _minibatch_kmeans,
    "spectral": _spectral,
    "gaussian_mixture": _gaussian_mixture,
}
