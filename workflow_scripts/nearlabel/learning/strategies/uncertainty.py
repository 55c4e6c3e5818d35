"""Images by the predicted class's probability: the least certain ones, or the most probably defective."""

from scipy.special import expit

from nearlabel.learning.network.logits import confidence, log_odds
from nearlabel.learning.strategies.base import Ranking, Ranks
from nearlabel.learning.strategies.views import PROBABILITIES, View


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


class MostLikelyDefect(Ranking):
    """Images that are most probably defective: score, the probability of the positive class.

    What the stopping rules of technology-assisted review assume of the order (Cormack & Grossman, SIGIR 2016).
    """

    name = "most_likely_defect"
    needs = frozenset({PROBABILITIES})

    def _rank(self, view: View) -> Ranks:
        keys = log_odds(view.pool.logits, view.positive)
        return Ranks(keys, expit(keys))
