"""Connections to the watcher's database: many that read, one that writes at a time."""

import queue
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from nearlabel.production.database.opening import identify_file, open_database, open_to_read, transaction
from nearlabel.production.database.said import IDENTITY

BUSY_SECONDS = 10
"""How long a word of an operator waits for the watcher's transaction to end."""


class BusyDatabaseError(Exception):
    """Another process has kept the database for longer than `BUSY_SECONDS`; the browser asks again."""


class MovedDatabaseError(BusyDatabaseError):
    """Another file, or none, has the database's name: what is written would be lost; the browser keeps its answers."""


class Database:
    """A database that the watcher writes, and operators write their words into.

    Parameters
    ----------
    path : str or path-like

    Attributes
    ----------
    path : Path
    identity : str
        Drawn when a review page first opens the database: browsers keep what waits to be sent under it.

    Raises
    ------
    OSError, ValueError
        As `nearlabel.production.database.opening.open_database`.
    """

    def __init__(self, path: str | PathLike):
        self.path = Path(path)
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._writer = open_database(self.path, any_thread=True)
        self._file = identify_file(self.path)
        self._writer.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (IDENTITY, secrets.token_hex(16).encode()),
            )
            [(value,)] = connection.execute("SELECT value FROM state WHERE name = ?", (IDENTITY,))
        self.identity = value.decode()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one state of the database until the block ends.

        Raises
        ------
        MovedDatabaseError
        """
        self._require_file()
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = open_to_read(self.path, any_thread=True)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.rollback()
            self._idle.put(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection of a transaction: all of it is written when the block ends, nothing after an error.

        Raises
        ------
        BusyDatabaseError
            Another process writes for too long; or the database was moved.
        """
        self._require_file()
        with self._lock:
            try:
                with transaction(self._writer):
                    yield self._writer
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    raise BusyDatabaseError(str(error)) from error
                raise

    def _require_file(self) -> None:
        if identify_file(self.path) != self._file:
            raise MovedDatabaseError(
                f"{self.path.name} was removed or replaced; put it back, or end nearlabel review and start it again."
            )

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            self._writer.close()
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return
