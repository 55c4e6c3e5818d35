"""Reading an image that is to be encoded, and making sure that it is still the one that was listed; free of torch."""

import hashlib
from pathlib import Path

from PIL import Image

from nearlabel.images.reading import UnreadableImageError, decode_image


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
