"""What the database says of images that operators have confirmed, and of those that are novel."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from nearlabel.production.bundle.contents import Bundle
from nearlabel.production.database.reader import read_state
from nearlabel.production.database.said import IDENTITY, Said


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


_NOTE = "bundle:"

_PART = """
    coalesce((SELECT nullif(part, '') FROM sightings WHERE sightings.image_id = labels.image_id
        ORDER BY sighting_id LIMIT 1), 'image ' || labels.image_id)
"""

_WORDS = """
    SELECT word.correction_id, word.image_id, word.operator, word.action, word.label, given.bundle_sha256,
        CASE WHEN word.action = 'confirm' AND word.node = '' THEN given.node ELSE word.node END AS node
    FROM standing_corrections AS word JOIN labels AS given USING (label_id)
    WHERE word.image_id IN ({images}) ORDER BY word.correction_id
"""

_LABELS = f"""
    SELECT labels.label_id, labels.image_id, {_PART} AS part, labels.vector, '' AS node FROM labels
    WHERE labels.bundle_sha256 = ? AND labels.image_id IN (SELECT value FROM json_each(?))
"""

_LATEST = f"""
    SELECT labels.label_id, labels.image_id, {_PART} AS part, labels.vector, labels.node
    FROM labels WHERE labels.bundle_sha256 = ? AND labels.novel = {{novel}} ORDER BY labels.label_id DESC LIMIT ?
"""


def note_of(bundle: Bundle) -> dict[str, bytes]:
    """What is to be recorded with a bundle's labels: which groups its numbers stand for, which words it comes from."""
    facts = {name: bundle.facts.get(name, {}) for name in ("clustering", "followed")}
    return {_NOTE + bundle.sha256: json.dumps(facts).encode()}


def same_groups(connection: sqlite3.Connection, bundle: Bundle, bundle_sha256: str) -> bool:
    """Whether numbers of groups stand for the same in another bundle that has labelled in this database."""
    other = _read_note(connection, bundle_sha256)["clustering"]
    return bundle_sha256 == bundle.sha256 or other == bundle.facts.get("clustering", {})


def read_said(
    connection: sqlite3.Connection, bundle_sha256: str, *, after: int = 0, images: Iterable[int] | None = None
) -> dict[int, Said]:
    """Read what operators say of images: of several operators the one who spoke last; words taken back are none.

    A word may be on another bundle's label of the image: numbers of groups stay from bundle to bundle as long as the
    data set is not clustered anew. After that the word says nothing of the group.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of the watcher's database.
    bundle_sha256 : str
        Whose groups are meant.
    after : int
        Only images with a word after this one.
    images : iterable of int, optional
        Only these.

    Returns
    -------
    dict of int to Said
        By image_id.
    """
    if images is None:
        chosen, value = "SELECT image_id FROM corrections WHERE correction_id > ?", after
    else:
        chosen, value = "SELECT value FROM json_each(?)", json.dumps(list(images))
    known = {bundle_sha256: True}
    own = _read_note(connection, bundle_sha256)["clustering"]
    said: dict[tuple[int, str], Said] = {}
    last = {}
    for row in connection.execute(_WORDS.format(images=chosen), (value,)):
        sha256, pair = row["bundle_sha256"], (row["image_id"], row["operator"])
        if sha256 not in known:
            known[sha256] = _read_note(connection, sha256)["clustering"] == own
        word = row if known[sha256] else dict(row) | {"node": ""}
        said[pair] = last[row["image_id"]] = said.get(pair, Said()).then(word)
    return last


def read_confirmed(connection: sqlite3.Connection, bundle_sha256: str, *, after: int = 0) -> Rows:
    """Read the images of which an operator has said the group, in the order in which that was said; see `read_said`.

    A correction that names a label and no group says nothing of the group.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of the watcher's database.
    bundle_sha256 : str
        Whose vectors are wanted; images that this bundle has not labelled are left out.
    after : int
        Only groups that were said after this word.
    """
    said = read_said(connection, bundle_sha256, after=after)
    words = {image_id: one.of_node for image_id, one in said.items() if one.node}
    order = {image_id: word["correction_id"] for image_id, word in words.items() if word["correction_id"] > after}
    rows = connection.execute(_LABELS, (bundle_sha256, json.dumps(list(order)))).fetchall()
    rows.sort(key=lambda row: order[row["image_id"]])
    found = _rows(rows)
    return found._replace(nodes=[words[row["image_id"]]["node"] for row in rows])


def last_followed(connection: sqlite3.Connection, bundle_sha256: str) -> int:
    """Number of the last word that a bundle's centres come from, where they were adopted; 0: none of this database."""
    identity = read_state(connection, IDENTITY)
    return _read_note(connection, bundle_sha256)["followed"].get((identity or b"").decode(), 0)


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


def _read_note(connection: sqlite3.Connection, bundle_sha256: str) -> dict[str, Any]:
    found = read_state(connection, _NOTE + bundle_sha256)
    return {"clustering": {}, "followed": {}} if found is None else json.loads(found)


def _rows(rows: list) -> Rows:
    vectors = [np.frombuffer(row[3], "<f4") for row in rows]
    return Rows(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        [row[4] for row in rows],
        [row[2] for row in rows],
        np.stack(vectors).astype(np.float64) if vectors else np.empty((0, 0)),
    )
