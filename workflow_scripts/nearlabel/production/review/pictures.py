"""Files of registered images, as a browser shows them."""

import hashlib
import io
import os
import re
import sqlite3
import stat
from typing import NamedTuple

from PIL import Image

from nearlabel.images.reading import UnreadableImageError, describe_image
from nearlabel.images.reading.decoding import decode
from nearlabel.images.reading.samples import Samples
from nearlabel.images.scales import Scale
from nearlabel.production.database.recording import text_to_path

_TYPES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))
# A browser draws these as they are read here.
_PLAIN_MODES = ("L", "RGB")

# Where one image is looked for: a frame that is all black may have been seen without end.
_MOST_PLACES = 500

# What stands in a file that says how it is to be turned.
_TAGS, _ORIENTATION = re.compile(rb"Exif\0|eXIf|EXIF|Raw profile type|XMP |adobe"), 0x0112

# A named pipe would block.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class Registered(NamedTuple):
    """What the database knows of an image's file.

    Attributes
    ----------
    sha256, path : str
    bytes : int
    mode : str
    """

    sha256: str
    path: str
    bytes: int
    mode: str


class GoneError(Exception):
    """The file is not there, cannot be read, or is another one than when it was labelled; the reason names no path."""


def find_registered(connection: sqlite3.Connection, **key: str | int) -> Registered | None:
    """Return what the database knows of the image of this ``sha256`` or ``image_id``; None: it has no such.

    Its path is that of the latest file that still has it; where none does, of the latest that is there at all.
    """
    [(column, value)] = key.items()
    row = connection.execute(
        f"SELECT sha256, path, bytes, mode, image_id FROM images WHERE {column} = ?", (value,)
    ).fetchone()
    if row is None:
        return None
    *known, image_id = row
    image = Registered(*known)
    seen = connection.execute(
        "SELECT CASE archived WHEN '' THEN path ELSE archived END FROM sightings WHERE image_id = ? "
        "ORDER BY sighting_id DESC LIMIT ?",
        (image_id, _MOST_PLACES),
    )
    places = dict.fromkeys((image.path, *(path for (path,) in seen)))
    there = (image._replace(path=path) for path in places if os.path.lexists(text_to_path(path)))
    first, second = next(there, image), next(there, None)
    # A name may have been given to another image since. Whether it was, matters only where there is a choice.
    candidates = () if second is None else (first, second, *there)
    return next((one for one in candidates if _has_image(one)), first)


def _has_image(image: Registered) -> bool:
    try:
        read_registered(image)
    except GoneError:
        return False
    return True


def read_registered(image: Registered) -> bytes:
    """Read an image's file, and nothing else: the bytes are those that were labelled, whatever lies there now.

    Raises
    ------
    GoneError
    """
    try:
        descriptor = os.open(text_to_path(image.path), _FLAGS)
        with open(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size != image.bytes:
                raise GoneError("the file is another one than when it was labelled")
            content = file.read(image.bytes + 1)
    except FileNotFoundError as error:
        raise GoneError("the file is not there any more") from error
    except (OSError, ValueError) as error:
        raise GoneError("the file cannot be read") from error
    if hashlib.sha256(content).hexdigest() != image.sha256:
        raise GoneError("the file is another one than when it was labelled")
    return content


def as_shown(content: bytes, mode: str, scale: Scale | None = None) -> tuple[bytes, str]:
    """Return an image as a browser shows it, and its media type: the file where a browser reads it alike, else a PNG.

    Browsers turn some kinds of files as their tags say, and others not: what is to be turned is sent upright.

    Raises
    ------
    GoneError
        It cannot be decoded.
    """
    kind = next((kind for start, kind in _TYPES if content.startswith(start)), "")
    if kind and mode in _PLAIN_MODES and not _is_turned(content):
        return content, kind
    file = io.BytesIO()
    decode_shown(content, scale).save(file, format="PNG", compress_level=1)
    return file.getvalue(), "image/png"


def _is_turned(content: bytes) -> bool:
    if not _TAGS.search(content):
        return False
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return picture.getexif().get(_ORIENTATION, 1) != 1
    except Exception:  # Damaged tags, which turn nothing in `decode` either.
        return False


def decode_shown(content: bytes, scale: Scale | None = None) -> Image.Image:
    """Decode an image to RGB; values of more than 8 bits as the scale has it, by default as the file states.

    Raises
    ------
    GoneError
        It cannot be decoded.
    """
    try:
        found = decode(io.BytesIO(content), None)
        full_range = None
        if scale is not None and isinstance(found.pixels, Samples):
            full_range = scale.choose({"": describe_image(found, "")})[""]
        return found.to_rgb(full_range)
    except UnreadableImageError as error:
        raise GoneError("the file cannot be decoded") from error
