import warnings

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering, KMeans, MiniBatchKMeans, SpectralClustering
from sklearn.datasets import make_blobs
from sklearn.manifold import spectral_embedding
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import kneighbors_graph

from nearlabel.grouping.clustering.algorithms import cluster
from nearlabel.grouping.clustering.spectral_embedding import median_gamma, spectral_vectors

KS = [2, 3, 7, 15, 30, 50]


@pytest.fixture(scope="module")
def points():
    return make_blobs(300, 10, centers=8, cluster_std=3.0, random_state=1)[0]


def assert_same_partition(one, other):
    pairs = len(set(zip(one.tolist(), other.tolist(), strict=True)))
    assert pairs == len(set(one.tolist())) == len(set(other.tolist()))


@pytest.mark.parametrize("parameters", [{}, {"n_init": 3}, {"init": "random"}, {"max_iter": 3}])
def test_kmeans_labels_are_scikit_learns(points, parameters):
    found = cluster(points, "kmeans", KS, 5, **parameters)
    for k in KS:
        np.testing.assert_array_equal(found[k], KMeans(k, random_state=5, **parameters).fit_predict(points))


@pytest.mark.parametrize("parameters", [{}, {"n_init": 3, "batch_size": 64}])
def test_minibatch_kmeans_labels_are_scikit_learns(points, parameters):
    found = cluster(points, "minibatch_kmeans", KS, 5, **parameters)
    for k in KS:
        np.testing.assert_array_equal(found[k], MiniBatchKMeans(k, random_state=5, **parameters).fit_predict(points))


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_mixture_labels_are_scikit_learns(points, covariance_type):
    found = cluster(points, "gaussian_mixture", KS, 5, covariance_type=covariance_type, reg_covar=1e-4)
    for k in KS:
        mixture = GaussianMixture(k, covariance_type=covariance_type, reg_covar=1e-4, random_state=5, max_iter=100)
        np.testing.assert_array_equal(found[k], mixture.fit_predict(points))


def tied_distances(n=64):
    side = int(n**0.5)
    return np.array([[i % side, i // side] for i in range(n)], dtype=float)


@pytest.mark.parametrize("linkage", ["ward", "average", "complete", "single"])
@pytest.mark.parametrize(
    "data",
    [
        np.random.default_rng(0).normal(size=(70, 5)),
        tied_distances(),
        np.repeat(np.random.default_rng(1).normal(size=(12, 3)), 5, axis=0),
        np.ones((20, 2)),
        np.array([[0.0], [1.0]]),
    ],
    ids=["normal", "grid with ties", "repeated points", "identical points", "two points"],
)
def test_every_cut_of_the_tree_is_scikit_learns_partition(data, linkage):
    found = cluster(data, "agglomerative", range(2, len(data) + 1), 0, linkage=linkage)
    for k, labels in found.items():
        assert_same_partition(labels, AgglomerativeClustering(k, linkage=linkage).fit_predict(data))


@pytest.mark.parametrize("affinity", ["rbf", "nearest_neighbors"])
def test_spectral_clusters_scikit_learns_embedding(points, affinity):
    if affinity == "rbf":
        graph = rbf_kernel(points, gamma=median_gamma(points))
    else:
        neighbors = kneighbors_graph(points, 15, include_self=True)
        graph = 0.5 * (neighbors + neighbors.T)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Graph is not fully connected")
        embedding = spectral_embedding(graph, n_components=50, drop_first=False, random_state=5)
    np.testing.assert_array_equal(spectral_vectors(graph, 50, 5), embedding)
    found = cluster(points, "spectral", KS, 5, affinity=affinity, n_neighbors=15)
    for k in KS:
        np.testing.assert_array_equal(found[k], KMeans(k, n_init=10, random_state=5).fit_predict(embedding[:, :k]))


def test_spectral_finds_what_scikit_learns_estimator_finds():
    points, _ = make_blobs(300, 10, centers=8, cluster_std=1.0, random_state=1)
    for k in (2, 4, 8):
        whole = SpectralClustering(k, gamma=median_gamma(points), random_state=5).fit_predict(points)
        assert_same_partition(cluster(points, "spectral", [k], 5, vectors=50)[k], whole)
