"""TIFF files, byte by byte."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np

NONE, LZW, DEFLATE, PACKBITS = 1, 5, 8, 32773


def write_tiff(pages: Sequence[dict] | None = None, *, order: str = "<", big: bool = False, **page) -> bytes:
    """Write a TIFF file of one page, or of several, each with the arguments of `_page`."""
    content = bytearray()
    content += (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    content += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    all_pages = pages or [page]
    for number, one in enumerate(all_pages):
        _page(content, order, big, last=number == len(all_pages) - 1, **one)
    return bytes(content)


def _page(
    content: bytearray,
    order: str,
    big: bool,
    last: bool,
    *,
    values: np.ndarray,
    bits: int | Sequence[int],
    photometric: int,
    compression: int = NONE,
    rows_per_strip: int = 5,
    tile: int = 0,
    planar: int = 1,
    predictor: int = 1,
    fill_order: int = 1,
    sample_format: int = 0,
    extra: Sequence[int] = (),
    colours: np.ndarray | None = None,
    orientation: int = 0,
    others: dict[int, tuple] | None = None,
    data: Sequence[bytes] | None = None,
) -> None:
    """Append a page; `values` is (h, w) or (h, w, c); `data` takes the place of the strips' or tiles' bytes."""
    height, width = values.shape[:2]
    channels = 1 if values.ndim == 2 else values.shape[2]
    depth = [bits] * channels if isinstance(bits, int) else list(bits)
    stacked = values.reshape(height, width, channels)
    planes = [stacked] if planar == 1 else [stacked[..., c : c + 1] for c in range(channels)]
    parts = []
    for plane in planes:
        if tile:
            padded = np.zeros((-(-height // tile) * tile, -(-width // tile) * tile, plane.shape[2]), plane.dtype)
            padded[:height, :width] = plane
            parts += [padded[y : y + tile, x : x + tile] for y in range(0, height, tile) for x in range(0, width, tile)]
        else:
            parts += [plane[y : y + rows_per_strip] for y in range(0, height, rows_per_strip)]
    coded = data or [_compress(_pack(part, depth[0], order, predictor), compression, part) for part in parts]
    if fill_order == 2:
        coded = [bytes(int(f"{byte:08b}"[::-1], 2) for byte in one) for one in coded]
    tags: dict[int, tuple] = {
        256: ("I", width), 257: ("I", height), 258: ("H", *depth), 259: ("H", compression), 262: ("H", photometric),
        277: ("H", channels), 284: ("H", planar),
    }  # fmt: skip
    tags |= {317: ("H", predictor)} if predictor != 1 else {}
    tags |= {266: ("H", fill_order)} if fill_order != 1 else {}
    tags |= {339: ("H", *[sample_format] * channels)} if sample_format else {}
    tags |= {338: ("H", *extra)} if extra else {}
    tags |= {320: ("H", *colours.T.ravel().tolist())} if colours is not None else {}
    tags |= {274: ("H", orientation)} if orientation else {}
    tags |= {322: ("I", tile), 323: ("I", tile)} if tile else {278: ("I", rows_per_strip)}
    tags |= others or {}
    word, offset_format = ("Q", "Q") if big else ("I", "I")
    directory_at = len(content)
    entry_size, count_size = (20, 8) if big else (12, 2)
    number = len({273, 279, *tags} if not tile else {324, 325, *tags})
    after = directory_at + count_size + entry_size * number + struct.calcsize(word)
    places, lengths = [], []
    body = bytearray()
    for one in coded:
        places.append(after + len(body))
        lengths.append(len(one))
        body += one + b"\0" * (len(one) % 2)
    tags = {324 if tile else 273: (offset_format, *places), 325 if tile else 279: ("I", *lengths)} | tags
    codes = {"B": 1, "H": 3, "I": 4, "Q": 16, "f": 11}
    directory = bytearray(struct.pack(order + ("Q" if big else "H"), number))
    inline = 8 if big else 4
    for tag, (kind, *entries) in sorted(tags.items()):
        packed = struct.pack(order + kind * len(entries), *entries)
        directory += struct.pack(order + "HH" + word, tag, codes[kind], len(entries))
        if len(packed) <= inline:
            directory += packed.ljust(inline, b"\0")
        else:
            directory += struct.pack(order + word, after + len(body))
            body += packed + b"\0" * (len(packed) % 2)
    directory += struct.pack(order + word, 0 if last else after + len(body))
    content += directory + body


def _pack(part: np.ndarray, bits: int, order: str, predictor: int) -> bytes:
    if part.dtype.kind == "f":
        return part.astype(part.dtype.newbyteorder(order)).tobytes()
    if predictor == 2:
        part = part.astype(np.int64)
        part = np.concatenate([part[:, :1], np.diff(part, axis=1)], axis=1) % 2**bits
    if bits in (8, 16, 32, 64):
        kind = {8: "i1", 16: "i2", 32: "i4", 64: "i8"}[bits] if part.min() < 0 else f"u{bits // 8}"
        return part.astype(np.dtype(kind).newbyteorder(order)).tobytes()
    rows = part.reshape(len(part), -1)
    found = []
    for row in rows.tolist():
        text = "".join(f"{value:0{bits}b}" for value in row)
        text += "0" * (-len(text) % 8)
        found.append(int(text, 2).to_bytes(len(text) // 8, "big"))
    return b"".join(found)


def _compress(packed: bytes, compression: int, part: np.ndarray) -> bytes:
    if compression == DEFLATE:
        return zlib.compress(packed)
    if compression == LZW:
        return lzw(packed)
    if compression == PACKBITS:
        size = len(packed) // len(part)  # Runs end with their row.
        return b"".join(_literals(packed[at : at + size]) for at in range(0, len(packed), size))
    return packed


def _literals(row: bytes) -> bytes:
    return b"".join(bytes([len(row[at : at + 128]) - 1]) + row[at : at + 128] for at in range(0, len(row), 128))


def lzw(data: bytes) -> bytes:
    """Compress as TIFF does: high bits first, codes a bit longer one entry early."""
    codes, text = {bytes([i]): i for i in range(256)}, []
    width, following, current = 9, 258, b""
    text.append(f"{256:09b}")
    for byte in data:
        longer = current + bytes([byte])
        if longer in codes:
            current = longer
            continue
        text.append(f"{codes[current]:0{width}b}")
        codes[longer] = following
        following += 1
        if following == 4094:
            text.append(f"{256:0{width}b}")
            codes, width, following = {bytes([i]): i for i in range(256)}, 9, 258
        elif following == 2**width:
            width += 1
        current = bytes([byte])
    if current:
        text.append(f"{codes[current]:0{width}b}")
        if following + 1 == 2**width:
            width += 1
    text.append(f"{257:0{width}b}")
    bits = "".join(text)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")
