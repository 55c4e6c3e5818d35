"""Opening every image of a data set once: what it is, and why it was rejected."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd

from nearlabel.bars import Progress
from nearlabel.images.ledger import alike
from nearlabel.images.naming.formats import name_unread
from nearlabel.images.near_labels import assign_near_labels
from nearlabel.images.readers.dataset import Dataset
from nearlabel.images.reading import MAX_PIXELS, ImageFacts, UnreadableImageError, inspect_image
from nearlabel.images.scales import AUTOMATIC, Scale
from nearlabel.seeds import derive_seed

MAX_ASPECT = 1000.0
"""Images with a side more than so many times the other are rejected: placed, they could fill the memory."""

COLUMNS = ["image_id", "path", "class", "part", "width", "height", "mode", "sha256", "full_range"]


class Checked(NamedTuple):
    """Result of `check_images`.

    Attributes
    ----------
    images : pandas.DataFrame
        Columns ``image_id, path, class, part, width, height, mode, sha256, full_range``, by image_id: the usable ones.
    rejected : pandas.DataFrame
        Columns ``path, reason``: what the reader left out or rejected by name, then what could not be used.
    """

    images: pd.DataFrame
    rejected: pd.DataFrame


def check_images(
    dataset: Dataset,
    *,
    sample: dict | None = None,
    max_pixels: int = MAX_PIXELS,
    max_aspect: float = MAX_ASPECT,
    scale: Scale = AUTOMATIC,
    workers: int = 1,
    facts: dict[str, ImageFacts] | None = None,
) -> Checked:
    """Decode the images of a data set, or of a sample, and describe each or say why it is rejected.

    Exact duplicates (one sha256, several files) are kept; of several rows with one image_id the first is kept.

    Parameters
    ----------
    dataset : Dataset
        From `nearlabel.images.readers.read_dataset`.
    sample : dict, optional
        ``n``: number of readable images to draw; ``seed``: an int. ``balance``: whether to draw equally many of each
        near-label (when n is not divisible, the first labels in alphabetical order get one more); ``near_labels``: as
        for `nearlabel.images.near_labels.assign_near_labels`, used only to balance. Images without a near-label are not
        drawn then. An image's place in the drawing order depends only on the seed and its image_id; unreadable ones are
        replaced by the next, and no more are decoded than that takes.
    max_pixels : int
        Larger images are rejected.
    max_aspect : float
        Images whose long side is more than so many times the short one are rejected.
    scale : Scale
        Of values of more than 8 bits; images that do not fit it are rejected. What each image is scaled by in the end
        is its ``full_range``.
    workers : int
        Images decoded at a time, in threads (Pillow's decoders and the hash release the interpreter's lock).
    facts : dict, optional
        Filled in: image_id → what was found out about each usable image, for `nearlabel.images.ledger.make_ledger`.

    Returns
    -------
    Checked
        Images and rejected files.

    Raises
    ------
    ValueError
        When a sample of more images than there are is asked for, or floating-point images disagree about their range.
    """
    unique, rejected = _reject_repeated_ids(dataset.images)
    with _Inspector(max_pixels, max_aspect, scale, workers) as inspector:
        if sample is None:
            inspector.inspect(unique, len(unique))
        else:
            for label, group, wanted in _plan_sample(unique, sample):
                order = [derive_seed(sample["seed"], f"sample/{image_id}") for image_id in group["image_id"]]
                found = inspector.inspect(group.iloc[np.argsort(order, kind="stable")], wanted)
                if found < wanted:
                    raise ValueError(
                        f"a sample of {wanted} images{label} was asked for, but only {found} of {len(group)} can be "
                        f"read; the first that cannot: {': '.join(inspector.rejected[0])}."
                    )
    ranges = scale.choose(inspector.facts)
    images = pd.DataFrame([(*row, ranges[row[0]]) for row in inspector.images], columns=COLUMNS)
    images = images.sort_values("image_id", kind="stable", ignore_index=True)
    rejected = pd.DataFrame(sorted(rejected + inspector.rejected), columns=["path", "reason"], dtype=str)
    rejected = pd.concat([dataset.rejected, rejected], ignore_index=True)
    if facts is not None:
        facts |= {image_id: inspector.facts[image_id] for image_id in images["image_id"]}
    return Checked(images, rejected)


def require_accepted(
    images: pd.DataFrame, rejected: pd.DataFrame, min_accepted: float = 0.5, *, listing, by_name: int = 0
) -> None:
    """Stop when too few images could be used.

    Parameters
    ----------
    images, rejected : pandas.DataFrame
        From `check_images`; write them to files first, so that the user can look.
    min_accepted : float
        Least share of usable images, in [0, 1].
    listing : str or Path
        Where `rejected` was written, for the message.
    by_name : int
        Number of files that the reader left out, the first rows of `rejected`: notes beside the images, masks, what
        systems leave. They do not count.

    Raises
    ------
    ValueError
        When the share is smaller, or no image is left.
    """
    reasons = rejected["reason"].iloc[by_name:]
    total = len(images) + len(reasons)
    if len(images) and len(images) >= min_accepted * total:
        return
    counts = alike(reasons).value_counts().head(3)
    most_frequent = "; ".join(f"{reason} ({count})" for reason, count in counts.items())
    raise ValueError(
        f"only {len(images)} of {total} images can be used, a smaller share than min_accepted = {min_accepted:g}; most "
        f"frequent reasons: {most_frequent}; {listing} names every file."
    )


class _Inspector:
    """Inspects images in threads and collects the rows of both tables."""

    def __init__(self, max_pixels: int, max_aspect: float, scale: Scale, workers: int):
        self.facts: dict[str, ImageFacts] = {}
        self.images: list[tuple] = []
        self.rejected: list[tuple[str, str]] = []
        self._max_pixels, self._max_aspect, self._scale = max_pixels, max_aspect, scale
        self._workers = workers

    def __enter__(self):
        self._pool = ThreadPoolExecutor(self._workers)
        return self

    def __exit__(self, *error):
        self._pool.shutdown(cancel_futures=True)

    def inspect(self, rows: pd.DataFrame, wanted: int) -> int:
        """Inspect rows in order until `wanted` are readable; return how many are."""
        found, start = 0, 0
        with Progress(wanted, "images") as progress:
            while found < wanted and start < len(rows):
                # Exactly as many as are missing: what is decoded does not depend on the number of workers.
                block = rows.iloc[start : start + wanted - found]
                start += len(block)
                for row, facts in zip(
                    block.itertuples(index=False, name=None), self._inspect_all(block["path"]), strict=True
                ):
                    if isinstance(facts, str):
                        self.rejected.append((row[1], facts))
                        continue
                    found += 1
                    progress.update()
                    self.facts[row[0]] = facts
                    self.images.append((*row, facts.width, facts.height, facts.mode, facts.sha256))
        return found

    def _inspect_all(self, paths) -> Iterator[ImageFacts | str]:
        return self._pool.map(self._inspect, paths)

    def _inspect(self, path: str) -> ImageFacts | str:
        try:
            facts = inspect_image(path, self._max_pixels)
        except UnreadableImageError as error:
            if os.path.islink(path) and not os.path.exists(path):
                return "a link that leads to no file"
            return name_unread(path) or str(error)
        return shape_refusal(facts.width, facts.height, self._max_aspect) or self._scale.refusal(facts) or facts


def shape_refusal(width: int, height: int, max_aspect: float = MAX_ASPECT) -> str | None:
    """Say why an image of so many pixels is rejected for its shape; None where it is not."""
    if max(width, height) > max_aspect * min(width, height):
        return f"{width} x {height} pixels, one side more than max_aspect = {max_aspect:g} times the other"
    return None


def _reject_repeated_ids(images: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    first = images.drop_duplicates("image_id").set_index("image_id")
    rejected = []
    for row in images[images["image_id"].duplicated()].to_dict("records"):
        kept = first.loc[row["image_id"]]
        differences = [
            f"{column} {row[column]!r} instead of {kept[column]!r}"
            for column in ("class", "part")
            if row[column] != kept[column]
        ]
        detail = f", with {' and '.join(differences)}" if differences else ""
        rejected.append((row["path"], f"duplicate id: listed more than once{detail}; the first row is kept"))
    return images.drop_duplicates("image_id", ignore_index=True), rejected


def _plan_sample(images: pd.DataFrame, sample: dict) -> list[tuple[str, pd.DataFrame, int]]:
    """Return (label in words, images to draw from, number to draw) for each group."""
    n = sample["n"]
    if n > len(images):
        raise ValueError(f"a sample of {n} images was asked for, but the data set has {len(images)}.")
    if not sample.get("balance"):
        return [("", images, n)]
    labels = assign_near_labels(images, sample.get("near_labels"))["near_label"]
    names = sorted(set(labels) - {""})
    if not names:
        raise ValueError("a balanced sample needs near-labels, and no image has one; set balance: false.")
    plan = []
    for position, name in enumerate(names):
        group = images[(labels == name).to_numpy()]
        wanted = n // len(names) + (position < n % len(names))
        if wanted > len(group):
            counts = ", ".join(f"{other} ({(labels == other).sum()})" for other in names)
            raise ValueError(
                f"a balanced sample of {n} images needs {wanted} with near-label {name!r}, but the data set has "
                f"{len(group)}; near-labels: {counts}."
            )
        plan.append((f" with near-label {name!r}", group, wanted))
    return plan
