"""Which rows an export has to write: where what an operator says of an image's label is another than it was."""

import json
import math
import sqlite3
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, NamedTuple

from nearlabel.labelling.catalogue import SKIP
from nearlabel.production.database.reader import read_state
from nearlabel.production.database.said import Said

NAME = "review.exported."
"""How names of the state begin that hold the id under which an image was exported; its number follows."""


class Answer(NamedTuple):
    """One row to write, and what is kept until it is.

    `before` is the word that decided the label at the last export; `withdraws` are times of rows that earlier exports
    have written perhaps, where no word on the label stands any more.
    """

    image_id: int
    operator: str
    label: str
    time: str
    before: int | None
    withdraws: tuple[str, ...] = ()


def read_name(connection: sqlite3.Connection, image_id: int) -> str | None:
    """Return the id under which an image was exported before; a word and its withdrawal must have the same."""
    found = read_state(connection, f"{NAME}{image_id}")
    return None if found is None else found.decode()


def collect_due(connection: sqlite3.Connection, state: dict[str, Any], through: int) -> tuple[list[Answer], int]:
    """Return a row for each operator and image whose word is another than at the last export."""
    last = state["through"]
    touched = {
        (row["image_id"], row["operator"]): None
        for row in connection.execute(
            "SELECT image_id, operator FROM corrections WHERE correction_id > ? AND action <> 'undo' UNION "
            "SELECT undone.image_id, undone.operator FROM corrections AS undo JOIN corrections AS undone "
            "ON undone.correction_id = undo.undoes WHERE undo.correction_id > ?",
            (last, last),
        )
    }
    written = {(image_id, operator): before for image_id, operator, before in state["waiting"]}
    # Perhaps in a file already: whatever stands now must follow it.
    unsure = {(image_id, operator) for image_id, operator in state["going"]}
    pairs = sorted({*touched, *written, *unsure})
    by_pair: dict[tuple[int, str], list[sqlite3.Row]] = {pair: [] for pair in pairs}
    for row in connection.execute(
        "SELECT given.*, undo.correction_id AS undo, undo.time AS undone "
        "FROM corrections AS given LEFT JOIN corrections AS undo ON undo.undoes = given.correction_id "
        "WHERE given.image_id IN (SELECT value FROM json_each(?)) AND given.action <> 'undo' "
        "AND given.correction_id <= ? ORDER BY given.correction_id",
        (json.dumps(sorted({image_id for image_id, _ in pairs})), through),
    ):
        if (pair := (row["image_id"], row["operator"])) in by_pair:
            by_pair[pair].append(row)
    answers, without_label = [], 0
    for pair, words in by_pair.items():
        labels = {one["correction_id"]: one["label"] for one in words}
        if pair in written:
            before = written[pair]
        else:
            before = _number(_say(one for one in words if one["correction_id"] <= last < (one["undo"] or math.inf)))
        said = _say(one for one in words if one["undo"] is None)
        now = _number(said)
        without_label += any(one["undo"] is None for one in words) and not said.label
        if now == before and pair not in unsure:
            continue
        since = _since(said, words)
        if said.label:
            answers.append(Answer(*pair, said.label, since, before))
        elif now is not None:
            # Novel, as was confirmed after the label: the operator's last word, wherever others were given.
            if pair in unsure or labels.get(before):
                answers.append(Answer(*pair, SKIP, since, before))
        # A confirmation as novel was written where a label had been before it, and then the image has a name.
        elif pair in unsure or labels.get(before) or read_name(connection, pair[0]) is not None:
            times = {one[name] for one in words for name in ("time", "undone")} - {None, since}
            answers.append(Answer(*pair, SKIP, since, before, tuple(sorted(times))))
    return answers, without_label


def _say(words: Iterable[sqlite3.Row]) -> Said:
    return reduce(Said.then, words, Said())


def _number(said: Said) -> int | None:
    """Number of the word that decides the label; None: no word on it stands."""
    return said.of_label["correction_id"] if said.of_label is not None else None


def _since(said: Said, words: Sequence[sqlite3.Row]) -> str:
    """Since when a label stands: what stands again must follow the word that had replaced it."""
    own = _number(said) or 0
    undone = [one["undone"] for one in words if one["undo"] is not None and one["correction_id"] > own]
    return max([*undone, said.of_label["time"]] if own else undone, default="")
