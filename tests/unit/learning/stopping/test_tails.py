from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from nearlabel.learning.stopping import tails
from nearlabel.learning.stopping.tails import (
    exact_share,
    is_improbable,
    least_sample,
    lower_tails,
)


@st.composite
def urns(draw):
    images = draw(st.integers(1, 300))
    return draw(st.integers(0, 40)), images, draw(st.integers(0, images)), draw(st.integers(0, images))


@settings(deadline=None)
@given(st.lists(urns(), min_size=1, max_size=8))
def test_tails_are_scipys(cases):
    found, images, defects, size = np.array(cases).T
    assert lower_tails(found, images, defects, size) == pytest.approx(
        hypergeom.cdf(found, images, defects, size), rel=1e-9, abs=1e-13
    )


@settings(deadline=None)
@given(urns(), st.sampled_from(["0.05", "0.025", "0.2", "0.7"]))
def test_the_exact_comparison_agrees_with_scipy_away_from_ties(urn, alpha):
    tail = hypergeom.cdf(*urn)
    if abs(tail - float(alpha)) > 1e-9:
        assert is_improbable(*urn, Fraction(alpha)) == (tail <= float(alpha))


def test_ties_are_decided_exactly():
    # One defect among 20: a sample of 19 misses it with probability 1/20.
    assert is_improbable(0, 20, 1, 19, exact_share(0.05, "alpha"))
    assert not is_improbable(0, 20, 1, 18, exact_share(0.05, "alpha"))
    assert not is_improbable(0, 20, 1, 19, exact_share(0.0499999999999999, "alpha"))
    assert least_sample(20, 1, exact_share(0.05, "alpha")) == 19


def test_shares_are_the_decimals_that_they_are_written_as():
    assert exact_share(0.95, "recall") == exact_share("0.95", "recall") == exact_share(np.float64(0.95), "recall")
    assert exact_share(1, "recall") == 1 and exact_share(1e-6, "alpha") == Fraction(1, 10**6)
    for value in (0, -0.1, 1.01, "much", float("nan")):
        with pytest.raises(ValueError, match=f"alpha is {value}; give a number above 0 and at most 1"):
            exact_share(value, "alpha")


def test_an_impossible_urn_has_no_probability():
    assert is_improbable(3, 5, 6, 2, exact_share(0.05, "alpha"))
    assert least_sample(5, 6, exact_share(0.05, "alpha")) == 0
    assert lower_tails(*np.array([[1], [5], [6], [3]])).tolist() == [0]
    assert lower_tails(*np.empty((4, 0), dtype=int)).tolist() == []


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 60), st.sampled_from(["0.05", "0.025", "0.001"]))
def test_the_clean_sample_is_the_smallest(images, defects, alpha):
    size, level = least_sample(images, defects, Fraction(alpha)), Fraction(alpha)
    assert 0 <= size <= images and is_improbable(0, images, defects, size, level)
    assert size == 0 or not is_improbable(0, images, defects, size - 1, level)


def test_tails_of_large_urns():
    """Far above the mode, far below it, and between; scipy's own sums are 1e-12 off the mark at most."""
    images, defects, size = 100_000, 6000, 30_000
    found = np.array([0, 900, 1500, 1700, 1800, 1900, 3000, 6000])
    ours = lower_tails(found, *(np.full(found.size, value) for value in (images, defects, size)))
    assert ours == pytest.approx(hypergeom.cdf(found, images, defects, size), rel=1e-7, abs=1e-12)
    assert ours[0] == 0 and ours[-1] == ours[-2] == 1


def test_long_sums_are_exact_where_rounding_could_decide(monkeypatch):
    level = exact_share(0.05, "alpha")
    cases = [(found, 4000, 900, 1000) for found in range(195, 222, 3)]
    exact = [is_improbable(*case, level) for case in cases]
    assert set(exact) == {True, False}
    monkeypatch.setattr(tails, "LONG", 1)
    assert [is_improbable(*case, level) for case in cases] == exact
    # A tie that floating point cannot be trusted with.
    assert is_improbable(0, 20, 1, 19, level) and not is_improbable(0, 20, 1, 18, level)
    whole = Fraction(comb(3998, 1000) + 2 * comb(3998, 999), comb(4000, 1000))
    assert is_improbable(1, 4000, 2, 1000, whole)
    assert not is_improbable(1, 4000, 2, 1000, whole - Fraction(1, 10**30))
