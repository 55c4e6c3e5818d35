"""Files that leave the inbox: labelled ones to an archive, those that were given up to a quarantine."""

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
    record_place,
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
        For writing.
    write : callable
        `nearlabel.production.database.recording.record_batch` without the connection.
    """

    def __init__(
        self,
        root: str,
        archive: Path | None,
        quarantine: Path | None,
        connection: sqlite3.Connection,
        write: Callable[..., None],
    ):
        self._root, self._connection, self._write = root, connection, write
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

    def archive(self, found: Found, arrival: Arrival) -> None:
        """Move a file whose place is recorded; where that fails, it stays, and that is recorded."""
        target = self._planned.pop(found.path, "") or text_to_path(arrival.archived)
        try:
            move_file(found.path, target, (found.mtime_ns, found.bytes))
        except OSError as error:
            logger.error("%s: cannot be moved to %s (%s); it stays", found.path, target, error.strerror or error)
            record_place(self._connection, arrival.path, arrival.mtime_ns, arrival.bytes, "")

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
                self._move_away(found, text_to_path(given_up["moved"]), given_up["reason"])
            return True
        row = read_sighting(self._connection, path, found.mtime_ns, found.bytes)
        if row is None or (sha256 := hash_of(found.path)) != row["sha256"]:
            return row is not None and not sha256
        place = text_to_path(row["archived"]) if row["archived"] else ""
        if not place and not self._archive:
            return True
        if not place or (os.path.lexists(place) and hash_of(place) != sha256):
            self.plan_archive(found, now())
            place = self._planned.get(found.path, "")
            record_place(self._connection, path, found.mtime_ns, found.bytes, path_to_text(place))
        self.archive(found, Arrival(path, found.mtime_ns, found.bytes, archived=path_to_text(place)))
        return True

    def _move_away(self, found: Found, place: str, reason: str) -> None:
        try:
            known = found.mtime_ns, found.bytes
            require_known(found.path, known)
            # First: a kill in between would leave a file without it.
            write_reason(place, reason)
            move_file(found.path, place, known)
        except OSError as error:
            logger.error("%s: cannot be moved to %s (%s); it stays", found.path, place, error.strerror or error)

    def _relative(self, found: Found) -> str:
        return os.path.relpath(found.path, self._root)


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
