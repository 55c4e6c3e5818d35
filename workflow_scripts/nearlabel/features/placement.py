"""How an encoder wants its images placed; free of torch, for the processes that decode."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from nearlabel.images.geometry import place_image


@dataclass(frozen=True)
class Placement:
    """How an encoder wants its images placed; see `nearlabel.images.geometry.place_image`.

    Attributes
    ----------
    geometry : str
        official, squash, tile or native.
    size : int, (int, int) or None
        Side, or height and width, in pixels; None for native.
    resize : int or None
        Short side before the crop of ``official``.
    interpolation : str
        nearest, bilinear, bicubic, ...
    tile_overlap : float
        Least overlap of neighbouring tiles, as a share of a tile.
    """

    geometry: str
    size: int | tuple[int, int] | None
    resize: int | None = None
    interpolation: str = "bilinear"
    tile_overlap: float = 0.0

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Place an RGB image: uint8, (t, h, w, 3)."""
        return place_image(
            image,
            self.geometry,
            self.size,
            resize=self.resize,
            interpolation=self.interpolation,
            tile_overlap=self.tile_overlap,
        )


def choose_placement(
    geometry: str,
    image_size: int | tuple[int, int] | None,
    own_size: int,
    own_resize: int,
    interpolation: str,
    tile_overlap: float = 0.0,
) -> Placement:
    """Return how images are placed: at the size asked for, else at the weights' own.

    ``official`` at another size keeps the weights' ratio of resized side and crop.
    """
    if geometry == "native":
        return Placement(geometry, None)
    size = image_size or own_size
    short = size if isinstance(size, int) else min(size)
    return Placement(
        geometry,
        size,
        resize=round(own_resize * short / own_size) if geometry == "official" else None,
        interpolation=interpolation,
        tile_overlap=tile_overlap if geometry == "tile" else 0.0,
    )
