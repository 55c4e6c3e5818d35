"""Images that are labelled together, and their features, each computed once and only where it is asked for."""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from nearlabel.production.labelled import Prepared
from nearlabel.production.labeller.encoders import BundleEncoder


class Batch:
    """Images that are labelled together.

    Parameters
    ----------
    encoders : mapping of str to BundleEncoder
        By id.
    images : sequence of Prepared

    Attributes
    ----------
    seconds : float
        That encoding has taken.
    """

    def __init__(self, encoders: Mapping[str, BundleEncoder], images: Sequence[Prepared]):
        self.images, self.seconds = images, 0.0
        self._encoders = encoders
        self._known: dict[str, dict[int, np.ndarray]] = {name: {} for name in encoders}

    def features(self, encoder: str, rows: Sequence[int]) -> np.ndarray:
        """Features of some images, float32 (len(rows), d); an image is encoded when it is first asked for."""
        known = self._known[encoder]
        missing = [row for row in rows if row not in known]
        if missing:
            start = time.perf_counter()
            images = [self.images[row] for row in missing]
            found = self._encoders[encoder].encode([image.placed[encoder] for image in images], images)
            known.update(zip(missing, found, strict=True))
            self.seconds += time.perf_counter() - start
        return np.stack([known[row] for row in rows])
