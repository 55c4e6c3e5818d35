"""Pictures inside a page: as large and as true as a budget of bytes allows."""

import base64
import io
import logging
import math
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from nearlabel.images.reading import UnreadableImageError, read_image

logger = logging.getLogger(__name__)

QUALITY = 95
"""Of JPEG, with colours at full resolution; grey values are wrong by 0.3 of 255 on average, by 4 at most."""

OVERLAY_COLOUR = (255, 72, 0)
"""Of maps laid over images: orange, which grey images lack, and which the colour-blind tell from grey."""

_OPACITY, _OVERLAY_SIDE = 0.75, 64
_LEAST_SIDE, _STEP = 128, 0.8


class EmbeddedPicture(NamedTuple):
    """A picture as a page holds it.

    Attributes
    ----------
    uri : str
        A data URI; empty where the image cannot be read.
    width, height : int
        Pixels of the file, upright; 0 where it cannot be read.
    shown_width, shown_height : int
        Pixels embedded.
    lossless : bool
        True when every pixel embedded is as `nearlabel.images.reading.read_image` gives it.
    problem : str
        Why the image cannot be read; empty when it can.
    """

    uri: str
    width: int
    height: int
    shown_width: int
    shown_height: int
    lossless: bool
    problem: str = ""


def embed_pictures(
    images: Sequence[tuple[str, str | os.PathLike]],
    *,
    budget: int,
    longest_side: int = 2048,
    full_ranges: Mapping[str, str] | None = None,
) -> list[EmbeddedPicture]:
    """Embed images, all by the same rule, so that together they take no more bytes than a budget.

    The first of these that the budget allows: without loss (PNG where an image is grey, else WebP), as JPEG of quality
    95, as JPEG with smaller and smaller sides. An image that cannot be read is embedded as the reason.

    Parameters
    ----------
    images : sequence of (image_id, path)
        In the order of the result.
    budget : int
        Bytes of all data URIs together.
    longest_side : int
        Pixels; larger images are made smaller, smaller ones stay as they are.
    full_ranges : mapping of str to str, optional
        By image_id, for images of more than 8 bits per sample: ``full_range`` of ``images.csv``.

    Returns
    -------
    list of EmbeddedPicture

    Raises
    ------
    ValueError
        The budget is too small even for sides of 128 pixels.
    """
    ranges = full_ranges or {}
    side, lossless = longest_side, True
    while True:
        found, total = [], 0
        for image_id, path in images:
            found.append(_embed(path, ranges.get(image_id), side, lossless))
            total += len(found[-1].uri)
            if lossless and total > budget:
                break
        if total <= budget:
            break
        if not lossless:
            if side <= _LEAST_SIDE:
                raise ValueError(
                    f"{len(images)} images take {total} bytes with sides of {side} pixels, more than the page's budget "
                    f"of {budget}; label fewer at once, or allow a larger page"
                )
            # Bytes shrink a little slower than areas; a step is taken at least.
            side = max(_LEAST_SIDE, min(int(side * _STEP), math.floor(_largest(found) * math.sqrt(budget / total))))
        lossless = False
    for (image_id, path), picture in zip(images, found, strict=True):
        if picture.problem:
            logger.warning("%r is on the page without its picture: %s: %s", image_id, path, picture.problem)
    return found


def embed_overlay(values: np.ndarray) -> str:
    """Embed a map as a small picture of one colour, the more opaque the higher the value.

    Parameters
    ----------
    values : float array of shape (h, w)
        In [0, 1]; what is outside is cut, NaN is 0.

    Returns
    -------
    str
        Data URI of an 8-bit PNG of at most 64 pixels a side: index 0 transparent, index 255 opaque by three quarters.
    """
    strength = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0).clip(0, 1)
    if strength.ndim != 2 or 0 in strength.shape:
        raise ValueError(f"a map has the shape {np.shape(values)}; it needs two axes (h, w), none of them empty")
    picture = Image.fromarray((strength * 255).round().astype(np.uint8))
    if max(picture.size) > _OVERLAY_SIDE:
        picture = _shrink(picture, _OVERLAY_SIDE, Image.Resampling.BOX)
    picture = Image.frombytes("P", picture.size, picture.tobytes())
    picture.putpalette(OVERLAY_COLOUR * 256)
    return _data_uri(picture, "PNG", transparency=bytes(round(step * _OPACITY) for step in range(256)))


def _embed(path: str | os.PathLike, full_range: str | None, side: int, lossless: bool) -> EmbeddedPicture:
    try:
        picture = read_image(path, max_pixels=None, full_range=full_range)
    except (UnreadableImageError, OSError) as error:
        return EmbeddedPicture("", 0, 0, 0, 0, False, str(error))
    width, height = picture.size
    grey = all(picture.getchannel(0).tobytes() == picture.getchannel(channel).tobytes() for channel in range(1, 3))
    picture = picture.getchannel(0) if grey else picture
    if max(picture.size) > side:
        picture = _shrink(picture, side, Image.Resampling.LANCZOS)
    if lossless and grey:
        uri = _data_uri(picture, "PNG")
    elif lossless:
        uri = _data_uri(picture, "WEBP", lossless=True, quality=50, method=4)
    else:
        uri = _data_uri(picture, "JPEG", quality=QUALITY, subsampling=0)
    return EmbeddedPicture(uri, width, height, *picture.size, lossless and picture.size == (width, height))


def _shrink(picture: Image.Image, side: int, resampling: Image.Resampling) -> Image.Image:
    scale = side / max(picture.size)
    return picture.resize([max(1, round(own * scale)) for own in picture.size], resampling)


def _largest(found: Sequence[EmbeddedPicture]) -> int:
    return max(max(picture.shown_width, picture.shown_height) for picture in found)


def _data_uri(picture: Image.Image, kind: str, **options) -> str:
    file = io.BytesIO()
    picture.save(file, format=kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
