"""Near-labels: the rough labels that groupings are compared with, from classes or from a list."""

import logging
import os
import unicodedata
from collections.abc import Iterable, Mapping

import pandas as pd

from nearlabel.images.label_list import read_near_labels
from nearlabel.images.paths import fold_name, match_names

logger = logging.getLogger(__name__)

NearLabels = Mapping[str, str] | str | os.PathLike | None
"""None (the class itself), a mapping from class to near-label, or the path of a CSV."""


def assign_near_labels(images: pd.DataFrame, near_labels: NearLabels) -> pd.DataFrame:
    """Give every image its near-label.

    Parameters
    ----------
    images : pandas.DataFrame
        Columns ``image_id`` and ``class``, str, as in ``images.csv``.
    near_labels : None, mapping, or path
        None: the class itself. A mapping from class to near-label, where the key ``default`` serves the classes that
        are not named and a label of None gives none. A CSV with the columns ``image_id`` and ``near_label``, which may
        name images that are not in `images` (rejected, not sampled): a warning counts them. Letters are the same
        however they are composed; ids in a CSV may also differ in case and slashes where just one image can be meant.

    Returns
    -------
    pandas.DataFrame
        Columns ``image_id, near_label``, str, rows as in `images`, labels as Unicode composes them (NFC); empty for
        images without a class, and for those that the CSV does not name.

    Raises
    ------
    ValueError
        When a class has no near-label, the mapping names none of the classes or one in another spelling, or the CSV
        names none of the images, or one of them with different labels.
    FileNotFoundError
        When the CSV does not exist.
    """
    if near_labels is None:
        labels = images["class"]
    elif isinstance(near_labels, Mapping):
        labels = _map_classes(images["class"].map(_compose), near_labels)
    else:
        labels = _look_up(images["image_id"], near_labels)
    labels = labels.astype(str).map(_compose)
    assigned = pd.DataFrame({"image_id": images["image_id"].astype(str), "near_label": labels})
    assigned = assigned.reset_index(drop=True)
    counts = assigned["near_label"].value_counts().drop("", errors="ignore").sort_index()
    logger.info("near-labels: %s", ", ".join(f"{label} ({count})" for label, count in counts.items()) or "none")
    if 0 < (without := int((assigned["near_label"] == "").sum())) < len(assigned):
        logger.warning("%d of %d images have no near-label", without, len(assigned))
    for sentence in list_doubts(images["class"], assigned["near_label"], near_labels):
        logger.warning("%s", sentence)
    return assigned


def list_doubts(classes: pd.Series, labels: pd.Series, near_labels: NearLabels) -> list[str]:
    """List what makes near-labels that were assigned doubtful.

    Parameters
    ----------
    classes, labels : pandas.Series of str
        Class and near-label of each image.
    near_labels : None, mapping, or path
        As for `assign_near_labels`.

    Returns
    -------
    list of str
        A sentence for each.
    """
    doubts = []
    present = sorted(set(classes.map(_compose)) - {""})
    named = {_compose(str(name)) for name in near_labels} if isinstance(near_labels, Mapping) else set()
    if absent := sorted(named - set(present) - {"default"}):
        doubts.append(f"near_labels names classes that no image has, {_some(absent)}; the images have {_some(present)}")
    if len(given := sorted(set(labels) - {""})) == 1:
        doubts.append(
            f"all images have the near-label {given[0]!r}: scores that compare groups with near-labels say nothing"
        )
    return doubts


def _map_classes(classes: pd.Series, mapping: Mapping) -> pd.Series:
    mapping = {_compose(str(name)): "" if label is None else str(label) for name, label in mapping.items()}
    present = sorted(set(classes) - {""})
    absent = sorted(set(mapping) - set(present) - {"default"})
    for name in absent:
        if meant := _other_spelling(name, present):
            raise ValueError(
                f"near_labels names the class {name!r}, but the images have {meant!r}; write it as the images have it."
            )
    if absent and present and not set(mapping) & set(present):
        raise ValueError(
            f"near_labels names no class that an image has: it has {_some(absent)}, the images {_some(present)}."
        )
    without = [name for name in present if name not in mapping]
    if without and "default" not in mapping:
        raise ValueError(f"near_labels has no entry for the class {without[0]!r}; add it, or the key 'default'.")
    return classes.map({"": "", **{name: mapping.get(name, mapping.get("default")) for name in present}})


def _other_spelling(name: str, present: Iterable[str]) -> str | None:
    """Return the one of the classes present that `name` differs from in case or spaces, or as a number, only."""
    return next((other for other in present if _key(other) == _key(name)), None)


def _key(name: str) -> str | float:
    try:
        return float(name)
    except ValueError:
        return fold_name(name)


def _look_up(image_ids: pd.Series, path) -> pd.Series:
    labels = read_near_labels(path)
    found = match_names(labels, image_ids)
    if not found:
        raise ValueError(
            f"{path}: none of its image_ids ({_some(labels)}) is in the data set ({_some(image_ids)}); an image_id is "
            "the path relative to the data set's root, suffix included."
        )
    known: dict[str, str] = {}
    for name, image_id in found.items():
        if known.setdefault(image_id, labels[name]) != labels[name]:
            raise ValueError(f"{path}: the image {image_id!r} has more than one near-label, under several spellings.")
    if others := sorted(set(labels) - set(found)):
        logger.warning(
            "%s names %d images that are not among the %d of this run (rejected, not sampled or misspelt): %s",
            path,
            len(others),
            len(image_ids),
            _some(others),
        )
    if respelt := sorted(name for name, image_id in found.items() if _compose(name) != _compose(image_id)):
        logger.warning(
            "%s: %d ids are not spelt as the images' are, for example %r as %r",
            path,
            len(respelt),
            respelt[0],
            found[respelt[0]],
        )
    return image_ids.map(known).fillna("")


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")
