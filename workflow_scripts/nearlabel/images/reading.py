"""Reading one image file: what Pillow opens, as upright 8-bit RGB; everything else with a reason."""

import hashlib
import io
import logging
import os
import stat
import threading
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

logger = logging.getLogger(__name__)

MAX_PIXELS = 178_956_970
"""Images with more pixels are refused unless the caller says otherwise; where Pillow itself refuses."""

# Raster formats only: Pillow would hand EPS files to Ghostscript.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "PPM", "WEBP", "JPEG2000")

# Pillow's own pixel limit is a global; ours is an argument.
_OPEN_LOCK = threading.Lock()


class UnreadableImageError(ValueError):
    """An image file that cannot be used; the text is the reason, without the file's name."""


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
    """

    width: int
    height: int
    mode: str
    sha256: str
    frames: int
    constant: bool


def read_image(path: str | os.PathLike, max_pixels: int | None = MAX_PIXELS) -> Image.Image:
    """Read an image file as upright 8-bit RGB.

    The EXIF orientation is applied. Grey is repeated to three channels. 16-bit values are scaled by their full range
    (65535 becomes 255; 4095 in 12-bit TIFF), as are 32-bit integers that fit into 16 bits; floating-point values by the
    smallest of the ranges 0-1, 0-255 and 0-65535 that holds them. Transparent pixels are laid over black. Of several
    frames or pages the first is read.

    Parameters
    ----------
    path : str or path-like
        A PNG, JPEG, TIFF, BMP, GIF, PPM/PGM, WebP or JPEG 2000 file.
    max_pixels : int or None
        Larger images are refused before they are decoded, as decompression bombs; None for images checked before.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.

    Raises
    ------
    UnreadableImageError
        When the file is missing, empty, truncated, too large, not an image, or has values of unknown range.
    """
    return _decode(_read_bytes(path), max_pixels)[0]


def decode_image(content: bytes, max_pixels: int | None = MAX_PIXELS) -> Image.Image:
    """Decode the bytes of an image file; otherwise as `read_image`."""
    return _decode(content, max_pixels)[0]


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
        Size, mode, hash, number of frames, and whether the image is constant.

    Raises
    ------
    UnreadableImageError
        As `read_image`.
    """
    content = _read_bytes(path)
    image, mode, frames = _decode(content, max_pixels)
    constant = all(low == high for low, high in image.getextrema())
    return ImageFacts(image.width, image.height, mode, hashlib.sha256(content).hexdigest(), frames, constant)


def _read_bytes(path) -> bytes:
    try:
        # A named pipe would block.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UnreadableImageError("not a regular file")
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError as error:
        raise UnreadableImageError("the file does not exist (any more)") from error
    except PermissionError as error:
        raise UnreadableImageError("no permission to read the file") from error
    except OSError as error:
        raise UnreadableImageError(f"the file cannot be read: {error.strerror or error}") from error
    if not content:
        raise UnreadableImageError("the file is empty (0 bytes)")
    return content


def _decode(content: bytes, max_pixels: int | None) -> tuple[Image.Image, str, int]:
    """Return the RGB image, its mode in the file, and the number of frames."""
    try:
        image = _open(content)
    except UnidentifiedImageError as error:
        raise UnreadableImageError(f"not an image in a known format ({', '.join(FORMATS)})") from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow's plugins raise whatever a damaged header leads to.
        raise UnreadableImageError(f"damaged image header: {error}") from error
    with image:
        mode = image.mode
        if max_pixels is not None and image.width * image.height > max_pixels:
            raise UnreadableImageError(
                f"{image.width} x {image.height} pixels, above the limit of {max_pixels} (a decompression bomb?)"
            )
        try:
            frames = getattr(image, "n_frames", 1)
            image.seek(0)
            image.load()
            # Turning makes a copy without the file's tags.
            full_range = _integer_range(image)
            return _to_rgb(_upright(image), full_range), mode, frames
        except (MemoryError, UnreadableImageError):
            raise
        except Exception as error:  # As above, from the decoders.
            raise UnreadableImageError(f"damaged or truncated image: {error}") from error


def _open(content: bytes) -> Image.Image:
    with _OPEN_LOCK:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(io.BytesIO(content), formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:  # Damaged metadata; the pixels are good.
        logger.warning("EXIF data cannot be parsed, the image is taken as upright: %s", error)
        return image


def _integer_range(image: Image.Image) -> int:
    bits_per_sample = 258
    return 4095 if getattr(image, "tag_v2", {}).get(bits_per_sample) == (12,) else 65535


def _to_rgb(image: Image.Image, full_range: int) -> Image.Image:
    if image.mode == "F":
        return Image.fromarray(_scale_floats(np.asarray(image))).convert("RGB")
    if image.mode.startswith("I"):
        return Image.fromarray(_scale_integers(np.asarray(image), full_range)).convert("RGB")
    if image.has_transparency_data:
        visible = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, visible).convert("RGB")
    return image.convert("RGB")


# By the full range of the format, never by the image's own extremes: brightness stays comparable between images.


def _scale_floats(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0 or high > 65535:
        raise UnreadableImageError(
            f"floating-point values from {low:g} to {high:g}; known ranges are 0 to 1, to 255 and to 65535"
        )
    full_range = next(full for full in (1, 255, 65535) if high <= full)
    return np.rint(values.astype(np.float64) * (255 / full_range)).astype(np.uint8)


def _scale_integers(values: np.ndarray, full_range: int) -> np.ndarray:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > full_range:
        raise UnreadableImageError(f"integer values from {low} to {high}, outside the known range of 0 to {full_range}")
    # Rounded to nearest; uint32 holds 65535 * 255 + 32767.
    return ((values.astype(np.uint32) * 255 + full_range // 2) // full_range).astype(np.uint8)
