"""K-Means, of all points and of mini-batches."""

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans

from nearlabel.bars import over
from nearlabel.grouping.clustering.fits import Found, flagged_not_warned


def kmeans(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    """Fit K-Means for every k; see `nearlabel.grouping.clustering.algorithms.sweep`."""
    return {k: fit_kmeans(KMeans(k, random_state=seed, **settings), features) for k in over(ks, "clusterings")}


def minibatch_kmeans(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    """Fit K-Means on mini-batches for every k; see `nearlabel.grouping.clustering.algorithms.sweep`."""
    fits = over(ks, "clusterings")
    return {k: fit_kmeans(MiniBatchKMeans(k, random_state=seed, **settings), features) for k in fits}


def fit_kmeans(estimator: KMeans | MiniBatchKMeans, features: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Fit one estimator; the flag says whether its iterations ran out."""
    with flagged_not_warned():
        estimator.fit(features)
    return estimator.labels_, ["not_converged"] if estimator.n_iter_ >= estimator.max_iter else []
