"""Where an image is novel: covered piece by piece, it is measured again.

After Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014), section 4.2, with novelty
in place of a class's probability. It asks nothing of the encoder but features, so that it holds for every one of them.
"""

import io
import math
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from nearlabel.labelling.page.embedding import OVERLAY_COLOUR

CELLS = 64
"""Pieces of an image at most, about as high as wide."""

_KEPT, _LONGEST_SIDE, _OPACITY = 300, 512, 0.75


class NoveltyMaps:
    """Maps of images, made one at a time in the order they are asked for, and kept.

    Parameters
    ----------
    make_labeller : callable
        Returns a `nearlabel.production.labeller.labeller.Labeller`; called when the first map is asked for, which
        is when the network's library is loaded.
    """

    def __init__(self, make_labeller: Callable[[], Any]):
        self._make_labeller, self._labeller = make_labeller, None
        self._working = threading.Lock()
        self._kept: OrderedDict[str, bytes | None] = OrderedDict()

    def map(self, sha256: str, picture: Image.Image) -> bytes | None:
        """Return the map of an image as a PNG of one colour, the more opaque the more a place adds to the novelty.

        None where no place adds to it.

        Raises
        ------
        ValueError, OSError
            The image or the bundle cannot be used.
        """
        with self._working:
            if sha256 not in self._kept:
                self._labeller = self._labeller or self._make_labeller()
                values = measure_pieces(picture, self._novelties)
                self._kept[sha256] = _draw(values) if values.any() else None
            self._kept.move_to_end(sha256)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[sha256]

    def _novelties(self, pictures: Iterator[Image.Image]) -> list[float]:
        with tempfile.TemporaryDirectory() as folder:
            found = []
            for picture in pictures:
                path = Path(folder) / "covered.png"
                picture.save(path, compress_level=1)
                [labelled] = self._labeller.label([self._labeller.prepare(path)])
                found.append(labelled.novelty)
        return found


def measure_pieces(picture: Image.Image, novelties: Callable[[Iterator[Image.Image]], list[float]]) -> np.ndarray:
    """Measure how much less novel an image is without each of its pieces.

    A piece, and half a piece around it, is covered by what is left of it when all detail is blurred away.

    Parameters
    ----------
    picture : PIL.Image.Image
    novelties : callable
        From pictures to the novelty of each.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
        In [0, 1]: 1 where the novelty falls most, 0 where it does not fall; all 0 where no piece lowers it.
    """
    if max(picture.size) > _LONGEST_SIDE:
        scale = _LONGEST_SIDE / max(picture.size)
        picture = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.LANCZOS)
    columns, rows = grid_shape(*picture.size)
    wide, high = picture.width / columns, picture.height / rows
    blurred = picture.filter(ImageFilter.GaussianBlur(max(wide, high)))

    def covered() -> Iterator[Image.Image]:
        yield picture
        for row in range(rows):
            for column in range(columns):
                box = (
                    max(0, round((column - 0.5) * wide)),
                    max(0, round((row - 0.5) * high)),
                    min(picture.width, max(1, round((column + 1.5) * wide))),
                    min(picture.height, max(1, round((row + 1.5) * high))),
                )
                one = picture.copy()
                one.paste(blurred.crop(box), box[:2])
                yield one

    whole, *parts = novelties(covered())
    falls = np.maximum(0.0, whole - np.array(parts).reshape(rows, columns))
    return falls / falls.max() if falls.max() > 0 else falls


def grid_shape(width: int, height: int) -> tuple[int, int]:
    """Return columns and rows: at most `CELLS` pieces, of an image of any shape, none smaller than a pixel."""
    columns = min(width, CELLS, max(1, round(math.sqrt(CELLS * width / height))))
    return columns, min(height, max(1, CELLS // columns))


def _draw(values: np.ndarray) -> bytes:
    shade = np.zeros((*values.shape, 4), np.uint8)
    shade[..., :3] = OVERLAY_COLOUR
    shade[..., 3] = np.rint(values * 255 * _OPACITY)
    file = io.BytesIO()
    Image.fromarray(shade).save(file, format="PNG")
    return file.getvalue()
