import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearlabel.production.drift.ranks import Ranks


def test_a_value_is_held_against_all_earlier_ones():
    ranks = Ranks([1.0, 2.0, 2.0, 4.0])
    assert ranks.add(3.0, 0.5) == (1 + 0.5) / 5
    # Now 3 is an earlier value: larger are 3 and 4, equal 2 and 2 and the value itself.
    assert ranks.add(2.0, 0.25) == (2 + 0.25 * 3) / 6
    assert ranks.add(9.0, 0.5) == 0.5 / 7
    assert ranks.add(-1.0, 0.5) == (7 + 0.5) / 8
    assert ranks.total == 8


def test_the_first_value_of_all_is_uniform():
    assert Ranks().add(7.0, 0.125) == 0.125


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_p_values_are_those_of_the_definition(values, random):
    ranks = Ranks(values[:5])
    for place, value in enumerate(values[5:], 5):
        earlier = values[:place]
        larger, equal = sum(e > value for e in earlier), sum(e == value for e in earlier)
        assert ranks.add(value, random) == pytest.approx((larger + random * (equal + 1)) / (place + 1), abs=1e-15)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=50))
def test_rounding_keeps_the_order(values):
    ranks = Ranks()
    for value in values:
        ranks.add(value, 0.5)
    low = min(values)
    assert ranks.add(low - 1 - abs(low), 0.5) == (len(values) + 0.5) / (len(values) + 1)


def test_ranks_of_all_orders_are_uniform():
    # Of four unlike values in all orders the last one's rank takes each place as often.
    last = [Ranks(order[:3]).add(order[3], 0.5) for order in itertools.permutations([0.1, 0.5, 0.7, 0.9])]
    assert sorted(last) == sorted([0.125, 0.375, 0.625, 0.875] * 6)


def test_state_is_small_and_whole():
    values = np.random.default_rng(0).normal(0.5, 0.1, 200_000)
    ranks = Ranks(values)
    state = ranks.state()
    assert len(state) < 20_000
    other = Ranks.restore(state)
    for value in values[:50]:
        assert ranks.add(value, 0.3) == other.add(value, 0.3)
    assert ranks.state() == other.state()
