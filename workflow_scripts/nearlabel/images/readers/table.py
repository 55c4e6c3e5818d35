"""Images listed in a table."""

import logging
from dataclasses import dataclass

from nearlabel.images.listing import csv_root
from nearlabel.images.paths import ListedPaths
from nearlabel.images.readers.dataset import Dataset, TableBuilder, require_folder
from nearlabel.tables import read_user_table

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CsvTable:
    """Images listed in a CSV, one a row.

    Attributes
    ----------
    file : str
        The CSV, with a header; see `nearlabel.tables.read_user_table` for how it may be written.
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
        rows = read_user_table(self.file, columns)
        root = csv_root({"file": self.file, "root": self.root})
        require_folder(root, f"the images that {self.file} lists")
        table, listed = TableBuilder(root), ListedPaths(root)
        without = [""] * len(rows.lines)
        paths, labels, parts = (
            rows.cells.get(column, without) for column in (self.path_column, self.label_column, self.part_column)
        )
        for line, path, label, part in zip(rows.lines, paths, labels, parts, strict=True):
            if not path:
                table.reject("", f"line {line} of {self.file} has no path")
                continue
            image_id, problem = listed.locate(path)
            if problem:
                table.reject(path, problem)
            else:
                table.add(image_id, label, part)
        for remark in filter(None, (rows.remark, listed.describe())):
            logger.warning("%s: %s", self.file, remark)
        return table.build()
