from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.grouping.scores.cscore import best_match_jaccard, c_score, convergence_difference, normalized_c_score


def partitions(n):
    """Every partition of n things, as restricted growth strings."""
    found = [[0]]
    for _ in range(n - 1):
        found = [[*labels, new] for labels in found for new in range(max(labels) + 2)]
    return found


def by_definition(near_labels, clusters):
    """The sum over all pairs of sets, literally."""
    total = 0.0
    for label in set(near_labels):
        for cluster in set(clusters):
            one = {i for i, value in enumerate(near_labels) if value == label}
            other = {i for i, value in enumerate(clusters) if value == cluster}
            total += len(one & other) / len(one | other)
    return total


def refines(fine, coarse):
    return len(set(zip(fine, coarse, strict=True))) == len(set(fine))


def test_c_score_by_hand():
    # Jaccard: a-0 2/2, a-1 0, b-0 0, b-1 2/2; then one of b's moved: a-0 2/3, b-0 1/4, b-1 1/2
    assert c_score(["a", "a", "b", "b"], [0, 0, 1, 1]) == 2
    assert c_score(["a", "a", "b", "b"], [0, 0, 0, 1]) == pytest.approx(2 / 3 + 1 / 4 + 1 / 2)
    assert normalized_c_score(["a", "a", "b", "b"], [0, 0, 1, 1]) == 0.5
    assert convergence_difference(["a", "a", "b", "b"], [0, 0, 0, 1]) == pytest.approx((2 - 17 / 12) / 4)


@pytest.mark.parametrize("n", range(1, 6))
def test_every_pair_of_partitions(n):
    # Of five images only near-labels in order: up to four, all orders are there.
    for near, clusters in product(partitions(n), repeat=2):
        if n == 5 and near != sorted(near):
            continue
        k, m = max(near) + 1, max(clusters) + 1
        score, difference = c_score(near, clusters), convergence_difference(near, clusters)
        assert score == pytest.approx(by_definition(near, clusters), abs=1e-12)
        assert 1 - 1e-12 <= score <= min(k, m) + 1e-12
        assert c_score(clusters, near) == score
        assert normalized_c_score(near, clusters) == score / (k * m)
        assert difference == pytest.approx((min(k, m) - score) / (k * m), abs=1e-12)
        pure = refines(near, clusters) or refines(clusters, near)
        assert (difference == 0) == pure == (abs(score - min(k, m)) < 1e-12)
        if k > 1 and m > 1:
            assert score > 1 + 1e-12


labels_of = st.integers(1, 40).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 7), min_size=n, max_size=n) for _ in range(2)])
)


@settings(deadline=None)
@given(labels_of, st.permutations("abcdefgh"), st.permutations(range(8)))
def test_renaming_changes_no_bit(labels, names, numbers):
    near, clusters = labels
    for measure in (c_score, normalized_c_score, convergence_difference):
        assert measure([names[i] for i in near], [numbers[i] for i in clusters]) == measure(near, clusters)


@settings(deadline=None)
@given(labels_of)
def test_normalised_score_lies_between_1_over_km_and_1_over_the_larger(labels):
    near, clusters = labels
    k, m = len(set(near)), len(set(clusters))
    assert 1 / (k * m) - 1e-12 <= normalized_c_score(near, clusters) <= 1 / max(k, m) + 1e-12


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_difference_is_0_for_one_cluster_and_for_single_images(near):
    assert convergence_difference(near, [0] * len(near)) == 0
    assert convergence_difference(near, range(len(near))) == 0
    assert convergence_difference([0] * len(near), near) == 0


def test_independent_balanced_partitions():
    for k, m in [(2, 2), (2, 48), (3, 5)]:
        near, clusters = np.divmod(np.arange(k * m), m)
        assert convergence_difference(near, clusters) == pytest.approx((k - 1) / (m * (k + m - 1)))


@pytest.mark.parametrize("empty", ["", None, np.nan])
def test_images_without_near_label_are_left_out(empty):
    near, clusters = ["a", "a", "b", empty, empty], [0, 0, 1, 1, 2]
    assert c_score(near, clusters) == 2
    assert normalized_c_score(near, clusters) == 0.5


def test_number_near_labels_count_zero_as_a_label():
    assert c_score([0, 0, 1], [1, 1, 0]) == 2


def test_no_near_labels_and_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="no image has a near-label"):
        c_score(["", ""], [0, 1])
    with pytest.raises(ValueError, match="3 near-labels and 2 clusters"):
        c_score(["a", "b", "b"], [0, 1])


def test_best_match_jaccard():
    assert best_match_jaccard(["a", "a", "b", "b"], [1, 1, 0, 0]) == 1
    # near-labels: a 2/2, b 1/2; clusters: 2/2, 1/2, 1/2
    assert best_match_jaccard(["a", "a", "b", "b"], [0, 0, 1, 2]) == pytest.approx((3 / 4 + 2 / 3) / 2)


@settings(deadline=None)
@given(labels_of)
def test_best_match_jaccard_is_symmetric_and_1_for_equal_partitions_only(labels):
    near, clusters = labels
    score = best_match_jaccard(near, clusters)
    assert score == pytest.approx(best_match_jaccard(clusters, near))
    assert 0 < score <= 1
    assert (score == 1) == (refines(near, clusters) and refines(clusters, near))
