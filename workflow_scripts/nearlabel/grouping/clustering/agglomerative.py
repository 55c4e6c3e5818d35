"""Agglomerative clustering: one tree of merges, cut for every k."""

import numpy as np

from nearlabel.grouping.clustering.fits import Found, flagged_not_warned
from nearlabel.grouping.clustering.hierarchy import build_tree, cut_tree


def agglomerative(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    """Cut one tree of merges for every k; see `nearlabel.grouping.clustering.algorithms.sweep`."""
    graph = settings["connectivity"] == "nearest_neighbors"
    with flagged_not_warned():
        tree = build_tree(features, settings["linkage"], settings["n_neighbors"] if graph else None)
    if graph:
        recorded["graph_components"] = tree.components
    joined = ["disconnected_graph"] if graph and tree.components > 1 else []
    return {k: (labels, joined) for k, labels in cut_tree(tree.merges, ks).items()}
