"""Labels and events sent on from the database, in their order, however long the other side is dead."""

import contextlib
import hashlib
import json
import logging
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from nearlabel.production.database.opening import open_database
from nearlabel.production.database.reader import last_ids, read_events_after, read_labels_after, read_state
from nearlabel.production.database.recording import write_state

logger = logging.getLogger(__name__)

_AT_ONCE = 100
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
# What is written by another process, a reviewer, is found by looking.
_LOOK_S = 1.0


class Cursor:
    """How far an output has come: the last sighting and the last event that it has sent."""

    def __init__(self, sighting_id: int = 0, event_id: int = 0):
        self.sighting_id, self.event_id = sighting_id, event_id

    def to_bytes(self) -> bytes:
        """As `from_bytes` reads it."""
        return json.dumps([self.sighting_id, self.event_id]).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Cursor":
        """Read a cursor from the database."""
        return cls(*json.loads(content))

    def advance(self, messages: Sequence[dict[str, Any]]) -> None:
        """Take in messages that were sent."""
        for message in messages:
            self.sighting_id, self.event_id = message["cursor"]


class Output(Protocol):
    """Where messages go.

    Attributes
    ----------
    name : str
        For people; no password.
    key : str
        What its cursor is kept by: another key starts anew.
    """

    name: str
    key: str

    def begin(self, cursor: Cursor | None, newest: Cursor) -> Cursor:
        """Say from where to go on.

        Parameters
        ----------
        cursor : Cursor or None
            How far it had come by the database; None: it is new.
        newest : Cursor
            How far the database has come.
        """
        ...

    def send(self, messages: Sequence[dict[str, Any]]) -> int:
        """Send messages in their order; return how many went. Raises what goes wrong before the first has gone."""
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...


class Sender(threading.Thread):
    """Sends what a database has, and gets, to one output; labelling never waits for it.

    What waits, waits in the database. The cursor is written after the other side has taken a message: a kill in between
    sends a few of them again, with the same ``sighting_id`` or ``event_id``.

    Parameters
    ----------
    database : str or Path
        Its file.
    output : Output
    """

    def __init__(self, database: str | Path, output: Output):
        super().__init__(name=output.key, daemon=True)
        self._database, self._output = Path(database), output
        self._wake, self._stopping, self._drained = threading.Event(), threading.Event(), threading.Event()
        self._failing = False
        with contextlib.closing(open_database(self._database)) as connection:
            newest = newest_cursor(connection)
            stored = read_state(connection, self._state)
            self._cursor = output.begin(None if stored is None else Cursor.from_bytes(stored), newest)
            # From here on nothing is missed, whenever this process is killed.
            write_state(connection, self._state, self._cursor.to_bytes())

    @property
    def _state(self) -> str:
        return f"output:{self._output.key}"

    def wake(self) -> None:
        """Say that there may be something to send."""
        self._drained.clear()
        self._wake.set()

    def finish(self, seconds: float) -> None:
        """Send what there is, for so many seconds at most, and end; the rest goes with the next start."""
        self.wake()
        if self.is_alive() and (self._failing or not self._drained.wait(seconds)):
            logger.warning("%s: not all was sent; the next start goes on", self._output.name)
        self._stopping.set()
        self._wake.set()
        self.join(1.0)

    def run(self) -> None:
        """Send, wait, send."""
        pause, connection = _SHORTEST_PAUSE_S, None
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                if connection is None:
                    connection = open_database(self._database)
                    # A kill loses no cursor, and a power cut the last ones; labels need not wait for the disk twice.
                    connection.execute("PRAGMA synchronous = NORMAL")
                sent = self._send_some(connection)
            except Exception as error:  # Whatever the other side does, labelling and the other outputs go on.
                if not self._failing:
                    self._failing = True
                    logger.warning(
                        "%s: cannot be reached (%s); trying again, nothing is lost", self._output.name, error
                    )
                self._stopping.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
                continue
            if sent and self._failing:
                self._failing = False
                logger.info("%s: reached again", self._output.name)
            pause = _SHORTEST_PAUSE_S
            if not sent:
                if not self._wake.is_set():
                    self._drained.set()
                self._wake.wait(_LOOK_S)
        if connection is not None:
            connection.close()
        self._output.close()

    def _send_some(self, connection: sqlite3.Connection) -> int:
        messages = read_messages(connection, self._cursor, _AT_ONCE)
        if not messages:
            return 0
        sent = self._output.send(messages)
        self._cursor.advance(messages[:sent])
        write_state(connection, self._state, self._cursor.to_bytes())
        return sent


def read_messages(connection: sqlite3.Connection, cursor: Cursor, limit: int) -> list[dict[str, Any]]:
    """Read what comes after a cursor: labels, then events, as what JSON can hold.

    Parameters
    ----------
    connection : sqlite3.Connection
        To the database.
    cursor : Cursor
        How far an output has come.
    limit : int
        At most so many of each.

    Returns
    -------
    list of dict
        Each with ``type`` (``label``, ``event``) and ``cursor``, how far an output has come with it.
    """
    labels = read_labels_after(connection, cursor.sighting_id, limit)
    messages = [{"type": "label", "cursor": [label["sighting_id"], cursor.event_id], **label} for label in labels]
    last = labels[-1]["sighting_id"] if labels else cursor.sighting_id
    for event in read_events_after(connection, cursor.event_id, limit):
        messages.append({"type": "event", "cursor": [last, event["event_id"]], **event})
    return messages


def newest_cursor(connection: sqlite3.Connection) -> Cursor:
    """Return the cursor behind all that a database has."""
    ids = last_ids(connection)
    return Cursor(ids["sighting_id"], ids["event_id"])


def key_of(kind: str, address: str) -> str:
    """Return what the cursor of an output is kept by: no address, which may hold a password."""
    return f"{kind}:{hashlib.sha256(address.encode()).hexdigest()[:12]}"
