"""Images that a bundle is made of: those of the data set and those of the line that people labelled, with labels."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.files import read_table
from nearlabel.grouping.models.pipelines import sort_classes
from nearlabel.images.duplicates import Hashes, group_images, hash_images, read_hashes
from nearlabel.images.scales import full_ranges, learnt_scale
from nearlabel.production.bundle.fitting.holdout import HeldOut, choose_held_out
from nearlabel.production.bundle.fitting.people import People, read_people

logger = logging.getLogger(__name__)

_COLUMNS = ("image_id", "path", "part", "sha256")


class BundleImages(NamedTuple):
    """Images, labels, and what is held out.

    Attributes
    ----------
    table : DataFrame
        ``images.csv`` of the data set's n images, then those of the line.
    count : int
        Images of the data set, n.
    labels : ndarray of object (str), shape (n + l,)
        '' where an image has none.
    names : list of str
        All labels that may be given, those of good images first.
    held : HeldOut
    people : People
    scale : dict
        `nearlabel.images.scales.learnt_scale` of the data set.
    """

    table: pd.DataFrame
    count: int
    labels: np.ndarray
    names: list[str]
    held: HeldOut
    people: People
    scale: dict[str, Any]

    def good(self, normal: Iterable[str]) -> np.ndarray:
        """Which images count as good: those with such a label; without any, all."""
        names = list(normal)
        return np.isin(self.labels.astype(str), names) if names else np.ones(len(self.labels), bool)


def collect_images(
    images, hashes, near_labels, answers: Iterable[str], settings: Mapping[str, Any], workers: int
) -> BundleImages:
    """Read images and labels, and choose what is held out.

    Parameters
    ----------
    images, hashes, near_labels : path
        ``images.csv``, ``hashes.h5``, ``near_labels.csv``.
    answers : iterable of path
        Files of labels.
    settings : mapping
        As for `nearlabel.production.bundle.fitting.fit.fit_bundle`.
    workers : int
        Images read at a time.

    Returns
    -------
    BundleImages

    Raises
    ------
    ValueError
        A label of good images is none that may be given.
    """
    table = read_table(images, _COLUMNS)
    table["full_range"] = full_ranges(table)
    near = read_table(near_labels, ("image_id", "near_label")).set_index("image_id")["near_label"]
    near = near.loc[table["image_id"]].to_numpy(dtype=object)
    named = settings["labels"]
    if settings["named_alone"]:
        # Rough labels in other words than people's are none of theirs.
        foreign = ~np.isin(near.astype(str), ["", *named])
        if foreign.any():
            logger.info("%d near-labels are none of the labels that people give: not learnt from", foreign.sum())
        near[foreign] = ""
    normal = list(settings["normal"])
    names = normal + [name for name in sort_classes({*near, *named} - {""}) if name not in normal]
    if missing := [name for name in normal if name not in {*near, *named}]:
        raise ValueError(
            f"production.normal names {missing[0]!r}, which is no label of an image; the labels are "
            f"{', '.join(map(repr, names[len(normal) :])) or 'none'}"
        )
    scale = learnt_scale(table)
    people = read_people(answers, table, settings["line"], names, normal[0] if normal else "", scale)
    labels = np.concatenate([near, np.full(len(people.line), "", dtype=object)])
    whole = pd.concat([table, people.line], ignore_index=True)
    for row, content in enumerate(whole["sha256"]):
        labels[row] = "" if content in people.disputed else people.labels.get(content, labels[row])
    known = read_hashes(hashes, table["image_id"])
    groups = group_images(whole, _with_line(known, people.line, workers), settings["distance"])
    of_line = np.arange(len(whole)) >= len(table)
    held = choose_held_out(
        labels, groups, whole["sha256"].to_numpy(dtype=object), settings["held_out"], of_line, unlabelled=not normal
    )
    return BundleImages(whole, len(table), labels, names, held, people, scale)


def _with_line(known: Hashes, line: pd.DataFrame, workers: int) -> Hashes:
    if line.empty:
        return known
    more = hash_images(line["path"], workers, line["full_range"])
    return Hashes(*(np.concatenate(pair) for pair in zip(known, more, strict=True)))
