"""Reading the database: what the watcher knows, and what outputs send on."""

import json
import sqlite3
from typing import Any

import numpy as np

# A label as outputs send it; the vector and the thumbnail stay in the database.
_SENT = """
    SELECT sightings.sighting_id, sightings.label_id, sightings.image_id, images.sha256, sightings.path, images.path AS
        lies, sightings.time, sightings.camera, sightings.part, labels.time AS labelled, bundle, bundle_sha256, label,
        label_by, p_value, confidence, label_set, node, lineage, group_name, novelty, novelty_p, normal_percentile,
        novel, neighbors, x, y
    FROM sightings JOIN images USING (image_id) JOIN labels USING (label_id)
    WHERE sightings.sighting_id > ? ORDER BY sightings.sighting_id LIMIT ?
"""
_JSON = ("label_set", "lineage", "neighbors", "detail")


def read_state(connection: sqlite3.Connection, name: str) -> bytes | None:
    """Read what a part of the watcher goes on from; None where nothing was written yet."""
    row = connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def read_sighting(connection: sqlite3.Connection, path: str, mtime_ns: int, size: int) -> sqlite3.Row | None:
    """Find a file that was seen before: sha256 of its image, archived (where it was to be moved); None if it is new."""
    return connection.execute(
        "SELECT sha256, archived FROM sightings JOIN images USING (image_id) "
        "WHERE sightings.path = ? AND mtime_ns = ? AND sightings.bytes = ?",
        (path, mtime_ns, size),
    ).fetchone()


def read_quarantined(connection: sqlite3.Connection, path: str, mtime_ns: int, size: int) -> sqlite3.Row | None:
    """Find a file that was given up before: reason, moved (where it was to be moved); None if it was not."""
    return connection.execute(
        "SELECT reason, moved FROM quarantined WHERE path = ? AND mtime_ns = ? AND bytes = ?", (path, mtime_ns, size)
    ).fetchone()


def read_label_of(connection: sqlite3.Connection, sha256: str, bundle_sha256: str) -> int | None:
    """Find the label that a bundle has given to this content; None if it has given none."""
    row = connection.execute(
        "SELECT label_id FROM labels JOIN images USING (image_id) WHERE sha256 = ? AND bundle_sha256 = ?",
        (sha256, bundle_sha256),
    ).fetchone()
    return None if row is None else row[0]


def last_ids(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the highest number in use of labels, sightings and events; 0 where there is none."""
    tables = {"label_id": "labels", "sighting_id": "sightings", "event_id": "events"}
    return {
        column: connection.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchone()[0]
        for column, table in tables.items()
    }


def read_labels_after(connection: sqlite3.Connection, sighting_id: int, limit: int) -> list[dict[str, Any]]:
    """Read the files that arrived after one, each with the label that was given then, in the order of their arrival.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of the database.
    sighting_id : int
        The last one that is known.
    limit : int
        At most so many.

    Returns
    -------
    list of dict
        What JSON can hold: columns of sightings, images and labels; ``path`` is where the file arrived, ``lies`` where
        the latest file of this content lies.
    """
    return [_decoded(row) | {"novel": bool(row["novel"])} for row in connection.execute(_SENT, (sighting_id, limit))]


def read_events_after(connection: sqlite3.Connection, event_id: int, limit: int) -> list[dict[str, Any]]:
    """Read at most `limit` events after one, in their order, as what JSON can hold."""
    rows = connection.execute("SELECT * FROM events WHERE event_id > ? ORDER BY event_id LIMIT ?", (event_id, limit))
    return [_decoded(row) for row in rows]


def vector_of(blob: bytes) -> np.ndarray:
    """Return the vector of a label's row: ndarray of float32, shape (c,), not writable."""
    return np.frombuffer(blob, dtype="<f4")


def _decoded(row: sqlite3.Row) -> dict[str, Any]:
    return {name: json.loads(row[name]) if name in _JSON else row[name] for name in row.keys()}  # noqa: SIM118
