"""The bundle that the page shows: the one in use, looked at whenever the page is opened."""

import logging
import threading
import time
from pathlib import Path

from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.bundle.numbering import UseNote
from nearlabel.production.review.overlay import NoveltyMaps
from nearlabel.production.review.reference import TrainingImages

logger = logging.getLogger(__name__)

# Until one that could not be opened is tried again: it may not have come whole.
_AGAIN_S = 10.0


class ShownBundle:
    """Training images and maps of novelty of a bundle.

    Parameters
    ----------
    folder : str or Path
        A bundle's own folder, or a folder of bundles: then `follow` takes another one that was put in use.

    Attributes
    ----------
    training : TrainingImages
    maps : NoveltyMaps

    Raises
    ------
    FileNotFoundError, ValueError
        As of `nearlabel.production.bundle.files.read_bundle`.
    """

    def __init__(self, folder: str | Path):
        self._folder, self._note, self._opening = folder, UseNote(folder), threading.Lock()
        self._failed: float | None = None
        self._open()

    def _open(self) -> None:
        bundle = read_bundle(self._folder)

        def make_labeller():
            # Torch is loaded when the first map is asked for.
            from nearlabel.production.labeller.labeller import Labeller

            return Labeller(bundle)

        self.training, self.maps = TrainingImages(bundle), NoveltyMaps(make_labeller)

    def follow(self) -> bool:
        """Open another bundle if it was put in use; returns whether there is one. May be called from any thread."""
        with self._opening:
            changed, now, before = self._note.changed(), time.monotonic(), self.training.bundle
            if not changed and (self._failed is None or now - self._failed < _AGAIN_S):
                return False
            try:
                self._open()
            except Exception as error:  # Whatever is wrong with it, there is one that can be shown.
                self._failed = now
                told = "another bundle was put in use and cannot be: %s; the page shows bundle %d"
                if changed:
                    logger.error(told, error, before.number)
                return False
            self._failed = None
            logger.info("the page shows bundle %d", self.training.bundle.number)
            return self.training.bundle.sha256 != before.sha256
