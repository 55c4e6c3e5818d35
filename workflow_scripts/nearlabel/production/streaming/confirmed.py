"""What the database says of images that operators have confirmed, and of those that are novel."""

import sqlite3
from typing import NamedTuple

import numpy as np


class Rows(NamedTuple):
    """Labels of one bundle, in the order of their numbers or of operators' words.

    Attributes
    ----------
    label_ids, image_ids : ndarray of int64, shape (n,)
    nodes : list of str, length n
        Of confirmed images, the group that the operator has put it in; else the bundle's, empty where novel.
    parts : list of str, length n
        What each shows; of an image without a part, a text of its own.
    vectors : ndarray of float64, shape (n, c)
        Reduced features of the root.
    """

    label_ids: np.ndarray
    image_ids: np.ndarray
    nodes: list[str]
    parts: list[str]
    vectors: np.ndarray


_PART = """
    coalesce((SELECT nullif(part, '') FROM sightings WHERE sightings.image_id = labels.image_id
        ORDER BY sighting_id LIMIT 1), 'image ' || labels.image_id)
"""

# Of several words on one image the last one that stands. A word may be on another bundle's label of the image: groups
# keep their ids from bundle to bundle; the vector is this bundle's.
_CONFIRMED = f"""
    SELECT labels.label_id, labels.image_id, {_PART} AS part, labels.vector, CASE
        WHEN word.node <> '' THEN word.node
        WHEN word.action = 'confirm' THEN (SELECT node FROM labels AS given WHERE given.label_id = word.label_id)
        ELSE '' END AS node
    FROM standing_corrections AS word JOIN labels ON labels.image_id = word.image_id AND labels.bundle_sha256 = ?
    WHERE word.correction_id > ? AND word.correction_id = (
        SELECT max(correction_id) FROM standing_corrections AS other WHERE other.image_id = word.image_id)
    ORDER BY word.correction_id
"""

_LATEST = f"""
    SELECT labels.label_id, labels.image_id, {_PART} AS part, labels.vector, labels.node
    FROM labels WHERE labels.bundle_sha256 = ? AND labels.novel = {{novel}} ORDER BY labels.label_id DESC LIMIT ?
"""


def read_confirmed(connection: sqlite3.Connection, bundle_sha256: str, *, after: int = 0) -> Rows:
    """Read the images of which an operator has said the group, by confirming or correcting; words taken back are none.

    A correction that names a label and no group says nothing of the group.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of the watcher's database.
    bundle_sha256 : str
        Whose vectors are wanted; images that this bundle has not labelled are left out.
    after : int
        Only words that were given after this one.
    """
    rows = [row for row in connection.execute(_CONFIRMED, (bundle_sha256, after)) if row[4]]
    return _rows(rows)


def read_latest(connection: sqlite3.Connection, bundle_sha256: str, *, novel: bool, limit: int) -> Rows:
    """Read a bundle's latest labels of images that are novel, or that are not; the oldest of them first.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of the watcher's database.
    bundle_sha256 : str
    novel : bool
    limit : int
        At most so many.
    """
    # Not a parameter: SQLite then knows that its index of novel labels will do.
    statement = _LATEST.format(novel=int(novel))
    return _rows(connection.execute(statement, (bundle_sha256, limit)).fetchall()[::-1])


def changes_earlier(connection: sqlite3.Connection, correction_id: int) -> bool:
    """Whether a word after this one takes another one back, or is on an image that had one before."""
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM corrections AS word WHERE correction_id > ? AND (action = 'undo' OR EXISTS ("
            "SELECT 1 FROM corrections AS other WHERE other.image_id = word.image_id AND other.correction_id <= ?)))",
            (correction_id, correction_id),
        ).fetchone()[0]
    )


def has_words(connection: sqlite3.Connection, sha256: str) -> bool:
    """Whether an operator has said something of an image of this content."""
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM corrections JOIN images USING (image_id) WHERE sha256 = ?)", (sha256,)
        ).fetchone()[0]
    )


def last_correction(connection: sqlite3.Connection) -> int:
    """Number of the last word of an operator, an undoing too; 0 without any."""
    return connection.execute("SELECT coalesce(max(correction_id), 0) FROM corrections").fetchone()[0]


def _rows(rows: list) -> Rows:
    vectors = [np.frombuffer(row[3], "<f4") for row in rows]
    return Rows(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        [row[4] for row in rows],
        [row[2] for row in rows],
        np.stack(vectors).astype(np.float64) if vectors else np.empty((0, 0)),
    )
