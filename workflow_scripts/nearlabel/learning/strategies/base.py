"""What every query strategy is: a class that says what it needs and chooses images from the pool."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from nearlabel.learning.strategies.views import View


class Selection(NamedTuple):
    """Images chosen from the pool, in the order of choice.

    Attributes
    ----------
    indices : ndarray of int64, shape (n,)
        Rows of the pool, each at most once.
    scores : ndarray of float64, shape (n,)
        The strategy's own score of each when it was chosen: higher was wanted more.
    info : dict
        Further numbers on the choice, as the strategy says.
    """

    indices: np.ndarray
    scores: np.ndarray
    info: dict[str, Any]


class Strategy(ABC):
    """A query strategy.

    Attributes
    ----------
    name : str
        Key of the registry.
    needs : frozenset of str
        What the view must hold: names from `nearlabel.learning.strategies.views`.
    monte_carlo : mapping or None
        Where MC probabilities are needed: keywords ``passes`` and ``dropout`` of
        `nearlabel.learning.network.logits.dropout_probabilities`.
    """

    name: ClassVar[str]
    needs: frozenset[str] = frozenset()
    monte_carlo: Mapping[str, Any] | None = None

    def select(self, view: View, n: int, rng: np.random.Generator) -> Selection:
        """Choose the next batch.

        Ties are broken by `rng`, never by the order of the pool. Same view, same n and same state of `rng` give the
        same selection.

        Parameters
        ----------
        view : View
            The round.
        n : int
            Images wanted, at least 1.
        rng : numpy.random.Generator

        Returns
        -------
        Selection
            Of min(n, pool size) images.

        Raises
        ------
        ValueError
            n below 1; a view that lacks something needed.
        """
        if n < 1:
            raise ValueError(f"{n} images were asked of strategy '{self.name}'; ask for at least 1")
        lacking = sorted(self.needs - view.available)
        if lacking:
            raise ValueError(f"strategy '{self.name}' needs {', '.join(lacking)}, which the view of the round lacks")
        if not view.pool.size:
            return Selection(np.empty(0, np.int64), np.empty(0), {})
        indices, scores, info = self._choose(view, min(n, view.pool.size), rng)
        return Selection(np.asarray(indices, dtype=np.int64), np.asarray(scores, dtype=np.float64), info)

    @abstractmethod
    def _choose(self, view: View, n: int, rng: np.random.Generator) -> Selection:
        """`select` of 1 ≤ n ≤ pool size from a view that holds all that is needed."""


def take_highest(keys: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of the n highest keys, highest first; equal keys in random order.

    Parameters
    ----------
    keys : ndarray, shape (N,)
        No NaN.
    n : int
        Up to N.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    order = rng.permutation(len(keys))
    return order[np.argsort(-np.asarray(keys)[order], kind="stable")[:n]]


def pick_highest(keys: np.ndarray, rng: np.random.Generator) -> int:
    """Index of the highest key; one of them at random where several are equal."""
    return int(rng.choice(np.flatnonzero(keys == keys.max())))


class Ranks(NamedTuple):
    """Keys to rank the pool by and scores to report, (pool size,) each; the info on the images chosen."""

    keys: np.ndarray
    scores: np.ndarray
    info: Callable[[np.ndarray], dict[str, Any]] = lambda chosen: {}


class Ranking(Strategy):
    """A strategy that takes the images of the highest keys."""

    def _choose(self, view: View, n: int, rng: np.random.Generator) -> Selection:
        ranks = self._rank(view)
        indices = take_highest(ranks.keys, n, rng)
        return Selection(indices, ranks.scores[indices], ranks.info(indices))

    @abstractmethod
    def _rank(self, view: View) -> Ranks: ...
