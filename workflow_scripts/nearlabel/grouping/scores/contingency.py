"""Two partitions of the same images against each other: counts and Jaccard similarities of all pairs of their parts."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def labelled_images(near_labels: Sequence | np.ndarray | pd.Series) -> np.ndarray:
    """Say which images have a near-label: neither empty text nor None nor NaN.

    Parameters
    ----------
    near_labels : array_like, shape (n,)
        Near-labels of any type.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    series = pd.Series(near_labels).reset_index(drop=True)
    return (series.notna() & (series != "").fillna(True).astype(bool)).to_numpy()


def align_near_labels(near_labels: pd.DataFrame, image_id: np.ndarray) -> np.ndarray:
    """Arrange near-labels as a clustering's images are.

    Parameters
    ----------
    near_labels : DataFrame
        ``near_labels.csv``: image_id, near_label (text, empty where there is none); may hold further images.
    image_id : ndarray of object (str), shape (n,)
        The images.

    Returns
    -------
    ndarray of int64, shape (n,)
        Near-labels as whole numbers in the order of `image_id`, −1 where there is none.

    Raises
    ------
    ValueError
        An image's line is missing, or there are two.
    """
    known = near_labels.set_index(near_labels["image_id"].astype(str))["near_label"]
    if known.index.has_duplicates:
        repeated = known.index[known.index.duplicated()][0]
        raise ValueError(f"near-labels name {repeated!r} twice; keep one line for each image")
    if missing := [image for image in image_id if image not in known.index]:
        raise ValueError(f"near-labels lack {len(missing)} clustered images, first {missing[0]!r}; add their lines")
    values = known.loc[list(image_id)].reset_index(drop=True)
    return pd.factorize(values.where(labelled_images(values)), sort=True)[0]


def contingency_table(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> np.ndarray:
    """Count the images of each pair of a near-label and a cluster.

    Parameters
    ----------
    near_labels, clusters : array_like, shape (n,)
        Near-label and cluster of each image.

    Returns
    -------
    ndarray of int, shape (k, m)
        Rows and columns ascending by near-label and cluster, over the images with a near-label; none is empty.

    Raises
    ------
    ValueError
        Different lengths, or no image with a near-label.
    """
    labelled = labelled_images(near_labels)
    columns = np.asarray(clusters)
    if labelled.shape != columns.shape:
        raise ValueError(
            f"there are {len(labelled)} near-labels and {columns.size} clusters; give one of each per image"
        )
    if not labelled.any():
        raise ValueError("no image has a near-label; give some to compare clusters with")
    rows = pd.factorize(pd.Series(near_labels).to_numpy()[labelled], sort=True)[0]
    columns = np.unique(columns[labelled], return_inverse=True)[1]
    shape = (rows.max() + 1, columns.max() + 1)
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)


def jaccard_table(table: np.ndarray) -> np.ndarray:
    """Compute the Jaccard similarity of each pair of a row's and a column's images: shared over all of both.

    Parameters
    ----------
    table : ndarray of int, shape (..., k, m)
        Contingency tables without empty rows or columns.

    Returns
    -------
    ndarray of float, shape (..., k, m)
    """
    return table / (table.sum(axis=-1, keepdims=True) + table.sum(axis=-2, keepdims=True) - table)
