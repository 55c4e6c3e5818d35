"""Confident learning: which labels the probabilities of classes contradict."""

import numpy as np

# As cleanlab: probabilities so near a threshold reach it; a class has no lower threshold.
_ALMOST, _LOWEST = 1e-6, 2e-6


def self_confidence(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Probability of each image's own label, as cleanlab's ``get_self_confidence_for_each_label``.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Classes, from 0.
    probabilities : ndarray of float64, shape (n, classes)
        Of each class, from what has not learnt from the image.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    return probabilities[np.arange(len(labels)), labels]


def find_label_issues(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Find labels that are probably wrong (Northcutt, Jiang, Chuang, JAIR 2021, section 3.1).

    A class's threshold is the mean probability of that class among the images labelled so (their eq. 2). An image
    belongs confidently to a class whose threshold its probability reaches; to the most probable where it reaches
    several. A label is an issue where that class is another one: the off-diagonal of the confident joint (eq. 1). As
    in cleanlab, ``find_label_issues(filter_by="confident_learning")``, a label is no issue where no class is more
    probable.

    Parameters
    ----------
    labels, probabilities
        As for `self_confidence`.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    classes = probabilities.shape[1]
    # A class without images has a threshold that none reaches.
    thresholds = np.full(classes, 2.0)
    for label in np.unique(labels):
        thresholds[label] = max(_LOWEST, probabilities[labels == label, label].mean())
    confident = probabilities >= thresholds - _ALMOST
    guess = np.where(confident.sum(axis=1) > 1, probabilities.argmax(axis=1), confident.argmax(axis=1))
    return confident.any(axis=1) & (guess != labels) & (suggest_labels(labels, probabilities) != labels)


def suggest_labels(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the most probable class of each image: its own label where that is one of several, else the first.

    Parameters
    ----------
    labels, probabilities
        As for `self_confidence`.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    favoured = np.array(probabilities, dtype=np.float64)
    favoured[np.arange(len(labels)), labels] += _ALMOST
    return favoured.argmax(axis=1)
