"""PNG of every colour type and depth, interlaced, filtered, with opacity."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from helpers.corpus.case import HEIGHT, ORIENTATIONS, WIDTH, Case, noise, over_black, rgb, to_8_bits

SHAPE = (HEIGHT, WIDTH)
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(
    values: np.ndarray,
    colour_type: int,
    bits: int,
    *,
    interlaced: bool = False,
    filters: Sequence[int] = (0,),
    before: bytes = b"",
    pieces: int = 1,
) -> bytes:
    """Write a PNG file; `before` goes between header and data."""
    height, width = values.shape[:2]
    stacked = values.reshape(height, width, _CHANNELS[colour_type])
    passes = [stacked[y::v, x::h] for y, x, v, h in _ADAM7] if interlaced else [stacked]
    raw = b"".join(_filtered(one, bits, filters) for one in passes if one.size)
    packed = zlib.compress(raw)
    step = -(-len(packed) // pieces)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, interlaced))
    data = b"".join(chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step))
    return b"\x89PNG\r\n\x1a\n" + header + before + data + chunk(b"IEND", b"")


def _filtered(values: np.ndarray, bits: int, filters: Sequence[int]) -> bytes:
    size = max(1, bits * values.shape[2] // 8)
    above, found = None, []
    for number, row in enumerate(values):
        if bits == 16:
            line = row.astype(">u2").tobytes()
        else:
            text = "".join(f"{value:0{bits}b}" for value in row.ravel().tolist())
            text += "0" * (-len(text) % 8)
            line = int(text, 2).to_bytes(len(text) // 8, "big")
        above = above or bytes(len(line))
        kind = filters[number % len(filters)]
        coded = bytearray([kind])
        for at, byte in enumerate(line):
            left = line[at - size] if at >= size else 0
            corner = above[at - size] if at >= size else 0
            guess = (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))[kind]
            coded.append((byte - guess) % 256)
        found.append(bytes(coded))
        above = line
    return b"".join(found)


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def png_cases() -> Iterator[Case]:
    """All of them."""
    for colour_type, depths in _DEPTHS.items():
        for bits, interlaced in product(depths, (False, True)):
            yield _plain(colour_type, bits, interlaced)
    for kind in range(5):
        values = noise(65535, *SHAPE, 3)
        content = write_png(values, 2, 16, filters=[kind])
        yield Case(f"RGB 16 bits filter {kind}.png", content, to_8_bits(values, 65535))
        grey = noise(255, *SHAPE)
        yield Case(f"grey filter {kind}.png", write_png(grey, 0, 8, filters=[kind]), rgb(grey).astype(np.uint8))
    for bits, full in product((16,), (255, 1023, 4095, 16383)):
        for colour_type, channels in ((0, ()), (2, (3,))):
            values = noise(full, *SHAPE, *channels)
            content = write_png(values, colour_type, bits, filters=range(5))
            yield Case(f"type {colour_type} of {full}.png", content, rgb(to_8_bits(values, full)), full_range=str(full))
    yield from _transparent()
    for orientation in ORIENTATIONS:
        for bits, channels in ((8, ()), (16, ()), (16, (3,))):
            values = noise(2**bits - 1, *SHAPE, *channels)
            tag = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 274, 3, 1, orientation, 0) + bytes(4)
            content = write_png(values, 2 if channels else 0, bits, before=chunk(b"eXIf", tag))
            pixels = ORIENTATIONS[orientation](rgb(to_8_bits(values, 2**bits - 1)))
            yield Case(f"{bits} bits {len(channels)} orientation {orientation}.png", content, pixels)
    values = noise(255, *SHAPE)
    yield Case("data in nine pieces.png", write_png(values, 0, 8, pieces=9), rgb(values).astype(np.uint8))
    whole = write_png(values, 0, 8)
    for lost in (1, 4, 8, 12):
        yield Case(f"{lost} bytes of its end missing.png", whole[:-lost], rgb(values).astype(np.uint8))
    yield Case("with something behind it.png", whole + b"x" * 99, rgb(values).astype(np.uint8))
    text = chunk(b"tEXt", b"Comment\0" + b"x" * 5000)
    yield Case("with a text.png", write_png(values, 0, 8, before=text), rgb(values).astype(np.uint8))
    wrong = bytearray(write_png(values, 0, 8, before=text))
    wrong[60] ^= 1
    yield Case("a text that is damaged.png", bytes(wrong), reason="damaged")


def _plain(colour_type: int, bits: int, interlaced: bool) -> Case:
    high = 2**bits - 1
    channels = _CHANNELS[colour_type]
    values = noise(high, *SHAPE, *(() if channels == 1 else (channels,)))
    before = b""
    tolerance = 0
    if colour_type == 3:
        colours = noise(255, high + 1, 3, seed=1)
        before = chunk(b"PLTE", colours.astype(np.uint8).tobytes())
        pixels = colours[values].astype(np.uint8)
    elif colour_type in (4, 6):
        pixels = to_8_bits(values[..., :-1], high)
        pixels = over_black(pixels[..., 0] if channels == 2 else pixels, to_8_bits(values[..., -1], high), 255)
        tolerance = 1
    else:
        pixels = rgb(to_8_bits(values, high))
    content = write_png(values, colour_type, bits, interlaced=interlaced, before=before, filters=range(5))
    name = f"type {colour_type}, {bits} bits{', interlaced' * interlaced}.png"
    return Case(name, content, pixels, bits=bits, tolerance=tolerance)


def _transparent() -> Iterator[Case]:
    for bits in (1, 2, 4, 8, 16):
        high = 2**bits - 1
        values = noise(high, *SHAPE)
        key = int(values[3, 4])
        content = write_png(values, 0, bits, before=chunk(b"tRNS", struct.pack(">H", key)))
        pixels = rgb(np.where(values == key, 0, to_8_bits(values, high)))
        yield Case(f"grey {bits} bits, one value transparent.png", content, pixels.astype(np.uint8))
    values = noise(255, *SHAPE, 3)
    values[2:5, 3:9] = 10, 200, 30
    content = write_png(values, 2, 8, before=chunk(b"tRNS", struct.pack(">HHH", 10, 200, 30)))
    hidden = (values == [10, 200, 30]).all(axis=2)[..., None]
    yield Case("RGB 8 bits, one colour transparent.png", content, np.where(hidden, 0, values).astype(np.uint8))
    values = noise(65535, *SHAPE, 3)
    values[2:5, 3:9] = 2570, 51400, 7711
    content = write_png(values, 2, 16, before=chunk(b"tRNS", struct.pack(">HHH", 2570, 51400, 7711)))
    hidden = (values == [2570, 51400, 7711]).all(axis=2)[..., None]
    pixels = np.where(hidden, 0, to_8_bits(values, 65535)).astype(np.uint8)
    yield Case("RGB 16 bits, one colour transparent.png", content, pixels)
    indices, colours, alpha = noise(15, *SHAPE), noise(255, 16, 3, seed=1), noise(255, 16, seed=2)
    before = chunk(b"PLTE", colours.astype(np.uint8).tobytes()) + chunk(b"tRNS", alpha.astype(np.uint8).tobytes())
    pixels = over_black(colours[indices], alpha[indices], 255)
    yield Case("palette with opacity.png", write_png(indices, 3, 4, before=before), pixels, tolerance=1)
