"""The verdict's AMI and null against scikit-learn's score of every shuffle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score

from nearlabel.grouping.scores.verdict import judge_clusterings


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 120), st.integers(2, 6), st.integers(2, 40), st.floats(0, 1), st.integers(0, 2**31))
def test_ami_is_scikit_learns(n, classes, k, share, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    labels[:2] = 0, 1
    clusters = np.where(rng.random(n) < share, labels, rng.integers(0, k, n))
    expected = adjusted_mutual_info_score(labels, clusters)
    if len(np.unique(labels)) == len(np.unique(clusters)) == n:
        return  # every image alone in both: no shuffle differs, which is no evidence here and 1 there
    assert judge_clusterings(labels, [clusters], 0, 1, 0).ami == pytest.approx(expected, abs=1e-7)


def test_the_null_is_the_largest_score_of_each_shuffle():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 150)
    clusterings = [rng.integers(0, k, 150) for k in (2, 5, 11)]
    verdict = judge_clusterings(labels, clusterings, 1, 50, 7)
    shuffles = np.random.default_rng(7)
    largest = []
    for _ in range(50):
        shuffled = shuffles.permutation(labels)
        largest.append(max(adjusted_mutual_info_score(shuffled, own) for own in clusterings))
    observed = adjusted_mutual_info_score(labels, clusterings[1])
    assert verdict.ami == pytest.approx(observed)
    assert verdict.null_mean == pytest.approx(np.mean(largest))
    assert verdict.null_high == pytest.approx(np.quantile(largest, 0.95))
    assert verdict.p_value == (1 + np.sum(np.array(largest) >= observed)) / 51
