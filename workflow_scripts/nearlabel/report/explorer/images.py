"""What is known of all images of a data set, whatever the node: the columns that every node of the explorer has."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.report.base.figures import near_label_colors
from nearlabel.report.explorer.columns import align, category_column, number_column, text_column
from nearlabel.report.explorer.data import Column

ALONE, REPEATED = "looks like no other", "has a near-duplicate"
DOUBTED, RIGHT = "in doubt", "not contradicted"


def image_columns(
    images: pd.DataFrame, files: Mapping[str, Any], strategies: Sequence[str] = (), rounds: str = ""
) -> tuple[Column, ...]:
    """Collect what the run's files say of each image.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``.
    files : mapping
        Paths, as of `nearlabel.plan.report.explorer.explorer_files`: near_labels, duplicates, suspects; lists, empty
        where there is nothing: columns, model, novelty, queries, labelling.
    strategies : sequence of str
        The ids that ``queries`` belong to.
    rounds : str
        Folder of the rounds of labelling on record; '' where nobody labels.

    Returns
    -------
    tuple of Column
        Those of which something is known of an image.
    """
    ids = list(images["image_id"])
    near_labels = align(ids, _read(files["near_labels"]), "near_label", "")
    colors = {name: color for name, color in near_label_colors(near_labels).items() if name}
    classes = images["class"].to_numpy(dtype=object) if "class" in images else np.full(len(ids), "", object)
    columns = [category_column("near_label", "near-label", near_labels, colors=colors)]
    if (classes != near_labels).any():
        columns.append(category_column("class", "class", classes, colors=colors))
    if files["model"]:
        columns.append(_predicted(ids, *files["model"], colors))
    if files["labelling"]:
        columns += _labelling(ids, *files["labelling"][:2], rounds, colors)
    for file in files["novelty"]:
        columns.append(_novelty(ids, file))
    for strategy, file in zip(strategies, files["queries"], strict=True):
        columns.append(_asked(ids, strategy, file))
    columns += _suspicion(ids, files["suspects"])
    columns.append(_duplicates(images, files["duplicates"]))
    for file in files["columns"]:
        table = _read(file)
        for place, name in enumerate(table.columns[1:]):
            columns.append(text_column(f"column_{place}", name, align(ids, table, name, "")))
    return tuple(column for column in columns if _says_something(column))


def _says_something(column: Column) -> bool:
    return bool((column.values >= 0).any() if column.names is not None else np.isfinite(column.values).any())


def _read(file) -> pd.DataFrame:
    return pd.read_csv(file, dtype=str, keep_default_na=False)


def _predicted(ids: list[str], predictions, summary, colors: Mapping[str, str]) -> Column:
    chosen = json.loads(Path(summary).read_text(encoding="utf-8"))["chosen"]
    note = f"By {chosen}, which has not learnt from the image or what looks like it."
    values = align(ids, _read(predictions), chosen, "")
    return category_column("predicted", "predicted near-label", values, colors=colors, note=note)


def _labelling(ids: list[str], labels, predictions, rounds: str, colors: Mapping[str, str]) -> list[Column]:
    from nearlabel.labelling.rounds.record import read_rounds

    given = category_column("label", "label given", align(ids, _read(labels), "label", ""), colors=colors)
    asked = {image: one.number for one in reversed(read_rounds(rounds)) for image in one.images(*one.picks)}
    table = pd.read_csv(predictions, dtype={"image_id": str}, keep_default_na=False, na_values=[""])
    probability = align(ids, table, "probability", np.nan)
    return [
        given,
        number_column("probability", "probability of a defect", probability, "By the network that learns from labels."),
        number_column("asked", "round of labelling", [asked.get(image, np.nan) for image in ids]),
    ]


def _novelty(ids: list[str], file) -> Column:
    from nearlabel.features.store import read_novelty

    found = read_novelty(file)
    table = pd.DataFrame({"image_id": list(found.image_id), "novelty": found.scores})
    note = f"By {Path(file).stem}: mean of its most novel patches, in deviations of what is usual there."
    return number_column("novelty", "novelty", align(ids, table, "novelty", np.nan), note)


def _asked(ids: list[str], strategy: str, file) -> Column:
    table = pd.read_csv(file, dtype={"image_id": str}, keep_default_na=False, na_values={"score": [""]})
    note = f"In which round {strategy} asked for the image, in fold 0; images that test or validate have none."
    return number_column(f"round_{strategy}", f"round of {strategy}", align(ids, table, "round", np.nan), note)


def _suspicion(ids: list[str], file) -> list[Column]:
    table = _read(file)
    confidence = pd.to_numeric(pd.Series(align(ids, table, "self_confidence", ""), dtype=object), errors="coerce")
    issue = pd.Series(align(ids, table, "issue", ""), dtype=object).map({"True": DOUBTED, "False": RIGHT}).fillna("")
    note = "Share of its ten nearest images, near-duplicates left out, that have another near-label."
    shown = [number_column("suspicion", "doubt about the near-label", 1 - confidence.to_numpy(float), note)]
    if (issue == DOUBTED).any():
        note = "By confident learning from those shares (Northcutt et al. 2021)."
        colors = {DOUBTED: "#d55e00", RIGHT: "#56b4e9"}
        shown.append(
            category_column("issue", "is the near-label right", issue, names=(DOUBTED, RIGHT), colors=colors, note=note)
        )
    return shown


def _duplicates(images: pd.DataFrame, file) -> Column:
    """Which images look like another one, or are the same file."""
    table = _read(file)
    repeated = set(table.loc[table["duplicate_of"] != "", "image_id"]) | set(table["duplicate_of"])
    content = images["sha256"]
    same = content.duplicated(keep=False) & (content != "")
    values = np.where(images["image_id"].isin(repeated) | same, REPEATED, ALONE)
    colors = {REPEATED: "#de8f05", ALONE: "#949494"}
    return category_column("duplicates", "near-duplicates", values, names=(REPEATED, ALONE), colors=colors)
