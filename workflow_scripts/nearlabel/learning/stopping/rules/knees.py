"""Rules that stop at a knee: of the whole curve, of the curve so far, of the estimated defects left."""

from typing import ClassVar

import numpy as np

from nearlabel.learning.stopping.history import History
from nearlabel.learning.stopping.knee import knee_point
from nearlabel.learning.stopping.rules.base import Decision, Rule


class _Knee(Rule):
    """A rule with the sensitivity of `nearlabel.learning.stopping.knee.knee_point`."""

    def __init__(self, sensitivity: float = 1.0):
        self.sensitivity = sensitivity

    def _stop_at(self, knee: float | None, labelled: int, reason: str) -> Decision:
        if knee is None or labelled < knee:
            return Decision("go on", "The knee has not come yet.")
        return Decision("stop", reason, evidence={"knee": int(knee)})


class KneeHindsight(_Knee):
    """The knee of the finished run's curve, as the paper on active learning takes it.

    Parameters
    ----------
    sensitivity : float
        Kneedle's S.
    """

    name: ClassVar[str] = "knee_hindsight"
    needs: ClassVar[frozenset[str]] = frozenset({"hindsight"})
    assumes: ClassVar[str] = "All labels are known beforehand: for simulations, not for labelling."

    def _decide(self, history: History) -> Decision:
        labelled, left = history.whole_curve
        knee = knee_point(labelled, left, sensitivity=self.sensitivity)
        return self._stop_at(knee, history.labelled, "The knee of the whole curve is reached.")


class KneePrefix(_Knee):
    """The knee of the curve so far (Kneedle, online use on each prefix). It comes far too early.

    Parameters
    ----------
    sensitivity : float
        Kneedle's S.
    """

    name: ClassVar[str] = "knee_prefix"
    assumes: ClassVar[str] = "A heuristic: the first flattening of the curve is its last."

    def _decide(self, history: History) -> Decision:
        labelled, found = history.curve
        knee = knee_point(labelled, history.found - found, sensitivity=self.sensitivity)
        return self._stop_at(knee, history.labelled, "Defects come more slowly than before.")


class DefectsLeftKnee(_Knee):
    """The knee of the estimated defects left: the sum of the probabilities of the images that were not seen.

    Probabilities may be calibrated, on images that were drawn uniformly; how wrong they are is how wrong the rule is.

    Parameters
    ----------
    sensitivity : float
        Kneedle's S.
    """

    name: ClassVar[str] = "defects_left_knee"
    needs: ClassVar[frozenset[str]] = frozenset({"probabilities"})
    assumes: ClassVar[str] = "A heuristic: the model's probabilities add up to the defects left."

    def _decide(self, history: History) -> Decision:
        labelled, left = estimated_defects_left(history)
        knee = knee_point(labelled, left, sensitivity=self.sensitivity)
        decision = self._stop_at(knee, history.labelled, "The estimated defects left fall more slowly than before.")
        return Decision(decision.action, decision.reason, 0, {"estimated_left": float(left[-1])} | decision.evidence)


def estimated_defects_left(history: History) -> tuple[np.ndarray, np.ndarray]:
    """Sum of probabilities of the images not seen, for each round that has them ("probabilistic classify and count").

    Parameters
    ----------
    history : History

    Returns
    -------
    labelled : ndarray of int64, shape (n,)
        Images that the model had seen.
    left : ndarray of float64, shape (n,)
        Estimated defects among the others.
    """
    known = [entry for entry in history.rounds if entry.probabilities is not None]
    labelled = np.array([entry.n_seen for entry in known], dtype=np.int64)
    left = np.array([entry.probabilities[~entry.seen].sum(dtype=np.float64) for entry in known])
    return labelled, left
