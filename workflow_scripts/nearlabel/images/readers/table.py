"""Images listed in a table."""

import os
import posixpath
from dataclasses import dataclass
from pathlib import Path

from nearlabel.files import read_table
from nearlabel.images.listing import csv_root
from nearlabel.images.readers.dataset import Dataset, TableBuilder, require_folder


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
            image_id = image_id_of(path, root)
            if image_id.startswith("../"):
                table.reject(path, "outside the data set's root; set root to a folder that holds all images")
            else:
                table.add(image_id, label, part)
        return table.build()


def image_id_of(path: str, root: Path) -> str:
    """Return the image_id of a path as a table gives it, absolute or relative to the root of the data set."""
    return os.path.relpath(path, root.absolute()) if os.path.isabs(path) else posixpath.normpath(path)
