"""The maps of a node: repeatable, of few images, of copies, kept whole."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from nearlabel.grouping.maps.embedding import embed_tsne, neighbors_for, perplexity_for
from nearlabel.grouping.maps.neighbors import nearest_images
from nearlabel.grouping.maps.node_map import map_images, read_map, write_map
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.grouping.reduction.reduced import Reduced, Reduction


def node(points, method="none"):
    if method == "pca":
        reduction = reduce_features(points, "pca", 5, standardise=False, seed=0)
    else:
        reduction = Reduction(points, "none", points.shape[1], np.empty(0), False)
    return Reduced(reduction, np.array([f"{i}.png" for i in range(len(points))], dtype=object), "texture")


def islands(n=150, d=8):
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, n)
    return rng.normal(size=(3, d))[kind] * 12 + rng.normal(size=(n, d)), kind


@pytest.fixture(scope="module")
def mapped():
    return map_images(node(islands()[0], "pca"), seed=1)


def test_islands_stay_apart_on_both_maps(mapped):
    kind = islands()[1]
    for places in (mapped.pca, mapped.tsne):
        assert places.shape == (150, 2) and places.dtype == np.float32 and np.isfinite(places).all()
        nearest, _ = nearest_images(places, 3)
        assert (kind[nearest] == kind[:, np.newaxis]).mean() > 0.98
    assert mapped.neighbors.shape == mapped.distances.shape == (150, 30)
    assert mapped.perplexity == 30 and mapped.encoder == "texture"


def test_the_first_map_is_the_first_two_components(mapped):
    reduced = node(islands()[0], "pca")
    np.testing.assert_allclose(mapped.pca, reduced.reduction.values[:, :2], rtol=1e-6)
    centred = islands()[0] - islands()[0].mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(mapped.pca), np.abs(left * sizes)[:, :2], atol=1e-4)


def test_trustworthiness_is_scikit_learns(mapped):
    points = node(islands()[0], "pca").reduction.values
    assert mapped.trusted_images == 150
    assert mapped.trustworthiness["tsne"] == pytest.approx(trustworthiness(points, mapped.tsne, n_neighbors=5))
    assert mapped.trustworthiness["tsne"] > mapped.trustworthiness["pca"] > 0.8


@pytest.mark.parametrize("n", [150, pytest.param(10_500, marks=pytest.mark.slow)])
def test_the_same_bytes_twice(tmp_path, n):
    points, _ = islands(n)
    for name in ("one", "two"):
        write_map(tmp_path / name, map_images(node(points), seed=3))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    other = map_images(node(points), seed=4)
    assert not np.array_equal(other.tsne, read_map(tmp_path / "one").tsne)


def test_a_map_is_read_as_it_was_written(tmp_path, mapped):
    write_map(tmp_path / "map.h5", mapped)
    found = read_map(tmp_path / "map.h5")
    for name, value in mapped._asdict().items():
        np.testing.assert_array_equal(getattr(found, name), value)
    assert {"numpy", "openTSNE", "scikit-learn"} <= set(found.library_versions)
    with pytest.raises(FileNotFoundError, match="missing"):
        read_map(tmp_path / "missing.h5")


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_few_images_have_no_tsne(tmp_path, n):
    write_map(tmp_path / "map.h5", map_images(node(islands(n)[0]), seed=0))
    found = read_map(tmp_path / "map.h5")
    assert found.tsne is None and np.isnan(found.perplexity) and np.isfinite(found.pca).all()
    assert found.pca.shape == (n, 2) and found.neighbors.shape == (n, n - 1)
    assert set(found.trustworthiness) == ({"pca"} if n > 2 else set())


def test_constant_features_lie_on_one_point_and_copies_do_not_disturb():
    same = map_images(node(np.ones((40, 3))), seed=0)
    assert same.tsne is None and (same.pca == 0).all() and (same.distances == 0).all()
    points, _ = islands(30)
    found = map_images(node(np.repeat(points, 4, axis=0)), seed=0)
    assert np.isfinite(found.tsne).all()
    assert (found.neighbors[:, :3] // 4 == np.arange(120)[:, np.newaxis] // 4).all()


def test_one_dimension():
    found = map_images(node(np.arange(20.0)[:, np.newaxis]), seed=0)
    assert (found.pca[:, 1] == 0).all() and np.isfinite(found.tsne).all()


def test_nan_is_refused():
    points = islands()[0]
    points[5] = np.nan
    with pytest.raises(ValueError, match="first: row 5"):
        map_images(node(points), seed=0)


def test_perplexity_falls_with_few_images():
    assert perplexity_for(1000) == 30 and perplexity_for(91) == 30 and perplexity_for(31) == 10
    assert neighbors_for(1000) == 90 and neighbors_for(31) == 30
    assert embed_tsne(np.zeros((50, 2)), np.zeros((50, 49), int), np.zeros((50, 49)), seed=0) is None
