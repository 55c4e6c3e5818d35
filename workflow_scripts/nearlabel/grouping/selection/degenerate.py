"""What a reader must know of a node that is too small or too uniform for an ordinary clustering."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nearlabel.grouping.clustering.labels import LabelBlock
from nearlabel.grouping.reduction.copies import first_copies
from nearlabel.grouping.reduction.reduced import read_reduced


def describe_degenerate(blocks: Mapping[str, LabelBlock], algorithm: str, k: int, reduced: str | Path) -> list[str]:
    """Say what is out of the ordinary in a node's images and in its selected clustering.

    Parameters
    ----------
    blocks : mapping of str to LabelBlock
        What `nearlabel.grouping.clustering.labels.read_labels` gave, for all algorithms on one encoder's features.
    algorithm : str
        The selected algorithm.
    k : int
        The selected number of clusters.
    reduced : str or Path
        ``reduced.h5`` of that encoder, read only where the flags of the clusterings tell of identical images.

    Returns
    -------
    list of str
        Sentences without a full stop: few images, images with the same features, clusters of one image each, fewer
        clusters than k, k that were left out. Empty for an ordinary node.
    """
    block = blocks[algorithm]
    n, found = len(block.image_id), len(np.unique(block.labels[k]))
    said = [f"node of {n} images"] if n <= 3 else []
    distinct = _count_distinct(blocks, reduced)
    if distinct == 1:
        said.append(f"all {n} images have the same features, so that every split is arbitrary")
    elif distinct is not None:
        said.append(f"the {n} images have only {distinct} different sets of features, so that a larger k tells no more")
    if found == n:
        said.append("every image is a cluster of its own")
    elif found < k:
        said.append(f"k = {k} gave only {found} cluster{'s' if found > 1 else ', so that the node is not split'}")
    if block.cut:
        cut = f"k = {block.cut[0]} was" if len(block.cut) == 1 else f"k from {block.cut[0]} to {block.cut[-1]} were"
        said.append(f"{cut} left out, as there are only {n} images")
    return said


def describe_outliers(block: LabelBlock, k: int, clusters: np.ndarray) -> list[str]:
    """Say which cluster of the selected clustering holds the images that its algorithm left out of every group.

    Parameters
    ----------
    block : LabelBlock
        Of the selected algorithm.
    k : int
        The selected number of clusters.
    clusters : ndarray of int, shape (n,)
        Cluster of each image, as numbered.

    Returns
    -------
    list of str
        One sentence without a full stop; none where no image was left out.
    """
    if k not in block.outliers:
        return []
    left_out = block.labels[k] == block.outliers[k]
    number = clusters[left_out][0]
    count = np.count_nonzero(left_out)
    return [
        f"cluster {number} holds the {count} image{'s' if count > 1 else ''} that {block.algorithm} left out of every "
        "group"
    ]


def _count_distinct(blocks: Mapping[str, LabelBlock], reduced: str | Path) -> int | None:
    """Number of different points, where the largest k exceeds it."""
    last = max(k for block in blocks.values() for k in block.labels)
    flags = [set(block.flags[last]) for block in blocks.values() if last in block.flags]
    # With fewer points than clusters, each algorithm finds fewer clusters or puts identical points apart.
    if not all({"fewer_clusters", "identical_points"} & own for own in flags):
        return None
    distinct = len(np.unique(first_copies(read_reduced(reduced).reduction.values)))
    return distinct if distinct < last else None
