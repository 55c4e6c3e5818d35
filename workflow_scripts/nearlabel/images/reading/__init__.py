"""Reading one image file: what Pillow opens, as upright 8-bit RGB; everything else with a reason."""

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from nearlabel.images.reading.decoding import Decoded, decode
from nearlabel.images.reading.errors import ChangedImageError, UnreadableImageError
from nearlabel.images.reading.samples import Samples

__all__ = [
    "MAX_PIXELS",
    "ChangedImageError",
    "ImageFacts",
    "UnreadableImageError",
    "decode_image",
    "describe_image",
    "inspect_image",
    "read_image",
    "read_whole",
]

MAX_PIXELS = 178_956_970
"""Images with more pixels are refused unless the caller says otherwise; where Pillow itself refuses."""

_BYTES_PER_PIXEL, _LEAST_LIMIT = 16, 1 << 26
# Larger files are decoded from the disk.
_HELD = 1 << 28


class ImageFacts(NamedTuple):
    """What `inspect_image` finds out about one image file.

    Attributes
    ----------
    width, height : int
        Pixels, upright.
    mode : str
        Pillow's name of the file's pixel format: L, RGB, RGBA, P, CMYK, I;16, ...
    sha256 : str
        Of the file's bytes, hexadecimal.
    frames : int
        Frames or pages in the file; only the first is used.
    constant : bool
        True when all pixels are equal.
    bits : int
        Bits per sample in the file; 8 for what is always so.
    grey : bool
        True when the channels are equal in every pixel: one channel, or a grey image saved as colours.
    values : tuple of two numbers or None
        Lowest and highest sample, where they have more than 8 bits: ints, or floats of a floating-point image.
    full_range : str or None
        The range of such samples that the file itself states; see `nearlabel.images.reading.ranges`.
    """

    width: int
    height: int
    mode: str
    sha256: str
    frames: int
    constant: bool
    bits: int
    grey: bool
    values: tuple[float, float] | None = None
    full_range: str | None = None


def read_image(
    path: str | os.PathLike,
    max_pixels: int | None = MAX_PIXELS,
    full_range: str | None = None,
    sha256: str | None = None,
) -> Image.Image:
    """Read an image file as upright 8-bit RGB.

    The EXIF orientation is applied. Grey is repeated to three channels. Samples of more than 8 bits are scaled by
    `full_range`, which ``images.csv`` holds for each image. Transparent pixels are laid over black. Of several frames
    or pages the first is read.

    Parameters
    ----------
    path : str or path-like
        A PNG, JPEG, TIFF, BMP, GIF, PPM/PGM, WebP or JPEG 2000 file.
    max_pixels : int or None
        Larger images are refused before they are decoded, as decompression bombs, and so are files with more bytes than
        images of so many pixels can have; None for images checked before.
    full_range : str, optional
        What becomes 255, such as ``4095``, or what becomes 0 and 255, such as ``-1:1``. By default, and where it is
        empty, the range that the file states, else 65535 for integers, and for floating-point values the smallest of
        the ranges 0-1, 0-255 and 0-65535 that holds them. An image of 8 bits is as it is.
    sha256 : str, optional
        Of the file's bytes, hexadecimal, where it must be the same as before.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.

    Raises
    ------
    UnreadableImageError
        When the file is missing, empty, damaged, too large, not an image, or has values outside the range; as
        `ChangedImageError` when it is another file.
    """
    with _opened(path, max_pixels) as file:
        if sha256 is not None and _digest(file) != sha256:
            raise ChangedImageError("the file is not the same as before")
        return _to_rgb(decode(file, max_pixels), full_range)


def decode_image(content: bytes, max_pixels: int | None = MAX_PIXELS, full_range: str | None = None) -> Image.Image:
    """Decode the bytes of an image file; otherwise as `read_image`."""
    return _to_rgb(decode(io.BytesIO(content), max_pixels), full_range)


def inspect_image(path: str | os.PathLike, max_pixels: int = MAX_PIXELS) -> ImageFacts:
    """Decode an image file completely and describe it.

    Parameters
    ----------
    path : str or path-like
        As for `read_image`.
    max_pixels : int
        As for `read_image`.

    Returns
    -------
    ImageFacts

    Raises
    ------
    UnreadableImageError
        As `read_image`, but for values outside a range; or some values are no numbers.
    """
    found, sha256, _ = read_whole(path, max_pixels)
    return describe_image(found, sha256)


def read_whole(path: str | os.PathLike, max_pixels: int | None = MAX_PIXELS) -> tuple[Decoded, str, int]:
    """Decode an image file completely, as `inspect_image` does, once.

    Parameters
    ----------
    path : str or path-like
        As for `read_image`.
    max_pixels : int or None
        As for `read_image`.

    Returns
    -------
    Decoded
        Its ``to_rgb`` gives what `read_image` does.
    str
        SHA-256 of the file's bytes, hexadecimal.
    int
        How many bytes it has.

    Raises
    ------
    UnreadableImageError
        As `read_image`, but for values outside a range.
    """
    with _opened(path, max_pixels) as file:
        found = decode(file, max_pixels, thorough=True)
        return found, _digest(file), file.seek(0, io.SEEK_END)


def describe_image(found: Decoded, sha256: str) -> ImageFacts:
    """Describe what `read_whole` found.

    Raises
    ------
    UnreadableImageError
        Some values are no numbers.
    """
    described = _describe_samples(found.pixels) if isinstance(found.pixels, Samples) else _describe_picture(found)
    return ImageFacts(mode=found.mode, sha256=sha256, frames=found.frames, bits=found.bits, **described)


@contextmanager
def _opened(path, max_pixels: int | None) -> Iterator[BinaryIO]:
    """Open a file of bounded size: a small one in memory, so that its hash and its pixels are of the same bytes."""
    try:
        # A named pipe would block.
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImageError("not a regular file")
        limit = None if max_pixels is None else max(_LEAST_LIMIT, _BYTES_PER_PIXEL * max_pixels)
        if limit is not None and status.st_size > limit:
            raise UnreadableImageError(
                f"the file has {status.st_size} bytes, above the limit of {limit} for max_pixels = {max_pixels}"
            )
        with open(path, "rb") as file:
            held = io.BytesIO(file.read()) if status.st_size <= _HELD else file
            if not held.read(1):
                raise UnreadableImageError("the file is empty (0 bytes)")
            held.seek(0)
            yield held
    except FileNotFoundError as error:
        raise UnreadableImageError("the file does not exist (any more)") from error
    except PermissionError as error:
        raise UnreadableImageError("no permission to read the file") from error
    except OSError as error:
        raise UnreadableImageError(f"the file cannot be read: {error.strerror or error}") from error


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _to_rgb(found: Decoded, full_range: str | None) -> Image.Image:
    return found.to_rgb(full_range or None)


def _describe_picture(found: Decoded) -> dict:
    picture = found.pixels
    if picture.mode not in ("1", "L", "RGB") or picture.has_transparency_data:
        picture = found.to_rgb()
    extremes = picture.getextrema()
    bands = [extremes] if isinstance(extremes[0], int) else extremes
    return {
        "width": picture.width,
        "height": picture.height,
        "constant": all(low == high for low, high in bands),
        "grey": len(set(bands)) == 1 and (len(bands) == 1 or _are_equal(np.asarray(picture))),
    }


def _describe_samples(samples: Samples) -> dict:
    values = samples.values
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        wrong = int(np.count_nonzero(~np.isfinite(values)))
        raise UnreadableImageError(f"floating-point values of which {wrong} are infinite or no numbers (NaN)")
    bands = [values] if values.ndim == 2 else np.moveaxis(values, 2, 0)
    extremes = [(band.min().item(), band.max().item()) for band in bands]
    return {
        "width": values.shape[1],
        "height": values.shape[0],
        "constant": samples.alpha is None and all(low == high for low, high in extremes),
        "grey": len(extremes) == 1 or (len(extremes) == 3 and len(set(extremes)) == 1 and _are_equal(values)),
        "values": (min(low for low, _ in extremes), max(high for _, high in extremes)),
        "full_range": samples.full_range,
    }


def _are_equal(values: np.ndarray) -> bool:
    return all(np.array_equal(values[..., 0], values[..., channel]) for channel in range(1, values.shape[2]))
