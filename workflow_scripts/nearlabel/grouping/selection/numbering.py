"""Numbers of clusters: 0 for the largest, unless the user has named some that were of other sizes then."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from nearlabel.grouping.tree.remembered import member_overlap


def number_clusters(labels: Sequence | np.ndarray, image_ids: Sequence[str]) -> np.ndarray:
    """Number clusters by size.

    Parameters
    ----------
    labels : array_like, shape (n,)
        Raw labels.
    image_ids : sequence of str, length n
        The images.

    Returns
    -------
    ndarray of int64, shape (n,)
        0 for the images of the largest cluster, and so on; of equal sizes, the cluster that holds the smallest image_id
        (by code points) comes first.
    """
    frame = pd.DataFrame({"label": np.asarray(labels), "image_id": np.asarray(image_ids, dtype=object)})
    groups = frame.groupby("label")["image_id"].agg(["size", "min"])
    order = groups.sort_values(["size", "min"], ascending=[False, True]).index
    return order.get_indexer(frame["label"])


def keep_numbers(
    numbers: np.ndarray, image_ids: Sequence[str], named: Mapping[int, Collection[str]], min_overlap: float
) -> tuple[np.ndarray, dict[int, int]]:
    """Give clusters that the user has named the numbers that they had then.

    A named cluster whose number still holds enough of its images stays. Of the others each follows its images to the
    cluster with the largest overlap, if that is large enough and no other named one's. The clusters that nobody has
    named share the numbers that are left, by size.

    Parameters
    ----------
    numbers : ndarray of int, shape (n,)
        From `number_clusters`.
    image_ids : sequence of str, length n
        The images.
    named : mapping of int to collection of str
        Number of each named cluster, and the images that it had when it was named.
    min_overlap : float
        Smallest Jaccard overlap of a cluster's images with those of then, in [0, 1].

    Returns
    -------
    numbers : ndarray of int64, shape (n,)
        As given where no named cluster has moved.
    moved : dict of int to int
        Number of each cluster that followed its images, and the number that it would have by size.
    """
    count = int(numbers.max()) + 1
    members = {cluster: frozenset() for cluster in range(count)}
    members |= pd.Series(list(image_ids), dtype=object).groupby(numbers).agg(frozenset).to_dict()
    overlaps = {
        (number, cluster): member_overlap(then, now)
        for number, then in named.items()
        if number < count
        for cluster, now in members.items()
    }
    home = {number: number for number in named if overlaps.get((number, number), -1.0) >= min_overlap}
    for number, cluster in sorted(overlaps, key=lambda pair: (-overlaps[pair], pair)):
        far = overlaps[number, cluster] < min_overlap or not overlaps[number, cluster]
        if not far and number not in home and cluster not in home.values():
            home[number] = cluster
    moved = {number: cluster for number, cluster in sorted(home.items()) if number != cluster}
    if not moved:
        return numbers, {}
    number_of = {cluster: number for number, cluster in home.items()}
    free = (number for number in range(count) if number not in home)
    number_of |= {cluster: next(free) for cluster in range(count) if cluster not in number_of}
    return np.array([number_of[cluster] for cluster in numbers.tolist()], dtype=np.int64), moved


def cluster_table(labels: Sequence | np.ndarray, image_ids: Sequence[str]) -> pd.DataFrame:
    """Make ``clusters.csv`` from raw labels.

    Parameters
    ----------
    labels : array_like, shape (n,)
        Raw labels of the selected clustering.
    image_ids : sequence of str, length n
        The images.

    Returns
    -------
    DataFrame
        image_id, cluster (`number_clusters`), rows as given.
    """
    return pd.DataFrame({"image_id": list(image_ids), "cluster": number_clusters(labels, image_ids)})
