"""A bet against p-values being uniform, that can win only when they are not."""

import math
from statistics import NormalDist
from typing import Any

_normal = NormalDist()

SHIFT = 0.3
"""Bets win most when values have moved by as many standard deviations; moves of less than half of it go unnoticed."""

ASLEEP = 500
"""After as many p-values half of the money has been put on the table; see `ShiftMartingale`."""

# Of the sums that say since when: those of large shifts start anew soon, and so not long before the change.
_SHIFTS = (0.3, 1.0)

UP, DOWN = "up", "down"
_SIGNS = {UP: 1.0, DOWN: -1.0}


class ShiftMartingale:
    """Capital of a gambler who bets that values have become larger, or smaller, at some time that he does not know.

    With z = Φ⁻¹(1 − p), which is standard normal while p is uniform, a bet on a shift by δ multiplies what was put on
    it by exp(δz − δ²/2); its expectation is 1. The gambler starts with 1; after t p-values ``ASLEEP / (ASLEEP + t)`` of
    it is still in his pocket; what leaves the pocket goes in halves on δ = ±`SHIFT` and stays there. So the capital S
    is an average of martingales that start at all times, itself a martingale with expectation 1, and by Ville's
    inequality P(S ever reaches c) ≤ 1 / c. Money in the pocket keeps a change findable that comes after months: one
    that starts at t costs about 2 ln t nats of evidence, while a gambler with all on the table is broke by then
    (compare Sleeper/Stayer, Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2nd ed. 2022, alg. 9.4).

    Beside it, for each direction, cumulated sums of bets' logarithms that start anew whenever they fall to 0 (Page
    1954, for a small and a large shift): the highest says since when the values have moved. They take part in no
    decision.

    Attributes
    ----------
    seen : int
        p-values so far.
    capital : float
        S.
    """

    def __init__(self):
        self.seen = 0
        self._staked = dict.fromkeys(_SIGNS, 0.0)
        self._runs = {name: [_Run() for _ in _SHIFTS] for name in _SIGNS}

    @property
    def capital(self) -> float:
        """What the gambler has."""
        return ASLEEP / (ASLEEP + self.seen) + self._staked[UP] + self._staked[DOWN]

    @property
    def direction(self) -> str:
        """`UP` or `DOWN`: where more of the money is."""
        return UP if self._staked[UP] >= self._staked[DOWN] else DOWN

    def run(self, direction: str) -> "_Run":
        """What has happened since values may have moved in a direction."""
        return max(self._runs[direction], key=lambda run: run.sum)

    def bet(self, p_value: float, value: float, label_id: int) -> float:
        """Take one p-value; returns the capital.

        Parameters
        ----------
        p_value : float
            In (0, 1), small for a large value.
        value : float
            What it is of, for the mean in a run.
        label_id : int
            Of the image, for the start of a run.
        """
        z = -_normal.inv_cdf(p_value)
        woken = ASLEEP / (ASLEEP + self.seen) - ASLEEP / (ASLEEP + self.seen + 1)
        for direction, sign in _SIGNS.items():
            factor = math.exp(sign * SHIFT * z - SHIFT**2 / 2)
            self._staked[direction] = (self._staked[direction] + woken / 2) * factor
            for run, shift in zip(self._runs[direction], _SHIFTS, strict=True):
                run.add(sign * shift * z - shift**2 / 2, value, label_id)
        self.seen += 1
        return self.capital

    def state(self) -> dict[str, Any]:
        """All that `restore` needs; JSON-able."""
        runs = {name: [vars(run) for run in runs] for name, runs in self._runs.items()}
        return {"seen": self.seen, "staked": self._staked, "runs": runs}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "ShiftMartingale":
        """A martingale as it was when `state` was asked."""
        restored = cls()
        restored.seen = int(state["seen"])
        restored._staked = {name: float(state["staked"][name]) for name in _SIGNS}
        restored._runs = {name: [_Run(**run) for run in state["runs"][name]] for name in _SIGNS}
        return restored


class _Run:
    """A cumulated sum of logarithms of bets, anew whenever it has fallen to 0.

    Attributes
    ----------
    sum : float
    first : int
        label_id of the image that it started with.
    images : int
        Since then.
    total : float
        Sum of their values.
    """

    def __init__(self, sum: float = 0.0, first: int = 0, images: int = 0, total: float = 0.0):
        self.sum, self.first, self.images, self.total = sum, first, images, total

    def add(self, log: float, value: float, label_id: int) -> None:
        if self.sum <= 0:
            self.sum, self.first, self.images, self.total = 0.0, label_id, 0, 0.0
        self.sum += log
        self.images += 1
        self.total += value
