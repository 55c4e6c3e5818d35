"""BALD: images on which networks drawn from the posterior disagree most."""

import numpy as np
from scipy.special import xlogy

from nearlabel.learning.catalogue import STRATEGY_PARAMETERS
from nearlabel.learning.strategies.base import Ranking, Ranks
from nearlabel.learning.strategies.views import MC_PROBABILITIES, View
from nearlabel.parameters import complete_parameters


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
        complete_parameters(self.name, {"passes": passes, "dropout": dropout}, STRATEGY_PARAMETERS[self.name])
        self.monte_carlo = {"passes": passes, "dropout": dropout}

    def _rank(self, view: View) -> Ranks:
        p = np.asarray(view.mc_probabilities, dtype=np.float64)
        mean = p.mean(axis=0)
        information = xlogy(p, p).sum(axis=2).mean(axis=0) - xlogy(mean, mean).sum(axis=1)
        # What lies below is rounding, which would order images that are equal, or be negative.
        information = np.maximum(information.round(12), 0)
        return Ranks(information, information)
