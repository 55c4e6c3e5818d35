"""How fast the watcher is, said every so often."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

logger = logging.getLogger(__name__)

_KEPT = 10_000


class Speed:
    """Counts images and says, when it is time, how many there were and how long they took.

    Parameters
    ----------
    every_s : float
        Seconds between lines; 0: none. Without images there is no line.
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic):
        self._every_s, self._clock = every_s, clock
        self._since = clock()
        self._images = 0
        self._latencies: deque[float] = deque(maxlen=_KEPT)
        self.images = 0

    def add(self, latencies: Sequence[float]) -> None:
        """Count images by the seconds that each took from ready (standing still) to committed."""
        self._images += len(latencies)
        self.images += len(latencies)
        self._latencies.extend(latencies)

    def tell(self, waiting: int, seconds: object = None, now: bool = False) -> str:
        """Say how it goes where it is time, or now, and begin anew.

        Parameters
        ----------
        waiting : int
            Images that are queued.
        seconds : object, optional
            Function that gives the labeller's `Seconds` since it was last called.
        now : bool
            Whether to say it before its time.

        Returns
        -------
        str
            The line that was logged; empty where there was none.
        """
        passed = self._clock() - self._since
        if not self._images or not (now or (self._every_s and passed >= self._every_s)):
            if passed >= self._every_s and not self._images:
                self._since = self._clock()
            return ""
        median, late = np.percentile(self._latencies, [50, 95])
        line = (
            f"{self._images} images in {passed:.0f} s, {self._images / max(passed, 1e-9):.1f} a second; ready to "
            f"recorded: {median:.2f} s in the middle, {late:.2f} s for the slowest 5 %; {waiting} waiting"
        )
        if seconds is not None:
            spent = seconds()
            each = 1000 / max(spent.images, 1)
            line += (
                f"; an image: {spent.decode * each:.0f} ms decoding, {spent.encode * each:.0f} ms encoding, "
                f"{spent.rest * each:.0f} ms the rest"
            )
        logger.info("%s", line)
        self._since, self._images = self._clock(), 0
        self._latencies.clear()
        return line
