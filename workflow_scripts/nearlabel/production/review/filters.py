"""Which images the grid shows, as SQL."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LARGEST_ID = 2**63 - 1
"""Of a row of SQLite."""

LONGEST_TEXT = 200
"""Characters of a label, a group or a camera that is asked for."""

# Of an image whose labels are calibrated, and not withheld: not exactly one label is likely enough.
# Without a label, as in an adopted group that nobody has learnt from, there is nothing to doubt.
_DOUBT = (
    "labels.novel = 0 AND labels.confidence IS NOT NULL AND json_array_length(labels.label_set) <> 1 "
    "AND labels.label <> ''"
)
_DOUBT_BESIDES = (
    "(SELECT count(*) FROM json_each(labels.label_set) AS one "
    "WHERE one.value = labels.label OR one.value NOT IN (SELECT value FROM json_each(?))) <> 1"
)
_LATEST = (
    "NOT EXISTS (SELECT 1 FROM labels AS later "
    "WHERE later.image_id = labels.image_id AND later.label_id > labels.label_id)"
)
_SAID = "EXISTS (SELECT 1 FROM standing_corrections AS word WHERE word.image_id = labels.image_id)"


@dataclass(frozen=True)
class Filters:
    """What is asked for; what is left out asks nothing.

    Attributes
    ----------
    label, group, camera : str or None
        A label of a bundle or of an operator; a node, with all below it; a name.
    doubt, novel, unreviewed : bool
        Labels that are not one; flagged as novel; without an operator's word.
    event : int or None
        Images of an event: those that it names, or of its window.
    always : tuple of str
        Labels that are in every set for want of held-out images: they alone make no doubt.
    """

    label: str | None = None
    group: str | None = None
    camera: str | None = None
    doubt: bool = False
    novel: bool = False
    unreviewed: bool = False
    event: int | None = None
    always: tuple[str, ...] = ()


def parse_filters(given: Mapping[str, str], always: Sequence[str] = ()) -> Filters:
    """Read filters from a query: texts, ``1`` for what is true, a number.

    Raises
    ------
    ValueError
        An unknown name, or a value that it cannot have.
    """
    values: dict[str, Any] = {}
    for name, text in given.items():
        if name in ("label", "group", "camera"):
            if len(text) > LONGEST_TEXT:
                raise ValueError(f"{name} is too long")
            values[name] = text
        elif name in ("doubt", "novel", "unreviewed"):
            if text != "1":
                raise ValueError(f"{name} can only be 1")
            values[name] = True
        elif name == "event":
            values[name] = parse_id(name, text)
        else:
            raise ValueError("an unknown parameter")
    return Filters(**values, always=tuple(always))


def parse_id(name: str, text: str) -> int:
    """Read the number of a row.

    Raises
    ------
    ValueError
        It is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= LARGEST_ID):
        raise ValueError(f"{name} is not the number of a row")
    return int(text)


def as_sql(filters: Filters, connection: sqlite3.Connection) -> tuple[str, list[Any]]:
    """Write filters as a condition on ``labels``; only the latest label of an image ever meets it.

    Returns
    -------
    condition : str
    values : list
        Of its question marks.
    """
    parts, values = [], []
    if filters.label is not None:
        parts.append(
            "labels.label_id IN (SELECT label_id FROM labels WHERE label = ? UNION SELECT own.label_id "
            "FROM labels AS own JOIN standing_corrections AS word USING (image_id) WHERE word.label = ?)"
        )
        values += [filters.label, filters.label]
    if filters.group is not None:
        # All below a node begin with its name and a point; "/" is the character after it.
        parts.append("(labels.node = ? OR (labels.node >= ? AND labels.node < ?))")
        values += [filters.group, f"{filters.group}.", f"{filters.group}/"]
    if filters.camera is not None:
        parts.append("labels.image_id IN (SELECT image_id FROM sightings WHERE camera = ?)")
        values.append(filters.camera)
    if filters.doubt:
        parts.append(_DOUBT)
        if filters.always:
            parts.append(_DOUBT_BESIDES)
            values.append(json.dumps(filters.always))
    if filters.novel:
        parts.append("labels.novel = 1")
    if filters.unreviewed:
        parts.append(f"NOT {_SAID}")
    if filters.event is not None:
        condition, more = _of_event(filters.event, connection)
        parts.append(condition)
        values += more
    parts.append(_LATEST)
    return " AND ".join(f"({part})" for part in parts), values


def label_ids_of(detail: str) -> list[int]:
    """Return the labels that an event's detail names."""
    try:
        found = json.loads(detail)
    except ValueError:
        return []
    ids = found.get("label_ids", []) if isinstance(found, dict) else []
    return [one for one in ids if type(one) is int and 0 < one <= LARGEST_ID] if isinstance(ids, list) else []


def node_of(detail: str) -> str:
    """Return the group that an event's detail proposes; empty where it names none."""
    try:
        node = json.loads(detail).get("node", "")
    except (ValueError, AttributeError):
        return ""
    return node if isinstance(node, str) else ""


def _of_event(event_id: int, connection: sqlite3.Connection) -> tuple[str, list[Any]]:
    row = connection.execute(
        "SELECT detail, first_label, last_label FROM events WHERE event_id = ?", (event_id,)
    ).fetchone()
    if row is None:
        return "0", []
    if ids := label_ids_of(row["detail"]):
        # The image may have been labelled by another bundle since.
        return (
            "labels.image_id IN (SELECT image_id FROM labels WHERE label_id IN (SELECT value FROM json_each(?)))",
            [json.dumps(ids)],
        )
    if row["first_label"] is None or row["last_label"] is None:
        return "0", []
    return "labels.label_id BETWEEN ? AND ?", [row["first_label"], row["last_label"]]
