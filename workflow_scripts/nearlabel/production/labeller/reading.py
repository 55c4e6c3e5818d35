"""Reading a new image, once: whole, checked as those of the data set were, and small for those who look at it."""

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nearlabel.images.checks import shape_refusal
from nearlabel.images.naming.formats import name_unread
from nearlabel.images.reading import MAX_PIXELS, UnreadableImageError, describe_image, read_whole
from nearlabel.images.reading.samples import Samples
from nearlabel.images.scales import Scale
from nearlabel.production.labelled import Prepared

THUMBNAIL = 96
"""Longest side of a thumbnail in pixels."""

# A higher method takes half as long again and saves a tenth of the bytes.
_WEBP = {"format": "WEBP", "quality": 60, "method": 1}


def prepare_image(
    path: str | os.PathLike,
    scale: Scale,
    preparations: Mapping[str, Callable[[Image.Image], Any]],
    max_pixels: int = MAX_PIXELS,
    *,
    shown: bool = False,
) -> Prepared:
    """Read an image whole and place it for each encoder.

    Parameters
    ----------
    path : str or path-like
        The file; its bytes are read once.
    scale : Scale
        Of values of more than 8 bits, as learnt from the data set.
    preparations : mapping of str to callable
        By encoder, its ``prepare``.
    max_pixels : int
        Larger images are refused before they are decoded.
    shown : bool
        Whether a thumbnail is drawn, which takes as long as placing an image.

    Returns
    -------
    Prepared

    Raises
    ------
    UnreadableImageError
        No whole image, or one that a data set would not take: too large, too thin, values out of its range, too thin to
        be placed.
    """
    try:
        found, sha256, size = read_whole(path, max_pixels)
    except UnreadableImageError as error:
        raise UnreadableImageError(name_unread(os.fspath(path)) or str(error)) from error
    full_range = None
    if isinstance(found.pixels, Samples):
        facts = describe_image(found, sha256)
        if refused := scale.refusal(facts):
            raise UnreadableImageError(refused)
        full_range = scale.choose({"": facts})[""]
    image = found.to_rgb(full_range)
    refused = shape_refusal(*image.size)
    for prepare in preparations.values():
        refused = refused or prepare.refusal(*image.size)
    if refused:
        raise UnreadableImageError(refused)
    # A grey picture is as its three equal channels are, and quicker.
    grey = (
        isinstance(found.pixels, Image.Image) and found.pixels.mode == "L" and "transparency" not in found.pixels.info
    )
    picture = found.pixels if grey else image
    brightness, contrast = measure_grey(picture)
    return Prepared(
        path=str(Path(path)),
        sha256=sha256,
        width=image.width,
        height=image.height,
        mode=found.mode,
        bytes=size,
        brightness=brightness,
        contrast=contrast,
        thumbnail=draw_thumbnail(picture) if shown else b"",
        placed={encoder: prepare(image) for encoder, prepare in preparations.items()},
    )


def measure_grey(image: Image.Image) -> tuple[float, float]:
    """Mean and standard deviation of an image's grey values, in 0 to 1.

    Parameters
    ----------
    image : PIL.Image.Image
        RGB, or grey as it is; grey of colours is Pillow's ``L`` (ITU-R 601-2).

    Returns
    -------
    brightness, contrast : float
        Exact for the 256 values, whatever the number of pixels.
    """
    counts = np.array((image if image.mode == "L" else image.convert("L")).histogram(), dtype=np.float64)
    values, total = np.arange(256) / 255, counts.sum()
    mean = float(counts @ values / total)
    return mean, float(np.sqrt(counts @ (values - mean) ** 2 / total))


def draw_thumbnail(image: Image.Image, side: int = THUMBNAIL) -> bytes:
    """Draw an RGB or grey image small: WebP, the long side at most `side` pixels, never larger than the image."""
    shrink = min(1, side / max(image.size))
    size = [max(1, round(own * shrink)) for own in image.size]
    content = io.BytesIO()
    # By a whole factor first: with a larger gap it would take longer than all else but decoding.
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=1.5)
    small.convert("RGB").save(content, **_WEBP)
    return content.getvalue()
