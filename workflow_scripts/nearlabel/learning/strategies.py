"""The query strategies: a registry, and those that rank every image by itself."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, xlogy

from nearlabel.learning.diversity import Badge, ClusterMargin, CoreSet, TypiClust
from nearlabel.learning.logits import confidence, log_odds
from nearlabel.learning.parameters import check_parameters
from nearlabel.learning.selection import Selection, Strategy, take_highest
from nearlabel.learning.views import MAPS, MC_PROBABILITIES, POOL_LABELS, PROBABILITIES, View
from nearlabel.learning.wrappers import Balanced


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


class Random(Ranking):
    """Images drawn at random without replacement: the paper's baseline. Every score is 0."""

    name = "random"

    def _rank(self, view: View) -> Ranks:
        return Ranks(np.zeros(view.pool.size), np.zeros(view.pool.size))


class Uncertainty(Ranking):
    """Images whose predicted class is least probable: score 1 − max p.

    "The difference between the highest predicted score and one" (the paper, section 5.2). Ranked by the
    log-odds of the predicted class (two classes: |logit margin|), which order images as 1 − max p does but still tell
    confident ones apart where 1 − max p rounds to the same number. With two classes margin and entropy rank the same.
    """

    name = "uncertainty"
    needs = frozenset({PROBABILITIES})

    def _rank(self, view: View) -> Ranks:
        keys = -confidence(view.pool.logits)
        return Ranks(keys, expit(keys))


class GradCamAverage(Ranking):
    """Images whose Grad-CAM map is least like the average map of the labelled images: score 1 − SSIM.

    Algorithm 1 of the paper (GradCAM_avg). Maps lie in [0, 1], hence a data range of 1. A map that is one value
    throughout (to 1e-6) says nothing, and its SSIM to the average is about 0, so that such images tend to come first:
    the info counts them as ``degenerate_pool``, ``degenerate_labelled`` and ``degenerate_selected``.

    Parameters
    ----------
    window : int
        Side of the SSIM's window in pixels of the map: odd, from 3 up to the map's shorter side.
    """

    name = "gradcam_avg"
    needs = frozenset({MAPS})

    def __init__(self, window: int = 7):
        check_parameters(self.name, {"window": window})
        self.window = window

    def _rank(self, view: View) -> Ranks:
        from nearlabel.learning.ssim import ssim_to_reference

        maps = view.pool.maps
        reference = view.labelled.maps.mean(axis=0, dtype=np.float64)
        similarity = np.asarray(ssim_to_reference(maps, reference, win_size=self.window, data_range=1.0), np.float64)
        flat = _degenerate(maps)

        def info(chosen: np.ndarray) -> dict[str, Any]:
            return {
                "degenerate_pool": int(flat.sum()),
                "degenerate_labelled": int(_degenerate(view.labelled.maps).sum()),
                "degenerate_selected": int(flat[chosen].sum()),
            }

        return Ranks(-similarity, 1 - similarity, info)


def _degenerate(maps: np.ndarray) -> np.ndarray:
    largest = maps.max(axis=(1, 2))
    return largest - maps.min(axis=(1, 2)) <= 1e-6 * largest


class Bald(Ranking):
    """Images on which networks drawn from the posterior disagree most: score, the mutual information in nats.

    Houlsby et al. 2011; Gal, Islam & Ghahramani, ICML 2017: entropy of the mean prediction less the mean entropy of the
    predictions, over passes with dropout before the last layer. The best n images are taken one by one (not BatchBALD).

    Parameters
    ----------
    passes : int
        How many networks are drawn.
    dropout : float
        Probability that a feature is dropped.
    """

    name = "bald"
    needs = frozenset({MC_PROBABILITIES})

    def __init__(self, passes: int = 100, dropout: float = 0.5):
        check_parameters(self.name, {"passes": passes, "dropout": dropout})
        self.monte_carlo = {"passes": passes, "dropout": dropout}

    def _rank(self, view: View) -> Ranks:
        p = np.asarray(view.mc_probabilities, dtype=np.float64)
        mean = p.mean(axis=0)
        information = xlogy(p, p).sum(axis=2).mean(axis=0) - xlogy(mean, mean).sum(axis=1)
        # What lies below is rounding, which would order images that are equal, or be negative.
        information = np.maximum(information.round(12), 0)
        return Ranks(information, information)


class MostLikelyDefect(Ranking):
    """Images that are most probably defective: score, the probability of the positive class.

    What the stopping rules of technology-assisted review assume of the order (Cormack & Grossman, SIGIR 2016).
    """

    name = "most_likely_defect"
    needs = frozenset({PROBABILITIES})

    def _rank(self, view: View) -> Ranks:
        keys = log_odds(view.pool.logits, view.positive)
        return Ranks(keys, expit(keys))


class Oracle(Ranking):
    """All defective images first: score 1, others 0.

    Sees the pool's labels: a bound on the defects left, not a way to label.
    """

    name = "oracle"
    needs = frozenset({POOL_LABELS})

    def _rank(self, view: View) -> Ranks:
        keys = (np.asarray(view.pool_labels) == view.positive).astype(np.float64)
        return Ranks(keys, keys)


STRATEGIES: dict[str, type[Strategy]] = {
    strategy.name: strategy
    for strategy in (
        Random,
        Uncertainty,
        GradCamAverage,
        CoreSet,
        Badge,
        TypiClust,
        ClusterMargin,
        Bald,
        MostLikelyDefect,
        Oracle,
        Balanced,
    )
}
"""Name → class; a class takes the parameters that `nearlabel.learning.parameters.STRATEGY_PARAMETERS` lists."""


def build_strategy(name: str, parameters: Mapping[str, Any] | None = None) -> Strategy:
    """Make a strategy by its name.

    Parameters
    ----------
    name : str
        Key of `STRATEGIES`.
    parameters : mapping, optional
        As in `nearlabel.learning.parameters.STRATEGY_PARAMETERS`; defaults for those not named.

    Returns
    -------
    Strategy

    Raises
    ------
    ValueError
        Unknown name or parameter, a value out of its range.
    """
    parameters = dict(parameters or {})
    check_parameters(name, parameters)
    return STRATEGIES[name](**parameters)
