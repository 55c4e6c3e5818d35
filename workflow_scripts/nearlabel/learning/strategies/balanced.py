"""Strategies around another strategy: a batch spread over the predicted classes."""

import numpy as np

from nearlabel.learning.strategies.base import Selection, Strategy
from nearlabel.learning.strategies.views import PROBABILITIES, View


class Balanced(Strategy):
    """A strategy's choice, spread over the predicted classes: the rarer a class among the labels, the more of it.

    Class c is given a share of the batch in proportion to 1 / (labelled images of c + 1), and the strategy chooses as
    many from the pool's images predicted as c. What a class cannot fill goes to the others by the same rule. Ours;
    Bengar et al., WACV 2022 ("Class-balanced active learning for image classification") aim at the same by an
    optimisation over probabilities. Scores are the strategy's; the info is that of each class under
    ``class {c}``, with the images of it that were ``selected``.

    Parameters
    ----------
    strategy : Strategy
        The one to balance.
    """

    name = "balanced"

    def __init__(self, strategy: Strategy):
        self.strategy = strategy
        self.needs = strategy.needs | {PROBABILITIES}
        self.monte_carlo = strategy.monte_carlo

    def _choose(self, view: View, n: int, rng: np.random.Generator) -> Selection:
        classes = view.pool.logits.shape[1]
        predicted = np.argmax(view.pool.logits, axis=1)
        labelled = np.bincount(np.asarray(view.labels, dtype=np.int64), minlength=classes)
        quotas = spread(n, labelled, np.bincount(predicted, minlength=classes), rng)
        indices, scores, info = [], [], {}
        for number in np.flatnonzero(quotas):
            members = np.flatnonzero(predicted == number)
            chosen = self.strategy.select(view.restrict(members), int(quotas[number]), rng)
            indices.append(members[chosen.indices])
            scores.append(chosen.scores)
            info[f"class {number}"] = {"selected": int(quotas[number]), **chosen.info}
        return Selection(np.concatenate(indices), np.concatenate(scores), info)


def spread(n: int, labelled: np.ndarray, there: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spread n images over classes, inversely to how many of each are labelled.

    One image after another goes to the class that lies furthest below its share (D'Hondt's method, weights
    1 / (labelled + 1)), as long as the pool has images of it; ties at random.

    Parameters
    ----------
    n : int
        Up to the sum of `there`.
    labelled : ndarray of int, shape (C,)
        Labelled images of each class.
    there : ndarray of int, shape (C,)
        The pool's images of each class.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (C,)
        Sums to n.
    """
    given = np.zeros(len(labelled), dtype=np.int64)
    order = rng.permutation(len(labelled))
    for _ in range(n):
        cost = np.where(given < there, (given + 1) * (labelled + 1), np.iinfo(np.int64).max)
        given[order[np.argmin(cost[order])]] += 1
    return given
