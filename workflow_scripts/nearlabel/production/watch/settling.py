"""Which files of an inbox are ready: complete, new, the oldest first; and which are given up."""

import heapq
import logging
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from nearlabel.production.watch.inbox import Found

logger = logging.getLogger(__name__)

WINDOW = 10_000
"""Files that are watched while they wait, the oldest; more wait their turn unwatched, so that memory is bounded."""

# Between attempts to read a file that could not be read.
_LONGEST_PAUSE_S = 30.0
# Until files that could not be moved are tried again: each is read whole then.
_PUT_OFF_S = 600.0


@dataclass
class _Waiting:
    found: Found
    since: float  # Monotonic; when it was first seen as it is.
    reason: str = ""  # Why it could not be read the last time.
    failing: float = 0.0  # Since when; it may have waited for its turn for long before.
    next_try: float = 0.0


@dataclass
class Settled:
    """What one look at an inbox has found.

    Attributes
    ----------
    ready : list of Found
        Stand still long enough, the oldest first.
    given_up : list of tuple of Found and str
        With the reason.
    recorded : list of Found
        Known by the database.
    waiting : int
        Files that are watched and not ready.
    failing : int
        Those of them that could not be read or labelled.
    """

    ready: list[Found] = field(default_factory=list)
    given_up: list[tuple[Found, str]] = field(default_factory=list)
    recorded: list[Found] = field(default_factory=list)
    waiting: int = 0
    failing: int = 0


class Settling:
    """Remembers, from look to look, since when each file stands still. Not for several threads at a time.

    Neither the machine's clock nor the share's is relied on: what counts is how long a file was seen unchanged.

    Parameters
    ----------
    settle_s : float
        A file is ready when its size and time were seen unchanged for so long.
    give_up_s : float
        A file that stands still and cannot be read for so long, since the first try, is given up.
    is_recorded : callable
        Whether the database knows a file; asked once for each, and again where it was put off.
    window : int
        As `WINDOW`.
    once : bool
        Whether the watcher will soon end: what comes after the first look is left for the next time, and so is a file
        that cannot be read, unless it is old enough to be given up.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        settle_s: float,
        give_up_s: float,
        is_recorded: Callable[[Found], bool],
        *,
        window: int = WINDOW,
        once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._settle_s, self._give_up_s, self._once = settle_s, give_up_s, once
        self._is_recorded, self._clock, self._window = is_recorded, clock, window
        # Of files that lie there and need nothing; a number for each, as there may be very many.
        self._known: set[int] = set()
        self._put_off, self._again = set[int](), 0.0
        self._first: set[int] | None = None
        self._taken: dict[str, _Waiting] = {}
        self._waiting: dict[str, _Waiting] = {}

    def look(self, listed: Iterable[Found]) -> Settled:
        """Take in what lies in the inbox now.

        Parameters
        ----------
        listed : iterable of Found
            All files; an error while it is listed changes nothing.

        Returns
        -------
        Settled
            Files that are `ready` count as taken until `finish` or `fail`.
        """
        present: set[int] = set()
        if self._once and self._first is None:
            listed = list(listed)
            self._first = {hash(found.path) for found in listed}
        now, result = self._clock(), Settled()
        if self._put_off and now >= self._again:
            self._known -= self._put_off
            self._put_off.clear()
        oldest = heapq.nsmallest(
            self._window, self._new_ones(listed, present), key=lambda found: (found.mtime_ns, found.path)
        )
        self._known &= present
        self._put_off &= present
        earlier, self._waiting = self._waiting, {}
        for found in oldest:
            one = earlier.get(found.path)
            if one is None and self._is_recorded(found):
                self._known.add(hash(found))
                result.recorded.append(found)
                continue
            if one is None or one.found != found:
                one = _Waiting(found, now)
            self._sort(one, now, result)
        result.waiting = len(self._waiting)
        result.failing = sum(bool(one.reason) for one in self._waiting.values())
        return result

    def finish(self, found: Found) -> None:
        """Note that a file needs nothing any more."""
        self._taken.pop(found.path, None)
        self._known.add(hash(found))

    def fail(self, found: Found, reason: str) -> None:
        """Note that a file could not be read; it is tried again until it is given up, unless it is gone."""
        one = self._taken.pop(found.path, None) or _Waiting(found, self._clock())
        self._known.discard(hash(found))
        if not os.path.lexists(found.path):
            logger.info("%s: gone before it was read", found.path)
            return
        now = self._clock()
        if not one.reason:
            one.failing = now
        one.reason = reason
        # Sooner where it may just have become complete.
        one.next_try = now + min(max(self._settle_s, 0.5 * (now - one.failing)), _LONGEST_PAUSE_S)
        self._waiting[found.path] = one

    def put_off(self, found: Found) -> None:
        """Note that a recorded file could not be moved: whether it is recorded is asked again, after a while."""
        self.finish(found)
        if not self._put_off:
            self._again = self._clock() + _PUT_OFF_S
        self._put_off.add(hash(found))

    @property
    def taken(self) -> int:
        """Files that are taken."""
        return len(self._taken)

    def _new_ones(self, listed: Iterable[Found], present: set[int]) -> Iterable[Found]:
        for found in listed:
            key = hash(found)
            if key in self._known:
                present.add(key)
            elif found.path not in self._taken and (self._first is None or hash(found.path) in self._first):
                yield found

    def _sort(self, one: _Waiting, now: float, result: Settled) -> None:
        found = one.found
        if one.reason and (now - one.failing >= self._give_up_s or self._once):
            if self._once and time.time() - found.mtime_ns / 1e9 < self._give_up_s:
                logger.warning("%s: left for the next time: %s", found.path, one.reason)
                self._known.add(hash(found))
                return
            self._taken[found.path] = one
            result.given_up.append((found, one.reason))
        elif now - one.since >= self._settle_s and now >= one.next_try:
            self._taken[found.path] = one
            result.ready.append(found)
        else:
            self._waiting[found.path] = one
