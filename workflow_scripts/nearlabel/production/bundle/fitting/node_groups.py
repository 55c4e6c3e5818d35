"""Groups of a node as new images are assigned to them: the fitted reduction, centres, counts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from nearlabel.grouping.models.pipelines import fit_reduction
from nearlabel.production.bundle.contents import NodeGroups


def fit_groups(
    node: str, encoder: str, features: np.ndarray, cluster: np.ndarray, reduction: Mapping[str, Any], seed: int
) -> NodeGroups:
    """Fit a node's reduction, and average the images of each cluster.

    Parameters
    ----------
    node, encoder : str
    features : ndarray, shape (n, d)
        The encoder's features of the node's images.
    cluster : ndarray of int, shape (n,)
        Their clusters, from 0; below 0 for noise, which has no centre.
    reduction : mapping
        As for `nearlabel.grouping.models.pipelines.fit_reduction`, complete.
    seed : int
        Of a random projection.

    Returns
    -------
    NodeGroups
    """
    features = np.asarray(features, dtype=np.float64)
    pipeline = fit_reduction(features, reduction, seed, scale=False)
    reduced = pipeline.transform(features)
    inside = cluster >= 0
    counts = np.bincount(cluster[inside])
    centres = np.zeros((len(counts), reduced.shape[1]))
    np.add.at(centres, cluster[inside], reduced[inside])
    centres /= counts[:, np.newaxis]
    own = nearest_centre(reduced[inside], centres) == cluster[inside]
    return NodeGroups(node, encoder, pipeline, centres, counts, float(own.mean()))


def nearest_centre(reduced: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Number of the nearest centre of each row, the first of equal ones."""
    squared = np.stack([np.einsum("ij,ij->i", reduced - centre, reduced - centre) for centre in centres], axis=1)
    return squared.argmin(axis=1)


def assign_leaf(nodes: Mapping[str, NodeGroups], features: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    """Assign images to their leaf groups, from the root down.

    Parameters
    ----------
    nodes : mapping of str to NodeGroups
    features : mapping of str to ndarray, shape (count, d)
        By encoder.
    count : int
        Images.

    Returns
    -------
    ndarray of object (str), shape (count,)
    """
    leaf = np.full(count, "root", dtype=object)
    for name in sorted(nodes, key=lambda node: node.count(".")):
        groups, inside = nodes[name], np.flatnonzero(leaf == name)
        if len(inside):
            reduced = groups.reduction.transform(features[groups.encoder][inside].astype(np.float64))
            leaf[inside] = [f"{name}.{number}" for number in nearest_centre(reduced, groups.centres)]
    return leaf
