"""Near-labels: the rough labels that groupings are compared with, from classes or from a list."""

import logging
import os
from collections.abc import Iterable, Mapping

import pandas as pd

from nearlabel.files import read_table

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
        name images that are not in `images` (rejected, not sampled): a warning counts them.

    Returns
    -------
    pandas.DataFrame
        Columns ``image_id, near_label``, str, rows as in `images`; empty for images without a class, and for those
        that the CSV does not name.

    Raises
    ------
    ValueError
        When a class has no near-label, or the CSV names none of the images, or one of them with different labels.
    FileNotFoundError
        When the CSV does not exist.
    """
    if near_labels is None:
        labels = images["class"]
    elif isinstance(near_labels, Mapping):
        labels = _map_classes(images["class"], near_labels)
    else:
        labels = _look_up(images["image_id"], near_labels)
    assigned = pd.DataFrame({"image_id": images["image_id"].astype(str), "near_label": labels.astype(str)})
    assigned = assigned.reset_index(drop=True)
    _describe(assigned["near_label"])
    return assigned


def _map_classes(classes: pd.Series, mapping: Mapping) -> pd.Series:
    mapping = {str(name): "" if label is None else str(label) for name, label in mapping.items()}
    present = sorted(set(classes) - {""})
    for name in sorted(set(mapping) - set(present) - {"default"}):
        logger.warning("near_labels names the class %r, which no image has; classes are: %s", name, ", ".join(present))
    without = [name for name in present if name not in mapping]
    if without and "default" not in mapping:
        raise ValueError(f"near_labels has no entry for the class {without[0]!r}; add it, or the key 'default'.")
    return classes.map({"": "", **{name: mapping.get(name, mapping.get("default")) for name in present}})


def _look_up(image_ids: pd.Series, path) -> pd.Series:
    rows = read_table(path, ("image_id", "near_label"))[["image_id", "near_label"]].drop_duplicates()
    repeated = rows.loc[rows["image_id"].duplicated(), "image_id"]
    if len(repeated):
        raise ValueError(f"{path}: the image {repeated.iloc[0]!r} has more than one near-label.")
    others = sorted(set(rows["image_id"]) - set(image_ids))
    if len(others) == len(rows):
        raise ValueError(
            f"{path}: none of its image_ids ({_some(others)}) is in the data set ({_some(image_ids)}); an image_id is "
            "the path relative to the data set's root, suffix included."
        )
    if others:
        logger.warning(
            "%s names %d images that are not among the %d of this run (rejected, not sampled or misspelt): %s",
            path,
            len(others),
            len(image_ids),
            _some(others),
        )
    return image_ids.map(dict(rows.itertuples(index=False))).fillna("")


def _describe(labels: pd.Series) -> None:
    counts = labels[labels != ""].value_counts().sort_index()
    without = int((labels == "").sum())
    logger.info("near-labels: %s", ", ".join(f"{label} ({count})" for label, count in counts.items()) or "none")
    if without and len(counts):
        logger.warning("%d of %d images have no near-label", without, len(labels))
    if len(counts) == 1:
        logger.warning(
            "all images have the near-label %r: scores that compare groups with near-labels say nothing",
            counts.index[0],
        )


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")
