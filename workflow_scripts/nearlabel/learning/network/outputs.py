"""What one evaluation pass of a network says of some images."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Evaluated:
    """What one evaluation pass says of some images; None where nothing was computed.

    Attributes
    ----------
    size : int
        How many images.
    logits : ndarray, shape (size, C), optional
        Pre-softmax scores of at least two classes. Kept in place of probabilities, which follow from them and saturate.
    features : ndarray, shape (size, d), optional
        What the last layer is given: h, the last feature maps' global average.
    maps : ndarray, shape (size, height, width), optional
        Grad-CAM maps with values in [0, 1], whether each is scaled by itself or all by one divisor.
    """

    size: int
    logits: np.ndarray | None = None
    features: np.ndarray | None = None
    maps: np.ndarray | None = None

    def arrays(self) -> Iterator[tuple[str, np.ndarray, int]]:
        """Name, values and number of axes of each array that is there."""
        for name, axes in (("logits", 2), ("features", 2), ("maps", 3)):
            values = getattr(self, name)
            if values is not None:
                yield name, values, axes

    def take(self, indices: np.ndarray) -> "Evaluated":
        """Same for some of the images."""
        return Evaluated(len(indices), **{name: values[indices] for name, values, _ in self.arrays()})
