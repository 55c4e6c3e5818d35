"""Rules on a recall estimated from the model's probabilities (Yang, Lewis and Frieder 2021): QUANT and QUANT_CI."""

from typing import ClassVar, NamedTuple

import numpy as np

from nearlabel.learning.stopping.history import History
from nearlabel.learning.stopping.rules.base import Decision, Rule


class EstimatedRecall(NamedTuple):
    """Recall estimated from probabilities, and the standard error of the estimate."""

    recall: float
    error: float


def estimate_recall(probabilities: np.ndarray, seen: np.ndarray) -> EstimatedRecall:
    """Estimate the recall by the sums S and U of the probabilities of images seen and unseen.

    ``S / (S + U)``, with the variance ``S² / (S + U)⁴ Σ p(1 - p) + Σ_seen p(1 - p) / (S + U)²`` (Yang, Lewis and
    Frieder 2021, as in tarexp 0.1.4).

    Parameters
    ----------
    probabilities : ndarray of float, shape (n,)
        Of "defective". Calibrated ones are assumed; how far they are off is the whole error.
    seen : ndarray of bool, shape (n,)

    Returns
    -------
    EstimatedRecall
        (0, 0) where no image has any probability.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    spread = p * (1 - p)
    of_seen, total = p[seen].sum(), p.sum()
    if not total:
        return EstimatedRecall(0.0, 0.0)
    variance = of_seen**2 / total**4 * spread.sum() + spread[seen].sum() / total**2
    return EstimatedRecall(float(of_seen / total), float(np.sqrt(variance)))


class QuantCI(Rule):
    """Stop when the estimated recall less z standard errors reaches the target.

    Parameters
    ----------
    recall : float
        Target.
    z : float
        Standard errors.
    """

    name: ClassVar[str] = "quant_ci"
    needs: ClassVar[frozenset[str]] = frozenset({"probabilities"})
    assumes: ClassVar[str] = "A heuristic: the model's probabilities are calibrated."

    def __init__(self, recall: float = 0.95, z: float = 2.0):
        self.recall, self.z = recall, z

    def _decide(self, history: History) -> Decision:
        last = history.rounds[-1]
        estimate = estimate_recall(last.probabilities, last.seen)
        evidence = {"estimated_recall": estimate.recall, "error": estimate.error}
        if estimate.recall - self.z * estimate.error >= self.recall:
            return Decision("stop", "The model estimates that the recall is reached.", 0, evidence)
        return Decision("go on", "The model estimates that the recall is not reached.", 0, evidence)


class Quant(QuantCI):
    """Stop when the estimated recall reaches the target.

    Parameters
    ----------
    recall : float
        Target.
    """

    name: ClassVar[str] = "quant"

    def __init__(self, recall: float = 0.95):
        super().__init__(recall, 0.0)
