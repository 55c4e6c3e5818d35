"""Rules on the slope ratio of the gain curve (Cormack and Grossman 2016): knee and budget."""

from typing import ClassVar

import numpy as np

from nearlabel.learning.stopping.history import History
from nearlabel.learning.stopping.rules.base import Decision, Rule

# The paper's constants.
LARGEST_RATIO = 156
MOST_FOUND = 150
BUDGET_RATIO = 6
BUDGET_FACTOR = 10
BUDGET_SHARE = 0.75


def slope_ratios(labelled: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Slope of the gain curve before each point over the slope after it, up to its end.

    ``(f_i / i) / ((1 + F - f_i) / (s - i))`` with f_i defects found among the first i images, F among all s (Cormack
    and Grossman 2016, section 5). i and s count images. tarexp 0.1.4 counts rounds from 0 and takes ``s - i`` for
    ``s - (i + 1)``, so that its ratios are larger by (s - i) / (s - i - 1), and there is one at the end too.

    Parameters
    ----------
    labelled, found : ndarray of int, shape (n,)
        Images labelled, rising, and defects found.

    Returns
    -------
    ndarray of float64, shape (n - 1,)
        Of every point but the last; empty for n = 0.
    """
    before = found[:-1] / labelled[:-1]
    after = (1 + found[-1:] - found[:-1]) / (labelled[-1:] - labelled[:-1])
    return before / after


class SlopeRatio(Rule):
    """The knee rule: stop when the largest slope ratio is at least 156 - min(F, 150)."""

    name: ClassVar[str] = "slope_ratio"
    assumes: ClassVar[str] = "A heuristic: the strategy proposes the likeliest defects first."

    def _decide(self, history: History) -> Decision:
        ratio = float(slope_ratios(*history.curve).max(initial=0))
        limit = LARGEST_RATIO - min(history.found, MOST_FOUND)
        evidence = {"slope_ratio": ratio, "limit": limit}
        if ratio >= limit:
            return Decision("stop", "Defects come far more slowly than before.", 0, evidence)
        return Decision("go on", "Defects still come too fast.", 0, evidence)


class Budget(Rule):
    """The budget rule: a slope ratio of 6 and as many images as a random search for 10 defects, or 3/4 of all.

    tarexp 0.1.4 takes the images before the last round and one for those labelled.
    """

    name: ClassVar[str] = "budget"
    assumes: ClassVar[str] = "A heuristic: the strategy proposes the likeliest defects first."

    def _decide(self, history: History) -> Decision:
        ratio = float(slope_ratios(*history.curve).max(initial=0))
        evidence = {"slope_ratio": ratio}
        if history.labelled >= BUDGET_SHARE * history.population:
            return Decision("stop", "Three quarters of all images are labelled.", 0, evidence)
        # n >= 10 N / F without dividing by no defects.
        paid = history.labelled * history.found >= BUDGET_FACTOR * history.population
        if ratio >= BUDGET_RATIO and paid:
            return Decision("stop", "The budget is spent and defects come more slowly than before.", 0, evidence)
        return Decision("go on", "The budget is not spent, or defects still come fast.", 0, evidence)
