"""Groups that follow confirmed images, without forgetting, against scikit-learn's rule."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import MiniBatchKMeans

from helpers.streams import vector_bundle
from nearlabel.production.streaming.confirmed import Rows
from nearlabel.production.streaming.shadow import Shadow


def test_without_forgetting_it_is_the_rule_of_mini_batch_k_means():
    rng = np.random.default_rng(0)
    centres, vectors = rng.normal(size=(3, 4)), rng.normal(size=(200, 4))
    model = MiniBatchKMeans(3, init=centres, n_init=1, reassignment_ratio=0.0, random_state=0)
    nodes = []
    for batch in np.split(vectors, 20):
        # As it was before it takes the batch in.
        at = getattr(model, "cluster_centers_", centres)
        nodes += [f"root.{cluster}" for cluster in cdist(batch, at).argmin(axis=1)]
        model.partial_fit(batch)
    shadow = Shadow(vector_bundle(centres, [0, 0, 0]).nodes["root"], forgetting=1.0)
    shadow.follow(Rows(np.arange(200), np.arange(200), nodes, [""] * 200, vectors))
    found = np.stack([shadow.centres[f"root.{cluster}"] for cluster in range(3)])
    np.testing.assert_allclose(found, model.cluster_centers_, rtol=1e-10)
