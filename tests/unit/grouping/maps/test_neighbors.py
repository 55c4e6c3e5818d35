"""The nearest other images: exact, ties by position, whatever the features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from nearlabel.grouping.maps import neighbors as module
from nearlabel.grouping.maps.neighbors import nearest_images


def by_hand(points, k, groups):
    """All distances, sorted by distance and position."""
    found = np.sqrt(((points[:, np.newaxis] - points) ** 2).sum(axis=2))
    found[groups[:, np.newaxis] == groups] = np.inf
    order = np.argsort(found, axis=1, kind="stable")[:, : min(k, len(points) - 1)]
    distances = np.take_along_axis(found, order, axis=1)
    return np.where(np.isfinite(distances), order, -1), distances


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 60), st.integers(1, 4), st.integers(1, 40), st.integers(1, 60), st.booleans(), st.integers(0, 999)
)
def test_they_are_those_of_all_distances(n, d, k, kinds, integers, seed):
    rng = np.random.default_rng(seed)
    # Of whole numbers, many images are the same and many are equally far.
    points = rng.integers(0, 3, (n, d)).astype(float) if integers else rng.normal(size=(n, d))
    groups = rng.integers(0, kinds, n)
    neighbors, distances = nearest_images(points, k, groups)
    expected, expected_distances = by_hand(points, k, groups)
    np.testing.assert_array_equal(neighbors, expected)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-12)
    assert neighbors.dtype == np.int32


@pytest.mark.parametrize("more", [0, 3, 20])
def test_more_copies_than_are_named(monkeypatch, more):
    monkeypatch.setattr(module, "_MORE", more)
    monkeypatch.setattr(module, "_ROWS", 7)
    monkeypatch.setattr(module, "_HELD", 400)
    points = np.repeat(np.random.default_rng(0).normal(size=(4, 3)), 40, axis=0)
    neighbors, distances = nearest_images(points, 10)
    assert (distances == 0).all()
    np.testing.assert_array_equal(neighbors, by_hand(points, 10, np.arange(160))[0])
    assert neighbors[0].tolist() == list(range(1, 11)) and neighbors[41].tolist() == [40, *range(42, 51)]


def test_far_from_the_origin_with_an_outlier():
    rng = np.random.default_rng(1)
    points = 1e6 + 1e-3 * rng.normal(size=(300, 5))
    points[7] = -1e8
    neighbors, distances = nearest_images(points, 5)
    expected, expected_distances = by_hand(points, 5, np.arange(300))
    np.testing.assert_array_equal(neighbors, expected)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-7)


def test_the_number_of_threads_changes_no_bit():
    points = np.random.default_rng(2).normal(size=(500, 20))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(nearest_images(points, 12))
    assert all(one.tobytes() == other.tobytes() for one, other in zip(*found, strict=True))


def test_few_images():
    assert [part.shape for part in nearest_images(np.ones((1, 3)), 5)] == [(1, 0), (1, 0)]
    assert nearest_images(np.ones((2, 3)), 5)[0].tolist() == [[1], [0]]
    neighbors, distances = nearest_images(np.array([[0.0], [1.0], [5.0]]), 5)
    assert neighbors.tolist() == [[1, 2], [0, 2], [1, 0]] and distances.tolist() == [[1, 5], [1, 4], [4, 5]]


def test_features_that_are_no_numbers_are_named():
    points = np.zeros((4, 2))
    points[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN or infinity in 1 of 4 images \(first: row 2\)"):
        nearest_images(points, 2)
    with pytest.raises(ValueError, match="needs a row for each image"):
        nearest_images(np.zeros((0, 2)), 2)
