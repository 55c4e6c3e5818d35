"""What a decoder makes of a file: an 8-bit picture, or samples of more bits that a range must bring to 8."""

from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from nearlabel.images.reading.errors import UnreadableImageError
from nearlabel.images.reading.ranges import INTEGERS, scale_values, smallest_range

_PAIRS = {"16B": ("16B", "16L"), "16L": ("16L", "16B"), "16N": ("16L", "16B")}
"""Pillow's unpackers of 16-bit colours, which keep one byte of two: what keeps the high and what the low bytes. libtiff
(``16N``) gives the machine's own order, little on every machine that the libraries are built for."""


class Samples(NamedTuple):
    """Samples of more than 8 bits.

    Attributes
    ----------
    values : ndarray, shape (h, w) or (h, w, c)
        Grey, or 3 colours, or 4 inks; integers or floats, as the file has them.
    alpha : ndarray of uint8, shape (h, w), or None
        Opacity.
    inverted : bool
        The lowest value is white.
    full_range : str or None
        The range that the file states; see `nearlabel.images.reading.ranges`.
    """

    values: np.ndarray
    alpha: np.ndarray | None = None
    inverted: bool = False
    full_range: str | None = None

    def to_picture(self, full_range: str | None) -> Image.Image:
        """Scale to 8 bits.

        Parameters
        ----------
        full_range : str or None
            None: the file's own; else 65535 for integers, the smallest usual range that holds the values for floats.

        Returns
        -------
        PIL.Image.Image
            Grey, RGB or CMYK; with opacity LA or RGBA.

        Raises
        ------
        UnreadableImageError
            Values lie outside the range, or no usual range holds them.
        """
        scaled = scale_values(self.values, full_range or self.full_range or self._usual_range())
        if self.inverted:
            scaled = 255 - scaled
        if self.alpha is not None:
            scaled = np.dstack([scaled, self.alpha])
        modes = {1: "L", 2: "LA", 3: "RGB", 4: "CMYK" if self.alpha is None else "RGBA"}
        return Image.fromarray(scaled, modes[1 if scaled.ndim == 2 else scaled.shape[2]])

    def _usual_range(self) -> str:
        if self.values.dtype.kind != "f":
            return INTEGERS
        low, high = float(self.values.min()), float(self.values.max())
        found = smallest_range(low, high)
        if found is None:
            raise UnreadableImageError(
                f"floating-point values from {low:g} to {high:g}; usual ranges are 0 to 1, to 255 and to 65535"
            )
        return found


def grey_values(image: Image.Image) -> np.ndarray:
    """Return the samples of a grey image of Pillow's modes I, I;16, I;16B and F."""
    values = np.asarray(image)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def highest_of_ppm(image: Image.Image) -> int:
    """Return the highest value of a PGM or PPM image, not yet loaded, as its header states it."""
    arguments = image.tile[0].args
    if image.tile[0].codec_name == "raw":
        return 65535 if image.mode == "I" else 255
    return arguments[-1]


def read_ppm(file: BinaryIO, image: Image.Image) -> Samples:
    """Read a binary PGM or PPM of more than 8 bits, which Pillow scales sample by sample, colours to 8 bits."""
    highest, channels = highest_of_ppm(image), 3 if image.mode == "RGB" else 1
    file.seek(image.tile[0].offset)
    content = file.read(2 * channels * image.width * image.height)
    shape = (image.height, image.width) + ((3,) if channels == 3 else ())
    values = np.frombuffer(content, ">u2").astype(np.uint16).reshape(shape)
    return Samples(values, full_range=None if highest == 65535 else str(highest))


def is_deep_colour(image: Image.Image) -> bool:
    """Whether an image, not yet loaded, has 16 bits per sample and several channels, of which Pillow gives 8."""
    return (
        bool(image.tile)
        and _raw_mode(image).partition(";")[2] in _PAIRS
        and image.mode in ("RGB", "RGBA", "LA", "CMYK")
    )


def deep_colours(
    reopen: Callable[[], Image.Image], upright: Callable[[Image.Image], Image.Image]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read 16-bit colours, which Pillow itself cuts to their high bytes.

    Parameters
    ----------
    reopen : callable
        Returns the image, not yet loaded, anew with each call.
    upright : callable
        Turns a loaded image upright.

    Returns
    -------
    values : ndarray of uint16, shape (h, w, c) or (h, w)
        Colours, or grey; where opacity is multiplied into them already, so.
    alpha : ndarray of uint8, shape (h, w), or None
    """
    first = reopen()
    channels, _, order = _raw_mode(first).partition(";")
    if channels == "LA":
        # No unpacker takes the low bytes, but as four bytes a pixel they are all there.
        both = np.asarray(upright(_load(first, "RGBA", lambda _: "RGBA")))
        high, low = both[..., ::2], both[..., 1::2]
    else:
        high, low = (
            np.asarray(upright(_load(image, image.mode, lambda raw, end=end: _plain(raw, end))))
            for image, end in zip((first, reopen()), _PAIRS[order], strict=True)
        )
    values = high.astype(np.uint16) << 8 | low
    if channels in ("LA", "RGBA", "RGBa"):
        colours, alpha = values[..., :-1], scale_values(values[..., -1], INTEGERS)
        # Over black, which is what they are laid over, colours multiplied by their opacity are themselves.
        return (colours[..., 0] if channels == "LA" else colours), (None if channels == "RGBa" else alpha)
    return values, None


def _raw_mode(image: Image.Image) -> str:
    arguments = image.tile[0].args
    return arguments if isinstance(arguments, str) else str(arguments[0]) if arguments else ""


def _plain(raw: str, end: str) -> str:
    # One channel at a time, where they lie in planes, has lost its bits.
    channels = raw.partition(";")[0]
    return f"{'RGBA' if channels == 'RGBa' else channels};{end}"


def _load(image: Image.Image, mode: str, rename: Callable[[str], str]) -> Image.Image:
    image._mode = mode
    image.tile = [
        tile._replace(args=rename(tile.args) if isinstance(tile.args, str) else (rename(tile.args[0]), *tile.args[1:]))
        for tile in image.tile
    ]
    image.load()
    return image
