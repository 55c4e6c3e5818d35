"""Numbers of clusters: 0 for the largest."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


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
