"""The table of a data set's files, as its reader builds it, and the checks that readers share."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from nearlabel.images.listing import data_files, is_foreign, name_foreign
from nearlabel.images.naming.formats import is_image_name, name_unread, sniff, suffix_of


class Dataset(NamedTuple):
    """The files of a data set, before any is opened.

    Attributes
    ----------
    images : pandas.DataFrame
        Columns ``image_id, path, class, part``, all str, empty where there is none; rows by image_id.
    rejected : pandas.DataFrame
        Columns ``path, reason``: first those of `left_out`, then images that cannot be used, by their name, or that
        are known to be missing.
    left_out : pandas.DataFrame
        The same columns: files that are no images of the data set, such as notes, masks, what systems leave.
    """

    images: pd.DataFrame
    rejected: pd.DataFrame
    left_out: pd.DataFrame


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
        self._left_out: list[tuple[str, str]] = []

    def own_files(self, kind: str) -> Iterator[str]:
        """List the files of a kind of data set below the root; what is none of the user's is left out.

        A folder that cannot be listed counts as a rejected image: nobody knows what it holds.
        """
        for name in data_files(kind, self.root):
            reason = name_foreign(self.root, name)
            if not reason:
                yield name
            elif is_foreign(name) or os.path.islink(self.root / name.rstrip("/")):
                self.leave_out(name, reason)
            else:
                self.reject(name, reason)

    def own_images(self, kind: str) -> Iterator[str]:
        """List those of `own_files` that are images by their name or, without a suffix, by their first bytes."""
        for name in self.own_files(kind):
            if is_image_name(name):
                yield name
                continue
            path = str(self.root / name)
            if unread := name_unread(path):
                self.reject(name, unread)
                continue
            held = sniff(path)[0]
            if held and not suffix_of(name):
                yield name
            elif held:
                self.reject(name, f"a {held} image, but not by its suffix; rename it if it belongs to the data set")
            else:
                self.leave_out(name, "not an image by its suffix, nor by its first bytes")

    def add(self, image_id: str, image_class: str = "", part: str = "") -> None:
        """Add an image, or reject it when its name cannot be written as UTF-8."""
        try:
            image_id.encode()
        except UnicodeEncodeError:
            self.reject(image_id, "the file's name is not valid UTF-8; rename it")
            return
        self._images.append((image_id, str(self.root / image_id), image_class, part))

    def reject(self, name: str, reason: str) -> None:
        """Reject an image that the user meant, by its path relative to the root."""
        self._rejected.append((self._path(name), reason))

    def leave_out(self, name: str, reason: str) -> None:
        """Leave out a file that is no image of the data set, by its path relative to the root."""
        self._left_out.append((self._path(name), reason))

    def build(self) -> Dataset:
        """Return the table, sorted by image_id; rows with one image_id stay in the order in which they came."""
        images = sorted(self._images, key=lambda row: row[0])
        left_out = sorted(self._left_out)
        return Dataset(
            pd.DataFrame(images, columns=["image_id", "path", "class", "part"], dtype=str),
            *(
                pd.DataFrame(rows, columns=["path", "reason"], dtype=str)
                for rows in (left_out + sorted(self._rejected), left_out)
            ),
        )

    def _path(self, name: str) -> str:
        return str(self.root / name.encode("utf-8", "backslashreplace").decode())


def require_folder(path: str | os.PathLike, contents: str) -> Path:
    """Return the folder as a Path, or raise FileNotFoundError that says what it should contain."""
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; the data set's root should contain {contents}.")
    return folder
