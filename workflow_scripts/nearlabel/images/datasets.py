"""Data sets by kind: from a folder or a list of files to a table of images with classes and parts."""

import os
import posixpath
from dataclasses import MISSING, dataclass, fields

from nearlabel.images.layouts import KolektorSdd, KolektorSdd2, MagneticTile, Severstal
from nearlabel.images.listing import csv_root, data_files, is_hidden
from nearlabel.images.table import Dataset, TableBuilder, read_table, require_folder

IMAGE_SUFFIXES = (".bmp", ".gif", ".j2k", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes, in any case, of files that `ImageFolder` takes for images."""


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
    return ": ".join(dataset.rejected.iloc[0])


@dataclass(frozen=True)
class ImageFolder:
    """A folder of images, in sub-folders or not.

    Attributes
    ----------
    root : str
        The folder; all files below it are considered.
    classes : bool
        Whether the first sub-folder is the class; images directly in the root have none.
    """

    root: str
    classes: bool = True

    def __call__(self) -> Dataset:
        """List the images."""
        table = TableBuilder(self.root)
        require_folder(self.root, "images, or one sub-folder of images per class")
        for name in data_files("image_folder", self.root):
            parts = name.split("/")
            if is_hidden(name):
                table.reject(name, "hidden file or folder")
            elif not name.lower().endswith(IMAGE_SUFFIXES):
                table.reject(name, f"not an image by its suffix (images: {' '.join(IMAGE_SUFFIXES)})")
            else:
                table.add(name, parts[0] if self.classes and len(parts) > 1 else "")
        return table.build()


@dataclass(frozen=True)
class CsvTable:
    """Images listed in a CSV, one a row.

    Attributes
    ----------
    file : str
        The CSV, UTF-8 with a header.
    root : str, optional
        Folder that the paths are relative to; the CSV's own by default.
    path_column, label_column, part_column : str, optional
        Columns with the path, the class and the part.
    """

    file: str
    root: str | None = None
    path_column: str = "path"
    label_column: str | None = None
    part_column: str | None = None

    def __call__(self) -> Dataset:
        """List the images."""
        columns = [column for column in (self.path_column, self.label_column, self.part_column) if column]
        rows = read_table(self.file, tuple(columns))
        root = csv_root({"file": self.file, "root": self.root})
        require_folder(root, f"the images that {self.file} lists")
        table = TableBuilder(root)
        labels = rows[self.label_column] if self.label_column else [""] * len(rows)
        parts = rows[self.part_column] if self.part_column else [""] * len(rows)
        for number, (path, label, part) in enumerate(zip(rows[self.path_column], labels, parts, strict=True), start=1):
            if not path:
                table.reject("", f"row {number} of {self.file} has no path")
                continue
            image_id = os.path.relpath(path, root.absolute()) if os.path.isabs(path) else posixpath.normpath(path)
            if image_id.startswith("../"):
                table.reject(path, "outside the data set's root; set root to a folder that holds all images")
            else:
                table.add(image_id, label, part)
        return table.build()


@dataclass(frozen=True)
class Synthetic:
    """Strips made by `nearlabel.images.synthetic.draw_dataset`.

    Attributes
    ----------
    root : str
        Folder with the strips.
    table : str
        The CSV written beside: ``file, class, sha256``.
    """

    root: str
    table: str

    def __call__(self) -> Dataset:
        """List the images."""
        return CsvTable(file=self.table, root=self.root, path_column="file", label_column="class")()


READERS = {
    "image_folder": ImageFolder,
    "csv": CsvTable,
    "severstal": Severstal,
    "kolektor_sdd": KolektorSdd,
    "kolektor_sdd2": KolektorSdd2,
    "magnetic_tile": MagneticTile,
    "synthetic": Synthetic,
}
"""Reader of each kind: made with the kind's keys, called without arguments, it returns a `Dataset`."""
