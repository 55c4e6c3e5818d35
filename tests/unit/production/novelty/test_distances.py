import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nearlabel.production.novelty.distances import (
    NearestReference,
    knn_distances,
    measure_novelty,
    novelty_features,
)


def brute_force(query, reference, k):
    between = np.asarray(query, np.float32).astype(float)[:, np.newaxis] - np.asarray(reference, np.float32).astype(
        float
    )
    distances = np.sqrt((between**2).sum(axis=2))
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, axis=1), order


grid = st.tuples(st.integers(1, 12), st.integers(1, 30), st.integers(1, 5)).flatmap(
    lambda shape: st.tuples(
        arrays(np.float32, (shape[0], shape[2]), elements=st.integers(-3, 3)),
        arrays(np.float32, (shape[1], shape[2]), elements=st.integers(-3, 3)),
    )
)


@settings(max_examples=80, deadline=None)
@given(grid, st.integers(1, 12))
def test_as_by_brute_force_with_ties_by_position(tables, k):
    query, reference = tables
    distances, indices = knn_distances(query, reference, k)
    known, order = brute_force(query, reference, k)
    assert np.array_equal(indices, order)
    np.testing.assert_allclose(distances, known, rtol=1e-15)


@pytest.mark.parametrize("origin", [0, 1000, 1e5])
def test_exact_far_from_the_origin_where_the_square_loses_its_digits(origin):
    rng = np.random.default_rng(0)
    reference = (rng.normal(size=(300, 40)) + origin).astype(np.float32)
    query = (rng.normal(size=(20, 40)) + origin).astype(np.float32)
    assert np.array_equal(knn_distances(query, reference, 7)[1], brute_force(query, reference, 7)[1])


def test_a_row_has_the_same_bytes_alone_and_among_others():
    rng = np.random.default_rng(1)
    reference, query = rng.normal(size=(500, 64)), rng.normal(size=(33, 64))
    together = knn_distances(query, reference, 5)
    for row in range(len(query)):
        alone = knn_distances(query[row : row + 1], reference, 5)
        assert alone[0].tobytes() == together[0][row].tobytes()
        assert np.array_equal(alone[1][0], together[1][row])
    turned = knn_distances(query[::-1], reference, 5)
    assert turned[0][::-1].tobytes() == together[0].tobytes()


def test_an_image_of_the_reference_is_at_distance_0_of_itself():
    reference = novelty_features(np.random.default_rng(2).gamma(2, size=(200, 100)))
    distances, indices = knn_distances(reference, reference, 1)
    assert not distances.any() and np.array_equal(indices[:, 0], np.arange(200))


def test_memory_is_bounded_whatever_is_asked(monkeypatch):
    rng = np.random.default_rng(3)
    query, reference = rng.normal(size=(50, 8)), rng.normal(size=(40, 8))
    whole = knn_distances(query, reference, 3)
    monkeypatch.setattr("nearlabel.production.novelty.distances._HELD", 100)
    strips = knn_distances(query, reference, 3)
    assert np.array_equal(whole[0], strips[0]) and np.array_equal(whole[1], strips[1])


def test_fewer_reference_images_than_neighbours():
    assert knn_distances(np.zeros((2, 3)), np.ones((4, 3)), 9)[0].shape == (2, 4)


@pytest.mark.parametrize(
    ("query", "reference", "said"),
    [
        (np.zeros((1, 3)), np.zeros((0, 3)), "needs a row"),
        (np.zeros((1, 3)), np.full((2, 3), np.nan), "NaN"),
        (np.zeros((1, 2)), np.zeros((2, 3)), "take the encoder"),
        (np.array([[0.0], [np.inf]]), np.zeros((2, 1)), "row 1"),
    ],
)
def test_what_is_no_table_of_finite_numbers_is_refused(query, reference, said):
    with pytest.raises(ValueError, match=said):
        knn_distances(query, reference, 1)


def two_kinds(seed=0):
    """A kind that lies close together, and one ten times as far apart."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(60, 6)) * 0.1, rng.normal(size=(60, 6)) + 20


def test_what_lies_among_a_wide_kind_is_no_more_novel_than_among_a_close_one():
    close, wide = two_kinds()
    reference = NearestReference(np.vstack([close, wide]))
    asked_close, asked_wide = two_kinds(1)
    unseen = np.full((1, 6), 2.0)
    novelty = [measure_novelty(asked, reference, 5).scores for asked in (asked_close, asked_wide, unseen)]
    assert np.median(novelty[0]) == pytest.approx(1, abs=0.25) and np.median(novelty[1]) == pytest.approx(1, abs=0.25)
    assert novelty[2][0] > 5 * max(novelty[0].max(), novelty[1].max())
    # By the distance alone, one of the wide kind would be as novel.
    assert np.median(knn_distances(asked_wide, np.vstack([close, wide]), 5)[0].mean(axis=1)) > 1


def test_novelty_is_counted_by_hand_and_names_more_neighbours_than_it_is_measured_by():
    reference = NearestReference(np.array([[0.0], [1], [3], [7]]))
    # To the two nearest others: 2, 1.5, 2.5, 5.
    assert reference.spreads(2).tolist() == [2, 1.5, 2.5, 5]
    found = measure_novelty(np.array([[4.0], [0]]), reference, 2, named=3)
    assert found.scores.tolist() == [(1 + 3) / 2 / ((2.5 + 1.5) / 2), 0.5 / 1.75]
    assert found.indices.tolist() == [[2, 1, 3], [0, 1, 2]]


def test_copies_have_no_spread_and_make_nothing_infinitely_novel():
    reference = NearestReference(np.vstack([np.zeros((9, 3)), np.random.default_rng(0).normal(size=(30, 3)) + 5]))
    spreads = reference.spreads(3)
    assert (
        spreads.min()
        == spreads[0]
        == pytest.approx(0.1 * np.median(reference.find(reference._points, 4)[0][:, 1:].mean(axis=1)))
    )
    assert measure_novelty(np.zeros((1, 3)), reference, 3).scores[0] == 0
    assert NearestReference(np.ones((6, 2))).spreads(3).tolist() == [1] * 6
    assert NearestReference(np.ones((1, 2))).spreads(3).tolist() == [1]
