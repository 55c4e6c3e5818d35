"""Reduced features, and the file that keeps them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nearlabel.files import written_whole
from nearlabel.hdf5 import TEXT, hdf5_file, opened_hdf5


class Reduction(NamedTuple):
    """Reduced features.

    Attributes
    ----------
    values : ndarray of float64, shape (n, c)
        One row per image.
    method : str
        ``pca``, ``random_projection`` or ``none``.
    components : int
        Columns that came out, c.
    explained_variance_ratio : ndarray of float64, shape (c,) or (0,)
        Share of the variance that each principal component carries; empty for the other methods.
    standardise : bool
        Whether each feature was scaled to mean 0 and variance 1 before.
    power : str
        ``sqrt`` where the signed square root was taken of each feature first; ``none``.
    normalise : str
        ``l2`` where each image's features were scaled to length 1 before; ``none``.
    whiten : bool
        Whether each principal component was scaled to variance 1.
    """

    values: np.ndarray
    method: str
    components: int
    explained_variance_ratio: np.ndarray
    standardise: bool
    power: str = "none"
    normalise: str = "none"
    whiten: bool = False


def write_reduced(path: str | Path, reduction: Reduction, image_ids: Sequence[str], encoder: str) -> None:
    """Write reduced features as HDF5: ``features``, ``image_id``, and the rest of the reduction as attributes.

    Parameters
    ----------
    path : str or Path
        The file.
    reduction : Reduction
        What `reduce_features` gave.
    image_ids : sequence of str, length n
        The rows' images.
    encoder : str
        Id of the encoder.

    Raises
    ------
    ValueError
        The number of ids is not the number of rows.
    """
    if len(image_ids) != len(reduction.values):
        raise ValueError(f"{path}: {len(reduction.values)} rows for {len(image_ids)} image ids")
    with written_whole(path) as partial, hdf5_file(partial, "w") as file:
        file.create_dataset("features", data=reduction.values)
        file.create_dataset("image_id", data=list(image_ids), dtype=TEXT)
        file.attrs["encoder"] = encoder
        file.attrs["method"] = reduction.method
        file.attrs["components"] = reduction.components
        file.attrs["standardise"] = json.dumps(bool(reduction.standardise))
        file.attrs["power"] = reduction.power
        file.attrs["normalise"] = reduction.normalise
        file.attrs["whiten"] = json.dumps(bool(reduction.whiten))
        file.attrs["explained_variance_ratio"] = reduction.explained_variance_ratio


class Reduced(NamedTuple):
    """What a file of reduced features holds.

    Attributes
    ----------
    reduction : Reduction
        The features, and how they came about.
    image_id : ndarray of object (str), shape (n,)
        The rows' images.
    encoder : str
        Id of the encoder.
    """

    reduction: Reduction
    image_id: np.ndarray
    encoder: str


def read_reduced(path: str | Path) -> Reduced:
    """Read a file that `write_reduced` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Reduced

    Raises
    ------
    FileNotFoundError, ValueError
        No file, or a damaged one.
    """
    with opened_hdf5(path) as file:
        reduction = Reduction(
            file["features"][:],
            file.attrs["method"],
            int(file.attrs["components"]),
            file.attrs["explained_variance_ratio"],
            json.loads(file.attrs["standardise"]),
            file.attrs["power"],
            file.attrs["normalise"],
            json.loads(file.attrs["whiten"]),
        )
        return Reduced(reduction, file["image_id"].asstr()[:], file.attrs["encoder"])
