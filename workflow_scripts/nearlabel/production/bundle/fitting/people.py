"""What people have answered of images of the data set and of the line, by content."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from nearlabel.images.checks import COLUMNS, check_images
from nearlabel.images.readers import read_dataset
from nearlabel.images.readers.dataset import Dataset
from nearlabel.images.scales import Scale
from nearlabel.labelling.answers.consensus import DISPUTED, LABELLED, merge_answers
from nearlabel.labelling.answers.reading import CURRENT, LINE, read_answers

logger = logging.getLogger(__name__)

_SAID = 20


class People(NamedTuple):
    """What people say.

    Attributes
    ----------
    labels : dict of str to str
        Content (sha256) → label.
    disputed : set of str
        Contents that people label differently.
    line : DataFrame
        ``images.csv`` of the images of the line that people labelled.
    """

    labels: dict[str, str]
    disputed: set[str]
    line: pd.DataFrame


def read_people(
    answers: Iterable[str],
    images: pd.DataFrame,
    line: str | Path,
    labels: Sequence[str],
    good: str,
    scale: Mapping[str, Any],
) -> People:
    """Read what people have answered.

    An image is its content: answers to equal files are answers to one image, of which the latest of each person counts
    and the majority of persons decides.

    Parameters
    ----------
    answers : iterable of path
        Files of labels.
    images : DataFrame
        ``images.csv`` of the data set.
    line : path
        Folder of images that operators have captured.
    labels : sequence of str
        Labels that may be given.
    good : str
        As for `nearlabel.labelling.answers.consensus.merge_answers`; '' where no label says that an image is good.
    scale : mapping
        Of the data set: `nearlabel.images.scales.learnt_scale`.

    Returns
    -------
    People
    """
    captured = _list_line(line, set(images["image_id"]))
    found = read_answers(answers, [*images["image_id"], *captured.images["image_id"]], labels)
    for row in found.problems.head(_SAID).itertuples():
        logger.warning("%s, line %s, image %r: %s", row.file, row.line, row.image_id, row.problem)
    if len(found.problems) > _SAID:
        logger.warning("%d further rows of labels cannot be used", len(found.problems) - _SAID)
    answered = set(found.table["image_id"])
    captured = captured._replace(images=captured.images[captured.images["image_id"].isin(answered)])
    checked = _check_line(captured, scale)
    content = pd.concat([images, checked]).set_index("image_id")["sha256"]
    table = found.table[(found.table["state"] == CURRENT) & found.table["image_id"].isin(content.index)]
    table = table.assign(image_id=table["image_id"].map(content)).sort_values("time", kind="stable")
    merged = merge_answers(table.drop_duplicates(["image_id", "annotator"], keep="last"), good)
    given = merged[(merged["state"] == LABELLED) & (merged["label"] != "")]
    torn = merged[(merged["state"] == DISPUTED) | ((merged["state"] == LABELLED) & (merged["label"] == ""))]
    if len(torn):
        logger.warning("%d images are labelled differently by different people: no label of theirs is used", len(torn))
    line_images = checked[checked["sha256"].isin(set(given["image_id"])) & ~checked["sha256"].isin(images["sha256"])]
    return People(
        dict(zip(given["image_id"], given["label"], strict=True)),
        set(torn["image_id"]),
        line_images.drop_duplicates("sha256").reset_index(drop=True),
    )


def _list_line(line: str | Path, known: set[str]) -> Dataset:
    """Images of the line; what else lies in its folder is none of anybody's labels."""
    nothing = pd.DataFrame(columns=["path", "reason"], dtype=str)
    if not Path(line).is_dir() or not any(Path(line).rglob("*")):
        return Dataset(pd.DataFrame(columns=["image_id", "path", "class", "part"], dtype=str), nothing, nothing)
    found = read_dataset({"kind": "image_folder", "root": str(line), "classes": False})
    images = found.images.assign(image_id=LINE + found.images["image_id"])
    taken = images["image_id"].isin(known)
    if taken.any():
        first = images.loc[taken, "image_id"].iloc[0]
        logger.warning("%d images of %s are called as images of the data set: left out (%r)", taken.sum(), line, first)
    return found._replace(images=images[~taken], rejected=nothing)


def _check_line(captured: Dataset, scale: Mapping[str, Any]) -> pd.DataFrame:
    """Open images of the line: as ``images.csv``; of what cannot be used it is said why."""
    if captured.images.empty:
        return pd.DataFrame(columns=COLUMNS, dtype=str)
    images, rejected = check_images(captured, scale=Scale(**scale))
    for row in rejected.itertuples():
        logger.warning("%s is labelled and cannot be used: %s", row.path, row.reason)
    return images.astype({"width": str, "height": str})
