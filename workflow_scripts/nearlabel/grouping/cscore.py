"""The C-Score and its kin, and the usual measures of agreement between clusters and near-labels.

The paper is Mathias et al., ICAART 2025, section 3.3.1. What it states beyond the definitions holds only in part:

- Eqs. 3 to 5 (C = k) are for pure clusters. In general 1 ≤ C ≤ min(k, m), with C = min(k, m) exactly where one
  partition refines the other; the lower bound of eq. 6, 0, is never approached.
- "The computation can exceed to higher numbers" contradicts eq. 6, which holds.
- The normalised score does not range to 1: it lies in [1 / (k m), 1 / max(k, m)]; a perfect result with k = m = 2
  has 0.5.
- The convergence difference favours many clusters whatever they hold: for independent balanced partitions it is
  (k − 1) / (m (k + m − 1)), so that it falls with m² even for random labels. Read it beside the other measures.

Here k is the number of near-labels and m that of clusters, both counted over the images that have a near-label.
"""

import logging
from collections.abc import Mapping, Sequence
from math import fsum

import numpy as np
import pandas as pd

from nearlabel.grouping.labels import LabelBlock

logger = logging.getLogger(__name__)

LABEL_COLUMNS = [
    "c_score",
    "normalized_c_score",
    "convergence_difference",
    "null_ratio",
    "null_p",
    "ami",
    "ari",
    "homogeneity",
    "completeness",
    "best_match_jaccard",
]


def c_score(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> float:
    """C-Score: the sum of the Jaccard similarities of all pairs of a near-label and a cluster.

    Defined in section 3.3.1 (the display before eq. 3); at most min(k, m) (eq. 6), and at least 1. Symmetric in its
    arguments to the last bit. Computed from the contingency table in O(n + k m).

    Parameters
    ----------
    near_labels, clusters : array_like, shape (n,)
        Near-label and cluster of each image. Images without near-label (empty text, None, NaN) are left out.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Different lengths, or no image with a near-label.
    """
    return _c_score(_contingency(near_labels, clusters))


def normalized_c_score(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> float:
    """C-Score divided by k m (section 3.3.1, before eq. 7); at most min(1 / k, 1 / m) (eq. 7), not 1 as the text says.

    Parameters
    ----------
    near_labels, clusters : array_like, shape (n,)
        As for `c_score`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As for `c_score`.
    """
    table = _contingency(near_labels, clusters)
    return _c_score(table) / table.size


def convergence_difference(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> float:
    """C-Score convergence difference D = (min(k, m) − C) / (k m): the normalised score below its limit, eq. 7.

    0 exactly where one partition refines the other: a single near-label, a single cluster, clusters of one image each,
    pure clusters. The smaller the better, but see the module's text: many clusters lower it by themselves.

    Parameters
    ----------
    near_labels, clusters : array_like, shape (n,)
        As for `c_score`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As for `c_score`.
    """
    return _convergence_difference(_contingency(near_labels, clusters))


def best_match_jaccard(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> float:
    """Two-way best-match Jaccard: how well each near-label has a cluster of its own, and each cluster a near-label.

    (mean over near-labels of the largest Jaccard similarity with any cluster + mean over clusters of the largest with
    any near-label) / 2, every near-label and every cluster counting the same. 1 exactly for equal partitions; unlike
    the C-Score it falls when a near-label is split.

    Parameters
    ----------
    near_labels, clusters : array_like, shape (n,)
        As for `c_score`.

    Returns
    -------
    float
        In (0, 1].

    Raises
    ------
    ValueError
        As for `c_score`.
    """
    return _best_match_jaccard(_contingency(near_labels, clusters))


def evaluate_c_score(
    quality: pd.DataFrame, labels: Mapping[str, LabelBlock], near_labels: pd.DataFrame
) -> pd.DataFrame:
    """Join the label-free scores of every clustering with its agreement with the near-labels.

    Parameters
    ----------
    quality : DataFrame
        ``quality.csv``.
    labels : mapping of str to LabelBlock
        What `nearlabel.grouping.labels.read_labels` gave, for the same clusterings.
    near_labels : DataFrame
        ``manifest.csv``: image_id, near_label (text, empty where there is none); may hold further images.

    Returns
    -------
    DataFrame
        ``scores.csv``: the columns of `quality`, then c_score, normalized_c_score, convergence_difference, null_ratio
        and null_p (empty here), ami, ari, homogeneity, completeness (scikit-learn's), best_match_jaccard. All of these
        are NaN where no image has a near-label.

    Raises
    ------
    ValueError
        A clustering or an image's line is missing.
    """
    scores = quality.copy()
    aligned: dict[str, np.ndarray] = {}
    rows = []
    for algorithm, k in zip(quality["algorithm"], quality["k"], strict=True):
        block = labels.get(algorithm)
        if block is None or k not in block.labels:
            raise ValueError(f"there are no labels of {algorithm} for k = {k}; give the label files that quality is of")
        if algorithm not in aligned:
            aligned[algorithm] = _align(near_labels, block.image_id)
        rows.append(_agreement(aligned[algorithm], block.labels[k]))
    for column in LABEL_COLUMNS:
        scores[column] = [row.get(column, np.nan) for row in rows]
    scores[LABEL_COLUMNS] = scores[LABEL_COLUMNS].astype(float)
    return scores


def _align(manifest: pd.DataFrame, image_id: np.ndarray) -> np.ndarray:
    """Near-labels as whole numbers in the order of `image_id`, −1 where there is none."""
    known = manifest.set_index(manifest["image_id"].astype(str))["near_label"]
    if known.index.has_duplicates:
        repeated = known.index[known.index.duplicated()][0]
        raise ValueError(f"near-labels name {repeated!r} twice; keep one line for each image")
    if missing := [image for image in image_id if image not in known.index]:
        raise ValueError(f"near-labels lack {len(missing)} clustered images, first {missing[0]!r}; add their lines")
    return _factorize(known.loc[list(image_id)])


def _agreement(near_labels: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    labelled = near_labels >= 0
    if not labelled.any():
        return {}
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, homogeneity_completeness_v_measure

    near_labels, clusters = near_labels[labelled], clusters[labelled]
    table = _contingency(near_labels, clusters)
    homogeneity, completeness, _ = homogeneity_completeness_v_measure(near_labels, clusters)
    return {
        "c_score": _c_score(table),
        "normalized_c_score": _c_score(table) / table.size,
        "convergence_difference": _convergence_difference(table),
        "ami": adjusted_mutual_info_score(near_labels, clusters),
        "ari": adjusted_rand_score(near_labels, clusters),
        "homogeneity": homogeneity,
        "completeness": completeness,
        "best_match_jaccard": _best_match_jaccard(table),
    }


def _factorize(near_labels: Sequence | np.ndarray | pd.Series) -> np.ndarray:
    """Whole numbers from 0, −1 for a missing or empty near-label."""
    series = pd.Series(near_labels).reset_index(drop=True)
    return pd.factorize(series.mask((series == "").fillna(True).astype(bool)), sort=True)[0]


def _contingency(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> np.ndarray:
    """Images for each near-label and cluster, shape (k, m), none of its rows and columns empty."""
    rows, columns = _factorize(near_labels), np.asarray(clusters)
    if rows.shape != columns.shape:
        raise ValueError(f"there are {len(rows)} near-labels and {columns.size} clusters; give one of each per image")
    labelled = rows >= 0
    if not labelled.any():
        raise ValueError("no image has a near-label; the C-Score needs some")
    columns = np.unique(columns[labelled], return_inverse=True)[1]
    shape = (rows.max() + 1, columns.max() + 1)
    return np.bincount(rows[labelled] * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)


def _jaccard(table: np.ndarray) -> np.ndarray:
    return table / (table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table)


def _c_score(table: np.ndarray) -> float:
    # fsum is the same in any order of the terms: renaming or swapping the partitions changes no bit.
    return fsum(_jaccard(table).ravel())


def _convergence_difference(table: np.ndarray) -> float:
    difference = (min(table.shape) - _c_score(table)) / table.size
    # C is rounded, and a pure clustering must tie with another at 0.
    return difference if difference > 1e-12 else 0.0


def _best_match_jaccard(table: np.ndarray) -> float:
    jaccard = _jaccard(table)
    return float(jaccard.max(axis=1).mean() + jaccard.max(axis=0).mean()) / 2
