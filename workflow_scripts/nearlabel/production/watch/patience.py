"""Recording when the disk is full, or another writer takes long: waiting, as nothing may be lost."""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

from nearlabel.production.database.recording import Recorded, record_batch

logger = logging.getLogger(__name__)

# What may pass by itself, or when somebody makes room.
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0


def record_patiently(
    connection: sqlite3.Connection, rows: Sequence[Recorded] = (), *, is_stopped: Callable[[], bool], **others: Any
) -> None:
    """Record a batch, as often as it takes.

    Parameters
    ----------
    connection, rows, **others
        As for `nearlabel.production.database.recording.record_batch`.
    is_stopped : callable
        Whether not to wait any longer.

    Raises
    ------
    sqlite3.Error
        What does not pass; or waiting was stopped. Nothing of the batch is recorded then.
    """
    pause = _SHORTEST_PAUSE_S
    while True:
        try:
            return record_batch(connection, rows, **others)
        except sqlite3.OperationalError as error:
            if (error.sqlite_errorcode & 0xFF) not in _PASSING or is_stopped():
                raise
            logger.error("the database cannot be written (%s); trying again", error)
        until = time.monotonic() + pause
        while time.monotonic() < until and not is_stopped():
            time.sleep(min(pause, 0.1))
        pause = min(2 * pause, _LONGEST_PAUSE_S)
