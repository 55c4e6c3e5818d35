"""Labels and events sent on from the database, in their order, however long the other side is dead."""

import contextlib
import hashlib
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from nearlabel.production.database.opening import open_database
from nearlabel.production.database.reader import last_ids, read_events_after, read_labels_after, read_state
from nearlabel.production.database.recording import Event, record_batch, write_state

logger = logging.getLogger(__name__)

REPORT_S = 2.0
"""Seconds after which an output says how many messages have gone, whatever is left: a kill sends few of them again."""

_AT_ONCE = 100
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
# What is written by another process, a reviewer, is found by looking.
_LOOK_S = 1.0
# A log is not read back for months.
_TELL_AGAIN_S = 24 * 3600.0


class RefusedError(OSError):
    """The other side takes messages, but refuses the first of these for what it is: it would do so for ever."""


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

    def begin(self, cursor: Cursor | None, newest: Cursor, ours: Callable[[dict[str, Any]], bool]) -> Cursor:
        """Say from where to go on.

        Parameters
        ----------
        cursor : Cursor or None
            How far it had come by the database; None: it is new.
        newest : Cursor
            How far the database has come.
        ours : callable
            Whether a message is one of the database.
        """
        ...

    def send(self, messages: Sequence[dict[str, Any]]) -> int:
        """Send messages in their order; return how many went: all, or those of some `REPORT_S` seconds.

        Raises what goes wrong before the first has gone; with a `RefusedError`, that one is passed over.
        """
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...


class Sender(threading.Thread):
    """Sends what a database has, and gets, to one output; labelling never waits for it.

    What waits, waits in the database. The cursor is written after the other side has taken a message: a kill in between
    sends a few of them again, with the same ``sighting_id`` or ``event_id``. One that the other side refuses for what
    it is holds up no others: it is passed over, which is an event.

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
        self._failing, self._told = False, 0.0
        with contextlib.closing(open_database(self._database)) as connection:
            newest = newest_cursor(connection)
            stored = read_state(connection, self._state)
            known = None if stored is None else Cursor.from_bytes(stored)
            self._cursor = output.begin(known, newest, partial(is_ours, connection))
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
                # One that refuses all that it is sent is soon sent little, so that little is passed over.
                if not isinstance(error, RefusedError):
                    self._tell(error)
                self._stopping.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
                continue
            if sent and self._failing:
                self._failing = False
                logger.info("%s: takes what is sent again", self._output.name)
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
        try:
            sent = self._output.send(messages)
        except RefusedError as error:
            self._pass_over(connection, messages[0], error)
            raise
        self._cursor.advance(messages[:sent])
        write_state(connection, self._state, self._cursor.to_bytes())
        return sent

    def _pass_over(self, connection: sqlite3.Connection, message: dict[str, Any], error: RefusedError) -> None:
        label_id = message.get("label_id")
        what = f"event {message['event_id']}" if label_id is None else f"label {label_id} of {message['path']}"
        sentence = f"{self._output.name} refuses {what} ({error}); it is passed over, and stays in the database."
        detail = {"output": self._output.name, "sighting_id": message.get("sighting_id")}
        # Of an event there is none: it might be refused as well, and so on.
        events = [] if label_id is None else [Event("output", sentence, detail, label_id, label_id)]
        cursor = Cursor(*message["cursor"])
        record_batch(connection, events=events, state={self._state: cursor.to_bytes()})
        self._cursor = cursor
        logger.warning("%s", sentence)

    def _tell(self, error: Exception) -> None:
        """Say that nothing can be sent, at once and then from time to time."""
        if not self._failing or time.monotonic() - self._told >= _TELL_AGAIN_S:
            self._told = time.monotonic()
            logger.warning("%s: nothing can be sent (%s); trying again, nothing is lost", self._output.name, error)
        self._failing = True


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


def is_ours(connection: sqlite3.Connection, message: dict[str, Any]) -> bool:
    """Whether a message was read from this database: others count alike, but not at the same times."""
    name, read = ("sighting_id", read_labels_after) if message["type"] == "label" else ("event_id", read_events_after)
    found = read(connection, message[name] - 1, 1)
    return any(one[name] == message[name] and one["time"] == message["time"] for one in found)


def newest_cursor(connection: sqlite3.Connection) -> Cursor:
    """Return the cursor behind all that a database has."""
    ids = last_ids(connection)
    return Cursor(ids["sighting_id"], ids["event_id"])


def key_of(kind: str, address: str) -> str:
    """Return what the cursor of an output is kept by: no address, which may hold a password."""
    return f"{kind}:{hashlib.sha256(address.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"
