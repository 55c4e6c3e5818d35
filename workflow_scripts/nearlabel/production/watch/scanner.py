"""A thread that looks at the inbox again and again, and hands over what is ready."""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from nearlabel.production.database.opening import open_to_read
from nearlabel.production.database.reader import read_quarantined, read_sighting
from nearlabel.production.database.recording import Event, path_to_text
from nearlabel.production.watch.inbox import Found, Inbox
from nearlabel.production.watch.settling import Settled, Settling

logger = logging.getLogger(__name__)

READY, GIVEN_UP, LEFT_OVER, EVENT = "ready", "given_up", "left_over", "event"

# A look takes at most a tenth of the time, however many files lie there: 0.4 s for 100,000 on a disk.
_PAUSE_FOR_LOOK = 9.0


class Task(NamedTuple):
    """What the watcher is to do.

    Attributes
    ----------
    kind : str
        ``ready``: label the file; ``given_up``: quarantine it; ``left_over``: it is recorded, and a move may be left to
        do; ``event``: record it.
    found : Found or None
    reason : str
        Of one that is given up.
    event : Event or None
    time : float
        When it was found so; monotonic.
    """

    kind: str
    found: Found | None = None
    reason: str = ""
    event: Event | None = None
    time: float = 0.0


class Scanner(threading.Thread):
    """Looks at the inbox until it is stopped.

    An inbox that cannot be listed is one event, and one when it is back; nothing that is known of its files is lost.

    Parameters
    ----------
    inbox : Inbox
    database : Path
        Read for files that are known.
    tasks : queue.Queue of Task
        Bounded: while it is full, nothing is looked at.
    settle_s, give_up_s, once
        As for `nearlabel.production.watch.settling.Settling`.
    poll_s : float
        Seconds between looks, at least.
    archives : bool
        Whether labelled files that still lie in the inbox are handed over, to be moved.
    wake : callable
        Called after each task.
    """

    def __init__(
        self,
        inbox: Inbox,
        database: Path,
        tasks: queue.Queue,
        *,
        settle_s: float,
        give_up_s: float,
        poll_s: float = 0.5,
        once: bool = False,
        archives: bool = False,
        wake: Callable[[], None] = lambda: None,
    ):
        super().__init__(name="scanner", daemon=True)
        self._inbox, self._database, self._tasks, self._wake = inbox, database, tasks, wake
        self._poll_s, self._once, self._archives, self._give_up_s = poll_s, once, archives, give_up_s
        self._settling = Settling(settle_s, give_up_s, self._is_recorded, once=once)
        self._left_over: list[Found] = []
        self._reports: queue.SimpleQueue = queue.SimpleQueue()
        self._stopping, self._lost = threading.Event(), False
        self._connection: sqlite3.Connection | None = None
        self.waiting = 0
        # Files that nobody has tried yet.
        self.untried = 0
        self.finished = threading.Event()
        self.error: BaseException | None = None

    def report_finished(self, found: Found) -> None:
        """Say that a file needs nothing any more."""
        self._reports.put((self._settling.finish, found))

    def report_failed(self, found: Found, reason: str) -> None:
        """Say that a file could not be read."""
        self._reports.put((self._settling.fail, found, reason))

    def report_unmoved(self, found: Found) -> None:
        """Say that a recorded file could not be moved; it is handed over again, after a while."""
        self._reports.put((self._settling.put_off, found))

    def stop(self) -> None:
        """End soon; no tasks come any more."""
        self._stopping.set()

    def run(self) -> None:
        """Look, hand over, pause."""
        try:
            self._connection = open_to_read(self._database, any_thread=True)
            started = time.monotonic()
            while not self._stopping.is_set():
                before = time.monotonic()
                settled = self._look()
                took = time.monotonic() - before
                if settled is not None:
                    self._hand_over(settled)
                    if self._once and self._is_done(settled, before - started):
                        self.finished.set()
                        self._wake()
                        return
                if settled is None or not settled.recorded:
                    self._stopping.wait(max(self._poll_s, _PAUSE_FOR_LOOK * took))
        except BaseException as error:  # The watcher raises it.
            self.error = error
            self._wake()
        finally:
            if self._connection is not None:
                self._connection.close()

    def _look(self) -> Settled | None:
        while not self._reports.empty():
            report, *of = self._reports.get()
            report(*of)
        try:
            settled = self._settling.look(self._inbox.list())
        except OSError as error:
            if self._once:
                raise
            if not self._lost:
                self._lost = True
                self._tell(
                    f"The inbox {path_to_text(self._inbox.root)} cannot be listed ({error.strerror}); trying again."
                )
            return None
        if self._lost:
            self._lost = False
            self._tell(f"The inbox {path_to_text(self._inbox.root)} is back.")
        self.waiting = settled.waiting
        self.untried = settled.waiting - settled.failing + len(settled.ready)
        return settled

    def _hand_over(self, settled: Settled) -> None:
        now = time.monotonic()
        for found, reason in settled.given_up:
            self._put(Task(GIVEN_UP, found, reason))
        for found in self._left_over:
            self._put(Task(LEFT_OVER, found))
        self._left_over = []
        for found in settled.ready:
            if reason := self._inbox.why_not(found):
                self._settling.fail(found, reason)
            else:
                self._put(Task(READY, found, time=now))
            self.untried -= 1

    def _is_done(self, settled: Settled, seconds: float) -> bool:
        """Whether a watcher that runs once has nothing left; files that never stand still wait for the next time."""
        busy = settled.ready or settled.given_up or settled.recorded or not self._reports.empty()
        if busy or not self._tasks.empty() or self._settling.taken:
            return False
        return settled.waiting == 0 or seconds > self._give_up_s

    def _put(self, task: Task) -> None:
        while not self._stopping.is_set():
            try:
                self._tasks.put(task, timeout=0.2)
            except queue.Full:
                continue
            self._wake()
            return

    def _tell(self, sentence: str) -> None:
        logger.warning("%s", sentence)
        self._put(Task(EVENT, event=Event("inbox", sentence, {"inbox": path_to_text(self._inbox.root)})))

    def _is_recorded(self, found: Found) -> bool:
        known = (path_to_text(found.path), found.mtime_ns, found.bytes)
        row = read_sighting(self._connection, *known)
        left_over = row is not None and bool(row["archived"] or self._archives)
        if row is None:
            row = read_quarantined(self._connection, *known)
            left_over = row is not None and bool(row["moved"])
        if left_over:
            self._left_over.append(found)
        return row is not None
