"""Arrays with one row per image, on disk: decoded images, outputs of frozen stages; read without being loaded."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from nearlabel.files import how_to_remake, written_whole
from nearlabel.hdf5 import hdf5_file


class ImageArrays(NamedTuple):
    """What an array file holds.

    Attributes
    ----------
    values : ndarray, shape (n, …)
        Mapped from the file: pages are read when they are used and shared by all processes that read them.
    image_id : ndarray of object (str), shape (n,)
        The images, in the order of the rows.
    attributes : dict
        The file's attributes; ``fingerprint`` stands for all that the values depend on.
    """

    values: np.ndarray
    image_id: np.ndarray
    attributes: dict[str, Any]

    def rows(self, image_ids: Iterable[str]) -> np.ndarray:
        """Row of each image, int64.

        Raises
        ------
        ValueError
            An image is not in the file.
        """
        places = {image: row for row, image in enumerate(self.image_id)}
        image_ids = list(image_ids)
        lacking = [image for image in image_ids if image not in places]
        if lacking:
            raise ValueError(
                f"image {lacking[0]!r} and {len(lacking) - 1} others are not among the decoded ones; decode the images "
                "of this images.csv again"
            )
        return np.array([places[image] for image in image_ids], dtype=np.int64)


def write_arrays(
    path,
    name: str,
    blocks: Iterable[np.ndarray],
    image_ids: Sequence[str],
    attributes: Mapping[str, Any],
) -> None:
    """Write consecutive blocks of rows as one contiguous data set; the file appears when it is complete.

    Parameters
    ----------
    path : str or Path
        The HDF5 file.
    name : str
        Of the data set.
    blocks : iterable of ndarray, each (m, …)
        All of one type and shape but for m; at least one row in all.
    image_ids : sequence of str, length n
        One id per row.
    attributes : mapping
        Texts and numbers.

    Raises
    ------
    ValueError
        Rows and ids differ in number.
    """
    with written_whole(path) as partial, hdf5_file(partial, "w") as file:
        for key, value in attributes.items():
            file.attrs[key] = value
        file.attrs["name"] = name
        file.create_dataset("image_id", data=list(image_ids), dtype=h5py.string_dtype("utf-8"))
        rows, done = None, 0
        for block in blocks:
            if rows is None:
                rows = file.create_dataset(name, (len(image_ids), *block.shape[1:]), dtype=block.dtype)
            if done + len(block) > len(image_ids):
                raise ValueError(f"{path}: more rows than the {len(image_ids)} image ids")
            rows[done : done + len(block)] = block
            done += len(block)
        if done != len(image_ids) or not done:
            raise ValueError(f"{path}: {done} rows for {len(image_ids)} image ids")


def open_arrays(path) -> ImageArrays:
    """Open a file written by `write_arrays`.

    Parameters
    ----------
    path : str or Path
        The HDF5 file.

    Returns
    -------
    ImageArrays

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file; make it again")
    try:
        with hdf5_file(path, "r") as file:
            rows = file[file.attrs["name"]]
            place, kind, shape = rows.id.get_offset(), rows.dtype, rows.shape
            ids, attributes = file["image_id"].asstr()[:], dict(file.attrs)
        values = np.memmap(path, dtype=kind, mode="r", offset=place, shape=shape)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path}: not a whole array file ({error}); {how_to_remake(path)}") from error
    if len(ids) != len(values):
        raise ValueError(f"{path}: {len(values)} rows for {len(ids)} image ids; {how_to_remake(path)}")
    return ImageArrays(values, ids, attributes)
