"""The hypergeometric heuristic of Callaghan and Müller-Hansen (2020), "CHM", as buscarpy 0.0.2 computes it.

It is a heuristic: its authors' guarantee is in a second phase, a uniform sample of what is left, which
`nearlabel.learning.stopping.rules.certify` is made of. The p-value takes each suffix of the order for a uniform sample
of what was left before it. A strategy that avoids a kind of defect breaks that, and the rule then stops below its
target nearly always.
"""

from typing import ClassVar

import numpy as np

from nearlabel.learning.stopping.history import Audit, History
from nearlabel.learning.stopping.rules.base import Decision, Rule
from nearlabel.learning.stopping.rules.certify import least_missed
from nearlabel.learning.stopping.tails import lower_tails


def missed_p_value(history: History, recall: float | str) -> float:
    """p-value of "the recall target is missed" from the order of all labels.

    The smallest of ``hypergeom.cdf(k, N - (n - i), K(F) + k, i)`` over the last i of n images labelled, with k of the F
    defects among them (``calculate_h0`` of buscarpy). For each k the largest such i has the smallest tail, so only
    those are computed. tarexp 0.1.4 takes one defect fewer, ``int(F / recall - f)``, and rounds for images.

    Parameters
    ----------
    history : History
        The images of an audit stand together: no suffix begins within one.
    recall : float or str
        Target in (0, 1].

    Returns
    -------
    float
        1 where nothing is labelled. 0 where too few images are left to miss the target.
    """
    sizes, defects = _steps(history)
    # Suffixes, the shortest first.
    size, found = np.cumsum(sizes[::-1]), np.cumsum(defects[::-1])
    longest = np.flatnonzero(np.append(found[1:] != found[:-1], True)) if found.size else []
    size, found = size[longest], found[longest]
    urn = history.left + size
    tails = lower_tails(found, urn, least_missed(history.found, recall) + found, size)
    return float(tails.min(initial=1.0))


def _steps(history: History) -> tuple[np.ndarray, np.ndarray]:
    """Images and defects of each step of the order: an image of a round, or an audit."""
    steps = [
        ([event.size], [event.defects]) if isinstance(event, Audit) else (np.ones_like(event.labels), event.labels)
        for event in history.events
    ]
    if not steps:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    sizes, defects = (np.concatenate(values).astype(np.int64) for values in zip(*steps, strict=True))
    return sizes, defects


class Hypergeometric(Rule):
    """Stop when the p-value of "the target is missed" is below alpha.

    Parameters
    ----------
    recall, alpha : float
        Target, and the level of the test.
    """

    name: ClassVar[str] = "hypergeometric"
    assumes: ClassVar[str] = (
        "A heuristic: defects never get more frequent down the order, so that no kind of defect is avoided."
    )

    def __init__(self, recall: float = 0.95, alpha: float = 0.05):
        self.recall, self.alpha = recall, alpha

    def _decide(self, history: History) -> Decision:
        if history.found == 0:
            return Decision("go on", "No defect was found yet, so that recall has no meaning.")
        p = missed_p_value(history, self.recall)
        if p < self.alpha:
            return Decision("stop", "The recall target is unlikely to be missed.", evidence={"p": p})
        return Decision("go on", "The recall target may be missed.", evidence={"p": p})
