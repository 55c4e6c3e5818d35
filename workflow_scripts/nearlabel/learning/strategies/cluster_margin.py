"""Cluster-margin: the least certain images, taken in turn from clusters."""

import math

import numpy as np

from nearlabel.learning.catalogue import STRATEGY_PARAMETERS
from nearlabel.learning.network.logits import margins
from nearlabel.learning.strategies.base import Selection, Strategy, take_highest
from nearlabel.learning.strategies.views import FEATURES, PROBABILITIES, View
from nearlabel.parameters import complete_parameters


class ClusterMargin(Strategy):
    """Uncertain images from many clusters: Citovsky et al., NeurIPS 2021 (Cluster-Margin), simplified.

    The images of the smallest margin between the two likeliest classes, `candidates` times as many as wanted, are
    clustered by their features (average linkage). The clusters give one image each in turn, the smallest first, until
    the batch is full. Simplified: the paper clusters the whole pool once, cuts the tree at a distance, and draws from a
    cluster at random; here the candidates alone are clustered, anew each round since the features have changed, the
    tree is cut into a number of clusters, which needs no scale, and a cluster gives its image of the smallest margin.

    Score: minus the margin in logits. The info gives ``clusters``, how many there were.

    Parameters
    ----------
    candidates : int
        Images of small margin considered for each image wanted.
    cluster_size : int
        Mean number of candidates in a cluster.
    """

    name = "cluster_margin"
    needs = frozenset({PROBABILITIES, FEATURES})

    def __init__(self, candidates: int = 10, cluster_size: int = 10):
        complete_parameters(
            self.name, {"candidates": candidates, "cluster_size": cluster_size}, STRATEGY_PARAMETERS[self.name]
        )
        self.candidates = candidates
        self.cluster_size = cluster_size

    def _choose(self, view: View, n: int, rng: np.random.Generator) -> Selection:
        keys = -margins(view.pool.logits)
        candidates = take_highest(keys, min(self.candidates * n, view.pool.size), rng)
        labels = _average_linkage(view.pool.features[candidates], math.ceil(len(candidates) / self.cluster_size))
        # Candidates come the smallest margin first, equal ones and equally large clusters in random order.
        turns = np.empty(len(labels), np.int64)
        for number in np.unique(labels):
            members = labels == number
            turns[members] = np.arange(members.sum())
        sizes = np.bincount(labels)
        luck = rng.permutation(len(sizes))
        order = np.lexsort((luck[labels], sizes[labels], turns))[:n]
        chosen = candidates[order]
        return Selection(chosen, keys[chosen], {"clusters": len(np.unique(labels))})


def _average_linkage(features: np.ndarray, clusters: int) -> np.ndarray:
    """Labels of at most `clusters` clusters."""
    if len(features) == 1:
        return np.zeros(1, dtype=np.int64)
    from scipy.cluster.hierarchy import fcluster, linkage

    tree = linkage(np.asarray(features, dtype=np.float64), method="average")
    return fcluster(tree, clusters, criterion="maxclust").astype(np.int64)
