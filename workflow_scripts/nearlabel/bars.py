"""How far a job has come, said now and then: whole lines, as several jobs share one terminal."""

import logging
import math
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TypeVar

from tqdm import tqdm

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

# Seconds of work before the first line, between lines on a terminal, and between lines elsewhere.
FIRST, ON_TERMINAL, ELSEWHERE = 3, 10, 60
# Lines back to where the rate is counted from: what was slow at first, as the start of processes, is forgotten.
WINDOW = 6
WIDTH = 10

_speaks: ContextVar[bool] = ContextVar("speaks", default=False)


class Progress:
    """Counts work done, and logs a line some seconds after its start, at intervals, and at its end.

    ``████▏      41%  5300 of 12568 images, 85 images/s, 1:25 left``. On a terminal every 10 s, of which the log file
    takes one a minute; elsewhere one a minute. Work that ends within 3 s says nothing; what
    ends in an error says no last line. One within another is silent: the outer one speaks for both. A context::

        with Progress(len(rows), "images") as progress:
            for block in blocks:
                progress.update(len(block))

    Parameters
    ----------
    total : int
        Units in all.
    unit : str
        What is counted, in the plural with an s: ``images``.
    done : int
        Those of `total` that were there before, from an earlier run or a cache; they count for no rate.
    at_most : bool
        Whether the work may end before all is done, as training that stops early.
    """

    def __init__(self, total: int, unit: str, *, done: int = 0, at_most: bool = False):
        self.total, self.done = total, done
        self._unit, self._before, self._at_most, self._note = unit, done, at_most, ""

    def __enter__(self) -> "Progress":
        self._silent = _speaks.get()
        _speaks.set(True)
        self._interval = ON_TERMINAL if _on_terminal() else ELSEWHERE
        self._start = time.monotonic()
        self._next, self._kept = self._start + FIRST, -math.inf
        self._marks = deque([(self._start, self.done)], WINDOW)
        return self

    def update(self, count: int = 1, note: str | None = None) -> None:
        """Count work as done, and say so when it is time.

        Parameters
        ----------
        count : int
            Units since the last call.
        note : str, optional
            What else is worth a word, said in this line and in the next ones.
        """
        self.done += count
        self._note = self._note if note is None else f", {note}"
        now = time.monotonic()
        # The last line is said at the end.
        if now < self._next or self.done >= self.total:
            return
        self._next = now + self._interval
        since, before = self._marks[0]
        self._marks.append((now, self.done))
        rate = (self.done - before) / (now - since)
        most = "at most " if self._at_most else ""
        left = f", {most}{_clock((self.total - self.done) / rate)} left" if rate else ""
        # The log file takes one line a minute.
        passing = now - self._kept < ELSEWHERE
        self._kept = self._kept if passing else now
        done = f"{self.done} of {most}{self.total} {self._unit}"
        self._say(self.done / self.total, f"{done}{self._note}{self._speed(rate)}{left}", passing)

    def __exit__(self, kind, *error) -> None:
        if not self._silent:
            _speaks.set(False)
        spent = time.monotonic() - self._start
        if kind is None and spent >= FIRST:
            made = self.done - self._before
            now = f", {made} of them now," if self._before else ""
            self._say(1, f"{self.done} {self._unit}{now} in {_clock(spent)}{self._note}{self._speed(made / spent)}")

    def _say(self, share: float, text: str, passing: bool = False) -> None:
        if not self._silent:
            bar = tqdm.format_meter(share, 1, 0, ascii=not _draws_blocks(), bar_format=f"{{bar:{WIDTH}}}")
            logger.info("%s %3d%%  %s", bar, 100 * share, text, extra={"passing": passing})

    def _speed(self, rate: float) -> str:
        if not rate:
            return ""
        if rate >= 1:
            return f", {rate:.0f} {self._unit}/s" if rate >= 9.5 else f", {rate:.1f} {self._unit}/s"
        article = "an" if self._unit[0] in "aeiou" else "a"
        return f", {1 / rate:.{0 if rate <= 0.1 else 1}f} s {article} {self._unit.removesuffix('s')}"


def over(items: Sequence[Item], unit: str) -> Iterator[Item]:
    """Go through items as a `Progress` counts them.

    Parameters
    ----------
    items : sequence
    unit : str
        As for `Progress`.
    """
    with Progress(len(items), unit) as progress:
        for item in items:
            yield item
            progress.update()


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _draws_blocks() -> bool:
    try:
        "▏█".encode(getattr(sys.stderr, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _clock(seconds: float) -> str:
    return tqdm.format_interval(seconds).removeprefix("0")
