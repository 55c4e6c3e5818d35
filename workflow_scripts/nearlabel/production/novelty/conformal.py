"""What held-out good images say of a score: conformal p-values, and the false alarms that they can promise.

Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005, chapters 2 and 4; Bates, Candès, Lei, Romano,
Sesia, "Testing for outliers with conformal p-values", Annals of Statistics 2023.
"""

import math
from fractions import Fraction

import numpy as np


def p_values(
    scores: np.ndarray, held_out: np.ndarray, weights: np.ndarray | None = None, own: float = 1.0
) -> np.ndarray:
    """Share of held-out images at least as novel, the image itself among them: (1 + #{≥ s}) / (m + 1).

    Of a good image, exchangeable with those held out, it is at most α with a probability of at most α. Where held-out
    images were chosen with unlike chances, each counts as many times as it stands for: weighted exchangeability, after
    Tibshirani, Foygel Barber, Candès, Ramdas, "Conformal prediction under covariate shift", NeurIPS 2019.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    held_out : ndarray of float64, shape (m,)
        Ascending.
    weights : ndarray of float64, shape (m,), optional
        What each stands for; 1 by default.
    own : float
        What a new image stands for. The more, the larger all p-values: the most that it can stand for keeps the promise
        whatever it does stand for.

    Returns
    -------
    ndarray of float64, shape (n,)
        In [own / (Σ weights + own), 1].
    """
    weights = np.ones(len(held_out)) if weights is None else weights
    # From each on, 0 beyond the last; in shares of the new image's, so that what stands for as much counts 1 exactly.
    left = np.append(np.cumsum((weights / own)[::-1])[::-1], 0.0)
    return (1 + left[np.searchsorted(held_out, scores, side="left")]) / (1 + left[0])


def smoothed_p_values(scores: np.ndarray, held_out: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Smoothed p-values: (#{> s} + u (#{= s} + 1)) / (m + 1); of good images uniform on [0, 1].

    Parameters
    ----------
    scores : ndarray, shape (n,)
    held_out : ndarray of float64, shape (m,)
        Ascending.
    uniform : ndarray of float64, shape (n,)
        Drawn from [0, 1), one for each score.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    m = len(held_out)
    above = m - np.searchsorted(held_out, scores, side="right")
    equal = m - np.searchsorted(held_out, scores, side="left") - above
    return (above + np.asarray(uniform) * (equal + 1)) / (m + 1)


def normal_percentiles(scores: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Percentage of held-out images that are less novel, 0 to 100; 0 where none is held out.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    held_out : ndarray of float64, shape (m,)
        Ascending.
    """
    return 100 * np.searchsorted(held_out, scores, side="left") / max(1, len(held_out))


def least_images(rate: float) -> int:
    """Held-out images without which no image could be flagged at a rate of false alarms: ⌈1 / rate⌉ − 1."""
    return math.ceil(1 / _exact(rate)) - 1


def lowest_rate(m: int) -> float:
    """Lowest rate of false alarms that m held-out images support: 1 / (m + 1)."""
    return 1 / (m + 1)


def require_rate(rate: float, m: int) -> None:
    """Refuse a rate of false alarms that m held-out good images cannot support.

    Raises
    ------
    ValueError
        That, with the lowest rate they do support; or no rate between 0 and 1.
    """
    if not 0 < rate < 1:
        raise ValueError(f"false_alarms is {rate:g}; give a share between 0 and 1, such as 0.01")
    if m < least_images(rate):
        lowest = math.ceil(1e4 * lowest_rate(m)) / 1e4
        raise ValueError(
            f"a rate of false alarms of {rate:g} needs {least_images(rate)} held-out good images, and there are {m}; "
            + (f"the lowest that they support is {lowest:g}" if m else "no image can be flagged without any")
        )


def realised_range(rate: float, m: int, level: float = 0.9) -> tuple[float, float]:
    """Range in which the share of good images that are flagged lies, with m held-out images as they are.

    Given those, the share is Beta(l, m + 1 − l), l = ⌊rate (m + 1)⌋ (Vovk, "Conditional validity of inductive conformal
    predictors", 2012), with equal tails.

    Parameters
    ----------
    rate : float
        Of false alarms, that is promised on average.
    m : int
        Held-out good images.
    level : float
        Probability of the range.

    Returns
    -------
    low, high : float
        Both 0 where nothing can be flagged.
    """
    from scipy.special import betaincinv

    flagged = math.floor(_exact(rate) * (m + 1))
    if not flagged:
        return 0.0, 0.0
    tail = (1 - level) / 2
    low, high = betaincinv(flagged, m + 1 - flagged, [tail, 1 - tail])
    return float(low), float(high)


def _exact(rate: float) -> Fraction:
    # As written: 1 / 0.05 in floats may lie on either side of 20.
    return Fraction(repr(float(rate)))
