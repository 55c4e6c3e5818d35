"""The page to label on, from files to a file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nearlabel.files import read_table
from nearlabel.images.scales import full_ranges
from nearlabel.labelling.answers.consensus import LABELLED
from nearlabel.labelling.choose import read_overlays
from nearlabel.labelling.page.writing import LabelKind, QueueImage, write_label_page

EXAMPLES = 4
"""Images of each label that its catalogue shows, at most."""


def show_queue(
    output, *, images, queue, overlays, labels, status, run: str, dataset: str, kinds: Sequence[Mapping], folder: str
) -> None:
    """Write the page.

    Parameters
    ----------
    output : str or Path
        ``label.html``.
    images, queue, overlays, labels, status : str or Path
        ``images.csv``, ``queue.csv``, ``overlays.h5``, ``labels.csv``, ``status.json``.
    run, dataset : str
    kinds : sequence of mapping
        ``name, key, description`` of each label.
    folder : str
        Where the files of labels belong.
    """
    table = pd.read_csv(images, dtype=str, keep_default_na=False)
    path_of = dict(zip(table["image_id"], table["path"], strict=True))
    maps, asked = read_overlays(overlays), read_table(queue, ("image_id", "rank"))
    given = read_table(labels, ("image_id", "label", "state"))
    given = given[(given["state"] == LABELLED) & given["image_id"].isin(path_of)]
    where: dict[str, Any] = json.loads(Path(status).read_text(encoding="utf-8"))
    write_label_page(
        output,
        run=run,
        dataset=dataset,
        queue=[QueueImage(image, path_of[image], maps.get(image)) for image in asked["image_id"]],
        kinds=[
            LabelKind(
                kind["name"],
                kind["key"],
                [(image, path_of[image]) for image in _spread(given.loc[given["label"] == kind["name"], "image_id"])],
                kind["description"],
            )
            for kind in kinds
        ],
        progress={
            "labelled": where["labelled"],
            "found": where["defects"],
            "population": where["images"],
            "advice": where["advice"],
            "round": where["round"],
        },
        full_ranges=dict(zip(table["image_id"], full_ranges(table), strict=True)),
        folder=folder,
    )


def _spread(images: Sequence[str]) -> list[str]:
    """Some of many images, from the first to the last."""
    images = list(images)
    step = max(1, len(images) // EXAMPLES)
    return images[::step][:EXAMPLES]
