"""TypiClust: the most typical images of clusters without labels."""

import warnings

import numpy as np

from nearlabel.learning.catalogue import STRATEGY_PARAMETERS
from nearlabel.learning.strategies.base import Selection, Strategy, pick_highest
from nearlabel.learning.strategies.distances import (
    nearest_neighbours,
)
from nearlabel.learning.strategies.views import FEATURES, View
from nearlabel.parameters import complete_parameters


class TypiClust(Strategy):
    """The most typical image of each large cluster without labels (Hacohen et al., ICML 2022, TypiClust).

    Pool and labelled images together are clustered by k-means into as many clusters as there will be labelled images,
    at most `max_clusters`. Clusters are visited in turn, those of fewest labelled images first, among them the largest
    first, and give their most typical unlabelled image each: that of the smallest mean distance to its nearest
    unlabelled neighbours within the cluster (`neighbours`, or half of the cluster if that is fewer). The authors' code
    drops clusters of up to `small_cluster` images and fails when no others have images left; here the small ones come
    after all others, so that the pool can be used up.

    Score: typicality, 1 / (mean distance + 1e-5); 0 for the last image of a cluster. The info gives ``clusters``, how
    many were found, and ``from_small``, how many images come from small ones.

    Parameters
    ----------
    max_clusters, neighbours, small_cluster : int
        See above; defaults are the authors'.
    normalise : {"l2", "none"}
        ``l2``: each image's features are divided by their norm first, as the authors do.
    init : {"random", "k-means++"}
        Start of k-means. From random images it ends within 1 % of the inertia (5000 images, 64 to 500 clusters) at a
        tenth of the time.
    """

    name = "typiclust"
    needs = frozenset({FEATURES})

    def __init__(
        self,
        max_clusters: int = 500,
        neighbours: int = 20,
        small_cluster: int = 5,
        normalise: str = "l2",
        init: str = "random",
    ):
        settings = {
            "max_clusters": max_clusters,
            "neighbours": neighbours,
            "small_cluster": small_cluster,
            "normalise": normalise,
            "init": init,
        }
        complete_parameters(self.name, settings, STRATEGY_PARAMETERS[self.name])
        self.max_clusters = max_clusters
        self.neighbours = neighbours
        self.small_cluster = small_cluster
        self.normalise = normalise
        self.init = init

    def _choose(self, view: View, n: int, rng: np.random.Generator) -> Selection:
        points = np.concatenate([view.pool.features, view.labelled.features]).astype(np.float64)
        if self.normalise == "l2":
            norms = np.linalg.norm(points, axis=1, keepdims=True)
            points /= np.where(norms > 0, norms, 1)
        wanted = min(view.labelled.size + n, self.max_clusters, len(points))
        labels = _kmeans(points, wanted, self.init, rng)
        pool_labels, labelled = labels[: view.pool.size], labels[view.pool.size :]
        sizes = np.bincount(labels, minlength=wanted)
        small = sizes <= self.small_cluster
        shuffled = rng.permutation(np.flatnonzero(sizes))
        covered = np.bincount(labelled, minlength=wanted)
        order = shuffled[np.lexsort((-sizes[shuffled], covered[shuffled]))]
        indices, scores = [], []
        for tier in (order[~small[order]], order[small[order]]):
            ranks = {c: _Typicality(points, np.flatnonzero(pool_labels == c), self.neighbours, n) for c in tier}
            while ranks and len(indices) < n:
                for c in list(ranks):
                    if not ranks[c].left:
                        del ranks[c]
                    elif len(indices) < n:
                        index, score = ranks[c].pop(rng)
                        indices.append(index)
                        scores.append(score)
        from_small = int(small[pool_labels[indices]].sum())
        return Selection(np.array(indices), np.array(scores), {"clusters": len(order), "from_small": from_small})


class _Typicality:
    """Unlabelled images of one cluster, taken the most typical first; each leaves the others' neighbourhoods."""

    def __init__(self, points: np.ndarray, members: np.ndarray, neighbours: int, n: int):
        self.points, self.members, self.neighbours, self.n = points, members, neighbours, n
        self.left = len(members)
        self.found: tuple[np.ndarray, np.ndarray] | None = None

    def pop(self, rng: np.random.Generator) -> tuple[int, float]:
        if self.found is None:
            self.there = np.ones(self.left, dtype=bool)
            # Up to n of the neighbours may be taken before the last pop.
            count = min(self.left - 1, self.neighbours + self.n)
            self.found = nearest_neighbours(self.points[self.members], count) if count else None
        if self.left == 1:
            typicality = np.where(self.there, 0.0, -1.0)
        else:
            neighbours, distances = self.found
            there = self.there[neighbours]
            k = max(1, min(self.neighbours, self.left // 2))
            counted = there & (np.cumsum(there, axis=1) <= k)
            typicality = 1 / ((distances * counted).sum(axis=1) / k + 1e-5)
            typicality[~self.there] = -1
        chosen = pick_highest(typicality, rng)
        self.there[chosen] = False
        self.left -= 1
        return int(self.members[chosen]), float(typicality[chosen])


def _kmeans(points: np.ndarray, k: int, init: str, rng: np.random.Generator) -> np.ndarray:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Fewer distinct images than clusters: some clusters stay empty.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(k, init=init, n_init=1, random_state=int(rng.integers(2**32))).fit_predict(points)
