import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.grouping.scores import cscore
from nearlabel.grouping.scores.cscore import convergence_difference, permutation_null


def test_by_hand():
    # Two pairs and two pairs: 2 of the 6 assignments are pure (D = 0), in 4 every Jaccard is 1/3 (D = (2 - 4/3) / 4).
    null = permutation_null([0, 0, 1, 1], [0, 1, 0, 1], 3000, 0)
    values, counts = np.unique(null.differences.round(12), return_counts=True)
    assert values.tolist() == pytest.approx([0, 1 / 6])
    assert counts[0] / 3000 == pytest.approx(1 / 3, abs=0.03)
    assert null.observed == pytest.approx(1 / 6)
    assert null.p_value == 1
    assert null.mean == null.differences.mean()
    assert null.ratio == null.observed / null.mean
    assert (null.low, null.high) == (0, pytest.approx(1 / 6))
    pure = permutation_null([0, 0, 1, 1], [0, 0, 1, 1], 3000, 0)
    assert (pure.observed, pure.ratio) == (0, 0)
    assert pure.p_value == (1 + counts[0]) / 3001


def test_planted_structure_has_the_smallest_p_value():
    rng = np.random.default_rng(0)
    near = rng.integers(0, 3, 300)
    clusters = np.where(rng.random(300) < 0.2, rng.integers(0, 3, 300), near)
    null = permutation_null(near, clusters, 200, 0)
    assert null.p_value == 1 / 201
    assert null.ratio < 0.8
    assert null.observed < null.low < null.mean < null.high


def test_p_values_are_uniform_where_there_is_nothing_to_find():
    rng = np.random.default_rng(0)
    clusters = np.repeat([0, 1, 2, 3], [90, 60, 30, 20])
    near = np.repeat([0, 1, 2], [120, 50, 30])
    nulls = [permutation_null(rng.permutation(near), clusters, 199, seed) for seed in range(200)]
    p_values = np.array([null.p_value for null in nulls])
    assert p_values.mean() == pytest.approx(0.5, abs=0.06)
    assert np.mean(p_values <= 0.1) == pytest.approx(0.1, abs=0.06)
    assert np.mean([null.ratio for null in nulls]) == pytest.approx(1, abs=0.02)


def test_many_random_clusters_have_a_small_difference_but_no_small_p_value():
    rng = np.random.default_rng(0)
    near = rng.integers(0, 2, 400)
    few = np.where(rng.random(400) < 0.05, 1 - near, near)
    many = rng.integers(0, 48, 400)
    assert convergence_difference(near, many) < convergence_difference(near, few)
    assert permutation_null(near, few, 200, 0).p_value == 1 / 201
    assert permutation_null(near, many, 200, 0).p_value > 0.05


labels_of = st.integers(2, 40).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 5), min_size=n, max_size=n) for _ in range(2)])
)


@settings(deadline=None)
@given(labels_of, st.permutations("abcdef"), st.permutations(range(6)))
def test_renaming_or_swapping_changes_no_bit(labels, names, numbers):
    near, clusters = labels
    null = permutation_null(near, clusters, 20, 7)
    for other in (
        permutation_null([names[i] for i in near], [numbers[i] for i in clusters], 20, 7),
        permutation_null(clusters, near, 20, 7),
        permutation_null(near[::-1], clusters[::-1], 20, 7),
    ):
        assert null.differences.tolist() == other.differences.tolist()
        assert null.p_value == other.p_value
        assert null.ratio == pytest.approx(other.ratio, rel=0, nan_ok=True)


@settings(deadline=None)
@given(labels_of)
def test_laws(labels):
    null = permutation_null(*labels, 30, 0)
    k, m = len(set(labels[0])), len(set(labels[1]))
    assert null.differences.shape == (30,)
    assert ((null.differences >= 0) & (null.differences <= (min(k, m) - 1) / (k * m))).all()
    assert 1 / 31 <= null.p_value <= 1
    assert null.low <= null.high
    assert null.observed == convergence_difference(*labels)
    assert np.isnan(null.ratio) == (null.mean == 0)


@pytest.mark.parametrize(
    ("near", "clusters"), [([0] * 6, [0, 0, 1, 1, 2, 2]), ([0, 0, 0, 1, 1, 1], [5] * 6), ([0, 0, 1], [0, 1, 2])]
)
def test_where_every_clustering_has_0_the_ratio_is_undefined_and_p_is_1(near, clusters):
    null = permutation_null(near, clusters, 200, 0)
    assert (null.observed, null.mean, null.p_value, null.low, null.high) == (0, 0, 1, 0, 0)
    assert np.isnan(null.ratio)


def test_only_labelled_images_count():
    near, clusters = ["a", "b", "", "a", None, "b", "b"], [0, 1, 5, 0, 6, 1, 0]
    null = permutation_null(near, clusters, 50, 3)
    labelled = permutation_null(["a", "b", "a", "b", "b"], [0, 1, 0, 1, 0], 50, 3)
    assert null.differences.tolist() == labelled.differences.tolist()


def test_seeds_and_pieces(monkeypatch):
    rng = np.random.default_rng(0)
    near, clusters = rng.integers(0, 4, 100), rng.integers(0, 9, 100)
    null = permutation_null(near, clusters, 200, 1)
    assert (null.differences == permutation_null(near, clusters, 200, 1).differences).all()
    assert (null.differences != permutation_null(near, clusters, 200, 2).differences).any()
    monkeypatch.setattr(cscore, "HELD_CELLS", 36 * 7)
    assert (null.differences == permutation_null(near, clusters, 200, 1).differences).all()


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="permutations is 0"):
        permutation_null([0, 1], [0, 1], 0, 0)
    with pytest.raises(ValueError, match="no image has a near-label"):
        permutation_null(["", ""], [0, 1], 200, 0)
