"""How an encoder wants its images placed; free of torch, for the processes that decode."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from nearlabel.images.geometry import place_image, placing_refusal


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

    def refusal(self, width: int, height: int) -> str | None:
        """Say why an image cannot be placed; see `nearlabel.images.geometry.placing_refusal`."""
        return placing_refusal(
            width, height, self.geometry, self.size, resize=self.resize, tile_overlap=self.tile_overlap
        )

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


def find_unplaceable(refusal: Callable[[int, int], str | None], images: pd.DataFrame) -> dict[str, str]:
    """Find the images of a table that cannot be placed, before any is decoded.

    Parameters
    ----------
    refusal : callable
        `Placement.refusal`.
    images : DataFrame
        ``images.csv``: image_id, width, height.

    Returns
    -------
    dict of str to str
        By image_id, why.
    """
    if "width" not in images:  # Found out when they are placed.
        return {}
    sizes = zip(images["image_id"], images["width"].astype(int), images["height"].astype(int), strict=True)
    reasons = {image: refusal(width, height) for image, width, height in sizes}
    return {image: reason for image, reason in reasons.items() if reason}


def require_placeable(refusal: Callable[[int, int], str | None], images: pd.DataFrame) -> None:
    """Raise a ValueError that names the first image that cannot be placed; otherwise as `find_unplaceable`."""
    for image, reason in find_unplaceable(refusal, images).items():
        raise ValueError(f"image {image!r}: {reason}")


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
