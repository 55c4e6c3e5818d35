"""Spectral clustering: one embedding, its first k columns clustered for every k."""

import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import KMeans
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import kneighbors_graph

from nearlabel.bars import over
from nearlabel.grouping.clustering.catalogue import MOST_FACTORED
from nearlabel.grouping.clustering.fits import Found
from nearlabel.grouping.clustering.kmeans import fit_kmeans
from nearlabel.grouping.clustering.spectral_embedding import median_gamma, spectral_vectors
from nearlabel.grouping.clustering.spectral_graph import graph_vectors


def spectral(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    """Embed the graph of points once; see `nearlabel.grouping.clustering.algorithms.sweep`."""
    if settings["affinity"] == "rbf":
        gamma = median_gamma(features) if settings["gamma"] == "median" else float(settings["gamma"])
        recorded["gamma_used"] = gamma
        affinity = rbf_kernel(features, gamma=gamma)
    else:
        neighbors = min(settings["n_neighbors"], len(features))
        recorded["n_neighbors_used"] = neighbors
        graph = kneighbors_graph(features, neighbors, include_self=True)
        affinity = 0.5 * (graph + graph.T)
    recorded["graph_components"] = int(connected_components(affinity)[0])
    disconnected = ["disconnected_graph"] if recorded["graph_components"] > 1 else []
    factored = settings["affinity"] == "rbf" or len(features) <= MOST_FACTORED
    recorded["factored"] = factored
    embedding = (spectral_vectors if factored else graph_vectors)(affinity, recorded["vectors"], seed)
    found: Found = {}
    for k in over(ks, "clusterings"):
        labels, raised = fit_kmeans(KMeans(k, random_state=seed, n_init=settings["n_init"]), embedding[:, :k])
        found[k] = (labels, raised + disconnected)
    return found
