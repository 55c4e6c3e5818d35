"""The feature store: one HDF5 file per encoder, rows as in ``images.csv``.

``features`` float32 (n, d) and ``image_id`` (n,). With ``pooling: novelty`` also ``novelty`` float32 (n,), each image's
score; ``novelty_map`` (n,), the novelty of each image's patches as a flat float16 array, row by row; and
``novelty_shape`` int32 (n, 2), height and width of each map, which differ where images are taken as they are or cut
into tiles. A map covers what the encoder saw of the image: with ``geometry: official`` the centre crop.

The group ``reference`` then keeps what images were held against, enough to pool another image in the same way without
the images of the reference set: r images, c channels of the network's two stages, patches compared in k dimensions.
``reference/keys`` (r,), SHA-256 of the images' files, an image being left out of its own reference;
``reference/patches`` float32 (p, k), standardised and projected, of all images in turn, and ``reference/counts`` int64
(r,), how many of each; ``reference/projection`` float32 (c, k), absent where c is k; ``reference/mean`` and
``reference/deviation`` float32 (16, c), of the patches by class of position (see
`nearlabel.features.pooling.positions.border_classes`); ``reference/usual_mean`` and ``reference/usual_deviation``
float32 (16,), of their distances; ``reference/mixture`` float64 (3,): share of the weighted patches in the features
(one less it: that of average pooling), the scale that brings them to the spread of average pooling, and the share of
the patches' variance between images, of which ``share: auto`` follows. All are compressed and have checksums.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from nearlabel.files import how_to_remake, written_whole
from nearlabel.hdf5 import hdf5_file, opened_hdf5


class Features(NamedTuple):
    """What a feature file holds.

    Attributes
    ----------
    features : ndarray of float32, shape (n, d)
        One row per image.
    image_id : ndarray of object (str), shape (n,)
        The images, in the order of the rows.
    attributes : dict
        The file's attributes: encoder, weights, weights_sha256, weights_source, geometry, image_size, pooling,
        library_versions.
    """

    features: np.ndarray
    image_id: np.ndarray
    attributes: dict


class Novelty(NamedTuple):
    """What a feature file holds of pooling by novelty.

    Attributes
    ----------
    scores : ndarray of float32, shape (n,)
        How novel each image is: see `nearlabel.features.pooling.novelty.NoveltyEncoder.pool`.
    maps : list of ndarray of float32, each (h, w)
        Novelty of each image's patches, in deviations from what is usual at such a position.
    image_id : ndarray of object (str), shape (n,)
        The images, in the order of the rows.
    """

    scores: np.ndarray
    maps: list[np.ndarray]
    image_id: np.ndarray


def write_features(
    path,
    features: np.ndarray | Iterable[np.ndarray],
    image_ids: Sequence[str],
    attributes: Mapping[str, object],
    novelty: Iterable[tuple[np.ndarray, Sequence[np.ndarray]]] | None = None,
    reference: Mapping[str, np.ndarray] | None = None,
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
    novelty : iterable of (ndarray of shape (m,), sequence of m ndarrays), optional
        Scores and maps, in consecutive blocks of rows.
    reference : mapping of str to ndarray, optional
        What the images were held against: `nearlabel.features.pooling.rows.NoveltyRows.keep`.

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
    with written_whole(path) as partial, hdf5_file(partial, "w") as file:
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
        if novelty is not None:
            _write_novelty(file, count, novelty)
        if reference is not None:
            _write_arrays(file, reference)


def _write_novelty(file: h5py.File, count: int, novelty: Iterable[tuple[np.ndarray, Sequence[np.ndarray]]]) -> None:
    scores = file.create_dataset("novelty", (count,), dtype=np.float32)
    flat = file.create_dataset("novelty_map", (count,), dtype=h5py.vlen_dtype(np.float16))
    shapes = file.create_dataset("novelty_shape", (count, 2), dtype=np.int32)
    done = 0
    for block, maps in novelty:
        scores[done : done + len(block)] = block
        for row, own in enumerate(maps, done):
            flat[row], shapes[row] = own.ravel(), own.shape
        done += len(block)
    if done != count:
        raise ValueError(f"{file.filename}: {done} rows of novelty for {count} image ids")


def _write_arrays(file: h5py.File, reference: Mapping[str, np.ndarray]) -> None:
    group = file.create_group("reference")
    for name, values in reference.items():
        group.create_dataset(name, data=values, compression="gzip", shuffle=True, fletcher32=True)


def write_reference(path, reference: Mapping[str, np.ndarray]) -> None:
    """Write the group ``reference`` alone, for `read_reference`; the file appears when it is complete."""
    with written_whole(path) as partial, hdf5_file(partial, "w") as file:
        _write_arrays(file, reference)


def read_reference(path) -> dict[str, np.ndarray]:
    """Read what the images of a feature file were held against.

    Parameters
    ----------
    path : str or Path
        A file written by `write_features` with a reference, or by `write_reference`.

    Returns
    -------
    dict
        For `nearlabel.features.pooling.rows.NoveltyRows.restore`.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged, older than what is kept, or its encoder does not pool by novelty.
    """
    with opened_hdf5(path) as file:
        if "reference" not in file:
            raise ValueError(
                f"{path} keeps no reference set, which new images are to be held against (an older version made it, or "
                f"its encoder does not pool by novelty); {how_to_remake(path)}"
            )
        # Without h5py's own notes in the type of texts, which no other file can hold.
        return {name: values[:].astype(values.dtype.str) for name, values in file["reference"].items()}


def read_novelty(path) -> Novelty:
    """Read what a feature file holds of pooling by novelty.

    Parameters
    ----------
    path : str or Path
        A file written by `write_features` with novelty.

    Returns
    -------
    Novelty

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged, or its encoder pools in another way.
    """
    with opened_hdf5(path) as file:
        if "novelty" not in file:
            raise ValueError(
                f"{path} holds no novelty: its encoder has `pooling: {file.attrs.get('pooling', 'average')}`; "
                "set `pooling: novelty` for it and run again"
            )
        flat, shapes = file["novelty_map"][:], file["novelty_shape"][:]
        maps = [values.astype(np.float32).reshape(shape) for values, shape in zip(flat, shapes, strict=True)]
        return Novelty(file["novelty"][:], maps, file["image_id"].asstr()[:])


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
        with hdf5_file(path, "r") as file:
            features, ids = file["features"][:], file["image_id"].asstr()[:]
            attributes = dict(file.attrs)
    except (OSError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path}: not a whole feature file ({error}); {how_to_remake(path)}") from error
    if features.ndim != 2 or len(features) != len(ids):
        raise ValueError(
            f"{path}: features of shape {features.shape} do not fit {len(ids)} image ids; {how_to_remake(path)}"
        )
    return Features(features, ids, attributes)
