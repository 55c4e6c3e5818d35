"""CoreSet: images farthest from all labelled and chosen ones."""

import numpy as np

from nearlabel.learning.strategies.base import Selection, Strategy, pick_highest
from nearlabel.learning.strategies.distances import lower_nearest, nearest_distances
from nearlabel.learning.strategies.views import FEATURES, View


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
        squares = np.einsum("ij,ij->i", points, points)
        indices, scores = np.empty(n, np.int64), np.empty(n)
        for i in range(n):
            chosen = pick_highest(nearest, rng)
            indices[i], scores[i] = chosen, nearest[chosen]
            nearest[chosen] = -1
            lower_nearest(nearest, points, squares, chosen)
        return Selection(indices, scores, {"radius": max(float(nearest.max()), 0.0)})
