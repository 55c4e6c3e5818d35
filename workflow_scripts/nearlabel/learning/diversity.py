"""Query strategies that spread a batch over feature space: CoreSet, BADGE, TypiClust, cluster-margin."""

import math
import warnings

import numpy as np
from scipy.special import log_softmax

from nearlabel.learning.distances import COINCIDENT, distances_to_point, nearest_distances, nearest_neighbours
from nearlabel.learning.logits import confidence, margins
from nearlabel.learning.parameters import check_parameters
from nearlabel.learning.selection import Selection, Strategy, pick_highest, take_highest
from nearlabel.learning.views import FEATURES, PROBABILITIES, View


class CoreSet(Strategy):
    """Images farthest from all labelled and chosen ones: k-centre greedy (Sener & Savarese, ICLR 2018, Algorithm 1).

    Score: an image's distance to the nearest labelled or chosen image when it is chosen; the scores never rise. The
    info gives ``radius``, the largest such distance left in the pool: at most twice the smallest that any n of its
    images could leave.
    """

    name = "core_set"
    needs = frozenset({FEATURES})

    def _choose(self, view: View, n: int, rng: np.random.Generator) -> Selection:
        points = np.asarray(view.pool.features, dtype=np.float64)
        nearest = nearest_distances(points, np.asarray(view.labelled.features, dtype=np.float64))
        indices, scores = np.empty(n, np.int64), np.empty(n)
        for i in range(n):
            chosen = pick_highest(nearest, rng)
            indices[i], scores[i] = chosen, nearest[chosen]
            np.minimum(nearest, distances_to_point(points, points[chosen]), out=nearest)
            nearest[indices[: i + 1]] = -1
        return Selection(indices, scores, {"radius": max(float(nearest.max()), 0.0)})


class Badge(Strategy):
    """Images of large and unlike gradients: k-means++ on gradient embeddings (Ash et al., ICLR 2020, Algorithm 1).

    The embedding of an image is the gradient of the cross-entropy with respect to the last layer's weights, the
    predicted class taken for the truth: (p − e) ⊗ h, with e the predicted class's unit vector and h the features. It is
    never formed, since distances need only the products of its two factors. With two classes it is ±(1 − max p) · h in
    both rows. As in the authors' code the first image is the one of the largest gradient; each further one is drawn
    with a probability proportional to its squared distance from the nearest chosen (at random once all distances are
    0). Labelled images play no part.

    Score: that distance when the image is drawn; the gradient's norm for the first.
    """

    name = "badge"
    needs = frozenset({PROBABILITIES, FEATURES})

    def _choose(self, view: View, n: int, rng: np.random.Generator) -> Selection:
        errors, scale = _scaled_errors(view.pool.logits)
        features = np.asarray(view.pool.features, dtype=np.float64)
        norms = np.einsum("ij,ij->i", errors, errors) * np.einsum("ij,ij->i", features, features)
        indices, scores = np.empty(n, np.int64), np.empty(n)
        squared = norms.copy()
        for i in range(n):
            chosen = pick_highest(squared, rng) if i == 0 else _draw(squared, indices[:i], rng)
            indices[i], scores[i] = chosen, math.sqrt(squared[chosen])
            products = (errors @ errors[chosen]) * (features @ features[chosen])
            both = norms + norms[chosen]
            found = both - 2 * products
            found[found < COINCIDENT * both] = 0
            squared = found if i == 0 else np.minimum(squared, found)
            squared[indices[: i + 1]] = 0
        return Selection(indices, scores * scale, {})


def _scaled_errors(logits: np.ndarray) -> tuple[np.ndarray, float]:
    """p − e of each image over the largest 1 − max p, (n, C), and that divisor: squares of tiny ones underflow."""
    logits = np.asarray(logits, dtype=np.float64)
    rows, predicted = np.arange(len(logits)), np.argmax(logits, axis=1)
    log_doubt = -np.logaddexp(0, confidence(logits))
    log_largest = log_doubt.max()
    errors = np.exp(log_softmax(logits, axis=1) - log_largest)
    errors[rows, predicted] = -np.exp(log_doubt - log_largest)
    return errors, math.exp(log_largest)


def _draw(squared: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> int:
    total = np.cumsum(squared)
    if total[-1] > 0:
        # Never one of weight 0: the first sum that exceeds the drawn part belongs to a positive weight.
        return int(np.searchsorted(total, rng.random() * total[-1], side="right"))
    return int(rng.choice(np.setdiff1d(np.arange(len(squared)), chosen)))


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
        check_parameters(self.name, settings)
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
        check_parameters(self.name, {"candidates": candidates, "cluster_size": cluster_size})
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
