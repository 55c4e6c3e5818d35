"""Sets of labels that hold the right one as often as is stated, class by class: split conformal prediction.

Class-conditional (Mondrian) calibration after Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005,
section 4.5; the score is the margin to the best other class.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from nearlabel.production.novelty.conformal import p_values


def nonconformity(scores: np.ndarray) -> np.ndarray:
    """How strange each label would be: column y = max_{j ≠ y} s_j − s_y.

    Parameters
    ----------
    scores : ndarray, shape (n, c)
        A model's, higher where a class is likelier.

    Returns
    -------
    ndarray of float64, shape (n, c)
        Of a single class, its negative score.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape[1] == 1:
        return -scores
    ascending = np.sort(scores, axis=1)
    best = scores == ascending[:, -1:]
    # The best other one of the best is the second; of equal best ones the same.
    return np.where(best, ascending[:, -2:-1], ascending[:, -1:]) - scores


def class_p_values(
    strangeness: np.ndarray,
    labels: Sequence[str],
    held_out: Mapping[str, np.ndarray],
    weights: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:
    """P-value of every label of every image, by the held-out images of that label alone.

    A new image counts as the held-out image, of whatever label, that stands for the most: it may be like those that
    were drawn at random for all that a strategy left, and of its label perhaps none of them was.

    Parameters
    ----------
    strangeness : ndarray of float64, shape (n, c)
        From `nonconformity`.
    labels : sequence of str, length c
        Of the columns.
    held_out : mapping of str to ndarray of float64
        By label: nonconformity of its held-out images under their own label, ascending.
    weights : mapping of str to ndarray of float64, optional
        By label: how many images each of them stands for; 1 by default.

    Returns
    -------
    ndarray of float64, shape (n, c)
        1 for a label without held-out images, which nothing speaks against.
    """
    weights, none = weights or {}, np.empty(0)
    own = max((float(some.max()) for some in weights.values() if len(some)), default=1.0)
    return np.column_stack(
        [
            p_values(strangeness[:, column], held_out.get(label, none), weights.get(label), own)
            for column, label in enumerate(labels)
        ]
    )


def error_rate(coverage: float) -> float:
    """1 less the coverage as it is written: 0.1 for 0.9, which floats miss.

    Raises
    ------
    ValueError
        No share between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is {coverage:g}; give a share between 0 and 1, such as 0.9")
    return float(1 - Fraction(repr(float(coverage))))


def label_sets(p: np.ndarray, coverage: float) -> np.ndarray:
    """Say which labels are in each image's set: those with a p-value above 1 less the coverage.

    Of images of each class, the set holds the right label with at least this probability.

    Parameters
    ----------
    p : ndarray of float64, shape (n, c)
        From `class_p_values`.
    coverage : float

    Returns
    -------
    ndarray of bool, shape (n, c)
    """
    return p > error_rate(coverage)


def least_calibration(coverage: float) -> int:
    """Held-out images, each for itself, without which a label is in every set: ⌈1 / (1 − coverage)⌉ − 1."""
    error_rate(coverage)
    return math.ceil(1 / (1 - Fraction(repr(float(coverage))))) - 1


def always_in(
    labels: Sequence[str],
    held_out: Mapping[str, np.ndarray],
    coverage: float,
    weights: Mapping[str, np.ndarray] | None = None,
) -> dict[str, int]:
    """Find the labels that are in every set, for want of held-out images; arguments as of `class_p_values`.

    Returns
    -------
    dict of str to int
        Label → its held-out images.
    """
    if not len(labels):
        return {}
    strangest = class_p_values(np.full((1, len(labels)), np.inf), labels, held_out, weights)
    inside = label_sets(strangest, coverage)[0]
    return {label: len(held_out.get(label, ())) for label, always in zip(labels, inside, strict=True) if always}
