"""What images that were not learnt from say of labels: recalls, how strange each label is of its own images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.grouping.models.pipelines import sort_classes
from nearlabel.production.bundle.fitting.holdout import first_of_groups
from nearlabel.production.novelty.sets import always_in, least_calibration


def score_labels(labels: np.ndarray, said: np.ndarray, weights: np.ndarray, how: str) -> dict[str, Any]:
    """Score what was said: recall of each label, and their mean, the balanced accuracy.

    Parameters
    ----------
    labels, said : ndarray of object (str), shape (n,)
        Images without a label are left out.
    weights : ndarray of float64, shape (n,)
        How many images each stands for; those that stand for none are left out.
    how : str
        On which images, in words.

    Returns
    -------
    dict
        ``balanced_accuracy`` (None without an image), ``labels`` (label → images, recall), ``how``.
    """
    labels, said = np.asarray(labels, dtype=object), np.asarray(said, dtype=object)
    known = (labels != "") & (np.asarray(weights) > 0)
    labels, right, weights = labels[known], (labels == said)[known], np.asarray(weights)[known]
    recalls = {
        label: {"images": int(own.sum()), "recall": float(np.average(right[own], weights=weights[own]))}
        for label in sort_classes(labels)
        for own in [labels == label]
    }
    mean = float(np.mean([one["recall"] for one in recalls.values()])) if recalls else None
    return {"balanced_accuracy": mean, "labels": recalls, "how": how}


def stand_for_groups(rows: np.ndarray, weights: np.ndarray, group: np.ndarray, sha256: np.ndarray) -> np.ndarray:
    """Of some images those that stand for their groups: of those with the largest weight there the first.

    Parameters
    ----------
    rows : ndarray of int, shape (h,)
        The images.
    weights : ndarray of float64, shape (h,)
        How many images each of them stands for; those that stand for none are left out.
    group, sha256 : ndarray of object (str), shape (n,)
        Of all images.

    Returns
    -------
    ndarray of bool, shape (h,)
    """
    most = pd.Series(weights).groupby(group[rows]).transform("max").to_numpy()
    return np.isin(rows, first_of_groups(rows[(weights == most) & (weights > 0)], group, sha256))


def sort_by_label(
    strange: np.ndarray, columns: Sequence[str], labels: np.ndarray, weights: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Sort images by label and by how strange that is of them.

    Parameters
    ----------
    strange : ndarray of float64, shape (h, c)
        From `nearlabel.production.novelty.sets.nonconformity`.
    columns : sequence of str, length c
        Labels.
    labels : ndarray of object (str), shape (h,)
        Of the images.
    weights : ndarray of float64, shape (h,)
        How many images each stands for.

    Returns
    -------
    scores, weights : dict of str to ndarray of float64
        By label that an image has: nonconformity, ascending, and the weights of the same images; of weights none where
        each stands for itself.
    """
    scores, stand_for = {}, {}
    for column, label in enumerate(columns):
        own = np.flatnonzero(labels == label)
        own = own[np.argsort(strange[own, column], kind="stable")]
        if len(own):
            scores[label], stand_for[label] = strange[own, column], weights[own]
    return scores, stand_for if (weights != 1).any() else {}


def list_uncalibrated(
    labels: Sequence[str], held_out: Mapping[str, np.ndarray], coverage: float, weights: Mapping[str, np.ndarray]
) -> list[str]:
    """Say which labels are in every set, though some of their images are held out: a sentence each.

    Parameters
    ----------
    labels, held_out, coverage, weights
        As for `nearlabel.production.novelty.sets.always_in`.
    """
    needed = least_calibration(coverage)
    takes = f"{needed} that were drawn at random" if weights else f"{needed}"
    return [
        f"{label!r} has {count} held-out images, near-duplicates counted once; a coverage of {coverage:g} takes "
        f"{takes}: every set of labels holds it"
        for label, count in always_in(labels, held_out, coverage, weights).items()
        if count
    ]
