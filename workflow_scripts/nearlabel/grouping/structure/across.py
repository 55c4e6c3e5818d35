"""How well the clusterings of one encoder's features are found again in another's."""

import logging
from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np
import pandas as pd

from nearlabel.grouping.structure.agreement import Labels

logger = logging.getLogger(__name__)

ACROSS_COLUMNS = ["encoder", "algorithm", "k", "across"]
SAMPLE = 5_000
"""Images that clusterings are compared on at most: an adjusted Rand index of so many is exact to a hundredth."""


def compare_encoders(labels: Mapping[str, Labels], networks: Mapping[str, str], seed: int) -> pd.DataFrame:
    """Look for each clustering among those of the other encoders, whatever their number of clusters.

    Networks look at images in different ways; what their clusterings share is in the images. Two whose features say
    nothing of each other share nothing: the adjusted Rand index is then about 0 by itself. Encoders of one network,
    which differ in geometry or pooling only, share its noise too and are no witnesses for each other.

    Parameters
    ----------
    labels : mapping of str to mapping of str to mapping of int to ndarray
        Encoder's id → algorithm's id → k → labels, all on the same images in the same order.
    networks : mapping of str to str
        Encoder's id → name of its network.
    seed : int
        Draws 5,000 of more images.

    Returns
    -------
    DataFrame
        ``consensus.csv``: encoder, algorithm, k, across (mean, over the other encoders and their algorithms, of the
        largest adjusted Rand index with a clustering of that algorithm; NaN where there is no encoder of another
        network).
    """
    keys = {encoder: [(id, k) for id, by_k in own.items() for k in by_k] for encoder, own in labels.items()}
    stacked = {encoder: [labels[encoder][id][k] for id, k in keys[encoder]] for encoder in labels}
    n = max((len(own[0]) for own in stacked.values() if own), default=0)
    if n > SAMPLE:
        rows = np.sort(np.random.default_rng(seed).permutation(n)[:SAMPLE])
        stacked = {encoder: [own[rows] for own in all_labels] for encoder, all_labels in stacked.items()}
        logger.info("encoders compared on %d of %d images", SAMPLE, n)
    best: dict[str, list[np.ndarray]] = {encoder: [] for encoder in labels}
    # An encoder without any clustering, whose algorithms found no group, is no witness.
    for one, other in permutations([encoder for encoder in labels if keys[encoder]], 2):
        if networks[one] == networks[other]:
            continue
        indices = rand_indices(stacked[one], stacked[other])
        opposite = pd.Series([id for id, _ in keys[other]])
        best[one].append(np.mean([indices[:, opposite == id].max(axis=1) for id in opposite.unique()], axis=0))
    rows = [
        (encoder, *key, value)
        for encoder, found in best.items()
        for key, value in zip(
            keys[encoder], np.mean(found, axis=0) if found else [np.nan] * len(keys[encoder]), strict=True
        )
    ]
    return pd.DataFrame(rows, columns=ACROSS_COLUMNS).astype({"across": float})


def rand_indices(ones: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> np.ndarray:
    """Adjusted Rand index (Hubert and Arabie 1985) of every pair of clusterings; scikit-learn's, many at a time.

    Parameters
    ----------
    ones, others : sequence of ndarray of int, shape (n,)
        Labels of the same points.

    Returns
    -------
    ndarray of float64, shape (len(ones), len(others))
        1 for the same partition.
    """
    from scipy.sparse import csr_array

    n = len(ones[0])
    numbered = [np.unique(labels, return_inverse=True)[1] for labels in others]
    sizes = [numbers.max() + 1 for numbers in numbered]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    columns = np.stack(numbered, axis=1) + starts
    members = csr_array((np.ones(columns.size), columns.ravel(), np.arange(n + 1) * len(others)), shape=(n, sum(sizes)))
    pairs_of_other = np.add.reduceat(_pairs(np.asarray(members.sum(axis=0)).ravel()), starts)
    every = n * (n - 1) / 2
    indices = np.empty((len(ones), len(others)))
    for row, labels in enumerate(ones):
        number = np.unique(labels, return_inverse=True)[1]
        own = csr_array((np.ones(n), (number, np.arange(n))), shape=(number.max() + 1, n))
        together = np.add.reduceat(_pairs((own @ members).toarray()).sum(axis=0), starts)
        pairs = _pairs(np.bincount(number)).sum()
        expected = pairs * pairs_of_other / max(every, 1)
        span = (pairs + pairs_of_other) / 2 - expected
        # Both one cluster, or both single points: the same partition.
        indices[row] = np.where(span == 0, 1.0, (together - expected) / np.where(span == 0, 1.0, span))
    return indices


def _pairs(counts: np.ndarray) -> np.ndarray:
    return counts * (counts - 1) / 2
