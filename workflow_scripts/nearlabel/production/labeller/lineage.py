"""The way of an image through the groups: from the root's nearest centre to that node's nearest centre, and on."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nearlabel.production.bundle.contents import NodeGroups
from nearlabel.production.labeller.steps import compile_steps, transform_rows

ROOT = "root"


class Node:
    """A node's groups, ready to be asked.

    Parameters
    ----------
    groups : NodeGroups
    """

    def __init__(self, groups: NodeGroups):
        self.encoder, self._centres = groups.encoder, groups.centres
        self._steps = compile_steps(groups.reduction)

    def reduce(self, features: np.ndarray) -> np.ndarray:
        """Reduce features of the node's encoder, (n, d), as the node does: float64, (n, c)."""
        return transform_rows(self._steps, features)

    def nearest(self, reduced: np.ndarray) -> np.ndarray:
        """Find the cluster whose centre is nearest, Euclidean; of several, the first: (n, c) to int (n,)."""
        between = reduced[:, np.newaxis] - self._centres
        return np.einsum("ijk,ijk->ij", between, between).argmin(axis=1)


def find_lineages(
    nodes: Mapping[str, Node],
    reduced: np.ndarray,
    features_of: Callable[[str, Sequence[int]], np.ndarray],
) -> list[tuple[str, ...]]:
    """Walk images down the groups.

    Parameters
    ----------
    nodes : mapping of str to Node
        By node; ``root`` is there.
    reduced : ndarray of float64, shape (n, c)
        Of the root.
    features_of : callable
        Takes an encoder's id and rows of `reduced`; returns its features of those, (len(rows), d). It is asked only
        where a node on the way needs it.

    Returns
    -------
    list of tuple of str
        Groups from the top down.
    """
    lineages = [(f"{ROOT}.{cluster}",) for cluster in nodes[ROOT].nearest(reduced)]
    going = range(len(lineages))
    while at := _by_node(nodes, lineages, going):
        for node, rows in at.items():
            of = nodes[node]
            found = of.nearest(of.reduce(features_of(of.encoder, rows)))
            for row, cluster in zip(rows, found, strict=True):
                lineages[row] += (f"{node}.{cluster}",)
        going = [row for rows in at.values() for row in rows]
    return lineages


def _by_node(nodes, lineages, going) -> dict[str, list[int]]:
    at: dict[str, list[int]] = {}
    for row in going:
        if lineages[row][-1] in nodes:
            at.setdefault(lineages[row][-1], []).append(row)
    return at
