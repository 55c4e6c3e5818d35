"""BMP and PNM of every depth."""

import struct
from collections.abc import Iterator
from itertools import product

import numpy as np

from helpers.corpus.case import HEIGHT, WIDTH, Case, noise, rgb, to_8_bits

SHAPE = (HEIGHT, WIDTH)


def write_bmp(rows: list[bytes], bits: int, *, palette: np.ndarray | None = None, down: bool = False, coding: int = 0):
    """Write a BMP file of rows from top to bottom, or of a coded block as the only row."""
    colours = b"" if palette is None else b"".join(bytes([b, g, r, 0]) for r, g, b in palette.tolist())
    padded = rows if coding else [row + b"\0" * (-len(row) % 4) for row in rows]
    data = b"".join(padded if down or coding else padded[::-1])
    offset = 54 + len(colours)
    height = -HEIGHT if down else HEIGHT
    header = struct.pack(
        "<IiiHHIIiiII", 40, WIDTH, height, 1, bits, coding, len(data), 2835, 2835, len(colours) // 4, 0
    )
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + header + colours + data


def packed_rows(values: np.ndarray, bits: int) -> list[bytes]:
    """Rows of bits, the high ones first."""
    found = []
    for row in values.tolist():
        text = "".join(f"{value:0{bits}b}" for value in row)
        text += "0" * (-len(text) % 8)
        found.append(int(text, 2).to_bytes(len(text) // 8, "big"))
    return found


def raw_cases() -> Iterator[Case]:
    """All of them."""
    for bits, down in product((1, 4, 8), (False, True)):
        indices, colours = noise(2**bits - 1, *SHAPE), noise(255, 2**bits, 3, seed=1)
        content = write_bmp(packed_rows(indices, bits), bits, palette=colours, down=down)
        yield Case(f"palette {bits} bits{' downwards' * down}.bmp", content, colours[indices].astype(np.uint8))
    colours = noise(255, *SHAPE, 3)
    for down in (False, True):
        rows = [row[:, ::-1].astype(np.uint8).tobytes() for row in colours]
        yield Case(f"24 bits{' downwards' * down}.bmp", write_bmp(rows, 24, down=down), colours.astype(np.uint8))
        rows = [np.pad(row[:, ::-1], ((0, 0), (0, 1))).astype(np.uint8).tobytes() for row in colours]
        yield Case(f"32 bits{' downwards' * down}.bmp", write_bmp(rows, 32, down=down), colours.astype(np.uint8))
    fives = noise(31, *SHAPE, 3)
    rows = [(row[:, 0] << 10 | row[:, 1] << 5 | row[:, 2]).astype("<u2").tobytes() for row in fives]
    yield Case("15 bits.bmp", write_bmp(rows, 16), to_8_bits(fives, 31), tolerance=1)
    indices, colours = np.sort(noise(255, *SHAPE), axis=1), noise(255, 256, 3, seed=1)
    runs = b"".join(b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in indices[::-1].tolist()) + b"\0\1"
    content = write_bmp([runs], 8, palette=colours, coding=1)
    yield Case("run lengths.bmp", content, colours[indices].astype(np.uint8))
    yield from _pnm()


def _pnm() -> Iterator[Case]:
    size = b"%d %d\n" % (WIDTH, HEIGHT)
    bits = noise(1, *SHAPE)
    yield Case("packed.pbm", b"P4\n" + size + b"".join(packed_rows(bits, 1)), rgb(to_8_bits(1 - bits, 1)), bits=1)
    text = b"\n".join(b" ".join(b"%d" % value for value in row) for row in bits.tolist())
    yield Case("text.pbm", b"P1\n" + size + text, rgb(to_8_bits(1 - bits, 1)), bits=1)
    for high, channels in product((1, 15, 100, 255, 1023, 4095, 65535), (1, 3)):
        values = noise(high, *SHAPE, *((3,) if channels == 3 else ()))
        header = size + b"# a comment\n%d\n" % high
        binary = values.astype(np.uint8 if high < 256 else ">u2").tobytes()
        suffix = "pgm" if channels == 1 else "ppm"
        pixels = rgb(to_8_bits(values, high))
        depth = high.bit_length()
        yield Case(f"to {high}.{suffix}", (b"P5\n" if channels == 1 else b"P6\n") + header + binary, pixels, bits=depth,
                   tolerance=0 if high > 255 else 1)  # fmt: skip
        text = b" ".join(b"%d" % value for value in values.ravel().tolist())
        yield Case(f"text to {high}.{suffix}", (b"P2\n" if channels == 1 else b"P3\n") + header + text, pixels,
                   tolerance=1)  # fmt: skip
    floats = (noise(255, *SHAPE) / 255).astype("<f4")
    content = b"Pf\n" + size + b"-1.0\n" + floats[::-1].tobytes()
    yield Case("grey floats.pfm", content, rgb(noise(255, *SHAPE)).astype(np.uint8), bits=32)
