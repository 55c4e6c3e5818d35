"""Data sets by kind: each reader makes a table of images, with classes and parts, of what lies on disk."""

from dataclasses import MISSING, fields

from nearlabel.images.readers.dataset import Dataset
from nearlabel.images.readers.folder import ImageFolder
from nearlabel.images.readers.mvtec import MvtecAd
from nearlabel.images.readers.public import KolektorSdd, KolektorSdd2, MagneticTile, Severstal
from nearlabel.images.readers.synthetic import Synthetic
from nearlabel.images.readers.table import CsvTable

READERS = {
    "image_folder": ImageFolder,
    "csv": CsvTable,
    "severstal": Severstal,
    "kolektor_sdd": KolektorSdd,
    "kolektor_sdd2": KolektorSdd2,
    "magnetic_tile": MagneticTile,
    "mvtec": MvtecAd,
    "synthetic": Synthetic,
}
"""Reader of each kind: made with the kind's keys, called without arguments, it returns a `Dataset`."""


def read_dataset(spec: dict) -> Dataset:
    """Read a data set's table of images.

    Parameters
    ----------
    spec : dict
        ``kind``, a key of `READERS`, and that reader's own keys, as the reader's attributes name them.

    Returns
    -------
    Dataset
        Images and files rejected by name.

    Raises
    ------
    FileNotFoundError
        When the root, or a file or folder that the layout requires, is missing.
    ValueError
        When the kind or a key is unknown, a key is missing, a table cannot be read, or there is no image at all.
    """
    keys = dict(spec)
    kind = keys.pop("kind", None)
    if kind not in READERS:
        raise ValueError(f"data set kind {kind!r} is unknown; choose one of {', '.join(READERS)}.")
    reader = READERS[kind]
    known = {field.name for field in fields(reader)}
    if unknown := sorted(set(keys) - known):
        raise ValueError(f"data set kind {kind!r} has no key {unknown[0]!r}; it has {', '.join(sorted(known))}.")
    for field in fields(reader):
        if field.default is MISSING and field.name not in keys:
            raise ValueError(f"data set kind {kind!r} needs the key {field.name!r}.")
    dataset = reader(**keys)()
    if dataset.images.empty:
        place = keys.get("file") or keys["root"]
        hint = f"; {len(dataset.rejected)} other files, the first: {_first(dataset)}" if len(dataset.rejected) else ""
        raise ValueError(f"{place}: no image found for data set kind {kind!r}{hint}.")
    return dataset


def _first(dataset: Dataset) -> str:
    # An image that cannot be used says more than what lies beside.
    last = len(dataset.rejected) - 1
    return ": ".join(dataset.rejected.iloc[min(len(dataset.left_out), last)])
