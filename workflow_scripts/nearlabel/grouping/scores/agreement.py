"""How every clustering of a node agrees with the near-labels, and what chance alone would give."""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd

from nearlabel.grouping.clustering.labels import LabelBlock
from nearlabel.grouping.scores.contingency import align_near_labels, contingency_table
from nearlabel.grouping.scores.cscore import null_of_table, score_table
from nearlabel.seeds import derive_seed

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
NULL_COLUMNS = ["mean", "low", "high"]


def evaluate_c_score(
    quality: pd.DataFrame,
    labels: Mapping[str, LabelBlock],
    near_labels: pd.DataFrame,
    *,
    permutations: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join the label-free scores of every clustering with its agreement with the near-labels.

    All of it over the images that have a near-label; the log says how many of the node's they are.

    Parameters
    ----------
    quality : DataFrame
        ``quality.csv``.
    labels : mapping of str to LabelBlock
        What `nearlabel.grouping.clustering.labels.read_labels` gave, for the same clusterings.
    near_labels : DataFrame
        ``near_labels.csv``: image_id, near_label (text, empty where there is none); may hold further images.
    permutations : int
        Random tables for each clustering's null, see `nearlabel.grouping.scores.cscore.permutation_null`.
    seed : int
        Each clustering's null has a seed derived from this, its algorithm and its k, whatever other rows there are.

    Returns
    -------
    scores : DataFrame
        ``scores.csv``: the columns of `quality`, then c_score, normalized_c_score, convergence_difference, null_ratio
        and null_p (the null's ratio and p-value), ami, ari, homogeneity, completeness (scikit-learn's),
        best_match_jaccard.
    null : DataFrame
        ``null.csv``: algorithm, k, and of the null's differences the mean, low and high (5 % and 95 % quantiles); rows
        as in `scores`. All numbers that need near-labels are NaN where no image has one.

    Raises
    ------
    ValueError
        A clustering or an image's line is missing; fewer than 1 permutation.
    """
    aligned: dict[str, np.ndarray] = {}
    rows = []
    for algorithm, k in zip(quality["algorithm"], quality["k"], strict=True):
        block = labels.get(algorithm)
        if block is None or k not in block.labels:
            raise ValueError(f"there are no labels of {algorithm} for k = {k}; give the label files that quality is of")
        if algorithm not in aligned:
            aligned[algorithm] = align_near_labels(near_labels, block.image_id)
            if len(aligned) == 1:
                _describe(aligned[algorithm])
        rows.append(
            _agreement(aligned[algorithm], block.labels[k], permutations, derive_seed(seed, f"{algorithm}/{k}"))
        )
    found = pd.DataFrame(rows, index=quality.index, columns=LABEL_COLUMNS + NULL_COLUMNS, dtype=float)
    scores = pd.concat([quality, found[LABEL_COLUMNS]], axis=1)
    return scores, pd.concat([quality[["algorithm", "k"]], found[NULL_COLUMNS]], axis=1)


def _describe(near_labels: np.ndarray) -> None:
    labelled = np.count_nonzero(near_labels >= 0)
    if labelled:
        logger.info("C-Scores over the %d of %d images that have a near-label", labelled, len(near_labels))
    else:
        logger.warning("none of the %d images has a near-label: all that needs one stays empty", len(near_labels))


def _agreement(near_labels: np.ndarray, clusters: np.ndarray, permutations: int, seed: int) -> dict[str, float]:
    labelled = near_labels >= 0
    if not labelled.any():
        return {}
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, homogeneity_completeness_v_measure

    near_labels, clusters = near_labels[labelled], clusters[labelled]
    table = contingency_table(near_labels, clusters)
    null = null_of_table(table, permutations, seed)
    homogeneity, completeness, _ = homogeneity_completeness_v_measure(near_labels, clusters)
    return {
        **score_table(table),
        "null_ratio": null.ratio,
        "null_p": null.p_value,
        "ami": adjusted_mutual_info_score(near_labels, clusters),
        "ari": adjusted_rand_score(near_labels, clusters),
        "homogeneity": homogeneity,
        "completeness": completeness,
        "mean": null.mean,
        "low": null.low,
        "high": null.high,
    }
