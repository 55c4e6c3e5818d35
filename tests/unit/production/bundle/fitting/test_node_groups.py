"""Centres as the clusters have them, and images assigned from the root down."""

import numpy as np

from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.production.bundle.fitting.node_groups import assign_leaf, fit_groups, nearest_centre

PCA = {"method": "pca", "components": 3, "standardise": True, "power": "none", "normalise": "none", "whiten": False}


def blobs(counts, dimension=6, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(scale=20, size=(len(counts), dimension))
    cluster = np.repeat(np.arange(len(counts)), counts)
    return (centres[cluster] + rng.normal(size=(len(cluster), dimension))).astype(np.float32), cluster


def test_centres_are_means_in_the_space_of_the_clustering():
    features, cluster = blobs([30, 20, 10])
    groups = fit_groups("root", "texture", features, cluster, PCA, 0)
    reduced = reduce_features(features, **PCA, seed=0).values
    expected = np.stack([reduced[cluster == number].mean(axis=0) for number in range(3)])
    np.testing.assert_allclose(groups.centres, expected, atol=1e-8)
    assert groups.counts.tolist() == [30, 20, 10] and groups.returned == 1.0
    assert (groups.node, groups.encoder) == ("root", "texture")


def test_a_random_projection_is_the_runs_own():
    features, cluster = blobs([20, 20])
    how = PCA | {"method": "random_projection", "standardise": False}
    groups = fit_groups("root", "texture", features, cluster, how, 7)
    reduced = reduce_features(features, **how, seed=7).values
    np.testing.assert_allclose(groups.centres[0], reduced[cluster == 0].mean(axis=0), atol=1e-8)


def test_images_that_are_nearer_to_another_centre_are_counted():
    features, cluster = blobs([50, 50])
    cluster[:10] = 1
    assert 0.85 <= fit_groups("root", "texture", features, cluster, PCA, 0).returned < 1


def test_noise_has_no_centre():
    features, cluster = blobs([30, 20, 10])
    groups = fit_groups("root", "texture", features, np.where(cluster == 2, -1, cluster), PCA, 0)
    assert len(groups.centres) == 2 and groups.counts.sum() == 50


def test_of_equal_centres_the_first():
    assert nearest_centre(np.zeros((2, 2)), np.array([[1.0, 0], [0, 1], [0, -1]])).tolist() == [0, 0]


def test_images_go_down_to_their_leaf():
    features, cluster = blobs([30, 20, 10])
    root = fit_groups("root", "texture", features, np.minimum(cluster, 1), PCA, 0)
    below = fit_groups("root.1", "texture", features[cluster > 0], cluster[cluster > 0] - 1, PCA, 0)
    leaves = assign_leaf({"root.1": below, "root": root}, {"texture": features}, len(features))
    assert leaves.tolist() == [["root.0", "root.1.0", "root.1.1"][number] for number in cluster]
    assert assign_leaf({"root": root}, {"texture": features[:0]}, 0).tolist() == []
