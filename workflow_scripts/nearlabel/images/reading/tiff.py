"""TIFF, the format of a thousand kinds: what a file's tags say, what Pillow would misread, and what it cannot read."""

import math
import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

_BITS, _COMPRESSION, _PHOTOMETRIC = 258, 259, 262
_SAMPLES, _EXTRA, _FORMAT, _SUBFILE, _DNG = 277, 338, 339, 254, 50706
_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES, _SUBSAMPLING = 273, 279, 324, 325, 530
_WIDTH, _HEIGHT, _FILL, _ROWS, _TILE_WIDTH, _TILE_HEIGHT, _PLANAR = 256, 257, 266, 278, 322, 323, 284
_PREDICTOR, _ORIENTATION = 317, 274

_FORMATS = {1: "unsigned integers", 2: "signed integers", 3: "floating point", 5: "complex integers", 6: "complex"}
_PHOTOMETRICS = {
    0: "grey, white is zero", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "inks", 6: "YCbCr", 8: "CIELab",
    9: "ICCLab", 10: "ITULab", 32803: "a camera's colour filter array", 34892: "linear raw",
}  # fmt: skip
_COMPRESSIONS = {
    1: "none", 2: "CCITT RLE", 3: "CCITT G3", 4: "CCITT G4", 5: "LZW", 6: "old JPEG", 7: "JPEG", 8: "deflate",
    32773: "PackBits", 32946: "deflate", 34712: "JPEG 2000", 34887: "LERC", 34925: "LZMA", 50000: "Zstandard",
    50001: "WebP", 22610: "JPEG XR", 34934: "JPEG XR", 52546: "JPEG XL", 50002: "JPEG XL",
}  # fmt: skip

# A tile is decoded as a whole, even where it is larger than its image.
_TILE_PIXELS = 1 << 24

# Kinds that differ from ones that Pillow reads by the order of their bytes, or by what is white, alone.
for _order, _end in ((b"II", ""), (b"MM", "B")):
    for _photometric in (0, 1):
        for _format, _bits, _mode in (
            (1, 12, ("I;16", "I;12")),
            (1, 16, (f"I;16{_end}", f"I;16{_end}")),
            (2, 16, ("I", f"I;16{_end}S")),
            (1, 32, ("I", f"I;32{_end}")),
            (2, 32, ("I", f"I;32{_end}S")),
            (3, 32, ("F", f"F;32{_end}F")),
            (3, 64, ("F", f"F;64{_end}F")),
        ):
            _kind = (_order, _photometric, (_format,), 1, (_bits,), ())
            TiffImagePlugin.OPEN_INFO.setdefault(_kind, _mode)


def correct_order(image: Image.Image) -> None:
    """Tell Pillow, before a TIFF is loaded, in which order libtiff gives the bytes of 32-bit values: the machine's."""
    if not image.tile or image.tile[0].codec_name != "libtiff":
        return
    [tile] = image.tile
    raw, *others = tile.args
    if raw in ("I;16BS", "I;32B", "I;32BS", "F;32BF", "F;64BF"):
        image.tile = [tile._replace(args=(raw.replace("B", ""), *others))]


def read_tags(file: BinaryIO) -> dict[int, Any] | None:
    """Read the tags of a TIFF's first page; None for what is no TIFF, or one whose tags are damaged."""
    file.seek(0)
    header = file.read(8)
    if header[:4] in (b"II\x2b\0", b"MM\0\x2b"):
        header += file.read(8)
    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(header)
        file.seek(directory.next)
        directory.load(file)
        return dict(directory)
    except Exception:  # Pillow raises whatever damaged tags lead to.
        return None


def describe_tiff(tags: dict[int, Any]) -> str:
    """Say in words which kind of TIFF has these tags."""
    bits, samples = _tuple(tags.get(_BITS, 1)), tags.get(_SAMPLES, 1)
    depth = "+".join(map(str, bits)) if len(set(bits)) > 1 else str(bits[0])
    parts = [
        f"{samples} channel{'s' if samples != 1 else ''} of {depth} bit{'s' if depth != '1' else ''}",
        _word(_FORMATS, _tuple(tags.get(_FORMAT, 1))[0], "sample format"),
        _word(_PHOTOMETRICS, tags.get(_PHOTOMETRIC, "none"), "photometric interpretation"),
        f"compression {_word(_COMPRESSIONS, tags.get(_COMPRESSION, 1), 'number')}",
    ]
    parts += ["in planes"] if tags.get(_PLANAR) == 2 else []
    return ", ".join(parts)


def refusal(tags: dict[int, Any]) -> str | None:
    """Say why a TIFF is not read although Pillow would: it would read it wrongly. None where it is right."""
    samples, photometric = tags.get(_SAMPLES, 1), tags.get(_PHOTOMETRIC)
    if _DNG in tags:
        return "a camera's raw file (DNG), of which only the thumbnail could be read; develop it to TIFF or PNG"
    if _tuple(tags.get(_FORMAT, 1))[0] == 2 and _tuple(tags.get(_BITS, 1)) == (8,):
        return "TIFF of 8-bit signed integers; convert it to unsigned ones"
    if isinstance(tags.get(_SUBFILE), int) and tags[_SUBFILE] & 1:
        return "the first page is a thumbnail (a camera's raw file?); convert it to a TIFF or PNG of one page"
    if (samples > 1 and photometric in (0, 1) and not {1, 2} & set(_tuple(tags.get(_EXTRA, 0)))) or samples > 5:
        return f"TIFF of {samples} channels that are neither colours nor opacity; save the one that counts"
    size, tile = ([tags.get(tag, 0) for tag in pair] for pair in ((_WIDTH, _HEIGHT), (_TILE_WIDTH, _TILE_HEIGHT)))
    if all(isinstance(side, int) for side in size + tile) and math.prod(tile) > max(_TILE_PIXELS, 4 * math.prod(size)):
        return f"damaged image header: tiles of {tile[0]} x {tile[1]} pixels in an image of {size[0]} x {size[1]}"
    if photometric == 6 and tags.get(_COMPRESSION, 1) == 1 and _tuple(tags.get(_SUBSAMPLING, (2, 2))) != (1, 1):
        return "TIFF of subsampled YCbCr without compression; convert it to RGB"
    return None


def is_short(tags: dict[int, Any], size: int) -> bool:
    """Whether parts of a TIFF's first page are missing, lie beyond the file's end, or are too short for their pixels.

    Parameters
    ----------
    tags : dict
    size : int
        Of the file, in bytes.
    """
    width, height, samples = tags.get(_WIDTH), tags.get(_HEIGHT), tags.get(_SAMPLES, 1)
    tiled = _TILE_OFFSETS in tags
    places, lengths = (
        _tuple(tags.get(tag, ())) for tag in ((_TILE_OFFSETS, _TILE_BYTES) if tiled else (_STRIP_OFFSETS, _STRIP_BYTES))
    )
    rows, columns = (tags.get(_TILE_HEIGHT), tags.get(_TILE_WIDTH)) if tiled else (tags.get(_ROWS, height), width)
    numbers = (width, height, samples, rows, columns, *places, *lengths)
    if not all(isinstance(number, int) for number in numbers) or min(width, height, samples, rows, columns) < 1:
        return True
    rows = rows if tiled else min(rows, height)
    planes = samples if tags.get(_PLANAR) == 2 else 1
    down, across = -(-height // rows), -(-width // columns)
    if len(places) < down * across * planes:
        return True
    if tags.get(_COMPRESSION, 1) != 1 or tags.get(_PHOTOMETRIC) == 6:
        return any(place + length > size for place, length in zip(places, lengths, strict=False))
    line = (columns * sum((_tuple(tags.get(_BITS, 1)) * samples)[:samples]) // planes + 7) // 8
    # Lengths are often wrong; a part is too short where the next one begins within it.
    following = dict(pairwise([*sorted(set(places)), size]))
    for number, place in enumerate(places[: down * across * planes]):
        last = not tiled and number % down == down - 1
        if place + line * (height - (down - 1) * rows if last else rows) > following[place]:
            return True
    return False


def part_places(tags: dict[int, Any]) -> list[tuple[int, int]]:
    """Return the first byte and the length of each strip or tile."""
    kinds = (_TILE_OFFSETS, _TILE_BYTES) if _TILE_OFFSETS in tags else (_STRIP_OFFSETS, _STRIP_BYTES)
    return list(zip(*(_tuple(tags.get(tag, ())) for tag in kinds), strict=False))


def is_rarely_compressed(tags: dict[int, Any]) -> bool:
    """Whether the page is compressed in a way that not every libtiff knows."""
    return tags.get(_COMPRESSION, 1) not in (1, 2, 3, 4, 5, 7, 8, 32773, 32946)


def is_jpeg(tags: dict[int, Any]) -> bool:
    """Whether the parts of the page are JPEG images."""
    return tags.get(_COMPRESSION) == 7


def is_complete(tags: dict[int, Any]) -> bool:
    """Whether the tags are there without which there is no image."""
    return all(tag in tags for tag in (_WIDTH, _HEIGHT)) and bool({_STRIP_OFFSETS, _TILE_OFFSETS} & set(tags))


def has_planes(tags: dict[int, Any]) -> bool:
    """Whether the channels lie one after the other, each in whole bytes: grey or RGB with or without opacity, CMYK."""
    bits, channels = _tuple(tags.get(_BITS, 1)), {0: 1, 1: 1, 2: 3, 5: 4}.get(tags.get(_PHOTOMETRIC))
    several = tags.get(_PLANAR) == 2 and channels is not None and tags.get(_SAMPLES, 1) >= max(2, channels)
    several = several and tags.get(_COMPRESSION, 1) not in (6, 7)  # Their tables are in another tag.
    return several and set(bits) <= {8, 16} and len(set(bits)) == 1


def split_planes(content: bytes, tags: dict[int, Any]) -> Iterator[bytes]:
    """Yield a TIFF file of one grey channel for each of `has_planes`, of which Pillow reads only the high bytes."""
    order = "<" if content[:2] == b"II" else ">"
    tiled = _TILE_OFFSETS in tags
    offsets, counts = (_TILE_OFFSETS, _TILE_BYTES) if tiled else (_STRIP_OFFSETS, _STRIP_BYTES)
    samples = tags[_SAMPLES]
    kept = (_WIDTH, _HEIGHT, _COMPRESSION, _FILL, _ORIENTATION, _ROWS, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT)
    for number in range(samples):
        own = {tag: _tuple(tags[tag]) for tag in kept if tag in tags}
        own |= {_BITS: _tuple(tags[_BITS])[:1], _PHOTOMETRIC: (1,), _SAMPLES: (1,)}
        for tag in (offsets, counts):
            parts = _tuple(tags[tag])
            each = len(parts) // samples
            own[tag] = parts[number * each : (number + 1) * each]
        # A directory behind the file, with numbers of four bytes.
        at = len(content) + len(content) % 2
        values_at = at + 2 + 12 * len(own) + 4
        entries, values = b"", b""
        for tag, numbers in sorted(own.items()):
            packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
            entries += struct.pack(order + "HHI", tag, 4, len(numbers))
            entries += packed if len(numbers) == 1 else struct.pack(order + "I", values_at + len(values))
            values += packed if len(numbers) > 1 else b""
        header = content[:2] + struct.pack(order + "HI", 42, at)
        directory = struct.pack(order + "H", len(own)) + entries + bytes(4)
        yield header + content[8:] + bytes(len(content) % 2) + directory + values


def join_planes(planes: Sequence[np.ndarray], tags: dict[int, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Join the channels of `split_planes` to colours, or grey, and opacity where it is not in the colours already."""
    channels = {0: 1, 1: 1, 2: 3, 5: 4}[tags[_PHOTOMETRIC]]
    extra = _tuple(tags.get(_EXTRA, ()))
    values = planes[0] if channels == 1 else np.stack(planes[:channels], axis=2)
    has_alpha = len(planes) == channels + 1 and channels < 4 and extra in ((), (2,))
    return values, planes[channels] if has_alpha else None


def white_is_zero(tags: dict[int, Any]) -> bool:
    """Whether low values are light."""
    return tags.get(_PHOTOMETRIC) == 0


def is_unsigned(tags: dict[int, Any]) -> bool:
    """Whether samples are unsigned integers."""
    return _tuple(tags.get(_FORMAT, 1))[0] == 1


def bits_per_sample(tags: dict[int, Any]) -> int:
    """Bits of the widest channel."""
    return max(_tuple(tags.get(_BITS, 1)))


def _tuple(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _word(words: dict, number, what: str) -> str:
    return words.get(number, f"{what} {number}")
