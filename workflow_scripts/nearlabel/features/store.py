"""The feature store: one HDF5 file per encoder, rows as in ``images.csv``."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from nearlabel.files import written_whole


class Features(NamedTuple):
    """What a feature file holds.

    Attributes
    ----------
    features : ndarray of float32, shape (n, d)
        One row per image.
    image_id : ndarray of object (str), shape (n,)
        The images, in the order of the rows.
    attributes : dict
        The file's attributes: encoder, weights, weights_sha256, geometry, image_size, library_versions.
    """

    features: np.ndarray
    image_id: np.ndarray
    attributes: dict


def write_features(
    path, features: np.ndarray | Iterable[np.ndarray], image_ids: Sequence[str], attributes: Mapping[str, object]
) -> None:
    """Write features; the file appears under its name only when it is complete.

    Parameters
    ----------
    path : str or Path
        The HDF5 file.
    features : ndarray of shape (n, d), or iterable of ndarrays of shape (m, d)
        All rows at once, or consecutive blocks of rows, of which one is held at a time. Stored as float32.
    image_ids : sequence of str, length n
        One id per row.
    attributes : mapping
        Attributes of the file: texts, numbers, arrays.

    Raises
    ------
    ValueError
        The number of rows is not the number of ids, or there is no row.
    """
    path = Path(path)
    blocks = iter([features] if isinstance(features, np.ndarray) else features)
    first = next(blocks, None)
    if first is None or not len(image_ids):
        raise ValueError(f"{path}: there is no image to write features of")
    count, dimension = len(image_ids), first.shape[1]
    with written_whole(path) as partial, h5py.File(partial, "w") as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        file.create_dataset("image_id", data=list(image_ids), dtype=h5py.string_dtype("utf-8"))
        rows = file.create_dataset("features", (count, dimension), dtype=np.float32)
        done = 0
        for block in chain([first], blocks):
            if done + len(block) > count:
                raise ValueError(f"{path}: more rows of features than the {count} image ids")
            rows[done : done + len(block)] = block
            done += len(block)
        if done != count:
            raise ValueError(f"{path}: {done} rows of features for {count} image ids")


def read_features(path) -> Features:
    """Read a feature file.

    Parameters
    ----------
    path : str or Path
        A file written by `write_features`.

    Returns
    -------
    Features

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged or not a feature file.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such feature file")
    try:
        with h5py.File(path, "r") as file:
            features, ids = file["features"][:], file["image_id"].asstr()[:]
            attributes = dict(file.attrs)
    except (OSError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path}: not a whole feature file ({error}); delete it and run again") from error
    if features.ndim != 2 or len(features) != len(ids):
        raise ValueError(
            f"{path}: features of shape {features.shape} do not fit {len(ids)} image ids; delete it and run again"
        )
    return Features(features, ids, attributes)
