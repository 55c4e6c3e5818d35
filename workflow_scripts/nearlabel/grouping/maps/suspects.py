"""Near-labels that the nearest images contradict."""

import logging

import numpy as np
import pandas as pd

from nearlabel.grouping.maps.confident import find_label_issues, self_confidence, suggest_labels
from nearlabel.grouping.maps.neighbors import nearest_images

logger = logging.getLogger(__name__)

SUSPECT_COLUMNS = ["image_id", "near_label", "self_confidence", "suggested", "issue", "nearest"]
NEIGHBORS = 10
"""Labelled images that are asked about each."""


def find_suspects(
    image_ids: np.ndarray, features: np.ndarray, near_labels: pd.DataFrame, groups: np.ndarray
) -> pd.DataFrame:
    """Rank near-labels by how few of the nearest labelled images have the same.

    A near-label's probability for an image is its share among the image's 10 nearest labelled images (Euclidean, in
    reduced features), near-duplicates left out: one person's slip on all of them would make it look certain. What
    follows from the probabilities is `nearlabel.grouping.maps.confident`'s.

    Parameters
    ----------
    image_ids : sequence of str, shape (n,)
        Rows of `features`.
    features : ndarray, shape (n, d)
        Reduced features, finite numbers.
    near_labels : DataFrame
        ``near_labels.csv``: image_id, near_label, '' where there is none; may hold more images.
    groups : ndarray of int, shape (n,)
        Near-duplicates have one number.

    Returns
    -------
    DataFrame
        ``suspects.csv``, a row for each labelled image, the most suspicious first, ties by name: image_id; near_label;
        self_confidence, the share of its own near-label; suggested, the most frequent near-label there, its own where
        that is one of several; issue, whether the label is probably wrong; nearest, of those images the nearest that
        has the suggested near-label, where that is another. No row where fewer than two near-labels are given.
        Self-confidence is NaN, and the image last, where it has no such neighbour.
    """
    ids = np.asarray(image_ids, dtype=object)
    given = near_labels.set_index("image_id")["near_label"].reindex(ids).fillna("").to_numpy(dtype=object)
    labelled = np.flatnonzero(given != "")
    names, labels = np.unique(given[labelled].astype(str), return_inverse=True)
    if len(names) < 2:
        logger.info("%d near-labels among %d images: none can be doubted", len(names), len(ids))
        return pd.DataFrame(columns=SUSPECT_COLUMNS)
    near, _ = nearest_images(np.asarray(features)[labelled], NEIGHBORS, np.asarray(groups)[labelled])
    there = near >= 0
    asked = there.any(axis=1)
    probabilities = np.zeros((len(labelled), len(names)))
    for label in range(len(names)):
        probabilities[:, label] = ((labels[near] == label) & there).sum(axis=1)
    probabilities /= np.maximum(1, there.sum(axis=1))[:, np.newaxis]
    suggested = suggest_labels(labels, probabilities)
    issue = np.zeros(len(labelled), bool)
    issue[asked] = find_label_issues(labels[asked], probabilities[asked])
    others = (labels[near] == suggested[:, np.newaxis]) & there & (suggested != labels)[:, np.newaxis]
    first = near[np.arange(len(near)), np.argmax(others, axis=1)]
    confidence = np.where(asked, self_confidence(labels, probabilities), np.nan)
    order = np.lexsort((ids[labelled].astype(str), ~issue, np.nan_to_num(confidence, nan=2)))
    found = pd.DataFrame(
        {
            "image_id": ids[labelled],
            "near_label": names[labels],
            "self_confidence": confidence,
            "suggested": names[suggested],
            "issue": issue,
            "nearest": np.where(others.any(axis=1), ids[labelled][first], ""),
        },
        columns=SUSPECT_COLUMNS,
    )
    logger.info("%d of %d near-labels are in doubt", issue.sum(), len(labelled))
    return found.iloc[order].reset_index(drop=True)
