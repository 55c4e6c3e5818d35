"""Drift against crepes: online p-values, and the martingale as a mixture of crepes' own."""

import numpy as np
import pytest

from nearlabel.production.drift.martingale import ASLEEP, SHIFT, ShiftMartingale
from nearlabel.production.drift.ranks import Ranks

crepes = pytest.importorskip("crepes")
base = pytest.importorskip("crepes.base")
martingales = pytest.importorskip("crepes.martingales")


class NormalShift(martingales.BettingFunction):
    """Bets on normal scores, for crepes' martingales."""

    def apply(self, p_values):
        from scipy.stats import norm

        shifts = np.array([SHIFT, -SHIFT])
        return np.exp(shifts * norm.isf(p_values)[:, np.newaxis] - shifts**2 / 2)


def stream(n, seed):
    """Values with ties; those of the last third have moved."""
    values = np.random.default_rng(seed).integers(0, 30, n).astype(float)
    values[2 * n // 3 :] += 8
    return values


@pytest.mark.parametrize("m", [0, 1, 50])
def test_online_p_values(m):
    known, values = stream(m, 1), stream(200, 2)
    expected = base.p_values_online_classification(
        values[:, np.newaxis],
        np.array(["one"]),
        np.array(["one"] * len(values)),
        alphas_cal=known,
        all_classes=False,
        seed=5,
    )
    np.random.seed(5)
    ranks = Ranks(known)
    found = [ranks.add(value, random) for value, random in zip(values, np.random.rand(len(values)), strict=True)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


def test_capital_is_a_mixture_of_martingales_that_never_jump():
    rng = np.random.default_rng(3)
    p_values = np.concatenate([rng.uniform(size=120), rng.beta(1, 3, 80)])
    # crepes asks for a rate of jumping above 0.
    still = martingales.SimpleJumper(J=1e-15, bf=NormalShift())
    asleep = ASLEEP / (ASLEEP + np.arange(len(p_values) + 1))
    expected = asleep[1:].copy()
    for start in range(len(p_values)):
        expected[start:] += (asleep[start] - asleep[start + 1]) * still.apply(p_values[start:])
    ours = ShiftMartingale()
    found = [ours.bet(p_value, 0.0, 0) for p_value in p_values]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert found[-1] > 10
