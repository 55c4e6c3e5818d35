"""What is done to an image before the network, in processes that decode; free of torch but for its callers."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from nearlabel.images.geometry import place_image
from nearlabel.images.reading import UnreadableImageError, decode_image


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


def load_image(path: str, sha256: str) -> Image.Image:
    """Read an image that ``images.csv`` lists, and make sure that it is still the same.

    Parameters
    ----------
    path : str
        The file.
    sha256 : str
        Of its bytes when it was checked, hexadecimal.

    Returns
    -------
    PIL.Image.Image
        8-bit RGB.

    Raises
    ------
    FileNotFoundError
        The file is gone.
    ValueError
        The file changed, or cannot be read.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"image {path!r} is gone since images.csv was made; put it back or make images.csv again"
        ) from error
    except OSError as error:
        raise ValueError(f"image {path!r} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"image {path!r} changed since images.csv was made; make images.csv again")
    try:
        return decode_image(content, max_pixels=None)  # the same bytes passed the check
    except UnreadableImageError as error:
        raise ValueError(f"image {path!r} cannot be read: {error}") from error
