"""Events of the watcher, and what changed since a browser last heard."""

import json
import sqlite3
from typing import Any, NamedTuple

from nearlabel.production.review.filters import LARGEST_ID, label_ids_of, node_of
from nearlabel.production.review.rows import describe, read_words

NEWEST = 60
"""Images of one message at most: the newest. A browser that missed more asks for the page again."""

_MOST_WORDS, _NAMED = 600, 50


class Cursor(NamedTuple):
    """How far a browser has heard: the largest numbers of a label, a correction and an event."""

    label: int = 0
    correction: int = 0
    event: int = 0

    def __str__(self) -> str:
        return f"{self.label}.{self.correction}.{self.event}"


def parse_cursor(text: str) -> Cursor | None:
    """Read what `Cursor` writes; None where it is something else."""
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 19 for part in parts):
        return None
    numbers = [int(part) for part in parts]
    return Cursor(*numbers) if max(numbers) <= LARGEST_ID else None


def read_cursor(connection: sqlite3.Connection) -> Cursor:
    """Return the largest numbers there are."""
    return Cursor(
        *connection.execute(
            "SELECT coalesce((SELECT max(label_id) FROM labels), 0), "
            "coalesce((SELECT max(correction_id) FROM corrections), 0), "
            "coalesce((SELECT max(event_id) FROM events), 0)"
        ).fetchone()
    )


def read_changes(connection: sqlite3.Connection, since: Cursor) -> tuple[Cursor, dict[str, Any]]:
    """Return what was added since, and the new cursor.

    Returns
    -------
    cursor : Cursor
    changes : dict
        Empty where nothing was. ``images``: as the grid shows them, the latest first; ``skipped``: how many more there
        are; ``words``: sha256 → the word that now stands, or None, of so many images that the next message has the
        rest; ``events``: as `read_events` has them; ``at``: the number of the last word when all this was so.
    """
    now = heard = read_cursor(connection)
    changes: dict[str, Any] = {}
    if now.label > since.label:
        rows = connection.execute(
            "SELECT label_id FROM labels WHERE label_id > ? ORDER BY label_id DESC LIMIT ?", (since.label, NEWEST)
        ).fetchall()
        changes["images"] = describe(connection, [row["label_id"] for row in rows])
        # Numbers have no gaps: nothing is ever deleted.
        changes["skipped"] = max(0, now.label - since.label - len(rows))
    if now.correction > since.correction:
        rows = connection.execute(
            "SELECT correction_id, image_id, sha256 FROM corrections JOIN images USING (image_id) "
            "WHERE correction_id > ? ORDER BY correction_id LIMIT ?",
            (since.correction, _MOST_WORDS),
        ).fetchall()
        words = read_words(connection, list({row["image_id"] for row in rows}))
        changes["words"] = {row["sha256"]: words.get(row["image_id"]) for row in rows}
        heard = heard._replace(correction=rows[-1]["correction_id"])
    if now.event > since.event:
        changes["events"] = read_events(connection, after=since.event)
    if changes:
        changes["at"] = now.correction
    return heard, changes


def read_events(connection: sqlite3.Connection, *, after: int = 0, before: int = LARGEST_ID) -> list[dict[str, Any]]:
    """Return the latest events, with how many images each is of and, for a proposal, how many have a word.

    The latest proposals are among them, however many other events came after.
    """
    rows = {}
    for kind in ("", " AND kind = 'proposal'"):
        found = connection.execute(
            "SELECT event_id, time, kind, sentence, detail, first_label, last_label FROM events "
            f"WHERE event_id > ? AND event_id < ?{kind} ORDER BY event_id DESC LIMIT ?",
            (after, before, _NAMED),
        )
        rows |= {row["event_id"]: row for row in found}
    return [_describe(connection, rows[event_id]) for event_id in sorted(rows, reverse=True)]


def _describe(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    event = {name: row[name] for name in ("time", "kind", "sentence")} | {"id": row["event_id"]}
    ids = label_ids_of(row["detail"])
    if ids:
        event["images"] = len(ids)
    elif row["first_label"] is not None and row["last_label"] is not None:
        event["images"] = max(0, row["last_label"] - row["first_label"] + 1)
    else:
        event["images"] = 0
    if row["kind"] == "proposal":
        event["node"] = node_of(row["detail"])
        event["answered"] = connection.execute(
            "SELECT count(DISTINCT image_id) FROM standing_corrections WHERE image_id IN "
            "(SELECT image_id FROM labels WHERE label_id IN (SELECT value FROM json_each(?)))",
            (json.dumps(ids),),
        ).fetchone()[0]
    return event
