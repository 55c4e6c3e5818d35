"""Damaged files: each is refused, never filled up in silence."""

import struct
from collections.abc import Iterator

import numpy as np

from helpers.corpus.case import HEIGHT, WIDTH, Case, noise, smooth
from helpers.corpus.others import encode
from helpers.corpus.png import chunk, write_png
from helpers.corpus.raw import packed_rows, write_bmp
from helpers.corpus.tiff_writer import DEFLATE, LZW, PACKBITS, write_tiff

SHAPE = (HEIGHT, WIDTH)
REASON = "damaged|truncated|beg[iu]ns"
END = b"\xff\xd9"


def damaged_cases() -> Iterator[Case]:
    """All of them."""
    yield Case("empty.png", b"", reason="empty")
    yield from _jpeg()
    yield from _png()
    yield from _tiff()
    for name, content in {
        "cut.bmp": write_bmp(packed_rows(noise(255, *SHAPE), 8), 8, palette=noise(255, 256, 3)),
        "cut.pgm": b"P5\n21 13\n255\n" + noise(255, *SHAPE).astype(np.uint8).tobytes(),
        "cut deep.pgm": b"P5\n21 13\n4095\n" + noise(4095, *SHAPE).astype(">u2").tobytes(),
        "cut.ppm": b"P6\n21 13\n255\n" + noise(255, *SHAPE, 3).astype(np.uint8).tobytes(),
        "cut deep.ppm": b"P6\n21 13\n65535\n" + noise(65535, *SHAPE, 3).astype(">u2").tobytes(),
        "cut.gif": encode(noise(255, *SHAPE).astype(np.uint8), "GIF"),
        "cut.webp": encode(noise(255, *SHAPE, 3).astype(np.uint8), "WEBP", lossless=True),
        "cut lossy.webp": encode(smooth(3), "WEBP", quality=95),
        "cut.jp2": encode(noise(255, *SHAPE, 3).astype(np.uint8), "JPEG2000"),
        "cut.j2k": encode(noise(255, *SHAPE, 3).astype(np.uint8), "JPEG2000", no_jp2=True),
    }.items():
        for share in (0.3, 0.6, 0.9):
            yield Case(f"at {share} {name}", content[: int(len(content) * share)], reason=REASON)
    run = write_bmp([bytes([9, 1, 0, 0, 0, 1])], 8, palette=noise(255, 256, 3), coding=1)
    yield Case("lines of runs missing.bmp", run, reason=REASON)
    whole = encode(noise(255, *SHAPE).astype(np.uint8), "GIF")
    for share in (0.6, 0.9):
        at = int(len(whole) * share)
        yield Case(f"at {share}, with a trailer.gif", whole[:at] + b"\0;", reason=REASON)
    tail = encode(smooth(3), "JPEG2000", no_jp2=True)
    for share in (0.5, 0.9):
        yield Case(f"at {share}, with an end marker.j2k", tail[: int(len(tail) * share)] + END, reason=REASON)


def _jpeg() -> Iterator[Case]:
    for kind, values, mode in (("grey", smooth(), None), ("RGB", smooth(3), None), ("CMYK", smooth(4), "CMYK")):
        for name, options in {
            "": {}, "optimised": {"optimize": True}, "restarts": {"restart_marker_rows": 1},
            "progressive": {"progressive": True}, "4:2:0": {"subsampling": 2},
        }.items():  # fmt: skip
            if kind == "grey" and "subsampling" in options:
                continue
            whole = encode(values, "JPEG", mode, quality=90, **options)
            start = whole.index(b"\xff\xda")
            for share in (0.1, 0.5, 0.9):
                cut = whole[: start + 14 + int((len(whole) - start - 14) * share)].removesuffix(b"\xff")
                yield Case(f"{kind} {name} at {share}.jpg", cut, reason=REASON)
                yield Case(f"{kind} {name} at {share}, with an end marker.jpg", cut + END, reason=REASON)
                yield Case(f"{kind} {name} at {share}, with zeros.jpg", cut + bytes(2), reason=REASON)
    whole = encode(smooth(3), "JPEG", restart_marker_rows=1)
    second, third = whole.index(b"\xff\xd1"), whole.index(b"\xff\xd2") if b"\xff\xd2" in whole else whole.rindex(END)
    yield Case("a part between restarts missing.jpg", whole[:second] + whole[third:], reason=REASON)
    rng = np.random.default_rng(0)
    noisy = encode(rng.integers(0, 256, (80, 80), dtype=np.uint8), "JPEG", quality=90)
    start = noisy.index(b"\xff\xda") + 14
    yield Case("a piece of its data missing.jpg", noisy[: start + 500] + noisy[start + 900 :], reason=REASON)
    other = bytes(rng.integers(0, 255, 900, dtype=np.uint8))
    yield Case(
        "a piece of its data overwritten.jpg", noisy[: start + 500] + other + noisy[start + 1400 :], reason=REASON
    )
    whole = encode(smooth(), "JPEG")
    yield Case("cut within its header.jpg", whole[:100], reason=REASON)
    yield Case("cut within its header, with an end marker.jpg", whole[:100] + END, reason=REASON)


def _png() -> Iterator[Case]:
    for bits, values, kind in (
        (8, noise(255, *SHAPE), 0), (16, noise(65535, *SHAPE), 0), (8, noise(255, *SHAPE, 3), 2),
        (16, noise(65535, *SHAPE, 3), 2), (16, noise(65535, *SHAPE, 2), 4),
    ):  # fmt: skip
        whole = write_png(values, kind, bits, pieces=2)
        first = whole.index(b"IDAT")
        length = struct.unpack(">I", whole[first - 4 : first])[0]
        second = first + 4 + length + 4
        name = f"{bits} bits, type {kind}"
        for share in (0.3, 0.6, 0.9):
            yield Case(f"{name} at {share}.png", whole[: int(len(whole) * share)], reason=REASON)
        yield Case(f"{name}, a bit wrong.png", _turned(whole, first + 20), reason="checksum")
        yield Case(f"{name}, a sum wrong.png", _turned(whole, first + 4 + length), reason="checksum")
        yield Case(f"{name}, half the data.png", whole[:second] + chunk(b"IEND", b""), reason=REASON)
        yield Case(f"{name}, no data.png", whole[: first - 4] + chunk(b"IEND", b""), reason=REASON)


def _tiff() -> Iterator[Case]:
    for name, options in {
        "plain": {}, "deflate": {"compression": DEFLATE}, "LZW": {"compression": LZW},
        "PackBits": {"compression": PACKBITS}, "tiles": {"tile": 16},
        "tiles deflate": {"tile": 16, "compression": DEFLATE},
    }.items():  # fmt: skip
        for bits, shape, photometric in ((8, SHAPE, 1), (16, SHAPE, 1), (16, (*SHAPE, 3), 2)):
            page = {"values": noise(2**bits - 1, *shape), "bits": bits, "photometric": photometric}
            whole = write_tiff(**page, **options)
            kind = f"{name} {bits} bits {len(shape)}"
            # Tags come first, so that pixels are what a cut costs.
            for share in (0.6, 0.9):
                yield Case(f"{kind} at {share}.tif", whole[: int(len(whole) * share)], reason=REASON)
            if "compression" in options:
                short = [b"\x80\x0b" if options["compression"] == LZW else b"\x78\x9c\x03\0\0\0\0\1"] * 12
                content = write_tiff(**page, **options, data=short)
                yield Case(f"{kind}, parts that end early.tif", content, reason=REASON)
    for mode, values in (("grey", smooth()), ("RGB", smooth(3))):
        whole = encode(values, "TIFF", compression="jpeg")
        yield Case(
            f"JPEG inside, {mode}.tif", whole, values if mode == "RGB" else np.dstack([values] * 3), tolerance=30
        )
        start, end = whole.index(b"\xff\xda"), whole.rindex(END)
        half = (start + end) // 2
        cut = whole[:half] + END + bytes(end - half) + whole[end + 2 :]
        yield Case(f"JPEG inside, {mode}, half of it.tif", cut, reason=REASON)
    content = write_tiff(values=noise(255, *SHAPE), bits=8, photometric=1, tile=16, data=[bytes(256)] * 2)
    wide = content.replace(struct.pack("<HHII", 322, 4, 1, 16), struct.pack("<HHII", 322, 4, 1, 1 << 24))
    yield Case("vast tiles.tif", wide, reason=REASON)
    short = [bytes(20)] * 3
    content = write_tiff(values=noise(255, *SHAPE), bits=8, photometric=1, data=short)
    yield Case("parts that are too short.tif", content, reason=REASON)
    content = write_tiff(values=noise(255, *SHAPE), bits=8, photometric=1, data=[bytes(105)])
    yield Case("parts missing.tif", content, reason=REASON)


def _turned(content: bytes, at: int) -> bytes:
    wrong = bytearray(content)
    wrong[at] ^= 4
    return bytes(wrong)
