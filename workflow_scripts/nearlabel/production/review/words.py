"""What operators say of images: rows that are only ever added."""

import sqlite3
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from nearlabel.production.database.said import CONFIRM, CORRECT, UNDO
from nearlabel.production.review.connections import Database
from nearlabel.production.review.filters import label_ids_of, node_of
from nearlabel.production.review.rows import read_words

LONGEST_NAME = 100
"""Characters of a label, a group or an operator's name."""

KEPT, REFUSED = "kept", "refused"


class Word(NamedTuple):
    """What an operator said of one image.

    Attributes
    ----------
    request : str
        Drawn by the browser: the same word that is sent again is the same row.
    image : str
        sha256.
    label_id : int
        What the operator saw.
    action : str
        ``confirm``, ``correct`` or ``undo``.
    label, node : str
        Of ``correct``: at least one of them.
    undoes : str
        Of ``undo``: the request of the word that is taken back.
    """

    request: str
    image: str
    label_id: int
    action: str
    label: str = ""
    node: str = ""
    undoes: str = ""


class _RefusedError(Exception):
    """A word that cannot be kept; the reason is for the operator."""


def clean_name(what: str, text: str) -> str:
    """Bring a name to one form: composed, without space around it.

    Raises
    ------
    ValueError
        It is empty, too long, or has characters that cannot be seen.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise ValueError(f"{what} is empty")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"{what} has more than {LONGEST_NAME} characters")
    # Of Unicode's "other" characters emoji need the joiner.
    if any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") and one != "\u200d" for one in name):
        raise ValueError(f"{what} has a character that cannot be seen")
    return name


def record_words(database: Database, operator: str, words: Sequence[Word]) -> list[dict[str, Any]]:
    """Write words in one transaction.

    A correction is written as it was said, of the label, the group or both: what stands is put together where it is
    read, by `nearlabel.production.database.said.Said`.

    Returns
    -------
    list of dict
        In the order of the words: ``request``, ``image``, ``label_id``, ``state`` (``kept``: there is a row, from now
        or before; ``refused``, with ``reason``), ``word``: what stands now, as
        `nearlabel.production.review.rows.read_words` has it, ``at``: the number of the last row when it did.

    Raises
    ------
    BusyDatabaseError
    """
    with database.writing() as connection:
        return [_settle(connection, operator, word) for word in words]


def name_event(
    database: Database, operator: str, event_id: int, label: str, request: str
) -> tuple[list[dict[str, Any]], str]:
    """Give all images of a proposal one label and its group: a row for each.

    Returns
    -------
    results : list of dict
        As of `record_words`.
    reason : str
        Why there is none; else empty.

    Raises
    ------
    BusyDatabaseError
    """
    with database.writing() as connection:
        event = connection.execute(
            "SELECT detail FROM events WHERE event_id = ? AND kind = 'proposal'", (event_id,)
        ).fetchone()
        if event is None:
            return [], "there is no such proposal"
        node = node_of(event["detail"])
        results = []
        for label_id in label_ids_of(event["detail"]):
            row = connection.execute(
                "SELECT sha256 FROM labels JOIN images USING (image_id) WHERE label_id = ?", (label_id,)
            ).fetchone()
            if row is not None:
                word = Word(f"{request}/{label_id}", row["sha256"], label_id, CORRECT, label, node)
                results.append(_settle(connection, operator, word))
        return results, "" if results else "the proposal names no image of this database"


def _settle(connection: sqlite3.Connection, operator: str, word: Word) -> dict[str, Any]:
    answer: dict[str, Any] = {"request": word.request, "image": word.image, "label_id": word.label_id, "state": KEPT}
    image_id = None
    try:
        image_id = _image_of(connection, word)
        _write(connection, operator, word, image_id)
    except _RefusedError as refused:
        answer |= {"state": REFUSED, "reason": str(refused)}
    at = connection.execute("SELECT coalesce(max(correction_id), 0) FROM corrections").fetchone()[0]
    word_now = None if image_id is None else read_words(connection, [image_id]).get(image_id)
    return answer | {"word": word_now, "at": at}


def _image_of(connection: sqlite3.Connection, word: Word) -> int:
    row = connection.execute("SELECT image_id FROM images WHERE sha256 = ?", (word.image,)).fetchone()
    if row is None:
        raise _RefusedError("this database has no such image")
    return row["image_id"]


def _write(connection: sqlite3.Connection, operator: str, word: Word, image_id: int) -> None:
    before = connection.execute("SELECT * FROM corrections WHERE request = ?", (word.request,)).fetchone()
    if before is not None:
        if (before["image_id"], before["action"]) != (image_id, word.action):
            raise _RefusedError("another word was sent under the same number")
        return
    shown = connection.execute(
        "SELECT label, node FROM labels WHERE label_id = ? AND image_id = ?", (word.label_id, image_id)
    ).fetchone()
    if shown is None:
        raise _RefusedError("this image has no such label")
    label, node, undoes = word.label, word.node, None
    if word.action == CONFIRM:
        label, node = shown["label"], shown["node"]
    elif word.action == UNDO:
        undoes = _undone_by(connection, word, image_id)
        if undoes is None:
            return
    connection.execute(
        "INSERT INTO corrections (image_id, label_id, operator, time, action, label, node, undoes, request) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (image_id, word.label_id, operator, _now(connection, image_id), word.action, label, node, undoes, word.request),
    )


def _undone_by(connection: sqlite3.Connection, word: Word, image_id: int) -> int | None:
    """Return the row that is taken back; None where another has done so already."""
    row = connection.execute(
        "SELECT correction_id, image_id, action FROM corrections WHERE request = ?", (word.undoes,)
    ).fetchone()
    if row is None or row["action"] == UNDO or row["image_id"] != image_id:
        raise _RefusedError("there is no such word to take back")
    taken = connection.execute("SELECT 1 FROM corrections WHERE undoes = ?", (row["correction_id"],)).fetchone()
    return None if taken else row["correction_id"]


def _now(connection: sqlite3.Connection, image_id: int) -> str:
    """Return the time, later than that of every word on the image: a clock may go back, the order of words may not."""
    now = datetime.now(UTC)
    last = connection.execute("SELECT max(time) FROM corrections WHERE image_id = ?", (image_id,)).fetchone()[0]
    if last is not None:
        now = max(now, datetime.fromisoformat(last) + timedelta(milliseconds=1))
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
