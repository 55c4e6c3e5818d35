"""The watcher: files that arrive in an inbox are labelled and recorded, for months."""

import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from nearlabel.production.database.opening import identify_file
from nearlabel.production.database.reader import last_ids, read_label_of, read_sighting
from nearlabel.production.database.recording import Arrival, Event, Recorded, now, path_to_text, record_batch
from nearlabel.production.labelled import Labelled, Prepared
from nearlabel.production.labeller.outcomes import label_each
from nearlabel.production.watch.ahead import Ahead, prepare_found
from nearlabel.production.watch.companions import Companions
from nearlabel.production.watch.inbox import Found, Inbox, PathFacts
from nearlabel.production.watch.options import WatchOptions
from nearlabel.production.watch.outgoing import Outgoing
from nearlabel.production.watch.patience import Failures, write_patiently
from nearlabel.production.watch.scanner import GIVEN_UP, LEFT_OVER, READY, Scanner, Task
from nearlabel.production.watch.speed import Speed

logger = logging.getLogger(__name__)

# Labelling one batch should not take longer, so that what is labelled is soon on the disk.
_BATCH_S = 1.0
# Between looks at whether to stop, or at another bundle, when nothing arrives.
_LOOK_S = 0.25


@dataclass
class _Pending:
    """Files and events that wait to be recorded without labels."""

    given_up: list[tuple[Found, str]] = field(default_factory=list)
    left_over: list[Found] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class Watcher:
    """Labels what arrives in an inbox until it is stopped.

    What is recorded in one transaction is all that is ever lost or kept by a kill: a file that is not recorded is found
    again, and one that is, is known. Images that wait for the encoder are bounded in number.

    Parameters
    ----------
    inbox : str or Path
        The folder.
    database : str or Path
        Its file.
    connection : sqlite3.Connection
        To it, for writing; nobody else writes labels.
    source : FollowedBundle
        Gives the labeller, as `nearlabel.production.watch.following.FollowedBundle` does.
    options : WatchOptions
    facts : PathFacts
        What paths say.
    recorded : callable
        Called after each transaction.
    """

    def __init__(
        self,
        inbox: str | Path,
        database: str | Path,
        connection: sqlite3.Connection,
        source: Any,
        options: WatchOptions,
        *,
        facts: PathFacts | None = None,
        recorded: Callable[[], None] = lambda: None,
    ):
        self._connection, self._source, self._options = connection, source, options
        self._database, self._file = Path(database), identify_file(database)
        self._facts = facts or PathFacts()
        self._recorded = recorded
        self._companions = self._accompany()
        self._wake, self._stopped = threading.Event(), False
        apart = options.archive, options.quarantine
        self._inbox = Inbox(inbox, tuple(folder for folder in apart if folder))
        self._limit = 2 * options.batch + options.workers
        self._tasks: queue.Queue[Task] = queue.Queue(maxsize=2 * options.batch)
        self._scanner = Scanner(
            self._inbox,
            Path(database),
            self._tasks,
            settle_s=options.settle_s,
            give_up_s=options.give_up_s,
            poll_s=options.poll_s,
            once=options.once,
            archives=options.archive is not None,
            wake=self._wake.set,
        )
        self._outgoing = Outgoing(self._inbox.root, *apart, connection, self._write, self._scanner.report_unmoved)
        self._ahead = Ahead(options.workers, self._wake.set)
        self._pending = _Pending()
        self._next_label = last_ids(connection)["label_id"] + 1
        self._seconds_each = 0.0
        self._failures = Failures(options.give_up_s)
        self.speed = Speed(options.report_every_s)

    def stop(self) -> None:
        """End after the batch in hand; may be called in a signal's handler, where no lock may be waited for."""
        self._stopped = True

    def run(self) -> None:
        """Watch until `stop`, or, once, until all is labelled.

        Raises
        ------
        OSError, sqlite3.Error
            What nothing can be done about; nothing is lost, and the next start goes on.
        RuntimeError
            Labelling fails for one image after another.
        """
        self._scanner.start()
        try:
            while not self._stopped:
                self._wake.clear()
                if self._scanner.error is not None:
                    raise self._scanner.error
                finished = self._scanner.finished.is_set()
                self._follow()
                self._fill()
                taken = self._ahead.take(self._batch_limit())
                if taken:
                    self._do_batch(taken)
                self._pending.events += self._companions.search()
                self._record_pending()
                self.speed.tell(self._waiting(), getattr(self._source.labeller, "take_seconds", None))
                if taken:
                    continue
                if finished and not len(self._ahead) and self._tasks.empty():
                    break
                self._wake.wait(_LOOK_S)
            self._pending.events += self._companions.search(now=True)
            self._record_pending()
        finally:
            self._scanner.stop()
            self._ahead.close()
            self.speed.tell(self._waiting(), getattr(self._source.labeller, "take_seconds", None), now=True)

    def _waiting(self) -> int:
        return self._scanner.waiting + self._tasks.qsize() + len(self._ahead)

    def _batch_limit(self) -> int:
        """As many as are labelled in a second, by the last batches."""
        if not self._seconds_each:
            return 1
        return max(1, min(self._options.batch, int(_BATCH_S / self._seconds_each)))

    def _follow(self) -> None:
        event = self._source.look()
        if event is None:
            return
        self._pending.events.append(event)
        # By its content: of a folder of bundles that was made anew, the number may be the same.
        if self._source.labeller.bundle.sha256 == self._companions.bundle.sha256:
            return
        self._companions = self._accompany()
        # They were made ready for the other bundle's encoders.
        for task in self._ahead.drop():
            self._prepare(task)

    def _accompany(self) -> Companions:
        bundle, alpha = self._source.labeller.bundle, self._options.drift_alarms
        return Companions(bundle, self._connection, alpha, parts=self._facts.knows_parts)

    def _fill(self) -> None:
        while len(self._ahead) < self._limit and not self._ahead.is_full:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return
            if task.kind == READY:
                self._prepare(task)
            elif task.kind == GIVEN_UP:
                self._pending.given_up.append((task.found, task.reason))
            elif task.kind == LEFT_OVER:
                self._pending.left_over.append(task.found)
            else:
                self._pending.events.append(task.event)

    def _prepare(self, task: Task) -> None:
        prepare = self._source.labeller.prepare
        self._ahead.add(task, lambda task: prepare_found(prepare, task.found))

    def _do_batch(self, taken: Sequence[tuple[Task, Prepared | Exception]]) -> None:
        bundle = self._source.labeller.bundle
        images: list[tuple[Task, Prepared]] = []
        for task, result in taken:
            if isinstance(result, Exception):
                self._fail(task, result)
            else:
                images.append((task, result))
        label_ids = {one.sha256: read_label_of(self._connection, one.sha256, bundle.sha256) for _, one in images}
        fresh = {one.sha256: one for _, one in images if label_ids[one.sha256] is None}
        said = dict(zip(fresh, self._label(list(fresh.values())), strict=True))
        given = [one for one in said.values() if isinstance(one, Labelled)]
        shadow = dict(zip((one.sha256 for one in given), self._companions.shadow_nodes(given), strict=True))
        next_label = self._next_label
        rows, tasks, time_now = [], [], now()
        for task, image in images:
            labelled = said.pop(image.sha256, None)
            if isinstance(labelled, Exception):
                label_ids[image.sha256] = labelled
            elif labelled is not None:
                label_ids[image.sha256], next_label = next_label, next_label + 1
            label_id = label_ids[image.sha256]
            if isinstance(label_id, Exception):
                self._fail(task, label_id)
                continue
            arrival = self._arrive(task.found, image.sha256, time_now)
            rows.append(Recorded(arrival, image, labelled, label_id, shadow.get(image.sha256, "") if labelled else ""))
            tasks.append(task)
        if not rows:
            return
        events, state = self._companions.learn(rows)
        facts = {"bundle": bundle.number, "bundle_sha256": bundle.sha256, "time": time_now}
        self._write(record_batch, rows, events=events, state=state, **facts)
        self._next_label = next_label
        done = time.monotonic()
        self.speed.add([done - task.time for task in tasks])
        for task, row in zip(tasks, rows, strict=True):
            if row.arrival.archived:
                self._outgoing.archive(task.found, row.arrival)
            self._scanner.report_finished(task.found)

    def _label(self, images: list[Prepared]) -> list[Labelled | Exception]:
        """Label together; where that fails, one by one, so that one image spoils no others."""
        if not images:
            return []
        start = time.monotonic()
        said = label_each(self._source.labeller.label, images)
        others_wait = len(self._ahead) > 0 or not self._tasks.empty() or self._scanner.untried > 0
        self._failures.add([image.sha256 for image in images], said, others_wait)
        each = (time.monotonic() - start) / len(images)
        self._seconds_each = each if not self._seconds_each else 0.7 * self._seconds_each + 0.3 * each
        return said

    def _fail(self, task: Task, error: Exception) -> None:
        reason = str(error) or type(error).__name__
        self._scanner.report_failed(task.found, reason)

    def _arrive(self, found: Found, sha256: str, time_now: str) -> Arrival:
        path, mtime_ns = path_to_text(found.path), found.mtime_ns
        archived = self._outgoing.plan_archive(found, time_now)
        # The same name, size and time, but other bytes: times can be coarse, and the first file is moved away.
        while (row := read_sighting(self._connection, path, mtime_ns, found.bytes)) and row["sha256"] != sha256:
            mtime_ns += 1
        relative = path_to_text(os.path.relpath(found.path, self._inbox.root))
        return Arrival(path, mtime_ns, found.bytes, self._facts.camera(relative), self._facts.part(relative), archived)

    def _record_pending(self) -> None:
        pending, self._pending = self._pending, _Pending()
        if pending.events:
            self._write(record_batch, events=pending.events)
        for found, reason in pending.given_up:
            self._outgoing.quarantine(found, reason)
            self._scanner.report_finished(found)
        for found in pending.left_over:
            if self._outgoing.finish(found):
                continue
            # Another file than the one that was recorded.
            self._prepare(Task(READY, found, time=time.monotonic()))

    def _write(self, record: Callable[..., None], *arguments: Any, **others: Any) -> None:
        if identify_file(self._database) != self._file:
            # SQLite would go on writing into the file that has no name any more.
            raise FileNotFoundError(
                f"{self._database} was removed or replaced; what arrived since is not recorded and lies where it was: "
                "put the database back, or start again for a new one"
            )
        write_patiently(partial(record, self._connection, *arguments, **others), is_stopped=lambda: self._stopped)
        self._recorded()
