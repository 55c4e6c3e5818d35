"""How well the network tells defects, on images that it has not learnt from, for the whole data set."""

from typing import NamedTuple

import numpy as np

from nearlabel.labelling.curve import draw_curve, weighted_scores

Z = 1.959964
"""Normal quantile of 95 %."""


class Auc(NamedTuple):
    """Area under the ROC curve with an interval.

    Attributes
    ----------
    auc, low, high : float
    good, defects : int
        Images that it rests on.
    """

    auc: float
    low: float
    high: float
    good: int
    defects: int


def measure_auc(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Auc | None:
    """Measure the area under the ROC curve, each image with a weight.

    The interval is Newcombe's (2006, Statistics in Medicine 25, 559–573, method 5): all areas whose own standard error,
    by Hanley and McNeil's formula with both counts replaced by their mean, reaches the one that was measured. It has a
    width at an area of 1 too, where bootstrap and DeLong's have none. Counts are effective ones, (Σ w)² / Σ w² of a
    class (Kish): a few images that stand for many are as few as they are. Our choice: no such interval is published for
    weighted images.

    Parameters
    ----------
    probabilities : ndarray, shape (n,)
        Of a defect; NaN where an image was not judged, which is left out.
    labels : ndarray of int, shape (n,)
        1 defective, 0 good.
    weights : ndarray, shape (n,)
        Images of the data set that each stands for; those of weight 0 are left out.

    Returns
    -------
    Auc or None
        None without an image of each class.
    """
    known = ~np.isnan(probabilities) & (weights > 0)
    scores, labels, weights = probabilities[known], labels[known], weights[known]
    of_class = [weights[labels == value] for value in (0, 1)]
    if not all(map(len, of_class)):
        return None
    auc = weighted_scores(draw_curve(scores, labels, weights))[0]
    good, defects = (own.sum() ** 2 / (own**2).sum() for own in of_class)
    low, high = (_bound(auc, good, defects, end) for end in (0.0, 1.0))
    return Auc(auc, low, high, *map(len, of_class))


def auc_error(measured: Auc) -> float:
    """Standard error of an area: half the width of its interval, which is there at an area of 1 too, in deviations."""
    return (measured.high - measured.low) / (2 * Z)


def auc_variance(area: float, good: float, defects: float) -> float:
    """Variance of an estimate of an area, after Hanley and McNeil (1982), in Newcombe's symmetric form."""
    mean = (good + defects) / 2 - 1
    spread = 1 + mean * (1 - area) / (2 - area) + mean * area / (1 + area)
    return area * (1 - area) * spread / (good * defects)


def _bound(measured: float, good: float, defects: float, end: float) -> float:
    """The area towards one end from which `measured` is `Z` standard errors away, by bisection."""
    inside, outside = measured, end
    for _ in range(60):
        middle = (inside + outside) / 2
        if abs(measured - middle) <= Z * np.sqrt(auc_variance(middle, good, defects)):
            inside = middle
        else:
            outside = middle
    return float(inside)
