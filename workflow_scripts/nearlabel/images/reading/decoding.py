"""From the bytes of an image file to its pixels, upright; what is not whole or not understood has a reason."""

import io
import logging
import re
import threading
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from nearlabel.images.reading import tiff
from nearlabel.images.reading.errors import UnreadableImageError
from nearlabel.images.reading.jpeg import WatchedFile, fill_jpeg, find_jpeg_parts, stir_jpeg, tiff_jpegs
from nearlabel.images.reading.kinds import FORMATS, name_kind
from nearlabel.images.reading.png import check_png
from nearlabel.images.reading.ranges import INTEGERS, scale_values
from nearlabel.images.reading.samples import (
    Samples,
    deep_colours,
    grey_values,
    highest_of_ppm,
    is_deep_colour,
    read_ppm,
)

logger = logging.getLogger(__name__)

# Pillow's own pixel limit is a global; ours is an argument.
_OPEN_LOCK = threading.Lock()

_ORIENTATION, _PNG_DEPTH, _JPEG2000_DEPTH = 0x0112, 24, 42

# A file of a format that is decoded from memory is no larger than so many bytes a pixel, and what else a header holds.
_COMPRESSED, _PER_PIXEL, _BESIDE = ("JPEG", "MPO", "WEBP", "JPEG2000"), 8, 1 << 26
_WEBP = 1 << 28


class Decoded(NamedTuple):
    """An image as its file has it, upright.

    Attributes
    ----------
    pixels : PIL.Image.Image or Samples
        8-bit of any mode, or samples of more bits.
    mode : str
        Pillow's name of the file's pixel format.
    bits : int
        Per sample, in the file.
    frames : int
        Frames or pages in the file.
    """

    pixels: Image.Image | Samples
    mode: str
    bits: int
    frames: int

    def to_rgb(self, full_range: str | None = None) -> Image.Image:
        """Return the image as 8-bit RGB, transparent pixels laid over black; see `Samples.to_picture`."""
        picture = self.pixels.to_picture(full_range) if isinstance(self.pixels, Samples) else self.pixels
        if picture.has_transparency_data:
            visible = picture.convert("RGBA")
            black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
            return Image.alpha_composite(black, visible).convert("RGB")
        return picture.convert("RGB")


def decode(file: BinaryIO, max_pixels: int | None, *, thorough: bool = False) -> Decoded:
    """Decode an image file.

    Parameters
    ----------
    file : binary file
        Seekable, of at least one byte.
    max_pixels : int or None
        Larger images are refused before they are decoded.
    thorough : bool
        Also look for lost data where that takes a second decoding: in JPEG of several scans, such as progressive ones,
        and in JPEG within TIFF.

    Returns
    -------
    Decoded

    Raises
    ------
    UnreadableImageError
        Not an image, not a whole one, or of a kind that is not read.
    """
    image, tags = _identify(file, max_pixels)
    try:
        # A second look at the file needs it open.
        image._close_exclusive_fp_after_loading = False
        return _decode(file, image, tags, thorough)
    except (MemoryError, UnreadableImageError):
        raise
    except Exception as error:  # Pillow's decoders raise whatever damaged data lead to.
        if tags is not None and ("raw mode" in str(error) or tiff.is_rarely_compressed(tags)):
            raise UnreadableImageError(name_kind(file)) from error
        raise UnreadableImageError(f"damaged or truncated image: {_sentence(error)}") from error


def _identify(file: BinaryIO, max_pixels: int | None) -> tuple[Image.Image, dict | None]:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    # Pillow reads all of it before it looks at it.
    if size > _WEBP and re.match(rb"RIFF....WEBP", file.read(12), re.DOTALL):
        raise UnreadableImageError(f"a WebP file of {size} bytes, above the limit of {_WEBP}")
    try:
        image = _open(file)
    except UnidentifiedImageError as error:
        raise UnreadableImageError(name_kind(file)) from error
    except MemoryError:
        raise
    except Exception as error:  # As above, for headers.
        raise UnreadableImageError(f"damaged image header: {_sentence(error)}") from error
    if max_pixels is not None and image.width * image.height > max_pixels:
        raise UnreadableImageError(
            f"{image.width} x {image.height} pixels, above the limit of {max_pixels} (a decompression bomb?)"
        )
    if image.format in _COMPRESSED and size > _BESIDE + _PER_PIXEL * image.width * image.height:
        raise UnreadableImageError(
            f"the file has {size} bytes, more than an image of {image.width} x {image.height} pixels can need"
        )
    tags = tiff.read_tags(file) if image.format == "TIFF" else None
    if tags is not None:
        if refused := tiff.refusal(tags):
            raise UnreadableImageError(refused)
        if tiff.is_short(tags, size):
            raise UnreadableImageError("damaged or truncated image: the file ends within its data")
    return image, tags


def _decode(file: BinaryIO, image: Image.Image, tags: dict | None, thorough: bool) -> Decoded:
    mode, bits = image.mode, _bits(image, tags, file)
    frames = getattr(image, "n_frames", 1)
    image.seek(0)
    if image.format in ("JPEG", "MPO"):
        return Decoded(_upright(_load_jpeg(file, image, thorough)), mode, bits, frames)
    if image.format == "PNG":
        check_png(file)
    if image.format == "PPM" and image.tile[0].codec_name == "ppm" and bits > 8:
        return Decoded(read_ppm(file, image), mode, bits, frames)
    if tags is not None and tiff.has_planes(tags):
        return Decoded(_load_planes(file, tags), mode, bits, frames)
    transparent = image.info.get("transparency")
    if is_deep_colour(image):
        values, alpha = deep_colours(lambda: _open(file), _upright)
        if isinstance(transparent, tuple):
            alpha = np.where((values == transparent).all(axis=2), 0, 255).astype(np.uint8)
        return Decoded(Samples(values, alpha), mode, bits, frames)
    if image.format == "PNG" and mode == "L" and isinstance(transparent, int):
        # Pillow brings the pixels to 8 bits, and leaves this behind.
        image.info["transparency"] = transparent * 255 // (2**bits - 1)
    if tags is not None:
        tiff.correct_order(image)
        if thorough and tiff.is_jpeg(tags):
            for part in tiff_jpegs(file, tags):
                _load(part)
    image.load()
    # Turning makes a copy without the file's tags.
    upright = _upright(image)
    if not mode.startswith(("I", "F")):
        return Decoded(upright, mode, bits, frames)
    values = grey_values(upright)
    if tags is not None and tiff.is_unsigned(tags) and values.dtype == np.int32:
        values = values.view(np.uint32)
    alpha = None
    if isinstance(transparent, int):
        alpha = np.where(values == transparent, 0, 255).astype(np.uint8)
    inverted = tags is not None and tiff.white_is_zero(tags)
    return Decoded(Samples(values, alpha, inverted, _stated_range(image, bits)), mode, bits, frames)


def _load_jpeg(file: BinaryIO, image: Image.Image, thorough: bool) -> Image.Image:
    file.seek(0)
    content = file.read()
    layout = find_jpeg_parts(content)
    # The header has been read, and is the same.
    image.fp = watched = WatchedFile(fill_jpeg(layout, content), layout.needed)
    image.load()
    if watched.tell() <= layout.needed and layout.has_data_behind(content):
        raise UnreadableImageError("damaged image: the file has more data than its JPEG can use")
    stirred = stir_jpeg(layout, content) if thorough else None
    if stirred is not None and ImageChops.difference(image, _load(stirred)).getbbox() is not None:
        raise UnreadableImageError("damaged or truncated image: the file ends within the last scan of its JPEG")
    return image


def _load_planes(file: BinaryIO, tags: dict) -> Image.Image | Samples:
    file.seek(0)
    planes = [grey_values(_load(plane)) for plane in tiff.split_planes(file.read(), tags)]
    values, alpha = tiff.join_planes(planes, tags)
    samples = Samples(values, alpha, tiff.white_is_zero(tags))
    if values.dtype == np.uint8:
        return samples.to_picture("255")
    return samples._replace(alpha=None if alpha is None else scale_values(alpha, INTEGERS))


def _load(content: bytes) -> Image.Image:
    image = _open(io.BytesIO(content))
    image.load()
    return image


def _open(file: BinaryIO) -> Image.Image:
    file.seek(0)
    with _OPEN_LOCK:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _upright(image: Image.Image) -> Image.Image:
    try:
        turned = image.getexif().get(_ORIENTATION, 1) != 1
        return ImageOps.exif_transpose(image) if turned else image
    except Exception as error:  # Damaged metadata; the pixels are good.
        logger.warning("EXIF data cannot be parsed, the image is taken as upright: %s", error)
        return image


def _bits(image: Image.Image, tags: dict | None, file: BinaryIO) -> int:
    """Bits per sample in the file, before a palette is looked up."""
    if tags is not None:
        return tiff.bits_per_sample(tags)
    if image.format == "PNG":
        file.seek(_PNG_DEPTH)
        return file.read(1)[0]
    if image.format == "JPEG2000":
        file.seek(0)
        head = file.read(1 << 16)
        return (head[head.index(b"\xff\x4f\xff\x51") + _JPEG2000_DEPTH] & 127) + 1
    if image.mode == "F":
        return 32
    if image.format == "PPM" and image.mode != "1":
        return highest_of_ppm(image).bit_length()
    return 1 if image.mode == "1" else 8


def _stated_range(image: Image.Image, bits: int) -> str | None:
    """The range of values that a file of more than 8 bits per sample states, as Pillow gives them."""
    if image.format == "TIFF" and bits == 12:
        return "4095"
    if image.format == "JPEG2000" and bits < 16:
        # They come in the high ones of 16 bits.
        return str((2**bits - 1) << (16 - bits))
    return None


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    # What was looked up in vain says nothing by itself.
    return type(error).__name__ if isinstance(error, LookupError) or not text else text
