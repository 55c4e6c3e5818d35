"""Simulated labelling by strategies that favour, avoid or never propose kinds of defects."""

import statistics
from dataclasses import dataclass

import numpy as np

from nearlabel.learning.stopping.history import Audit
from nearlabel.learning.stopping.interval import defects_interval
from nearlabel.learning.stopping.replay import follow
from nearlabel.learning.stopping.rules.base import Rule

BATCH = 32
# Odds of a kind once it is learnt, as after retraining.
LEARNT = 20.0


@dataclass(frozen=True)
class Kinds:
    """What there is to find.

    Attributes
    ----------
    population : int
        Images in all.
    defects : tuple of (int, float)
        For each kind of defect, how many, and how much likelier each is to be proposed than a good image.
    learnt : int or None
        Found images from which on the strategy has learnt a kind of less than even odds; None: it never does.
    """

    population: int
    defects: tuple[tuple[int, float], ...]
    learnt: int | None = None


ORDERS = {
    "80 at 20 : 1, 20 at 0.1 : 1 until 2 are found": Kinds(1344, ((80, 20.0), (20, 0.1)), 2),
    "80 at 20 : 1, 20 at 0.1 : 1": Kinds(1344, ((80, 20.0), (20, 0.1))),
    "80 at 20 : 1, 20 never proposed": Kinds(1344, ((80, 20.0), (20, 0.0))),
    # As many as miss .95 by one: where a wrong certificate is likeliest.
    "60 at 1000 : 1, 4 never proposed": Kinds(1344, ((60, 1000.0), (4, 0.0))),
    "100 at 10 : 1": Kinds(1344, ((100, 10.0),)),
    "15 at 30 : 1": Kinds(1344, ((15, 30.0),)),
    "392 at 10 : 1": Kinds(1344, ((392, 10.0),)),
}


def limit(runs: int, alpha: float) -> float:
    """Return how many of the runs alpha allows to miss, with three binomial standard deviations."""
    return alpha * runs + 3 * (runs * alpha * (1 - alpha)) ** 0.5


class Strategy:
    """Proposes without replacement by odds."""

    def __init__(self, kinds: Kinds, rng: np.random.Generator):
        counts = [count for count, _ in kinds.defects]
        self.kind = np.repeat(np.arange(len(counts) + 1), [*counts, kinds.population - sum(counts)])
        self.labels = (self.kind < len(counts)).astype(np.int64)
        self.odds, self.learnt, self.rng = np.array([*(odds for _, odds in kinds.defects), 1.0]), kinds.learnt, rng

    def __call__(self, seen: np.ndarray, n: int) -> np.ndarray:
        """Return the next n images, by the Gumbel trick; those never proposed come when nothing else is left."""
        odds = self.odds
        if self.learnt is not None:
            found = np.bincount(self.kind[seen], minlength=odds.size)
            odds = np.where((found >= self.learnt) & (odds < 1), LEARNT, odds)
        left = np.flatnonzero(~seen)
        with np.errstate(divide="ignore"):
            keys = np.log(odds)[self.kind[left]] + self.rng.gumbel(size=left.size)
        return left[np.argsort(-keys)[:n]]


@dataclass(frozen=True)
class Outcome:
    """What came of many runs.

    Attributes
    ----------
    runs, missed : int
        All of them, and those that stopped below the target.
    share, recall : float
        Medians: share of the population labelled, share of the defects found.
    """

    runs: int
    missed: int
    share: float
    recall: float


def replay(rule: Rule, recall: float, orders, labels, batch: int = BATCH) -> Outcome:
    """Follow many orders; one that never stops labels everything and misses nothing.

    Parameters
    ----------
    rule : Rule
    recall : float
        Target.
    orders : iterable of ndarray or callable
        As `follow` takes them.
    labels : ndarray
        The same for all.
    batch : int
    """
    ends = [follow(rule, order, labels, batch, seed) for seed, order in enumerate(orders)]
    shares = [end.n_labelled / labels.size if end else 1.0 for end in ends]
    missed = sum(end is not None and end.recall < recall for end in ends)
    recalls = [end.recall if end else 1.0 for end in ends]
    return Outcome(len(ends), missed, statistics.median(shares), statistics.median(recalls))


def replay_kinds(rule: Rule, recall: float, kinds: Kinds, runs: int) -> Outcome:
    """`replay` of simulated strategies, one for each run."""
    strategies = [Strategy(kinds, np.random.default_rng(run)) for run in range(runs)]
    return replay(rule, recall, strategies, strategies[0].labels)


def is_ever_wrong(kinds: Kinds, run: int, rounds: int, alpha: float, picks: int = 4) -> bool:
    """Whether the interval for all defects misses them after any round of a run with a few uniform picks per batch."""
    rng = np.random.default_rng(run)
    strategy = Strategy(kinds, rng)
    labels, seen, draws = strategy.labels, np.zeros(kinds.population, dtype=bool), []
    total = labels.sum()
    for _ in range(rounds):
        drawn = rng.choice(np.flatnonzero(~seen), picks, replace=False)
        draws.append(Audit(int((~seen).sum()), int(labels[seen].sum()), picks, int(labels[drawn].sum())))
        seen[drawn] = True
        seen[strategy(seen, BATCH - picks)] = True
        found = defects_interval(draws, kinds.population, int(labels[seen].sum()), int(seen.sum()), alpha)
        if not found.low <= total <= found.high:
            return True
    return False
