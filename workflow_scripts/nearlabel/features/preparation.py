"""Reading an image that is to be encoded, and making sure that it is still the one that was listed; free of torch."""

from pathlib import Path

from PIL import Image

from nearlabel.images.reading import ChangedImageError, UnreadableImageError, read_image


def load_image(path: str, sha256: str, full_range: str = "") -> Image.Image:
    """Read an image that ``images.csv`` lists, and make sure that it is still the same.

    Parameters
    ----------
    path : str
        The file.
    sha256 : str
        Of its bytes when it was checked, hexadecimal.
    full_range : str
        What its values are scaled by; see `nearlabel.images.reading.read_image`.

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
        # The same bytes passed the check.
        return read_image(path, max_pixels=None, full_range=full_range, sha256=sha256)
    except ChangedImageError as error:
        raise ValueError(f"image {path!r} changed since images.csv was made; make images.csv again") from error
    except UnreadableImageError as error:
        if not Path(path).exists():
            raise FileNotFoundError(
                f"image {path!r} is gone since images.csv was made; put it back or make images.csv again"
            ) from error
        raise ValueError(f"image {path!r} cannot be read: {error}") from error
