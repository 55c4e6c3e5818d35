"""Files that leave the inbox: labelled ones to an archive, those that were given up to a quarantine."""

import errno
import logging
import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

from nearlabel.production.database.reader import read_quarantined, read_sighting
from nearlabel.production.database.recording import (
    Arrival,
    Event,
    Quarantined,
    now,
    path_to_text,
    record_batch,
    record_place,
    record_quarantined_place,
    text_to_path,
)
from nearlabel.production.watch.inbox import Found
from nearlabel.production.watch.moving import hash_of, move_file, plan_place, require_known, write_reason

logger = logging.getLogger(__name__)


class Outgoing:
    """Moves files out of the inbox after the transaction that says where to.

    A kill between the two leaves a file that the database knows in the inbox: `finish` moves it with the next start.

    Parameters
    ----------
    root : str
        The inbox.
    archive, quarantine : Path or None
        Where to; None: files stay.
    connection : sqlite3.Connection
        Read.
    write : callable
        Called with a function of `nearlabel.production.database.recording`, and what it is given behind the connection.
    unmoved : callable
        Called with a file that could not be moved, to be handed to `finish` later.
    """

    def __init__(
        self,
        root: str,
        archive: Path | None,
        quarantine: Path | None,
        connection: sqlite3.Connection,
        write: Callable[..., None],
        unmoved: Callable[[Found], None],
    ):
        self._root, self._connection, self._write, self._unmoved = root, connection, write, unmoved
        self._archive = os.path.abspath(archive) if archive else ""
        self._quarantine = os.path.abspath(quarantine) if quarantine else ""
        self._planned: dict[str, str] = {}

    def plan_archive(self, found: Found, time: str) -> str:
        """Choose where a labelled file will lie: below the archive, by day (UTC); empty where it stays."""
        if not self._archive:
            return ""
        folder, taken = os.path.join(self._archive, time[:10]), set(self._planned.values())
        place = plan_place(folder, self._relative(found), found.mtime_ns, taken)
        self._planned[found.path] = place
        return path_to_text(place)

    def archive(self, found: Found, arrival: Arrival, *, again: bool = False) -> None:
        """Move a file whose place is recorded; where that fails, it stays, and that is recorded."""
        known, as_recorded = (found.mtime_ns, found.bytes), (arrival.path, arrival.mtime_ns, arrival.bytes)
        target = self._planned.pop(found.path, "") or text_to_path(arrival.archived)
        for last in (False, False, True):
            try:
                _require_root(self._archive, target)
                return move_file(found.path, target, known, again=again)
            except FileExistsError as error:
                if last or not self._archive:
                    return self._stay(found, target, error, as_recorded)
                # Another watcher's file has the place since it was planned.
                again, place = False, self.plan_archive(found, now())
                target = self._planned.pop(found.path)
                self._write(record_place, *as_recorded, place)
            except OSError as error:
                return self._stay(found, target, error, as_recorded)

    def _stay(self, found: Found, target: str, error: OSError, as_recorded: tuple[str, int, int]) -> None:
        self._tell(found, target, error)
        self._write(record_place, *as_recorded, "")

    def quarantine(self, found: Found, reason: str) -> None:
        """Record that a file is given up, as an event too, and move it if there is where to."""
        place = ""
        if self._quarantine and _is_file(found.path):
            place = plan_place(self._quarantine, self._relative(found), found.mtime_ns, set())
        path = path_to_text(found.path)
        what = "moved to the quarantine" if place else "it stays, and is tried again when it changes (touch)"
        sentence = f"{path_to_text(self._relative(found))} cannot be labelled: {reason}; {what}."
        logger.warning("%s", sentence)
        detail = {"path": path, "reason": reason, "moved": path_to_text(place)}
        arrival = Arrival(path, found.mtime_ns, found.bytes)
        self._write(
            record_batch,
            quarantined=[Quarantined(arrival, reason, path_to_text(place))],
            events=[Event("quarantine", sentence, detail)],
        )
        if place:
            self._move_away(found, place, reason)

    def finish(self, found: Found) -> bool:
        """Move a recorded file that still lies in the inbox; False: it is another file than the recorded one."""
        path = path_to_text(found.path)
        given_up = read_quarantined(self._connection, path, found.mtime_ns, found.bytes)
        if given_up is not None:
            if given_up["moved"] and _is_file(found.path):
                self._move_away(found, text_to_path(given_up["moved"]), given_up["reason"], again=True)
            return True
        if self._archive and not os.path.isdir(self._archive):
            # Without reading thousands of files for nothing.
            self._unmoved(found)
            return True
        row = read_sighting(self._connection, path, found.mtime_ns, found.bytes)
        if row is None or (sha256 := hash_of(found.path)) != row["sha256"]:
            return row is not None and not sha256
        again = bool(place := row["archived"])
        if not again and (place := self.plan_archive(found, now())):
            self._write(record_place, path, found.mtime_ns, found.bytes, place)
        if place:
            self.archive(found, Arrival(path, found.mtime_ns, found.bytes, archived=place), again=again)
        return True

    def _move_away(self, found: Found, place: str, reason: str, *, again: bool = False) -> None:
        known = found.mtime_ns, found.bytes
        try:
            _require_root(self._quarantine, place)
            require_known(found.path, known)
            if again or not os.path.lexists(place):
                # First: a kill in between would leave a file without it.
                write_reason(place, reason)
            return move_file(found.path, place, known, again=again)
        except OSError as error:
            self._tell(found, place, error)
            if isinstance(error, FileExistsError) and self._quarantine:
                # Another watcher's, since it was planned.
                place = plan_place(self._quarantine, self._relative(found), found.mtime_ns, set())
                self._write(record_quarantined_place, path_to_text(found.path), *known, path_to_text(place))

    def _tell(self, found: Found, place: str, error: OSError) -> None:
        logger.error(
            "%s: cannot be moved to %s (%s); it stays, and is tried again", found.path, place, error.strerror or error
        )
        self._unmoved(found)

    def _relative(self, found: Found) -> str:
        return os.path.relpath(found.path, self._root)


def _require_root(folder: str, target: str) -> None:
    """Raise an OSError where the folder that files are moved to is gone: its share is not mounted any more."""
    if folder and target.startswith(os.path.join(folder, "")) and not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, f"{folder} is not there")


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
