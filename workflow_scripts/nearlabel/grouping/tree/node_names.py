"""Nodes of the tree of groups: ``root``, ``root.1`` (its cluster 1), ``root.1.25`` (cluster 25 of that)."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def parse_node(node: str) -> tuple[str, int]:
    """Split a node's name into its parent and the cluster that it is there.

    Parameters
    ----------
    node : str
        Name such as ``root.1.25``.

    Returns
    -------
    tuple of str and int
        ``("root.1", 25)``.

    Raises
    ------
    ValueError
        Not a node's name, or the root, which has no parent.
    """
    if not re.fullmatch(r"root(\.(0|[1-9][0-9]*))*", node):
        raise ValueError(f"'{node}' is not a node; write root, root.1, root.1.25, with cluster numbers from 0")
    if node == "root":
        raise ValueError("root has no parent; it is the whole data set")
    parent, _, cluster = node.rpartition(".")
    return parent, int(cluster)


def node_members(clusters: "pd.DataFrame", cluster: int) -> list[str]:
    """List the images of one cluster.

    Parameters
    ----------
    clusters : DataFrame
        ``clusters.csv`` of the parent: image_id, cluster.
    cluster : int
        Number of the cluster.

    Returns
    -------
    list of str
        In the order of the frame.

    Raises
    ------
    ValueError
        There is no such cluster; lists those that exist, with their sizes.
    """
    numbers = clusters["cluster"].astype(int)
    members = clusters.loc[numbers == int(cluster), "image_id"]
    if members.empty:
        sizes = numbers.value_counts().sort_index()
        existing = ", ".join(f"{number} ({size} images)" for number, size in sizes.items())
        raise ValueError(f"there is no cluster {cluster}; clusters are {existing or 'none'}")
    return members.astype(str).tolist()
