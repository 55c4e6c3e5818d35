"""Where a file lies in the layout of MVTec AD: standard library only, for it runs whenever the workflow is parsed."""

import os
from typing import NamedTuple

from nearlabel.images.naming.words import MASK_FOLDERS, SPLITS


class Place(NamedTuple):
    """Where a file lies in the layout: ``category/split/class/…``, parts of it empty where there is none."""

    category: str
    split: str
    image_class: str
    mask: bool


def find_place(name: str) -> Place:
    """Find the place of a file by its path relative to the root."""
    *folders, _ = name.split("/")
    found = [i for i, folder in enumerate(folders) if folder.lower() in SPLITS | MASK_FOLDERS]
    if not found:
        return Place("", "", "", False)
    first = found[0]
    mask = any(folder.lower() in MASK_FOLDERS for folder in folders[first:])
    below = [folder for folder in folders[first + 1 :] if folder.lower() not in MASK_FOLDERS]
    split = folders[first] if folders[first].lower() in SPLITS else ""
    return Place("/".join(folders[:first]), split, below[0] if below else "", mask)


def mvtec_columns(root: str | os.PathLike) -> list[str]:
    """Columns that groups can be held against: the split and, where the root holds several categories, these."""
    try:
        folders = {name.lower() for name in os.listdir(root)}
    except OSError:  # The reader complains when the job runs.
        return ["split"]
    return ["split"] if folders & SPLITS else ["split", "category"]
