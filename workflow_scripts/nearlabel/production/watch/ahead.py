"""Images that are read and decoded while the encoder is busy: a bounded number, in their order."""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from nearlabel.images.reading import UnreadableImageError
from nearlabel.production.labelled import Prepared
from nearlabel.production.watch.inbox import Found

HELD_BYTES = 2**30
"""Images that are ready for the encoder take no more than about so much memory."""


class Ahead:
    """Threads that prepare images, the oldest first, and hand them out in that order.

    The threads end with the process: one that a dead share holds does not keep it from ending.

    Parameters
    ----------
    workers : int
        Threads.
    wake : callable
        Called when an image is ready.
    """

    def __init__(self, workers: int, wake: Callable[[], None] = lambda: None):
        self._work: queue.SimpleQueue = queue.SimpleQueue()
        self._order: deque[tuple[Any, Future]] = deque()
        self._wake, self._workers, self._bytes_each = wake, workers, 0
        for number in range(workers):
            threading.Thread(target=self._serve, name=f"decoder-{number}", daemon=True).start()

    def __len__(self) -> int:
        return len(self._order)

    @property
    def is_full(self) -> bool:
        """Whether so many images, as large as the last one taken, need `HELD_BYTES`; at first, whether threads work."""
        if not self._bytes_each:
            return len(self._order) > self._workers
        return len(self._order) * self._bytes_each >= HELD_BYTES

    def add(self, item: Any, prepare: Callable[[Any], Prepared]) -> None:
        """Have an image prepared; `item` is what `take` gives with it."""
        future: Future = Future()
        future.add_done_callback(lambda _: self._wake())
        self._order.append((item, future))
        self._work.put((item, future, prepare))

    def take(self, limit: int) -> list[tuple[Any, Prepared | Exception]]:
        """Take those that are ready, at most `limit`, without overtaking; an error stands for an image that has one."""
        taken = []
        while self._order and len(taken) < limit and self._order[0][1].done():
            item, future = self._order.popleft()
            taken.append((item, future.exception() or future.result()))
        if taken and not isinstance(taken[-1][1], Exception):
            self._bytes_each = max(1, size_of(taken[-1][1]))
        return taken

    def drop(self) -> list[Any]:
        """Give up all that were added and not taken; return their items."""
        items = []
        while self._order:
            item, future = self._order.popleft()
            future.cancel()
            items.append(item)
        return items

    def close(self) -> None:
        """End the threads, each after the image in hand; nothing may be added any more."""
        self.drop()
        for _ in range(self._workers):
            self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            item, future, prepare = work
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(prepare(item))
            except Exception as error:  # Whatever a decoder raises is said of this image, and only of it.
                future.set_exception(error)
            # Else the last image stays in memory until the next.
            del work, item, future, prepare


def size_of(prepared: Prepared) -> int:
    """Bytes of an image that is ready for the encoders."""
    return sum(getattr(placed, "nbytes", 0) for placed in prepared.placed.values())


def prepare_found(prepare: Callable[[str], Prepared], found: Found) -> Prepared:
    """Prepare a file, if it is, before and after, what was found.

    Parameters
    ----------
    prepare : callable
        `nearlabel.production.labeller.labeller.Labeller.prepare`; asked for an image with its thumbnail.
    found : Found

    Raises
    ------
    UnreadableImageError
        When it is no whole image, or has changed.
    """
    _require_same(found)
    prepared = prepare(found.path, shown=True)
    _require_same(found)
    if prepared.bytes != found.bytes:
        raise UnreadableImageError("the file changes while it is read")
    return prepared


def _require_same(found: Found) -> None:
    try:
        facts = os.lstat(found.path)
    except FileNotFoundError as error:
        raise UnreadableImageError("the file does not exist (any more)") from error
    if (facts.st_mtime_ns, facts.st_size) != (found.mtime_ns, found.bytes):
        raise UnreadableImageError("the file changes while it is read")
