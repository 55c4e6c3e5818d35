import logging

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.grouping.reduction.reduced import read_reduced, write_reduced

RNG = np.random.default_rng(0)
WIDE, TALL = RNG.normal(size=(20, 50)) * np.arange(1, 51), RNG.normal(size=(80, 6)) * np.arange(1, 7)


def reduced(features, method="pca", components=3, *, standardise=False, seed=0, **more):
    return reduce_features(features, method, components, standardise=standardise, seed=seed, **more)


@pytest.mark.parametrize("features", [WIDE, TALL], ids=["wide", "tall"])
def test_principal_components(features):
    result = reduced(features)
    left, singular, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    assert result.values.shape == (len(features), 3)
    assert result.values.dtype == np.float64
    assert result.components == 3
    np.testing.assert_allclose(np.abs(result.values), np.abs(left * singular)[:, :3], atol=1e-9)
    np.testing.assert_allclose(result.explained_variance_ratio, (singular**2 / np.sum(singular**2))[:3])


@pytest.mark.parametrize("features", [WIDE, TALL], ids=["wide", "tall"])
def test_signs_and_values_are_those_of_an_exact_pca(features):
    np.testing.assert_allclose(reduced(features).values, PCA(3, svd_solver="full").fit_transform(features), atol=1e-9)


@pytest.mark.parametrize("features", [WIDE, TALL], ids=["wide", "tall"])
def test_min_is_a_rotation(features):
    result = reduced(features, components="min")
    assert result.components == min(features.shape)
    np.testing.assert_allclose(pdist(result.values), pdist(features), rtol=1e-9)
    assert result.explained_variance_ratio.sum() == pytest.approx(1)


@pytest.mark.parametrize("features", [WIDE, TALL], ids=["wide", "tall"])
def test_share_of_variance_takes_the_fewest_that_reach_it(features):
    every = reduced(features, components="min").explained_variance_ratio
    result = reduced(features, components=0.7)
    assert result.explained_variance_ratio.sum() >= 0.7 > every[: result.components - 1].sum()


def test_too_many_components_are_cut_and_logged(caplog):
    with caplog.at_level(logging.INFO):
        assert reduced(TALL, components=50).components == 6
        assert reduced(WIDE, "random_projection", 50).components == 20
    assert caplog.text.count("components cut from 50") == 2


def test_standardise_gives_every_feature_the_same_weight():
    features = np.column_stack([TALL, np.full(80, 3.0)])
    values = reduced(features, "none", standardise=True).values
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(values.std(axis=0), [1] * 6 + [0])
    scaled = reduced(features * np.arange(1, 8), standardise=True).values
    np.testing.assert_allclose(scaled, reduced(features, standardise=True).values, atol=1e-9)


@pytest.mark.parametrize("features", [WIDE, TALL], ids=["wide", "tall"])
@pytest.mark.parametrize("components", [3, 0.7])
def test_whitened_components_are_those_of_scikit_learn(features, components):
    result = reduced(features, components=components, whiten=True)
    expected = PCA(components, whiten=True, svd_solver="full").fit(features)
    np.testing.assert_allclose(result.values, expected.transform(features), atol=1e-9)
    np.testing.assert_allclose(np.cov(result.values, rowvar=False), np.eye(result.components), atol=1e-9)
    np.testing.assert_allclose(result.explained_variance_ratio, expected.explained_variance_ratio_)
    assert result.whiten is True


@pytest.mark.parametrize("shape", [(20, 50), (80, 12)], ids=["wide", "tall"])
def test_whitening_leaves_directions_of_no_variance_at_0(shape):
    # Three directions, but for what single precision rounds.
    features = (RNG.normal(size=(shape[0], 3)) @ RNG.normal(size=(3, shape[1])) + 100).astype(np.float32)
    result = reduced(features, components="min", whiten=True)
    assert result.values.shape == (shape[0], min(shape))
    np.testing.assert_allclose(result.values[:, :3].std(axis=0, ddof=1), 1)
    np.testing.assert_array_equal(result.values[:, 3:], 0)
    copies = reduced(np.repeat(features[:2], 5, axis=0), components=4, whiten=True).values
    np.testing.assert_allclose(np.abs(copies[:, 0]), np.sqrt(9 / 10))
    np.testing.assert_array_equal(copies[:, 1:], 0)


def test_power_is_the_root_with_its_sign():
    features = np.array([[4.0, -9.0, 0.0], [-0.25, 1.0, -0.0]])
    for dtype in (np.float32, np.float64):
        given = features.astype(dtype)
        values = reduced(given, "none", power="sqrt").values
        np.testing.assert_array_equal(values, [[2, -3, 0], [-0.5, 1, 0]])
        np.testing.assert_array_equal(given, features)
    # Hellinger's distance of two histograms, times √2.
    one, other = [0.5, 0.5, 0.0], [0.1, 0.4, 0.5]
    affinity = np.sum(np.sqrt(np.multiply(one, other)))
    np.testing.assert_allclose(pdist(reduced([one, other], power="sqrt").values), np.sqrt(2 - 2 * affinity))


def test_normalise_scales_each_image_and_leaves_zeros(recwarn):
    features = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -7.0], [1e-9, 0.0]])
    result = reduced(features, "none", normalise="l2")
    np.testing.assert_allclose(result.values, [[0.6, 0.8], [0, 0], [0, -1], [1, 0]])
    assert (result.power, result.standardise, result.normalise, result.whiten) == ("none", False, "l2", False)
    assert not recwarn.list


def test_roots_come_first_then_standardising_then_length_one():
    features = np.abs(TALL)
    roots = np.sqrt(features)
    scaled = (roots - roots.mean(axis=0)) / roots.std(axis=0)
    scaled /= np.linalg.norm(scaled, axis=1, keepdims=True)
    steps = {"standardise": True, "power": "sqrt", "normalise": "l2"}
    np.testing.assert_allclose(reduced(features, "none", **steps).values, scaled)
    np.testing.assert_allclose(
        reduced(features, whiten=True, **steps).values, PCA(3, whiten=True).fit_transform(scaled), atol=1e-9
    )


def test_none_keeps_the_features():
    result = reduced(TALL.astype(np.float32), "none", 3)
    np.testing.assert_array_equal(result.values, TALL.astype(np.float32).astype(np.float64))
    assert result.components == 6
    assert result.explained_variance_ratio.shape == (0,)


def test_random_projection_follows_the_seed_and_keeps_distances_about():
    features = RNG.normal(size=(30, 2000))
    one, same, other = (reduced(features, "random_projection", 25, seed=seed).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
    assert np.mean(pdist(one) / pdist(features)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("components", [2, "min", 0.9])
def test_constant_features_become_zeros_without_a_warning(components, recwarn):
    result = reduced(np.full((10, 4), 7.0), components=components, standardise=True)
    np.testing.assert_array_equal(result.values, 0)
    np.testing.assert_array_equal(result.explained_variance_ratio, 0)
    assert not recwarn.list


@pytest.mark.parametrize("n", [2, 3])
def test_few_images(n):
    points = WIDE[:n]
    result = reduced(points, components=50)
    assert result.values.shape == (n, n)
    np.testing.assert_allclose(pdist(result.values), pdist(points))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"components": 0}, "components is 0"),
        ({"components": 2.5}, "components is 2.5"),
        ({"components": "all"}, "components is 'all'"),
        ({"components": True}, "components is True"),
        ({"method": "random_projection", "components": 0.5}, "components is 0.5"),
        ({"method": "umap"}, "unknown reduction method 'umap'"),
        ({"power": "log"}, "power is 'log' and normalise 'none'"),
        ({"normalise": "l1"}, "power is 'none' and normalise 'l1'"),
        ({"method": "none", "whiten": True}, "it needs method pca, not none"),
        ({"method": "random_projection", "whiten": True}, "it needs method pca, not random_projection"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        reduced(TALL, **arguments)


def test_features_that_cannot_be_reduced_are_refused():
    spoilt = TALL.copy()
    spoilt[[3, 8], 0] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"NaN or infinity in 2 of 80 images \(first: row 3\)"):
        reduced(spoilt)
    with pytest.raises(ValueError, match="at least 2 images"):
        reduced(TALL[:1])


def test_file(tmp_path):
    ids = [f"ä {i}\n.png" for i in range(80)]
    result = reduced(TALL, standardise=True, power="sqrt", normalise="l2", whiten=True)
    for name in ("one.h5", "two.h5"):
        write_reduced(tmp_path / name, result, ids, "resnet18")
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
    found = read_reduced(tmp_path / "one.h5")
    np.testing.assert_array_equal(found.reduction.values, result.values)
    np.testing.assert_array_equal(found.reduction.explained_variance_ratio, result.explained_variance_ratio)
    assert found.reduction[1:3] == ("pca", 3)
    assert found.reduction[4:] == (True, "sqrt", "l2", True)
    assert found.image_id.tolist() == ids
    assert found.encoder == "resnet18"
    with pytest.raises(ValueError, match="80 rows for 2 image ids"):
        write_reduced(tmp_path / "short.h5", result, ids[:2], "resnet18")
    (tmp_path / "one.h5").write_bytes(b"")
    with pytest.raises(ValueError, match=r"one\.h5 is damaged"):
        read_reduced(tmp_path / "one.h5")
