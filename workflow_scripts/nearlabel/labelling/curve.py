"""Defects and false alarms at every threshold, each image with a weight: what ROC and precision–recall are drawn of."""

from typing import NamedTuple

import numpy as np


class Curve(NamedTuple):
    """How defects and good images lie above each threshold.

    Attributes
    ----------
    thresholds : ndarray, shape (t,)
        Falling; an image is called defective when its probability is at least that.
    found, alarms : ndarray of float64, shape (t,)
        Weights of defective and of good images called defective.
    defects, good : float
        Weights of all.
    """

    thresholds: np.ndarray
    found: np.ndarray
    alarms: np.ndarray
    defects: float
    good: float

    @property
    def recall(self) -> np.ndarray:
        """Share of defects called defective, at each threshold."""
        return self.found / self.defects

    @property
    def precision(self) -> np.ndarray:
        """Share of defective images among those called so, at each threshold; 1 where none is."""
        called = self.found + self.alarms
        return np.divide(self.found, called, out=np.ones_like(called), where=called > 0)

    @property
    def false_alarms(self) -> np.ndarray:
        """Share of good images called defective, at each threshold."""
        return self.alarms / self.good


def draw_curve(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Curve:
    """Count defects and false alarms at every threshold.

    Parameters
    ----------
    probabilities : ndarray, shape (n,)
        Of a defect, by networks that have not learnt from the image.
    labels : ndarray of int, shape (n,)
        1 defective, 0 good; both with a weight above 0 among them.
    weights : ndarray, shape (n,)
        Images that each stands for.

    Returns
    -------
    Curve
    """
    order = np.argsort(-probabilities, kind="stable")
    scores, positive, weight = probabilities[order], labels[order] == 1, weights[order]
    # Images of one probability are called defective together.
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    found, alarms = np.cumsum(weight * positive)[last], np.cumsum(weight * ~positive)[last]
    return Curve(scores[last], found, alarms, float(found[-1]), float(alarms[-1]))


def weighted_scores(curve: Curve) -> tuple[float, float]:
    """Area under the ROC curve, and average precision, of weighted images.

    As scikit-learn's ``roc_auc_score`` and ``average_precision_score`` with ``sample_weight``.
    """
    recall, alarms = np.append(0.0, curve.recall), np.append(0.0, curve.false_alarms)
    return float(np.trapezoid(recall, alarms)), float(np.diff(recall) @ curve.precision)
