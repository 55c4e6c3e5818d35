"""What other strategies are held against: random choice, and the oracle, which sees the labels."""

import numpy as np

from nearlabel.learning.strategies.base import Ranking, Ranks
from nearlabel.learning.strategies.views import POOL_LABELS, View


class Random(Ranking):
    """Images drawn at random without replacement: the paper's baseline. Every score is 0."""

    name = "random"

    def _rank(self, view: View) -> Ranks:
        return Ranks(np.zeros(view.pool.size), np.zeros(view.pool.size))


class Oracle(Ranking):
    """All defective images first: score 1, others 0.

    Sees the pool's labels: a bound on the defects left, not a way to label.
    """

    name = "oracle"
    needs = frozenset({POOL_LABELS})

    def _rank(self, view: View) -> Ranks:
        keys = (np.asarray(view.pool_labels) == view.positive).astype(np.float64)
        return Ranks(keys, keys)
