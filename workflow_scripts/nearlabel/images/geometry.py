"""How an image is brought to the size that an encoder takes: squash, tile, official or native.

The official transforms resize the short side and crop the centre, which on a 256 x 1600 strip keeps about a seventh of
the width; geometry is therefore a recorded factor of the run.
"""

import math

import numpy as np
from PIL import Image

GEOMETRIES = ("official", "squash", "tile", "native")

MAX_PLACED_PIXELS = 1 << 26
"""An image is not placed where more pixels would come of it, as of a thin strip: 192 MiB, for each image of a batch."""

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}


def placing_refusal(
    width: int,
    height: int,
    geometry: str,
    size: int | tuple[int, int] | None,
    *,
    resize: int | None = None,
    tile_overlap: float = 0.0,
) -> str | None:
    """Say why an image cannot be placed, of whose thin strip more than `MAX_PLACED_PIXELS` would be made.

    Parameters
    ----------
    width, height : int
        Of the image, in pixels.
    geometry, size, resize, tile_overlap
        As for `place_image`.

    Returns
    -------
    str or None
        None where it can.
    """
    if geometry in ("native", "squash"):
        return None
    short = size if isinstance(size, int) else min(size)
    if geometry == "official" and resize is not None:
        short = resize
    long = short * max(width, height) // min(width, height)
    tiles = _count_gaps(long, short, tile_overlap) + 1 if geometry == "tile" else 0
    made = short * max(long, short * tiles)
    if made <= MAX_PLACED_PIXELS:
        return None
    return (
        f"{width} x {height} pixels would become {made} by geometry {geometry!r}, above the limit of "
        f"{MAX_PLACED_PIXELS}; take geometry 'squash', or reject such strips by a smaller max_aspect of the data set"
    )


def place_image(
    image: Image.Image,
    geometry: str,
    size: int | tuple[int, int] | None,
    *,
    resize: int | None = None,
    interpolation: str = "bilinear",
    tile_overlap: float = 0.0,
) -> np.ndarray:
    """Bring an RGB image to the size that an encoder takes.

    Parameters
    ----------
    image : PIL.Image.Image
        8-bit RGB, as `nearlabel.images.reading.read_image` returns it.
    geometry : {"official", "squash", "tile", "native"}
        ``official``: the short side is resized to `resize`, then the centre is cropped, bit-equal to the PIL path of
        torchvision's ``ImageClassification`` preset before it makes a tensor. ``squash``: resized to `size`, the aspect
        ratio is lost. ``tile``: the short side is resized to `size` and square windows are spread evenly along the long
        side, the first at its start, the last at its end. ``native``: as it is.
    size : int or (int, int) or None
        Side, or (height, width), in pixels; ignored by ``native``; square for ``tile``.
    resize : int, optional
        Short side in pixels before the crop of ``official``; by default the smaller side of `size`.
    interpolation : str
        The value of torchvision's ``InterpolationMode``: ``bilinear``, ``bicubic``, ...; Pillow antialiases all but
        ``nearest`` and so does this.
    tile_overlap : float
        Least share of a window that it shares with the next one, in [0, 1); the even spread may make it larger.

    Returns
    -------
    numpy.ndarray
        uint8, (t, height, width, 3); t is 1 for all but ``tile``.

    Raises
    ------
    ValueError
        When an argument is none of the above, the image is not RGB, or placing it would make more than
        `MAX_PLACED_PIXELS`.
    """
    if image.mode != "RGB":
        raise ValueError(f"place_image takes RGB images, not mode {image.mode}; read them with read_image.")
    if geometry == "native":
        return np.asarray(image)[None]
    if geometry not in GEOMETRIES:
        raise ValueError(f"geometry {geometry!r} is unknown; choose one of {', '.join(GEOMETRIES)}.")
    if size is None:
        raise ValueError(f"geometry {geometry!r} needs an image size.")
    height, width = (size, size) if isinstance(size, int) else size
    if interpolation not in _RESAMPLING:
        raise ValueError(f"interpolation {interpolation!r} is unknown; choose one of {', '.join(_RESAMPLING)}.")
    resampling = _RESAMPLING[interpolation]
    if geometry == "tile" and height != width:
        raise ValueError(f"geometry 'tile' cuts square windows; an image size of {height} x {width} is not square.")
    if refused := placing_refusal(*image.size, geometry, size, resize=resize, tile_overlap=tile_overlap):
        raise ValueError(refused)

    if geometry == "squash":
        return np.asarray(image.resize((width, height), resampling))[None]
    if geometry == "official":
        resized = _resize_short_side(image, min(height, width) if resize is None else resize, resampling)
        return np.asarray(_crop_centre(resized, height, width))[None]
    resized = np.asarray(_resize_short_side(image, height, resampling))
    if resized.shape[1] >= resized.shape[0]:
        starts = tile_starts(resized.shape[1], height, tile_overlap)
        return np.stack([resized[:, start : start + height] for start in starts])
    starts = tile_starts(resized.shape[0], height, tile_overlap)
    return np.stack([resized[start : start + height] for start in starts])


def tile_starts(length: int, size: int, overlap: float = 0.0) -> list[int]:
    """Spread windows evenly over a length, as few as cover it with at least the given overlap.

    Parameters
    ----------
    length, size : int
        Length to cover and length of a window, in pixels, ``size <= length``.
    overlap : float
        Least share of a window that it shares with the next one, in [0, 1).

    Returns
    -------
    list of int
        First pixel of each window; the first is 0, the last ``length - size``; at least one.

    Raises
    ------
    ValueError
        When `overlap` is outside [0, 1).
    """
    spare, gaps = length - size, _count_gaps(length, size, overlap)
    # Integer arithmetic: neighbouring starts differ by at most ceil(spare / gaps) <= stride.
    return [0] + [(spare * step) // gaps for step in range(1, gaps + 1)]


def _count_gaps(length: int, size: int, overlap: float) -> int:
    if not 0 <= overlap < 1:
        raise ValueError(f"tile_overlap must lie in [0, 1), not {overlap}.")
    stride = max(1, math.floor(size * (1 - overlap) + 1e-9))
    return math.ceil((length - size) / stride)


def _resize_short_side(image: Image.Image, short: int, resampling: Image.Resampling) -> Image.Image:
    # The long side is truncated, not rounded, as in torchvision.transforms.functional.resize.
    width, height = image.size
    new_size = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    return image if new_size == image.size else image.resize(new_size, resampling)


def _crop_centre(image: Image.Image, height: int, width: int) -> Image.Image:
    # As torchvision.transforms.functional.center_crop: a side that is too short is padded with black, the odd pixel at
    # the end; Pillow's crop fills with black outside the image.
    left, top = (
        -((wanted - actual) // 2) if wanted > actual else round((actual - wanted) / 2.0)
        for actual, wanted in zip(image.size, (width, height), strict=True)
    )
    return image.crop((left, top, left + width, top + height))
