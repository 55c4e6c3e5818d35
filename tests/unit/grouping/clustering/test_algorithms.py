import warnings

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from nearlabel.grouping.clustering.algorithms import ALGORITHMS, cluster, sweep
from nearlabel.grouping.clustering.catalogue import CATALOGUE
from nearlabel.grouping.clustering.hierarchy import cut_tree
from nearlabel.grouping.clustering.spectral_embedding import median_gamma, spectral_vectors

# A clustering for every k.
SWEPT = [name for name in ALGORITHMS if not CATALOGUE[name].own_k]


def blobs(n=60, dimensions=3, centers=3, seed=0):
    return make_blobs(n, dimensions, centers=centers, cluster_std=0.5, random_state=seed)


def same_partition(one, other):
    return len(set(zip(one, other, strict=True))) == len(set(one)) == len(set(other))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_planted_clusters_are_found(algorithm):
    points, truth = blobs()
    labels = cluster(points, algorithm, [3], 0)[3]
    assert labels.dtype == np.int32
    assert same_partition(labels, truth)


@pytest.mark.parametrize("algorithm", SWEPT)
def test_a_k_has_the_same_labels_whichever_block_it_is_in(algorithm):
    points = np.random.default_rng(1).normal(size=(80, 4))
    whole = cluster(points, algorithm, range(2, 13), 3, vectors=12)
    parts = cluster(points, algorithm, range(2, 7), 3, vectors=12) | cluster(
        points, algorithm, range(7, 13), 3, vectors=12
    )
    for k in range(2, 13):
        np.testing.assert_array_equal(whole[k], parts[k])


@pytest.mark.parametrize("algorithm", SWEPT)
def test_single_precision_features_are_clustered_in_double(algorithm):
    points = blobs()[0].astype(np.float32)
    np.testing.assert_array_equal(
        cluster(points, algorithm, [5], 0)[5], cluster(points.astype(np.float64), algorithm, [5], 0)[5]
    )


@pytest.mark.parametrize("algorithm", SWEPT)
@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_points_and_k_above_n(algorithm, n):
    points = np.arange(2.0 * n).reshape(n, 2) ** 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = sweep(points, algorithm, range(2, 8), 0)
    assert list(result.labels) == list(range(2, n + 1)) == list(result.flags)
    assert result.cut == list(range(n + 1, 8))
    if algorithm in ("kmeans", "agglomerative"):
        assert len(set(result.labels[n])) == n


@pytest.mark.parametrize("algorithm", SWEPT)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_identical_points_are_flagged_and_repeatable(algorithm, value):
    points = np.full((30, 4), value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (sweep(points, algorithm, [2, 3, 10], 0) for _ in range(2))
    for k in (2, 3, 10):
        np.testing.assert_array_equal(first.labels[k], second.labels[k])
        assert ("fewer_clusters" in first.flags[k]) == (len(set(first.labels[k])) < k)
    if algorithm in ("kmeans", "minibatch_kmeans", "gaussian_mixture"):
        assert "fewer_clusters" in first.flags[2]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_distinct_points_repeated(algorithm):
    points = np.repeat([[0.0, 0.0], [3.0, 4.0]], [20, 10], axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = sweep(points, algorithm, [2, 5], 0)
    assert same_partition(result.labels[2], np.repeat([0, 1], [20, 10]))
    if algorithm == "kmeans":
        assert result.flags == {2: [], 5: ["fewer_clusters"]}


def test_cut_tree_undoes_the_last_merges():
    merges = np.array([[3, 4], [0, 1], [2, 5], [6, 7]])
    cuts = cut_tree(merges, [1, 2, 3, 4, 5])
    assert {k: labels.tolist() for k, labels in cuts.items()} == {
        1: [0, 0, 0, 0, 0],
        2: [0, 0, 1, 1, 1],
        3: [0, 0, 1, 2, 2],
        4: [0, 1, 2, 3, 3],
        5: [0, 1, 2, 3, 4],
    }


def test_agglomerative_cuts_are_nested():
    labels = cluster(blobs()[0], "agglomerative", range(2, 20), 0)
    for k in range(2, 19):
        assert len(set(zip(labels[k], labels[k + 1], strict=True))) == k + 1


def test_mixture_flags_components_with_fewer_members_than_dimensions():
    points, _ = blobs(40, dimensions=8, centers=2)
    result = sweep(points, "gaussian_mixture", [2, 6], 0)
    assert np.bincount(result.labels[2]).min() >= 8
    assert np.bincount(result.labels[6]).min() < 8
    assert "degenerate" not in result.flags[2]
    assert "degenerate" in result.flags[6]


def test_an_unfinished_fit_is_flagged():
    points = np.random.default_rng(0).normal(size=(300, 5))
    for algorithm in ("kmeans", "gaussian_mixture"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert sweep(points, algorithm, [8], 0, max_iter=2).flags[8] == ["not_converged"]


def test_a_covariance_without_factor_raises_reg_covar():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 1)) * 1e9 @ np.ones((1, 5))
    result = sweep(points, "gaussian_mixture", [2], 0)
    assert "reg_covar_raised" in result.flags[2]
    assert result.recorded["reg_covar"] == 1e-6
    assert result.recorded["reg_covar_raised"]["2"] > 1e-6


def test_a_disconnected_graph_is_flagged_and_repeatable():
    points = np.concatenate([np.random.default_rng(0).normal(size=(20, 2)) + 1000 * i for i in range(4)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (sweep(points, "spectral", [4, 9], 0, affinity="nearest_neighbors") for _ in range(2))
    assert first.recorded["graph_components"] == 4
    assert "disconnected_graph" in first.flags[4]
    assert same_partition(first.labels[4], np.repeat(range(4), 20))
    np.testing.assert_array_equal(first.labels[9], second.labels[9])


def test_median_gamma():
    points = np.array([[0.0], [1.0], [3.0]])  # distances 1, 2, 3
    assert median_gamma(points) == 1 / (2 * 2**2)
    mostly_equal = np.array([[0.0]] * 9 + [[2.0]])
    assert median_gamma(mostly_equal) == 1 / (2 * 2**2)
    assert median_gamma(np.ones((5, 2))) == 1.0


def test_spectral_vectors_of_identical_points_are_repeatable():
    affinity = np.ones((200, 200))
    np.testing.assert_array_equal(spectral_vectors(affinity, 50, 0), spectral_vectors(affinity, 50, 0))


def test_all_spectral_vectors_can_be_asked_for():
    affinity = np.exp(-np.abs(np.subtract.outer(np.arange(6.0), np.arange(6.0))))
    every, some = spectral_vectors(affinity, 6, 0), spectral_vectors(affinity, 3, 0)
    np.testing.assert_allclose(every[:, :3], some, atol=1e-10)
    assert np.ptp(every[:, 0]) < 1e-10


def test_the_record_names_every_parameter_and_what_was_derived():
    recorded = sweep(blobs()[0], "spectral", [2, 3], 7, vectors=9).recorded
    assert recorded["seed"] == 7
    assert recorded["vectors"] == 9
    assert recorded["gamma"] == "median"
    assert recorded["gamma_used"] == median_gamma(blobs()[0])
    for algorithm, parameters in ((name, facts.parameters) for name, facts in CATALOGUE.items()):
        recorded = sweep(blobs()[0], algorithm, [2], 0).recorded
        assert {name: recorded[name] for name in parameters} == {
            name: parameter.default for name, parameter in parameters.items()
        }


def test_parameters_reach_the_algorithm():
    points = np.random.default_rng(5).normal(size=(100, 2))
    ward, single = (cluster(points, "agglomerative", [5], 0, linkage=name)[5] for name in ("ward", "single"))
    assert not same_partition(ward, single)
    full, spherical = (
        cluster(points, "gaussian_mixture", [5], 0, covariance_type=name)[5] for name in ("full", "spherical")
    )
    assert not same_partition(full, spherical)
    median, narrow = (cluster(points, "spectral", [5], 0, gamma=gamma)[5] for gamma in ("median", 10.0))
    assert not same_partition(median, narrow)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("means", [2], {}), "unknown algorithm 'means'"),
        (("kmeans", [2], {"linkage": "ward"}), "kmeans has no parameter 'linkage'"),
        (("kmeans", [2], {"n_init": 0}), "parameter 'n_init' of kmeans must be .*, not 0"),
        (("kmeans", [1, 2], {}), "at least 2"),
        (("spectral", [2, 5], {"vectors": 4}), "vectors is 4"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    algorithm, ks, parameters = arguments
    with pytest.raises(ValueError, match=message):
        sweep(blobs()[0], algorithm, ks, 0, **parameters)


def test_nan_features_are_refused():
    points = blobs()[0].copy()
    points[[4, 9], 1] = np.nan
    with pytest.raises(ValueError, match=r"in 2 rows \(first: 4\)"):
        sweep(points, "kmeans", [2], 0)
