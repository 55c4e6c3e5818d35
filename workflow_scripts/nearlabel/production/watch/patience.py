"""What may pass, and is waited for: a full disk, another writer, images that cannot be labelled."""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

logger = logging.getLogger(__name__)

# What may pass by itself, or when somebody makes room.
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0

# As long as others wait, more of them are tried: else a few that are spoilt would end each start before those.
_FAILURES, _MANY_FAILURES = 3, 100
_REMEMBERED = 10_000


def write_patiently(write: Callable[[], None], *, is_stopped: Callable[[], bool]) -> None:
    """Write into the database, as often as it takes.

    Parameters
    ----------
    write : callable
        One transaction.
    is_stopped : callable
        Whether not to wait any longer.

    Raises
    ------
    sqlite3.Error
        What does not pass; or waiting was stopped. Nothing is written then.
    """
    pause = _SHORTEST_PAUSE_S
    while True:
        try:
            return write()
        except sqlite3.OperationalError as error:
            if (error.sqlite_errorcode & 0xFF) not in _PASSING or is_stopped():
                raise
            logger.error("the database cannot be written (%s); trying again", error)
        until = time.monotonic() + pause
        while time.monotonic() < until and not is_stopped():
            time.sleep(min(pause, 0.1))
        pause = min(2 * pause, _LONGEST_PAUSE_S)


class Failures:
    """Tells images that cannot be labelled, though they decode, from a labeller that cannot label.

    It is not the images where different ones fail, one after another, and none is labelled in between: `_FAILURES`
    where no others wait, or for longer than half of the time after which they would be given up; else
    `_MANY_FAILURES`. One that failed before others were labelled is itself to blame, and does not count again.

    Parameters
    ----------
    give_up_s : float
        Seconds after which an image that fails is given up.
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, give_up_s: float, clock: Callable[[], float] = time.monotonic):
        self._longest, self._clock = give_up_s / 2, clock
        self._failed: set[str] = set()
        self._to_blame: set[str] = set()
        self._since = 0.0

    def add(self, sha256: Sequence[str], said: Sequence[Any], others_wait: bool) -> None:
        """Take what was said of images.

        Parameters
        ----------
        sha256 : sequence of str, length n
            Of the images.
        said : sequence, length n
            Of each its label, or the error.
        others_wait : bool
            Whether there are other images to be tried.

        Raises
        ------
        RuntimeError
            It is not the images.
        """
        failed = {one: error for one, error in zip(sha256, said, strict=True) if isinstance(error, Exception)}
        if len(failed) < len(said):
            # Those of long ago were given up.
            kept = self._to_blame if len(self._to_blame) < _REMEMBERED else set()
            self._to_blame, self._failed = kept | self._failed | failed.keys(), set()
            return
        if not self._failed:
            self._since = self._clock()
        self._failed |= failed.keys() - self._to_blame
        wait = others_wait and self._clock() - self._since <= self._longest
        if len(self._failed) >= (_MANY_FAILURES if wait else _FAILURES):
            error = list(failed.values())[-1]
            raise RuntimeError(f"one image after another cannot be labelled: {error}") from error
