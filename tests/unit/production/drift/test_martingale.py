import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from nearlabel.production.drift.martingale import ASLEEP, DOWN, SHIFT, UP, ShiftMartingale

p_values = st.floats(1e-6, 1 - 1e-6)


def bets(martingale, chain):
    for place, p in enumerate(chain):
        martingale.bet(p, 1.0, place)
    return martingale


@given(st.lists(p_values, max_size=20))
def test_the_next_bet_is_fair(chain):
    before = bets(ShiftMartingale(), chain)
    state = json.dumps(before.state())

    def after(p):
        return ShiftMartingale.restore(json.loads(state)).bet(p, 1.0, 0)

    expected = quad(after, 0, 1, limit=200)[0]
    assert expected == pytest.approx(before.capital, rel=1e-6)


@given(st.lists(p_values, min_size=1, max_size=30))
def test_capital_is_the_average_over_all_starts(chain):
    z = [-_quantile(p) for p in chain]
    expected = ASLEEP / (ASLEEP + len(chain))
    for start in range(len(chain)):
        weight = ASLEEP / (ASLEEP + start) - ASLEEP / (ASLEEP + start + 1)
        for shift in (SHIFT, -SHIFT):
            expected += weight / 2 * math.prod(math.exp(shift * one - shift**2 / 2) for one in z[start:])
    assert bets(ShiftMartingale(), chain).capital == pytest.approx(expected, rel=1e-9)


def test_ville_by_simulation():
    rng = np.random.default_rng(3)
    highest = []
    for _ in range(300):
        martingale = ShiftMartingale()
        highest.append(max(martingale.bet(p, 0.0, 0) for p in rng.uniform(size=300)))
    assert np.mean(np.array(highest) >= 10) <= 0.1 + 3 * np.sqrt(0.09 / 300)


@pytest.mark.parametrize(("mean", "direction"), [(0.9, DOWN), (0.1, UP)])
def test_direction_and_start_of_a_shift(mean, direction):
    rng = np.random.default_rng(1)
    martingale = bets(ShiftMartingale(), rng.uniform(size=400))
    for place in range(60):
        martingale.bet(mean, 5.0, 1000 + place)
    assert martingale.capital > 100
    assert martingale.direction == direction
    run = martingale.run(direction)
    # Chance may have begun it some images before.
    assert 400 - 20 <= run.first < 400 or run.first == 1000
    assert 60 <= run.images < 80


def test_a_restored_one_goes_on_alike():
    rng = np.random.default_rng(2)
    first = bets(ShiftMartingale(), rng.uniform(size=50))
    second = ShiftMartingale.restore(json.loads(json.dumps(first.state())))
    rest = rng.uniform(size=50)
    assert [first.bet(p, p, 1) for p in rest] == [second.bet(p, p, 1) for p in rest]
    assert first.state() == second.state()


def _quantile(p):
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)
