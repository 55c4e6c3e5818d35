"""The bundle that labels: one for good, or the one in use of a folder of bundles, looked at again and again."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nearlabel.production.bundle.numbering import UseNote
from nearlabel.production.database.recording import Event

logger = logging.getLogger(__name__)

_EVERY_S = 1.0
# Until one that cannot be used is tried again: what was wrong may pass, such as a share that is away.
_AGAIN_S = 60.0


class FollowedBundle:
    """Gives the labeller of the bundle in use.

    Parameters
    ----------
    folder : str or Path
        A bundle's own folder, or a folder of bundles: then ``nearlabel bundle use`` switches while the watcher runs.
    make : callable
        From a folder to a labeller of the bundle in it.
    """

    def __init__(self, folder: str | Path, make: Callable[[Path], Any]):
        self._folder, self._make = Path(folder), make
        self._note, self._looked = UseNote(folder), time.monotonic()
        self._failed: float | None = None
        self.labeller = make(self._folder)

    def look(self) -> Event | None:
        """Switch to another bundle if it was put in use.

        Returns
        -------
        Event or None
            Of the switch; or that the other bundle cannot be used, and the old one goes on, once. None: nothing has
            changed.
        """
        if time.monotonic() - self._looked < _EVERY_S:
            return None
        self._looked = time.monotonic()
        changed = self._note.changed()
        again = self._failed is not None and self._looked - self._failed >= _AGAIN_S
        if not changed and not again:
            return None
        before = self.labeller.bundle
        try:
            labeller = self._make(self._folder)
        except Exception as error:  # Whatever is wrong with it, there is one that works.
            self._failed = self._looked
            if not changed:
                return None
            sentence = f"Another bundle was put in use and cannot be: {error}; bundle {before.number} goes on."
            logger.error("%s", sentence)
            return Event("bundle", sentence, {"from": before.number, "to": before.number})
        self._failed, after = None, labeller.bundle
        if after.sha256 == before.sha256:
            return None
        self.labeller = labeller
        sentence = f"Bundle {after.number} is in use instead of bundle {before.number}; images labelled before stay so."
        logger.info("%s", sentence)
        return Event(
            "bundle",
            sentence,
            {"from": before.number, "to": after.number, "from_sha256": before.sha256, "to_sha256": after.sha256},
        )
