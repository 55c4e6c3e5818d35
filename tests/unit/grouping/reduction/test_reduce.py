import logging

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.grouping.reduction.reduced import read_reduced, write_reduced

RNG = np.random.default_rng(0)
WIDE, TALL = RNG.normal(size=(20, 50)) * np.arange(1, 51), RNG.normal(size=(80, 6)) * np.arange(1, 7)


def reduced(features, method="pca", components=3, *, standardise=False, seed=0):
    return reduce_features(features, method, components, standardise=standardise, seed=seed)


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
    result = reduced(TALL, standardise=True)
    for name in ("one.h5", "two.h5"):
        write_reduced(tmp_path / name, result, ids, "resnet18")
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
    found = read_reduced(tmp_path / "one.h5")
    np.testing.assert_array_equal(found.reduction.values, result.values)
    np.testing.assert_array_equal(found.reduction.explained_variance_ratio, result.explained_variance_ratio)
    assert found.reduction[1:3] == ("pca", 3)
    assert found.reduction.standardise is True
    assert found.image_id.tolist() == ids
    assert found.encoder == "resnet18"
    with pytest.raises(ValueError, match="80 rows for 2 image ids"):
        write_reduced(tmp_path / "short.h5", result, ids[:2], "resnet18")
    (tmp_path / "one.h5").write_bytes(b"")
    with pytest.raises(ValueError, match=r"one\.h5 is damaged"):
        read_reduced(tmp_path / "one.h5")
