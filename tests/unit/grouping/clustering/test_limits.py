"""Algorithms that hold all pairs of images refuse too many; those along a graph of neighbours do not."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import kneighbors_graph

from nearlabel.grouping.clustering import spectral
from nearlabel.grouping.clustering.algorithms import cluster, sweep
from nearlabel.grouping.clustering.catalogue import MOST_AGGLOMERATIVE, MOST_SPECTRAL
from nearlabel.grouping.clustering.hierarchy import build_tree, cut_tree, join_components
from nearlabel.grouping.clustering.spectral_embedding import spectral_vectors
from nearlabel.grouping.clustering.spectral_graph import graph_vectors
from nearlabel.report.grouping.figures.dendrogram import merge_images

GRAPH = {"connectivity": "nearest_neighbors"}


@pytest.mark.parametrize(
    ("algorithm", "most", "size", "instead"),
    [
        ("agglomerative", MOST_AGGLOMERATIVE, "7 GiB", "connectivity: nearest_neighbors"),
        ("spectral", MOST_SPECTRAL, "7 GiB", "affinity: nearest_neighbors"),
    ],
)
def test_more_images_than_memory_are_refused_at_once(algorithm, most, size, instead):
    with pytest.raises(ValueError) as refused:
        cluster(np.zeros((most + 1, 1)), algorithm, [2], 0)
    said = str(refused.value)
    for part in (f"{algorithm} would take {size} for all pairs of {most + 1} images", f"max_images is {most}", instead):
        assert part in said
    assert "kmeans or minibatch_kmeans" in said
    assert "grouping.levels[].algorithms" in said


def test_the_limit_is_the_users_to_move():
    points = make_blobs(60, 3, random_state=0)[0]
    for algorithm in ("agglomerative", "spectral"):
        with pytest.raises(ValueError, match="max_images is 50"):
            cluster(points, algorithm, [2], 0, max_images=50)
        assert len(cluster(points, algorithm, [2], 0, max_images=60)[2]) == 60
        # Nothing to compute takes no memory.
        assert cluster(points, algorithm, [100], 0, max_images=50) == {}


def test_what_holds_no_pairs_has_no_limit():
    points = make_blobs(60, 3, random_state=0)[0]
    for algorithm, parameters in (
        ("agglomerative", {"linkage": "single"}),
        ("agglomerative", GRAPH),
        ("spectral", {"affinity": "nearest_neighbors"}),
    ):
        assert len(cluster(points, algorithm, [2], 0, max_images=50, **parameters)[2]) == 60


def test_a_tree_along_a_connected_graph_is_scikit_learns():
    points = np.random.default_rng(0).normal(size=(150, 3))
    graph = kneighbors_graph(points, 10, include_self=True)
    assert connected_components(graph)[0] == 1
    found = sweep(points, "agglomerative", [2, 5, 20], 0, **GRAPH)
    assert found.recorded["graph_components"] == 1
    assert found.flags == {2: [], 5: [], 20: []}
    for k, labels in found.labels.items():
        expected = AgglomerativeClustering(k, connectivity=graph + graph.T).fit_predict(points)
        assert adjusted_rand_score(labels, expected) == 1


@pytest.mark.parametrize("linkage", ["ward", "average", "complete", "single"])
def test_separate_blobs_are_joined_and_found(linkage):
    points, blob = make_blobs(400, 4, centers=6, cluster_std=0.5, random_state=3)
    found = sweep(points, "agglomerative", [2, 6], 0, linkage=linkage, n_neighbors=6, **GRAPH)
    assert found.recorded["graph_components"] >= 6
    assert found.flags[6] == ["disconnected_graph"]
    assert len(np.unique(found.labels[2])) == 2
    if linkage == "ward":
        assert adjusted_rand_score(found.labels[6], blob) == 1


def test_parts_are_joined_until_there_is_one():
    # Hundred pairs of points, far from each other: joined to their neighbours, then the lumps again.
    points = np.repeat(np.random.default_rng(0).normal(size=(100, 2)) * 100, 2, axis=0)
    points[1::2] += 0.01
    rows = np.arange(200)
    graph = csr_array((np.ones(200), (rows, rows ^ 1)), shape=(200, 200))
    joined, parts = join_components(points, graph, 2)
    assert parts == 100
    assert connected_components(joined)[0] == 1
    # Each part is joined to a neighbour or two, not to all others.
    assert joined.nnz < 200 + 4 * 200
    alone, parts = join_components(points, joined, 2)
    assert parts == 1
    assert (alone != joined).nnz == 0


def test_all_copies_of_one_point_can_be_merged():
    tree = build_tree(np.ones((30, 2)), "ward", 5)
    assert [len(np.unique(labels)) for labels in cut_tree(tree.merges, [1, 4]).values()] == [1, 4]


def test_the_dendrogram_shows_the_tree_along_the_graph():
    points = make_blobs(80, 3, centers=4, cluster_std=3.0, random_state=0)[0]
    ids = [f"{i:02d}" for i in range(80)]
    merges = merge_images(points, "ward", 5, ids, 4)
    labels = cluster(points, "agglomerative", [5], 0, n_neighbors=4, **GRAPH)[5]
    assert adjusted_rand_score(merges.cluster, labels) == 1


def affinity_of(std, n=300):
    points, blob = make_blobs(n, 5, centers=4, cluster_std=std, random_state=2)
    graph = kneighbors_graph(points, 10, include_self=True)
    return 0.5 * (graph + graph.T), blob


@pytest.mark.parametrize("std", [0.3, 3.0, 8.0])
def test_eigenvectors_without_factors_span_the_same_space(std):
    affinity, _ = affinity_of(std)
    parts = connected_components(affinity)[0]
    found, expected = graph_vectors(affinity, 8, 0), spectral_vectors(affinity, 8, 0)
    assert parts == (4 if std == 0.3 else 1)
    for count in (parts, 8):
        one, other = np.linalg.qr(found[:, :count])[0], np.linalg.qr(expected[:, :count])[0]
        assert np.linalg.svd(one.T @ other)[1].min() > 1 - 1e-5
    np.testing.assert_array_equal(found, graph_vectors(affinity, 8, 0))
    if parts == 1:
        np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_more_parts_than_vectors_are_kept_apart():
    affinity, blob = affinity_of(0.3)
    found = graph_vectors(affinity, 3, 0)
    places = [found[blob == b] for b in range(4)]
    assert max(np.ptp(place, axis=0).max() for place in places) < 1e-9
    means = np.array([place[0] for place in places])
    assert min(np.linalg.norm(means[i] - means[j]) for i in range(4) for j in range(i)) > 1e-3


def test_a_graph_without_edges_is_refused():
    with pytest.raises(ValueError, match="raise n_neighbors"):
        graph_vectors(csr_array(np.eye(20)), 2, 0)


def test_a_large_graph_is_not_factored(monkeypatch):
    points, blob = make_blobs(300, 5, centers=4, cluster_std=0.3, random_state=2)
    whole = sweep(points, "spectral", [4], 0, affinity="nearest_neighbors")
    monkeypatch.setattr(spectral, "MOST_FACTORED", 299)
    monkeypatch.setattr(spectral, "spectral_vectors", None)
    found = sweep(points, "spectral", [4], 0, affinity="nearest_neighbors")
    assert (whole.recorded["factored"], found.recorded["factored"]) == (True, False)
    assert adjusted_rand_score(found.labels[4], blob) == 1
    assert found.flags[4] == ["disconnected_graph"]
