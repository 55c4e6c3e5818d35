from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.learning.stopping.history import Audit
from nearlabel.learning.stopping.interval import defects_interval


def exact(draws, population, alpha):
    """The set of the formula in exact integers."""

    def likelihood(total):
        product = 1.0
        for draw in draws:
            d = total - draw.found
            if not 0 <= d <= draw.left:
                return 0.0
            ways = comb(d, draw.defects) * comb(draw.left - d, draw.size - draw.defects)
            product *= ways / comb(draw.left, draw.size)
        return product

    values = [likelihood(total) for total in range(population + 1)]
    weights = [1 / (1 + total) for total in range(population + 1)]
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    return [total for total, value in enumerate(values) if value > alpha * mean]


@st.composite
def runs(draw):
    """A run of rounds: a chosen batch, then a few picks at random."""
    population = draw(st.integers(30, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = (rng.random(population) < draw(st.sampled_from([0.05, 0.3, 0.8]))).astype(int)
    left, found, draws = rng.permutation(population).tolist(), 0, []
    if draw(st.booleans()):
        left.sort(key=lambda image: labels[image])
    for _ in range(draw(st.integers(0, 4))):
        found += int(labels[left[-4:]].sum())
        left = left[:-4]
        picks = rng.choice(len(left), 3, replace=False)
        draws.append(Audit(len(left), found, 3, int(labels[[left[i] for i in picks]].sum())))
        found += draws[-1].defects
        left = [image for i, image in enumerate(left) if i not in picks]
    return draws, population, found, population - len(left), int(labels.sum())


@settings(deadline=None)
@given(runs(), st.sampled_from([0.05, 0.3]))
def test_the_interval_is_the_formulas(run, alpha):
    draws, population, found, labelled, _ = run
    result = defects_interval(draws, population, found, labelled, alpha)
    certain = range(found, found + population - labelled + 1)
    inside = [total for total in exact(draws, population, alpha) if total in certain] or certain
    assert (result.low, result.high) == (inside[0], inside[-1])
    # No gaps: the likelihood is log-concave in the total.
    assert len(inside) == inside[-1] - inside[0] + 1
    assert result.median in certain and result.likeliest in certain


def test_without_draws_only_what_is_certain_remains():
    assert defects_interval([], 100, 4, 30)[:2] == (4, 74)
    assert defects_interval([], 100, 4, 100)[:2] == (4, 4)


def test_more_picks_narrow_it_around_the_truth():
    # 100 of 1000 are defective, as in every sample.
    widths = []
    for size in (50, 200, 800):
        result = defects_interval([Audit(1000, 0, size, size // 10)], 1000, size // 10, size)
        assert result.low <= 100 <= result.high and abs(result.likeliest - 100) <= 1 and abs(result.median - 100) < 10
        widths.append(result.high - result.low)
    assert widths == sorted(widths, reverse=True)


def test_a_whole_sample_leaves_one_count():
    assert defects_interval([Audit(50, 0, 50, 9)], 50, 9, 50) == (9, 9, 9, 9)


def test_draws_against_all_that_is_certain_leave_it_whole():
    # A clean sample of 900 says that there are hardly any; the strategy then found 60.
    draws = [Audit(1000, 0, 900, 0)]
    assert defects_interval(draws, 1000, 60, 970)[:2] == (60, 90)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([], 10, 3, 2), "3 defects among 2 images"),
        (([], 10, 1, 11), "labelled of 10"),
        (([], 10, 1, 5, 0), "alpha is 0"),
        (([Audit(11, 0, 2, 0)], 10, 1, 5), "from 11 images left with 0 defects found is impossible"),
        (([Audit(8, 3, 2, 0)], 10, 3, 4), "from 8 images left with 3 defects found is impossible"),
        (([Audit(8, 0, 2, 0), Audit(7, 0, 2, 0)], 10, 1, 5), "in order"),
        (([Audit(8, 1, 2, 1), Audit(6, 1, 2, 0)], 10, 1, 6), "in order"),
        (([Audit(50, 0, 50, 0)], 100, 5, 100), "cannot follow the last draw"),
        (([Audit(9, 1, 2, 0), Audit(6, 3, 2, 0)], 10, 3, 6), "in order"),
        (([Audit(8, 1, 2, 1)], 10, 2, 3), "cannot follow the last draw"),
        (([Audit(8, 1, 2, 1)], 10, 1, 4), "cannot follow the last draw"),
    ],
)
def test_counts_that_contradict_each_other_are_named(arguments, text):
    with pytest.raises(ValueError, match=text):
        defects_interval(*arguments)
