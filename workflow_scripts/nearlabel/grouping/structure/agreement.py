"""How much the algorithms agree with each other: the mean adjusted Rand index of their clusterings."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

Labels = Mapping[str, Mapping[int, np.ndarray]]
"""Algorithm → number of clusters → labels, shape (n,); all on the same images."""


def measure_agreement(labels: Labels) -> pd.DataFrame:
    """Compare the clusterings of different algorithms with the same number of clusters.

    What several algorithms with different assumptions find alike lies in the images rather than in an algorithm (Strehl
    and Ghosh, Journal of Machine Learning Research 3, 2002, call the mean agreement with an ensemble the average
    normalised mutual information; here the adjusted Rand index, Hubert and Arabie 1985, whose expectation for
    unrelated partitions is 0).

    Parameters
    ----------
    labels : mapping of str to mapping of int to ndarray
        Algorithm → k → labels.

    Returns
    -------
    DataFrame
        algorithm, k, agreement (mean adjusted Rand index of this clustering with those of the other algorithms at the
        same k), mean (over all pairs of algorithms at this k). NaN where there is no other algorithm. Algorithms as
        given, k ascending.
    """
    from sklearn.metrics import adjusted_rand_score

    indices: dict[tuple[str, int], list[float]] = {(name, k): [] for name, by_k in labels.items() for k in by_k}
    of_all: dict[int, list[float]] = {}
    for one, other in combinations(labels, 2):
        for k in labels[one].keys() & labels[other].keys():
            index = adjusted_rand_score(labels[one][k], labels[other][k])
            for name in (one, other):
                indices[name, k].append(index)
            of_all.setdefault(k, []).append(index)
    rows = [
        (name, k, np.mean(indices[name, k]) if indices[name, k] else np.nan, np.mean(of_all.get(k, [np.nan])))
        for name in labels
        for k in sorted(labels[name])
    ]
    return pd.DataFrame(rows, columns=["algorithm", "k", "agreement", "mean"])


def mean_agreement(labels: Labels) -> pd.Series:
    """Mean agreement of all pairs of algorithms, by k (ascending); NaN where only one has this k."""
    return measure_agreement(labels).groupby("k")["mean"].first()
