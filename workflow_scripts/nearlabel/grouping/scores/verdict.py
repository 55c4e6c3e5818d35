"""Whether a node's clustering knows more of the near-labels than chance gives, the choice among many counted.

The measure is the adjusted mutual information (AMI) of Vinh, Epps and Bailey (JMLR 11, 2010), normalised by the
arithmetic mean of the entropies as scikit-learn does. It is held against the same clusterings with near-labels shuffled
among the images. A choice that looked at near-labels took the best of many, so chance gets as many tries: each
permutation counts with the largest AMI over all of them (Westfall and Young's maximum, 1993), the shuffle being the
same for all, so that clusterings that resemble each other do not count as so many.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nearlabel.files import read_table
from nearlabel.grouping.clustering.labels import read_labels
from nearlabel.grouping.scores.contingency import align_near_labels, labelled_images
from nearlabel.grouping.selection.catalogue import LABEL_FREE
from nearlabel.grouping.selection.node_files import encoder_of, labels_of
from nearlabel.grouping.selection.selected import read_selection

logger = logging.getLogger(__name__)

# Rounding of a sum over a contingency table: values this close tie.
TIE = 1e-10


class Verdict(NamedTuple):
    """A clustering's AMI beside what chance gives.

    Attributes
    ----------
    ami : float or None
        Adjusted mutual information with the near-labels: 0 by chance, 1 for equal partitions. None, as the next one and
        those of the null, where no image has a near-label or all have the same.
    p_value : float or None
        One-sided: (1 + number of permutations whose AMI is as large) / (1 + permutations); never 0.
    candidates : int
        Clusterings that chance may choose from in each permutation; 1 where the choice looked at no near-label.
    permutations : int
        Shuffles of the near-labels.
    null_mean, null_high : float or None
        Mean and 95 % quantile of the permutations' largest AMI.
    labelled : int
        Images with a near-label; the others are left out of all numbers.
    """

    ami: float | None
    p_value: float | None
    candidates: int
    permutations: int
    null_mean: float | None
    null_high: float | None
    labelled: int


def judge_clusterings(
    near_labels: Sequence | np.ndarray,
    clusterings: Sequence[Sequence | np.ndarray],
    chosen: int,
    permutations: int,
    seed: int,
) -> Verdict:
    """Compare one clustering's AMI with that of the best of all candidates under shuffled near-labels.

    Shuffling keeps how many images each near-label and each cluster has: entropies and expected mutual information are
    computed once for each clustering, and a permutation needs its contingency table alone. Time is proportional to
    images × clusterings × permutations.

    Parameters
    ----------
    near_labels : array_like, shape (n,)
        Near-label of each image; images without one (empty text, None, NaN) are left out.
    clusterings : sequence of array_like, each of shape (n,)
        Clusters of each image by every candidate.
    chosen : int
        Index of the clustering to judge.
    permutations : int
        Shuffles, at least 1; the smallest p-value is 1 / (1 + permutations).
    seed : int
        Of the shuffles.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        Different lengths, or fewer than 1 permutation.
    """
    if permutations < 1:
        raise ValueError(f"permutations is {permutations}; a null needs at least 1, and 200 to be of use")
    labelled = labelled_images(near_labels)
    for clusters in clusterings:
        if len(clusters) != len(labelled):
            raise ValueError(f"there are {len(labelled)} near-labels and {len(clusters)} clusters; give one per image")
    count = int(labelled.sum())
    classes, labels = np.unique(np.asarray(near_labels)[labelled], return_inverse=True)
    if len(classes) < 2:
        return Verdict(None, None, len(clusterings), permutations, None, None, count)
    entropy_terms = _entropy_terms(count)
    candidates = [_Candidate(np.asarray(own)[labelled], labels, entropy_terms) for own in clusterings]
    observed = candidates[chosen].score(labels)
    rng = np.random.default_rng(seed)
    largest = np.empty(permutations)
    for permutation in range(permutations):
        shuffled = rng.permutation(labels)
        largest[permutation] = max(candidate.score(shuffled) for candidate in candidates)
    as_large = int(np.count_nonzero(largest >= observed - TIE))
    return Verdict(
        ami=observed,
        p_value=(1 + as_large) / (1 + permutations),
        candidates=len(clusterings),
        permutations=permutations,
        null_mean=float(largest.mean()),
        null_high=float(np.quantile(largest, 0.95)),
        labelled=count,
    )


def judge_node(
    reduced: Sequence[str | Path],
    labels: Sequence[str | Path],
    selection: str | Path,
    near_labels: str | Path,
    *,
    permutations: int,
    seed: int,
) -> Verdict:
    """Judge a node's selected clustering.

    A criterion that needs no near-labels has seen none: its clustering stands alone against its own null. Otherwise,
    and where the user has chosen by hand, perhaps from a table sorted by AMI, every clustering of the node counts.

    Parameters
    ----------
    reduced, labels : sequence of path
        ``reduced.h5`` of each encoder, which names it, and the label files of all of them.
    selection, near_labels : path
        ``selection.json`` and ``near_labels.csv``.
    permutations, seed
        As for `judge_clusterings`.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        An image's near-label line is missing, or the label files do not hold the selected clustering.
    """
    chosen = read_selection(selection)
    wanted = chosen.encoder, chosen.algorithm, chosen.k
    clusterings: dict[tuple[str, str, int], np.ndarray] = {}
    image_id = None
    for file in reduced:
        encoder = encoder_of(file)
        if chosen.criterion in LABEL_FREE and encoder != chosen.encoder:
            continue
        for algorithm, block in read_labels(labels_of(file, labels)).items():
            if image_id is not None and not np.array_equal(image_id, block.image_id):
                raise ValueError(f"{selection}: the encoders' labels are of different images; run cluster_images again")
            image_id = block.image_id
            clusterings |= {(encoder, algorithm, k): own for k, own in block.labels.items()}
    if wanted not in clusterings:
        raise ValueError(
            f"{selection} names {chosen.encoder}, {chosen.algorithm}, k = {chosen.k}, which the label files do not "
            "hold; run select_clustering again"
        )
    if chosen.criterion in LABEL_FREE:
        clusterings = {wanted: clusterings[wanted]}
    known = align_near_labels(read_table(near_labels, ("image_id", "near_label")), image_id)
    verdict = judge_clusterings(
        [label if label >= 0 else None for label in known.tolist()],
        list(clusterings.values()),
        list(clusterings).index(wanted),
        permutations,
        seed,
    )
    if verdict.ami is None:
        logger.info("%d images have a near-label, of one kind at most: there is nothing to judge", verdict.labelled)
    else:
        logger.info("AMI %.4f, p = %.4g over %d clusterings", verdict.ami, verdict.p_value, verdict.candidates)
    return verdict


def _entropy_terms(n: int) -> np.ndarray:
    """Return x log x for x from 0 to n."""
    counts = np.arange(n + 1, dtype=np.float64)
    return counts * np.log(np.maximum(counts, 1))


class _Candidate:
    """A clustering whose AMI is asked for again and again, the sizes of near-labels and clusters staying the same."""

    def __init__(self, clusters: np.ndarray, labels: np.ndarray, entropy_terms: np.ndarray):
        from sklearn.metrics.cluster import expected_mutual_information

        found, own = np.unique(clusters, return_inverse=True)
        n, classes = len(labels), int(labels.max()) + 1
        # int32 halves what lies in memory for all candidates.
        self._first_cell = (own * classes).astype(np.int32)
        self._cells = len(found) * classes
        self._entropy_terms = entropy_terms
        self._n = n
        table = np.bincount(self._first_cell + labels, minlength=self._cells).reshape(len(found), classes)
        by_cluster, by_label = (np.log(n) - entropy_terms[table.sum(axis=axis)].sum() / n for axis in (1, 0))
        self._entropies = float(by_cluster + by_label)
        self._expected = float(expected_mutual_information(table, n)) if len(found) > 1 else 0.0
        self._range = self._entropies / 2 - self._expected

    def score(self, labels: np.ndarray) -> float:
        """AMI with near-labels that are numbered from 0 and of the sizes given at the start; 0 for one cluster."""
        counts = np.bincount(self._first_cell + labels, minlength=self._cells)
        joint = np.log(self._n) - self._entropy_terms[counts].sum() / self._n
        gained = self._entropies - joint - self._expected
        # Where the sizes leave nothing to vary, as with clusters of one image, both are 0 but for rounding.
        return 0.0 if abs(gained) < TIE else float(gained / max(self._range, TIE))
