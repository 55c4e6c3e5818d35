"""Whether a PNG file is as it was written: its sums, which Pillow checks of headers alone."""

import zlib
from typing import BinaryIO

from nearlabel.images.reading.errors import UnreadableImageError


def check_png(file: BinaryIO) -> None:
    """Check the sums of a PNG file's chunks, up to its last.

    Raises
    ------
    UnreadableImageError
        A chunk that the picture needs is not as it was written.
    """
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IEND":  # There is nothing in it.
            return
        critical = not kind[0] & 32
        if not critical:
            file.seek(length + 4, 1)
            continue
        total, left = zlib.crc32(kind), length
        while left and (block := file.read(min(left, 1 << 20))):
            total, left = zlib.crc32(block, total), left - len(block)
        found = file.read(4)
        if left or len(found) < 4:
            raise UnreadableImageError("damaged or truncated image: the file ends within its data")
        if total != int.from_bytes(found, "big"):
            raise UnreadableImageError(f"damaged image: the checksum of its part {kind.decode('latin-1')!r} is wrong")
