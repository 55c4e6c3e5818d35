"""The bundle that the page shows: the one in use, looked at whenever the page is opened."""

import logging
import threading
from pathlib import Path

from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.bundle.numbering import UseNote
from nearlabel.production.review.overlay import NoveltyMaps
from nearlabel.production.review.reference import TrainingImages

logger = logging.getLogger(__name__)


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
            if not self._note.changed():
                return False
            try:
                self._open()
            except (OSError, ValueError) as error:
                number = self.training.bundle.number
                logger.error("another bundle was put in use and cannot be: %s; the page shows bundle %d", error, number)
                return False
            logger.info("the page shows bundle %d", self.training.bundle.number)
            return True
