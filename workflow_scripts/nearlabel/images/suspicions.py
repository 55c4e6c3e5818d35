"""Images that may be none: splits taken for classes, masks; and names that other systems cannot tell apart."""

import posixpath
import unicodedata
from collections import defaultdict

import pandas as pd

from nearlabel.images.naming.formats import suffix_of
from nearlabel.images.naming.words import CONTAINERS, MASK_FOLDERS, SPLITS, unmasked
from nearlabel.images.reading import UnreadableImageError, read_image

# Images of a folder that are opened to see whether it holds masks, and the longest name that most systems can copy.
LOOKED_AT, LONG = 3, 200

Notes = list[tuple[str, list[str]]]


def suspect_classes(images: pd.DataFrame) -> Notes:
    """Find classes whose names say where an image was used or kept, not what it shows.

    Parameters
    ----------
    images : DataFrame
        Columns image_id and class.

    Returns
    -------
    list of (str, list of str)
        What is suspicious and what to write, and the images.
    """
    names = images["class"].drop_duplicates()
    below = images["image_id"].str.count("/") > 1
    notes = []
    for words, text in (
        (SPLITS, "say where an image was used, not what it shows: write {}"),
        (MASK_FOLDERS, "seem to hold masks, which are no images: move them out of root"),
        (CONTAINERS, "say nothing of what an image shows: let root name that folder, or write classes: false"),
    ):
        found = sorted(name for name in names if name.lower() in words)
        members = images["class"].isin(found)
        cure = "kind: mvtec, where the folder below is the class" if below[members].any() else "classes: false"
        if found:
            notes.append((f"classes {', '.join(found)} {text.format(cure)}", images["image_id"][members].tolist()))
    return notes


def suspect_masks(images: pd.DataFrame) -> Notes:
    """Find images that are masks of others: by their names, or black and white beside an image of name and size.

    Parameters
    ----------
    images : DataFrame
        Columns image_id, path, class, width and height.
    """
    named = images[~images["class"].str.lower().isin(MASK_FOLDERS)]
    stem = {name: posixpath.splitext(name)[0] for name in named["image_id"]}
    size = dict(zip(named["image_id"], zip(named["width"], named["height"], strict=True), strict=True))
    sizes = defaultdict(set)
    for name, own in stem.items():
        sizes[own].add(size[name])
    by_name = [name for name, own in stem.items() if size[name] in sizes.get(unmasked(own), ())]
    twins = defaultdict(list)
    for name in stem.keys() - set(by_name):
        twins[posixpath.basename(stem[name]), size[name]].append(name)
    beside = defaultdict(list)
    for names in twins.values():
        folders = {(posixpath.dirname(name), suffix_of(name)) for name in names}
        for name in names if len(folders) > 1 else ():
            beside[posixpath.dirname(name), suffix_of(name)].append(name)
    path = dict(zip(named["image_id"], named["path"], strict=True))
    binary = {group: _all_black_and_white(sorted(names), path) for group, names in beside.items()}
    by_look = []
    # Where all are black and white, that is what the images are.
    if not all(binary.values()):
        by_look = [name for group, names in beside.items() if binary[group] for name in names]
    cure = "move masks elsewhere, or list the images in a CSV (kind: csv)"
    return [
        (f"named like a mask of the image beside it: {cure}", by_name),
        (f"black and white, with an image of the same name and size: {cure}", by_look),
    ]


def suspect_names(image_ids: list[str]) -> Notes:
    """Find names that differ only in what other systems ignore, that hold control characters, or are very long."""
    folded, composed = defaultdict(list), defaultdict(list)
    for name in image_ids:
        composed[unicodedata.normalize("NFC", name)].append(name)
    for name in composed:
        folded[name.casefold()].append(composed[name][0])
    return [
        ("names that differ in the case of letters alone: one file on Windows and macOS", _several(folded)),
        ("names that differ in how accents are encoded alone, and look the same", _several(composed)),
        ("names with line breaks or control characters", [n for n in image_ids if any(map(_is_control, n))]),
        (f"names of more than {LONG} bytes: too long for some systems", [n for n in image_ids if _is_long(n)]),
        ("no suffix; images by their first bytes", [n for n in image_ids if not suffix_of(n)]),
    ]


def _several(groups: dict[str, list[str]]) -> list[str]:
    return [name for names in groups.values() if len(names) > 1 for name in names]


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def _is_long(name: str) -> bool:
    return any(len(part.encode()) > LONG for part in name.split("/"))


def _all_black_and_white(names: list[str], path: dict[str, str]) -> bool:
    step = max(1, len(names) // LOOKED_AT)
    return all(_is_black_and_white(path[name]) for name in names[::step][:LOOKED_AT])


def _is_black_and_white(path: str) -> bool:
    try:
        return read_image(path, max_pixels=None).convert("L").getcolors(2) is not None
    except UnreadableImageError:
        return False
