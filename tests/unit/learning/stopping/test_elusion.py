import pytest
from scipy.stats import hypergeom

from nearlabel.learning.stopping.elusion import audits_for_rate, elusion_bound
from nearlabel.learning.stopping.history import Audit


@pytest.mark.parametrize(("size", "rate"), [(60, 0.047), (100, 0.028), (150, 0.018), (300, 0.008), (600, 0.003)])
def test_clean_audits_of_1000_images(size, rate):
    bound = elusion_bound(Audit(1000, 0, size, 0))
    assert round(bound.rate, 3) == rate and bound.drawn_from == bound.left == 1000 * rate


@pytest.mark.parametrize("defects", [0, 1, 3, 10])
@pytest.mark.parametrize(("left", "size"), [(50, 12), (400, 90), (90, 90)])
def test_the_bound_is_the_largest_count_that_is_not_rejected(left, size, defects):
    bound = elusion_bound(Audit(left, 7, size, defects), 0.1)
    possible = range(defects, left - size + defects + 1)
    assert bound.drawn_from == max(d for d in possible if hypergeom.cdf(defects, left, d, size) > 0.1)
    assert bound.left == bound.drawn_from - defects
    assert bound.rate == bound.drawn_from / left


def test_a_whole_audit_leaves_nothing():
    assert elusion_bound(Audit(40, 2, 40, 5)) == (5, 0.125, 0)
    assert elusion_bound(Audit(40, 2, 40, 40)) == (40, 1.0, 0)


@pytest.mark.parametrize(("left", "rate"), [(1000, 0.01), (1000, 0.0005), (77, 0.3), (5, 0)])
def test_the_audit_for_a_rate_is_the_smallest_that_shows_it(left, rate):
    size = audits_for_rate(left, rate)
    assert elusion_bound(Audit(left, 0, size, 0)).rate <= rate
    assert size == 1 or elusion_bound(Audit(left, 0, size - 1, 0)).rate > rate
    assert audits_for_rate(left, 1) == 0


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="0 images are left"):
        audits_for_rate(0, 0.1)
    with pytest.raises(ValueError, match=r"the defect rate is 1\.5"):
        audits_for_rate(10, 1.5)
