"""The table of a data set's files, as its reader builds it, and the checks that readers share."""

import os
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd


class Dataset(NamedTuple):
    """The files of a data set, before any is opened.

    Attributes
    ----------
    images : pandas.DataFrame
        Columns ``image_id, path, class, part``, all str, empty where there is none; rows by image_id.
    rejected : pandas.DataFrame
        Columns ``path, reason``: files that the layout has no place for, and images that are known to be missing.
    """

    images: pd.DataFrame
    rejected: pd.DataFrame


class TableBuilder:
    """Collects the rows of a `Dataset`.

    Parameters
    ----------
    root : str or path-like
        The data set's root as the config gives it; paths begin with it.
    """

    def __init__(self, root: str | os.PathLike):
        self.root = PurePosixPath(root)
        self._images: list[tuple[str, str, str, str]] = []
        self._rejected: list[tuple[str, str]] = []

    def add(self, image_id: str, image_class: str = "", part: str = "") -> None:
        """Add an image, or reject it when its name cannot be written as UTF-8."""
        try:
            image_id.encode()
        except UnicodeEncodeError:
            self.reject(image_id, "the file's name is not valid UTF-8; rename it")
            return
        self._images.append((image_id, str(self.root / image_id), image_class, part))

    def reject(self, name: str, reason: str) -> None:
        """Reject a file, by its path relative to the root."""
        name = name.encode("utf-8", "backslashreplace").decode()
        self._rejected.append((str(self.root / name), reason))

    def build(self) -> Dataset:
        """Return the table, sorted by image_id; rows with one image_id stay in the order in which they came."""
        images = sorted(self._images, key=lambda row: row[0])
        return Dataset(
            pd.DataFrame(images, columns=["image_id", "path", "class", "part"], dtype=str),
            pd.DataFrame(sorted(self._rejected), columns=["path", "reason"], dtype=str),
        )


def require_folder(path: str | os.PathLike, contents: str) -> Path:
    """Return the folder as a Path, or raise FileNotFoundError that says what it should contain."""
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; the data set's root should contain {contents}.")
    return folder
