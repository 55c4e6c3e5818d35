import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import ttest_1samp, ttest_rel, wilcoxon

from nearlabel.learning.statistics import area_under_budget_curve, corrected_t_test, wilcoxon_test


@pytest.fixture(params=range(8))
def folds(request):
    rng = np.random.default_rng(request.param)
    first = rng.uniform(0.6, 1, int(rng.integers(3, 12)))
    return first, first - rng.normal(0.02, 0.05, len(first))


def test_without_test_images_it_is_the_paired_t_test(folds):
    expected = ttest_rel(*folds)
    assert corrected_t_test(folds[0] - folds[1], 0, 1) == pytest.approx((expected.statistic, expected.pvalue))


def test_the_correction_scales_the_statistic(folds):
    differences = folds[0] - folds[1]
    k = len(differences)
    plain = ttest_1samp(differences, 0)
    statistic, p_value = corrected_t_test(differences, 3, 4)
    assert statistic == pytest.approx(plain.statistic / np.sqrt(1 + 0.75 * k))
    # A sample with this statistic, of as many values.
    standard = (differences - differences.mean()) / differences.std(ddof=1) + statistic / np.sqrt(k)
    assert p_value == pytest.approx(ttest_1samp(standard, 0).pvalue)


def test_signed_ranks(folds):
    expected = wilcoxon(*folds)
    assert wilcoxon_test(folds[0] - folds[1]) == pytest.approx((expected.statistic, expected.pvalue))
    with_ties = np.round(folds[0] - folds[1], 2)
    expected = wilcoxon(with_ties)
    assert wilcoxon_test(with_ties) == pytest.approx((expected.statistic, expected.pvalue))


def test_area(folds):
    x = np.cumsum(np.arange(1, len(folds[0]) + 1))
    assert area_under_budget_curve(x, folds[0]) == pytest.approx(trapezoid(folds[0], x) / (x[-1] - x[0]))
