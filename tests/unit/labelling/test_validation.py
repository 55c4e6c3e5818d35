import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from nearlabel.labelling.validation import auc_error, auc_variance, measure_auc


def unweighted(scores, labels):
    return measure_auc(scores, labels, np.ones(len(labels)))


def test_area_is_that_of_scikit_learn_and_images_not_judged_are_left_out():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    scores = np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1)
    found = unweighted(np.append(scores, np.nan), np.append(labels, 1))
    assert found.auc == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert (found.good, found.defects) == ((labels == 0).sum(), labels.sum())
    assert 0 < found.low < found.auc < found.high < 1


def test_ends_of_the_interval_are_so_many_standard_errors_away():
    labels = np.repeat([0, 1], [30, 10])
    found = unweighted(np.linspace(0, 1, 40) ** 2 * 0.5 + 0.3 * (np.arange(40) % 3 == 0), labels)
    for end in (found.low, found.high):
        assert abs(found.auc - end) == pytest.approx(1.959964 * np.sqrt(auc_variance(end, 30, 10)), rel=1e-9)


def test_a_perfect_area_has_a_width():
    few = unweighted(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]))
    many = unweighted(np.repeat([0.1, 0.9], 50), np.repeat([0, 1], 50))
    assert few.auc == many.auc == few.high == 1
    assert few.low < many.low < 1
    assert auc_error(few) > auc_error(many) > 0


def test_one_class_has_no_area():
    assert unweighted(np.array([0.1, 0.9]), np.array([1, 1])) is None
    assert unweighted(np.array([np.nan, 0.9]), np.array([0, 1])) is None


def test_probabilities_of_0_and_1_are_ranked():
    assert unweighted(np.array([0.0, 1e-9, 1.0]), np.array([0, 1, 1])).auc == 1


def test_the_interval_covers_the_true_area():
    """Normal scores of a known area, few defects: covered about as often as 95 % says."""
    rng, inside, runs = np.random.default_rng(1), 0, 400
    # P(N(1.2, 1) > N(0, 1)).
    true = 0.8019
    labels = np.repeat([0, 1], [60, 12])
    for _ in range(runs):
        scores = 1 / (1 + np.exp(-rng.normal(1.2 * labels, 1)))
        found = unweighted(scores, labels)
        inside += found.low <= true <= found.high
    assert binomtest(inside, runs, 0.93).pvalue > 1e-3 or inside / runs > 0.93


def test_weights_are_scikit_learns_and_a_few_images_that_stand_for_many_are_few():
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1], [40, 40])
    scores = 1 / (1 + np.exp(-rng.normal(labels, 1)))
    weights = np.where(np.arange(80) % 10 == 0, 30.0, 1.0)
    found = measure_auc(scores, labels, weights)
    assert found.auc == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights), abs=1e-12)
    even = unweighted(scores, labels)
    assert found.high - found.low > 1.5 * (even.high - even.low)
    # Only their shares count.
    assert measure_auc(scores, labels, 7 * weights) == pytest.approx(found)
    # What stands for nothing is left out.
    assert measure_auc(scores, labels, np.where(np.arange(80) < 60, 1.0, 0.0)).defects == 20
