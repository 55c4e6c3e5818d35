"""Writing what the watcher has found out: a batch of images in one transaction."""

import json
import math
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from nearlabel.production.database.opening import transaction
from nearlabel.production.labelled import Labelled, Prepared


@dataclass(frozen=True)
class Arrival:
    """A file that arrived.

    Attributes
    ----------
    path : str
        Where it lay, absolute, as `path_to_text` gives it.
    mtime_ns, bytes : int
        Modification time and size.
    camera, part : str
        What it shows by its path; may be empty.
    archived : str
        Where it is moved to after the transaction; empty where it stays.
    """

    path: str
    mtime_ns: int
    bytes: int
    camera: str = ""
    part: str = ""
    archived: str = ""


@dataclass(frozen=True)
class Recorded:
    """A file that arrived, with what a bundle says of it.

    Attributes
    ----------
    arrival : Arrival
    prepared : Prepared
    labelled : Labelled or None
        None where the bundle has labelled this very content before.
    label_id : int or None
        The label's number; of the earlier label where `labelled` is None.
    shadow_node : str
        Its group by centres that follow confirmed images; may be empty.
    """

    arrival: Arrival
    prepared: Prepared
    labelled: Labelled | None
    label_id: int
    shadow_node: str = ""


@dataclass(frozen=True)
class Event:
    """Something that an operator should know of.

    Attributes
    ----------
    kind : str
        ``quarantine``, ``inbox``, ``bundle``, ``drift``, ``proposal``, ``output``.
    sentence : str
        For people.
    detail : mapping
        What JSON can hold.
    first_label, last_label : int or None
        The labels that it is about.
    """

    kind: str
    sentence: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    first_label: int | None = None
    last_label: int | None = None


@dataclass(frozen=True)
class Quarantined:
    """A file that was given up; `moved` is where it is moved to after the transaction, or empty."""

    arrival: Arrival
    reason: str
    moved: str = ""


def record_batch(
    connection: sqlite3.Connection,
    rows: Sequence[Recorded] = (),
    *,
    bundle: int = 0,
    bundle_sha256: str = "",
    quarantined: Sequence[Quarantined] = (),
    events: Sequence[Event] = (),
    state: Mapping[str, bytes] | None = None,
    time: str | None = None,
) -> None:
    """Write a batch in one transaction: all of it is on the disk afterwards, or, after an error, nothing.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of `nearlabel.production.database.opening.open_database`.
    rows : sequence of Recorded
        Files with their labels; a file that is known already (path, modification time, size) changes nothing.
    bundle : int
        Number of the bundle that has given the labels.
    bundle_sha256 : str
        Its content.
    quarantined : sequence of Quarantined
        Files that were given up.
    events : sequence of Event
        In their order.
    state : mapping of str to bytes, optional
        What the watcher goes on from; other names stay as they are.
    time : str, optional
        By default `now`.
    """
    time = time or now()
    with transaction(connection):
        for row in rows:
            image_id = _record_image(connection, row, time)
            if row.labelled is not None:
                _record_label(connection, row, image_id, bundle, bundle_sha256, time)
            arrival = row.arrival
            connection.execute(
                "INSERT INTO sightings (image_id, path, mtime_ns, bytes, time, camera, part, label_id, archived) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path, mtime_ns, bytes) DO NOTHING",
                (
                    *(image_id, arrival.path, arrival.mtime_ns, arrival.bytes, time),
                    *(arrival.camera, arrival.part, row.label_id, arrival.archived),
                ),
            )
        connection.executemany(
            "INSERT INTO quarantined VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [
                (one.arrival.path, one.arrival.mtime_ns, one.arrival.bytes, time, one.reason, one.moved)
                for one in quarantined
            ],
        )
        connection.executemany(
            "INSERT INTO events (time, kind, sentence, detail, first_label, last_label) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (time, one.kind, one.sentence, _json(dict(one.detail)), one.first_label, one.last_label)
                for one in events
            ],
        )
        for name, value in (state or {}).items():
            write_state(connection, name, value)


def write_state(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    """Write what a part of the watcher goes on from.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of `nearlabel.production.database.opening.open_database`.
    name : str
        Of the part.
    value : bytes
        Replaces what was there.
    """
    connection.execute(
        "INSERT INTO state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
    )


def record_place(connection: sqlite3.Connection, path: str, mtime_ns: int, size: int, archived: str) -> None:
    """Write where a file that is recorded lies, or is just about to.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of `nearlabel.production.database.opening.open_database`.
    path : str
        Where it arrived.
    mtime_ns, size : int
        Its time and size then.
    archived : str
        Where it lies; empty: where it arrived.
    """
    known = (path, mtime_ns, size)
    with transaction(connection):
        connection.execute(
            "UPDATE sightings SET archived = ? WHERE path = ? AND mtime_ns = ? AND bytes = ?", (archived, *known)
        )
        connection.execute(
            "UPDATE images SET path = ? WHERE image_id = "
            "(SELECT image_id FROM sightings WHERE path = ? AND mtime_ns = ? AND bytes = ?)",
            (archived or path, *known),
        )


def record_quarantined_place(connection: sqlite3.Connection, path: str, mtime_ns: int, size: int, moved: str) -> None:
    """Write where a file that was given up will lie, as `record_place` for a labelled one."""
    with transaction(connection):
        connection.execute(
            "UPDATE quarantined SET moved = ? WHERE path = ? AND mtime_ns = ? AND bytes = ?",
            (moved, path, mtime_ns, size),
        )


def now() -> str:
    """Return the time as the database has it: UTC, to the millisecond, ``2026-11-28T07:30:00.123Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def path_to_text(path: str | os.PathLike) -> str:
    r"""Return a path as the database has it: bytes that are no UTF-8 as ``\xfc``; `text_to_path` finds the file."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def text_to_path(text: str) -> str:
    r"""Return the path of a file that the database names; see `path_to_text`.

    Where a file's own name holds the four characters ``\xfc``, that file is meant if there is one.
    """
    if "\\x" not in text or os.path.lexists(text):
        return text
    pieces = text.split("\\x")
    found = os.fsencode(pieces[0])
    for piece in pieces[1:]:
        try:
            found += bytes.fromhex(piece[:2]) + os.fsencode(piece[2:])
        except ValueError:
            found += os.fsencode(f"\\x{piece}")
    return os.fsdecode(found)


def _record_image(connection: sqlite3.Connection, row: Recorded, time: str) -> int:
    """Write the image where its content is new; its path is where the latest file of it lies."""
    image = row.prepared
    return connection.execute(
        "INSERT INTO images (sha256, path, width, height, mode, bytes, brightness, contrast, first_seen, thumbnail) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET path = excluded.path "
        "RETURNING image_id",
        (
            *(image.sha256, row.arrival.archived or row.arrival.path, int(image.width), int(image.height), image.mode),
            *(int(image.bytes), float(image.brightness), float(image.contrast), time, image.thumbnail),
        ),
    ).fetchone()[0]


def _record_label(
    connection: sqlite3.Connection, row: Recorded, image_id: int, bundle: int, bundle_sha256: str, time: str
) -> None:
    said = row.labelled
    neighbors = [
        {"image_id": one.image_id, "distance": float(one.distance), "label": one.label, "node": one.node}
        for one in said.neighbors
    ]
    values = {
        "label_id": row.label_id,
        "image_id": image_id,
        "bundle": bundle,
        "bundle_sha256": bundle_sha256,
        "time": time,
        "label": said.label,
        "label_by": said.label_by,
        "p_value": _number(said.p_value),
        "confidence": _number(said.confidence),
        "label_set": _json(list(said.label_set)),
        "node": said.node,
        "lineage": _json(list(said.lineage)),
        "group_name": said.group,
        "shadow_node": row.shadow_node,
        "novelty": float(said.novelty),
        "novelty_p": float(said.novelty_p),
        "normal_percentile": float(said.normal_percentile),
        "novel": int(said.novel),
        "neighbors": _json(neighbors),
        "x": _number(said.place[0]),
        "y": _number(said.place[1]),
        "vector": np.ascontiguousarray(said.vector, dtype="<f4").tobytes(),
    }
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO labels ({names}) VALUES ({marks})", tuple(values.values()))


def _number(value: float) -> float | None:
    value = float(value)
    return None if math.isnan(value) else value


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False)
