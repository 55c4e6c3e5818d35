"""Strips that this workflow drew."""

from dataclasses import dataclass

from nearlabel.images.readers.dataset import Dataset
from nearlabel.images.readers.table import CsvTable


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
