"""Scores that need no labels: entropy of the cluster sizes, and silhouettes of many clusterings in one pass."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nearlabel.grouping.clustering.labels import LabelBlock
from nearlabel.grouping.scores.limits import EXACT_UP_TO, LOPSIDED, SAMPLE, lopsided
from nearlabel.grouping.scores.silhouettes import (
    Estimates,
    cluster_silhouettes,
    estimate_silhouettes,
    silhouette_scores,
)

__all__ = [
    "QUALITY_COLUMNS",
    "assess_clusterings",
    "cluster_silhouettes",
    "label_entropy",
    "score_clusterings",
    "silhouette_scores",
]

logger = logging.getLogger(__name__)

QUALITY_COLUMNS = ["algorithm", "k", "entropy", "silhouette", "smallest", "largest", "flags"]
SAMPLED = "sampled_silhouette"


def label_entropy(labels: Sequence | np.ndarray) -> float:
    """Entropy of a clustering's sizes, in bits.

    Mathias et al. 2025, eq. 1: H = −Σ p log₂ p over the clusters, p their shares of the points. 0 for a single
    cluster, log₂ k for k equal ones. Depends on the sizes only, to the last bit.

    Parameters
    ----------
    labels : array_like, shape (n,)
        Cluster of each point, n ≥ 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        No labels.
    """
    labels = np.asarray(labels)
    if not labels.size:
        raise ValueError("there are no labels; entropy needs at least one")
    share = np.sort(np.unique(labels, return_counts=True)[1]) / labels.size
    return abs(float(np.sum(share * np.log2(share))))


def score_clusterings(
    features: np.ndarray, blocks: Mapping[str, LabelBlock], *, threads: int = 1, device: str = "cpu"
) -> pd.DataFrame:
    """Score every clustering by its sizes and by its silhouette; `assess_clusterings` without the errors.

    Parameters
    ----------
    features, blocks, threads, device
        See `assess_clusterings`.

    Returns
    -------
    DataFrame
        ``quality.csv``.
    """
    return assess_clusterings(features, blocks, threads=threads, device=device)[0]


def assess_clusterings(
    features: np.ndarray,
    blocks: Mapping[str, LabelBlock],
    *,
    exact_up_to: int = EXACT_UP_TO,
    sample: int = SAMPLE,
    seed: int = 0,
    threads: int = 1,
    device: str = "cpu",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score every clustering by its sizes and by its silhouette, and say how exact the silhouette is.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        What was clustered.
    blocks : mapping of str to LabelBlock
        What `nearlabel.grouping.clustering.labels.read_labels` gave.
    exact_up_to : int
        Images up to which silhouettes are exact (`silhouette_scores`); above, they are estimated from a sample
        (`nearlabel.grouping.scores.silhouettes.estimate_silhouettes`) and each is flagged ``sampled_silhouette``. A
        sample that would hold every image is exact too.
    sample, seed
        As for `estimate_silhouettes`.
    threads, device
        As for `silhouette_scores`.

    Returns
    -------
    quality : DataFrame
        ``quality.csv``: algorithm, k, entropy (bits), silhouette (NaN where undefined), smallest and largest (images in
        the smallest and largest cluster), flags (joined by ``;``; ``lopsided`` as
        `nearlabel.grouping.scores.limits.lopsided` says). Algorithms as given, k ascending; a k above the number of
        images, or that the algorithm did not find, has no row.
    errors : DataFrame
        ``silhouette_error.csv``: algorithm, k, sample (images that the silhouette is from: all where it is exact),
        standard_error (0 where exact, NaN where undefined). Rows as in `quality`.

    Raises
    ------
    ValueError
        Features and labels differ in length.
    """
    rows, labelings = [], []
    for algorithm, block in blocks.items():
        for k, labels in block.labels.items():
            sizes = np.unique(labels, return_counts=True)[1]
            flags = [*block.flags[k], LOPSIDED] if lopsided(sizes.tolist()) else block.flags[k]
            rows.append((algorithm, k, label_entropy(labels), np.nan, sizes.min(), sizes.max(), flags))
            labelings.append(labels)
        if block.cut:
            logger.info("%s: no clustering for k = %s, above the number of images", algorithm, block.cut)
        if block.missing:
            logger.info("%s found %s groups, none of the other k", algorithm, sorted(block.labels) or "no")
    quality = pd.DataFrame(rows, columns=QUALITY_COLUMNS)
    if len(features) <= max(exact_up_to, sample):
        scores = silhouette_scores(features, labelings, threads=threads, device=device)
        found = Estimates(scores, np.where(np.isnan(scores), np.nan, 0.0), np.full(len(scores), len(features)))
    else:
        found = estimate_silhouettes(features, labelings, sample=sample, seed=seed, threads=threads, device=device)
        logger.info("silhouettes from %d of %d images or a few more", sample, len(features))
    quality["silhouette"] = found.scores
    sampled = (found.samples > 0) & (found.samples < len(features))
    quality["flags"] = [
        ";".join([*flags, SAMPLED] if estimated else flags)
        for flags, estimated in zip(quality["flags"], sampled, strict=True)
    ]
    errors = quality[["algorithm", "k"]].assign(sample=found.samples, standard_error=found.standard_errors)
    return quality, errors
