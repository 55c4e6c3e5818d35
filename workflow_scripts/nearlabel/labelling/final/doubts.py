"""Labels that deserve a second look: those of images whose neighbours are labelled otherwise."""

import numpy as np
import pandas as pd

from nearlabel.grouping.maps.neighbors import nearest_images

DOUBT_COLUMNS = ["image_id", "label", "disagreement", "probability", "neighbour"]


def neighbour_disagreement(
    features: np.ndarray, labels: np.ndarray, groups: np.ndarray, neighbours: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Measure how many of an image's nearest labelled images have another class.

    Nearness is the cosine of features; an image's near-duplicates do not count, for one person's slip on all of them
    would make it look certain.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Of labelled images.
    labels : ndarray of int, shape (n,)
        Their classes.
    groups : ndarray of int, shape (n,)
        Near-duplicates have one number.
    neighbours : int
        How many are asked.

    Returns
    -------
    disagreement : ndarray of float64, shape (n,)
        Share of neighbours of another class; 0 where an image has none.
    nearest : ndarray of int, shape (n,)
        The nearest image of another class among them; -1 where there is none.
    """
    # Between vectors of length 1, the nearer by distance the nearer by cosine.
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    near, _ = nearest_images(features / np.where(lengths == 0, 1, lengths), neighbours, groups)
    there = near >= 0
    other = (labels[near] != labels[:, np.newaxis]) & there
    shares = other.sum(axis=1) / np.maximum(1, there.sum(axis=1))
    first = near[np.arange(len(near)), np.argmax(other, axis=1)] if near.size else np.full(len(near), -1)
    return shares, np.where(other.any(axis=1), first, -1)


def list_doubts(
    image_ids: np.ndarray,
    names: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    features: np.ndarray,
    groups: np.ndarray,
) -> pd.DataFrame:
    """List labels that most neighbours contradict, the most doubtful first.

    Parameters
    ----------
    image_ids, names : ndarray of object (str), shape (n,)
        Labelled images and their labels.
    labels : ndarray of int, shape (n,)
        1 defective, 0 good.
    probabilities : ndarray, shape (n,)
        Of a defect, by networks that have not learnt from the image; NaN where unknown.
    features, groups
        As for `neighbour_disagreement`.

    Returns
    -------
    DataFrame
        ``doubtful.csv``: image_id, label, disagreement (above 0.5), probability, neighbour (the nearest image of the
        other class).
    """
    shares, nearest = neighbour_disagreement(features, labels, groups)
    against = np.where(labels == 1, 1 - probabilities, probabilities)
    order = np.lexsort((image_ids.astype(str), -np.nan_to_num(against, nan=0.5), -shares))
    order = order[shares[order] > 0.5]
    return pd.DataFrame(
        {
            "image_id": image_ids[order],
            "label": names[order],
            "disagreement": shares[order],
            "probability": probabilities[order],
            "neighbour": image_ids[nearest[order]],
        },
        columns=DOUBT_COLUMNS,
    )
