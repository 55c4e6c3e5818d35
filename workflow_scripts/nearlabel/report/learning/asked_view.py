"""What the page shows of what each strategy asked for: thumbnails by round, and the maps that it looked at."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.files import how_to_remake, read_table
from nearlabel.report.base.embedding import embed_file
from nearlabel.report.learning.asked_sheet import ASKED_COLUMNS, PER_ROUND
from nearlabel.report.learning.collect import read_knees
from nearlabel.run_files import ASKED_INDEX, ASKED_SHEET, KNEES, below

OPEN_ROUNDS = 6
_NUMBERS = ("round", "batch", "defects", "x", "y", "width", "height")


def view_asked(run_folder, dataset: str, strategies: Iterable[str]) -> list[dict[str, Any]]:
    """Arrange what each strategy asked for on fold 0.

    Parameters
    ----------
    run_folder : str or Path
        ``results/{run}``.
    dataset : str
    strategies : iterable of str
        Ids, in the order to show them.

    Returns
    -------
    list of dict
        Of each strategy: strategy, sheet (data URI), width and height of the sheet; open and folded, the first and the
        further rounds, each with round, batch, defects, short (whether its batch is smaller than the first one) and
        cells; skipped, how many rounds are not shown; maps, a list of rounds like these with ``when`` they were;
        knee, whether fold 0 has one; early, the defects and images of the open rounds that the strategy chose.

    Raises
    ------
    FileNotFoundError, ValueError
        A file is missing or damaged.
    """
    return [_view_strategy(run_folder, dataset, strategy) for strategy in strategies]


def read_asked(path) -> pd.DataFrame:
    """Read ``asked.csv``: places and counts as integers, score as a number, defective as a truth.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file, a column is missing, a cell is not what it should be.
    """
    table = read_table(path, tuple(ASKED_COLUMNS))
    try:
        numbers = {name: table[name].astype(np.int64) for name in _NUMBERS}
        truths = table["defective"].map({"True": True, "False": False}.__getitem__)
        return table.assign(**numbers, defective=truths, score=pd.to_numeric(table["score"]))
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path}: a cell is not what it should be ({error}); {how_to_remake(path)}") from error


def _view_strategy(run_folder, dataset: str, strategy: str) -> dict[str, Any]:
    place = {"dataset": dataset, "strategy": strategy}
    index = read_asked(below(run_folder, ASKED_INDEX, **place))
    sheet = Path(below(run_folder, ASKED_SHEET, **place))
    knee = read_knees(below(run_folder, KNEES, **place, fold=0))["knee"]
    rounds = _view_rounds(index[index["kind"] == "image"])
    chosen = [row for row in rounds[:OPEN_ROUNDS] if row["round"]]
    return {
        "strategy": strategy,
        "sheet": embed_file(sheet),
        "width": int((index["x"] + index["width"]).max()),
        "height": int((index["y"] + index["height"]).max()),
        "open": rounds[:OPEN_ROUNDS],
        "folded": rounds[OPEN_ROUNDS:],
        "skipped": rounds[-1]["round"] + 1 - len(rounds),
        "maps": _view_maps(index[index["kind"] == "map"], knee),
        "knee": knee is not None,
        "early": {name: sum(row[key] for row in chosen) for name, key in (("defects", "defects"), ("images", "batch"))},
    }


def _view_rounds(index: pd.DataFrame) -> list[dict[str, Any]]:
    rounds = []
    for number, own in index.groupby("round"):
        batch = int(own["batch"].iloc[0])
        rounds.append(
            {
                "round": int(number),
                "batch": batch,
                "defects": int(own["defects"].iloc[0]),
                "short": batch < int(index["batch"].iloc[0]),
                "shown": min(batch, PER_ROUND),
                "cells": [_view_cell(row) for row in own.to_dict("records")],
            }
        )
    return rounds


def _view_cell(row: Mapping[str, Any]) -> dict[str, Any]:
    said = [row["image_id"], "defective" if row["defective"] else "good"]
    if not pd.isna(row["score"]):
        said.append(f"score {row['score']:.3g}")
    if row["problem"]:
        said.append(f"cannot be read: {row['problem']}")
    names = ("x", "y", "width", "height", "defective")
    return {name: row[name] for name in names} | {"title": ", ".join(said)}


def _view_maps(index: pd.DataFrame, knee: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    rounds = _view_rounds(index)
    if not rounds:
        return []
    names = {rounds[0]["round"]: ["first"], rounds[-1]["round"]: ["last"]}
    if knee and knee["round"]:
        names.setdefault(knee["round"], []).append("knee")
    if len({row["round"] for row in rounds}) == 1:
        names = {rounds[0]["round"]: ["first", "last"]}
    return [row | {"when": " and ".join(names[row["round"]])} for row in rounds]
