"""Rules on how far successive models agree: Cohen's kappa and the share of predictions that changed.

Where defects are rare, early models call everything good and agree wholly. Both rules therefore wait until every model
that they compare calls some image defective.
"""

from typing import ClassVar

import numpy as np

from nearlabel.learning.stopping.history import History
from nearlabel.learning.stopping.rules.base import Decision, Rule


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Cohen's kappa of two sets of predictions; 1 where they are equal, as in small-text 1.4.1.

    Parameters
    ----------
    first, second : ndarray of bool, shape (n,)

    Returns
    -------
    float
    """
    if np.array_equal(first, second):
        return 1.0
    a, b = first.mean(), second.mean()
    expected = a * b + (1 - a) * (1 - b)
    return float(((first == second).mean() - expected) / (1 - expected))


def _predictions(history: History, models: int) -> list[np.ndarray] | None:
    """Predictions of the last models for all images; None where there are fewer, or one calls every image good."""
    known = [entry.probabilities >= 0.5 for entry in history.rounds if entry.probabilities is not None][-models:]
    return known if len(known) == models and all(predicted.any() for predicted in known) else None


WAIT = Decision("go on", "Too few models to compare, or one that calls every image good.")


class Kappa(Rule):
    """Stop when the mean kappa of the last pairs of successive models is high (Bloodgood and Vijay-Shanker 2009).

    Parameters
    ----------
    window : int
        Pairs: one model more is compared, as in small-text 1.4.1, whose documentation says `window` models.
    threshold : float
        Least mean kappa.
    """

    name: ClassVar[str] = "kappa"
    needs: ClassVar[frozenset[str]] = frozenset({"probabilities"})
    assumes: ClassVar[str] = "A heuristic: a model that changes no more has found every kind of defect."

    def __init__(self, window: int = 3, threshold: float = 0.99):
        self.window, self.threshold = window, threshold

    def _decide(self, history: History) -> Decision:
        predictions = _predictions(history, self.window + 1)
        if predictions is None:
            return WAIT
        kappa = float(np.mean([cohen_kappa(a, b) for a, b in zip(predictions[1:], predictions, strict=False)]))
        if kappa >= self.threshold:
            return Decision("stop", "Successive models agree.", evidence={"kappa": kappa})
        return Decision("go on", "Successive models differ.", evidence={"kappa": kappa})


class ClassificationChange(Rule):
    """Stop when the last two models predict the same (Zhu, Wang and Hovy 2008).

    Parameters
    ----------
    threshold : float
        Share of images whose prediction may change.
    """

    name: ClassVar[str] = "classification_change"
    needs: ClassVar[frozenset[str]] = frozenset({"probabilities"})
    assumes: ClassVar[str] = "A heuristic: a model that changes no more has found every kind of defect."

    def __init__(self, threshold: float = 0.0):
        self.threshold = threshold

    def _decide(self, history: History) -> Decision:
        predictions = _predictions(history, 2)
        if predictions is None:
            return WAIT
        unchanged = int((predictions[0] == predictions[1]).sum())
        evidence = {"changed": history.population - unchanged}
        if unchanged >= history.population * (1 - self.threshold):
            return Decision("stop", "The last two models predict the same.", 0, evidence)
        return Decision("go on", "Predictions still change.", 0, evidence)
