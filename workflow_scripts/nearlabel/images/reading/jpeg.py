"""Whether a JPEG file holds its whole image: libjpeg fills up what is lost, and Pillow passes no warning on."""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from nearlabel.images.reading.errors import UnreadableImageError
from nearlabel.images.reading.tiff import part_places

_JPEG_TABLES = 347
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
# A scan's last part, in bytes.
_LEAST_PART = 256

FILLER = b"\xff\x00" * 10
"""Ten stuffed bytes of ones, a code that no JPEG has: more than the decoder reads ahead, less than three blocks."""


# Without 0xff, which begins markers.
_NOISE = bytes((7 * i * i + 89 * i + 37) % 251 for i in range(64))


@dataclass
class JpegLayout:
    """Where the parts of a JPEG file lie.

    Attributes
    ----------
    frame : int
        Marker of its kind: 0xC0 and 0xC1 sequential, 0xC2 progressive, 0xC3 lossless, from 0xC5 on others; 0: none.
    precision : int
        Bits per sample.
    end : int
        First byte behind the last scan.
    scans : list of (first byte, first byte behind, components, first and last coefficient, low bit)
    components : bytes
        Identifiers of the channels.
    restarts : int
        How many restart markers a scan of all channels has; 0: none.
    """

    frame: int = 0
    precision: int = 8
    end: int = 0
    scans: list[tuple[int, int, bytes, int, int, int]] = field(default_factory=list)
    components: bytes = b""
    restarts: int = 0

    @property
    def needed(self) -> int:
        """First byte of the last part of the only scan, without which no decoder ends; 0 of several scans."""
        if self.frame not in (0xC0, 0xC1) or len(self.scans) != 1:
            return 0
        start, end = self.scans[0][:2]
        return end - max(_LEAST_PART, (end - start) // 20)

    def has_data_behind(self, content: bytes) -> bool:
        """Whether there is more than padding in that last part."""
        return self.needed > self.scans[0][0] and len(set(content[self.needed : self.end])) > 2


class WatchedFile(io.BytesIO):
    """A file that gives its last part by itself, so that its position tells whether that was asked for.

    Parameters
    ----------
    content : bytes
    last : int
        First byte of the last part; 0: there is none.
    """

    def __init__(self, content: bytes, last: int):
        super().__init__(content)
        self._last = last

    def read(self, size: int | None = -1) -> bytes:
        """Read, but not beyond the beginning of the last part."""
        left = self._last - self.tell()
        whole = size is None or size < 0
        return super().read((left if whole else min(size, left)) if left > 0 else size)


def find_jpeg_parts(content: bytes) -> JpegLayout:
    """Find the parts of a JPEG file, up to the end of its first image.

    Parameters
    ----------
    content : bytes
        Begins with a start marker; may be damaged.
    """
    found, at, units = JpegLayout(), 2, 0
    while at + 4 <= len(content):
        if content[at] != 0xFF:  # Decoders skip what lies between segments.
            at = content.find(b"\xff", at)
            if at < 0:
                break
            continue
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        if marker == 0xD9:
            break
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        body = content[at + 4 : at + 2 + length]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(body) >= 6:
            found.frame, found.precision = marker, body[0]
            found.components = body[6 : 6 + 3 * body[5] : 3]
            units = _count_units(body)
        elif marker == 0xDD and (interval := int.from_bytes(body[:2], "big")):
            found.restarts = max(0, -(-units // interval) - 1)
        elif marker == 0xDA and len(body) >= 4:
            start = at + 2 + length
            stop = _SCAN_END.search(content, start)
            at = stop.start() if stop else len(content)
            components = body[1 : 1 + 2 * body[0] : 2]
            found.scans.append((start, at, components, *body[-3:-1], body[-1] & 15))
            found.end = at
            continue
        at += 2 + length
    return found


def fill_jpeg(layout: JpegLayout, content: bytes) -> bytes:
    """Put filler in place of the end of a JPEG file of one scan.

    A decoder that still wants data fails then, where an end marker would make it fill up the image with grey; one that
    has all its data ends as ever, with the same pixels.

    Parameters
    ----------
    layout : JpegLayout
        Of `find_jpeg_parts`.
    content : bytes
        The file.

    Returns
    -------
    bytes
        The file itself where this is no test: several scans, arithmetic coding.

    Raises
    ------
    UnreadableImageError
        Whole scans are lost, or parts of one.
    """
    if layout.frame in (0xC0, 0xC1) and len(layout.scans) == 1:
        markers = _RESTART.findall(content, layout.scans[0][0], layout.end) if layout.restarts else []
        if len(markers) < layout.restarts or any(mark[0] != 0xD0 + i % 8 for i, mark in enumerate(markers)):
            raise UnreadableImageError("damaged image: parts of its JPEG, between restart markers, are missing")
        return content[: layout.end] + FILLER
    if _lacks_scans(layout):
        raise UnreadableImageError("damaged or truncated image: the file ends before the last scan of its JPEG")
    return content


def stir_jpeg(layout: JpegLayout, content: bytes) -> bytes | None:
    """Put noise behind the last of several scans of a JPEG file: pixels change only where the scan's data fall short.

    Returns
    -------
    bytes or None
        None where `fill_jpeg` is the test, or there is none.
    """
    if layout.frame not in (0xC0, 0xC1, 0xC2) or len(layout.scans) < 2:
        return None
    return content[: layout.end] + _NOISE + content[layout.end :]


def _count_units(frame: bytes) -> int:
    """Count the blocks of a scan of all channels, each of as many pixels as a channel's largest sampling makes."""
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    sampling = frame[7 : 6 + 3 * frame[5] : 3]
    across, down = (8 * max((one >> shift & 15 for one in sampling), default=1) for shift in (4, 0))
    if len(sampling) == 1:  # A channel by itself is not interleaved.
        across = down = 8
    return -(-width // across) * -(-height // down) if across and down else 0


def _lacks_scans(layout: JpegLayout) -> bool:
    """Whether some component has no scan, or in a progressive image not all its coefficients to their last bit."""
    if layout.frame != 0xC2:
        return not all(any(one in scan[2] for scan in layout.scans) for one in layout.components)
    for identifier in layout.components:
        known = {}
        for _, _, components, first, last, low in layout.scans:
            if identifier in components:
                known |= dict.fromkeys(range(first, last + 1), low)
        # High coefficients may be zero by intent, and without a scan.
        if 0 not in known or 1 not in known or any(known.values()):
            return True
    return False


def tiff_jpegs(file: BinaryIO, tags: Mapping[int, Any]) -> Iterator[bytes]:
    """Yield the JPEG images that a TIFF's first page is made of, each with filler as `fill_jpeg` puts it.

    Parameters
    ----------
    file : binary file
    tags : mapping
        Of `nearlabel.images.reading.tiff.read_tags`.
    """
    tables = tags.get(_JPEG_TABLES, b"")
    for place, length in part_places(tags):
        file.seek(place)
        content = file.read(length)
        if content.startswith(b"\xff\xd8"):
            content = tables.removesuffix(b"\xff\xd9") + content[2:] if tables else content
            yield fill_jpeg(find_jpeg_parts(content), content)
