"""JPEG, WebP, GIF and JPEG 2000 of every kind that Pillow writes."""

import io
from collections.abc import Iterator
from itertools import product

import numpy as np
from PIL import Image

from helpers.corpus.case import HEIGHT, ORIENTATIONS, WIDTH, Case, inks, noise, over_black, rgb, smooth, to_8_bits

SHAPE = (HEIGHT, WIDTH)
JPEG_TOLERANCE = 26


def encode(values: np.ndarray, format: str, mode: str | None = None, **options) -> bytes:
    """Encode an array by Pillow."""
    file = io.BytesIO()
    Image.fromarray(values, mode).save(file, format, **options)
    return file.getvalue()


def turning(orientation: int) -> Image.Exif:
    """EXIF data with an orientation."""
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def other_cases() -> Iterator[Case]:
    """All of them."""
    yield from _jpeg()
    yield from _webp()
    yield from _gif()
    yield from _jpeg_2000()


def _jpeg() -> Iterator[Case]:
    kinds = {"grey": (smooth(), None), "RGB": (smooth(3), None), "CMYK": (smooth(4), "CMYK")}
    for (kind, (values, mode)), quality, (name, options) in product(
        kinds.items(),
        (50, 90, 100),
        {
            "": {}, "optimised": {"optimize": True}, "progressive": {"progressive": True},
            "restart by row": {"restart_marker_rows": 1}, "restart by block": {"restart_marker_blocks": 2},
            "progressive with restarts": {"progressive": True, "restart_marker_rows": 1},
            "4:4:4": {"subsampling": 0}, "4:2:0": {"subsampling": 2},
            "with a comment": {"comment": b"\xff\xd9 " * 9},
        }.items(),
    ):  # fmt: skip
        if kind == "grey" and "subsampling" in options:
            continue
        pixels = inks(values) if kind == "CMYK" else rgb(values)
        content = encode(values, "JPEG", mode, quality=quality, **options)
        yield Case(f"{kind} {quality} {name}.jpg", content, pixels, tolerance=JPEG_TOLERANCE if quality == 50 else 16)
    for orientation in ORIENTATIONS:
        content = encode(smooth(3), "JPEG", quality=95, exif=turning(orientation))
        yield Case(f"orientation {orientation}.jpg", content, ORIENTATIONS[orientation](smooth(3)), tolerance=16)
    whole = encode(smooth(), "JPEG", quality=95)
    pixels = rgb(smooth())
    yield Case("without its end marker.jpg", whole[:-2], pixels, tolerance=16)
    yield Case("with something behind it.jpg", whole + b"\0" * 999 + b"\xff\xd9", pixels, tolerance=16)
    yield Case("with a zero before its end.jpg", whole[:-2] + b"\0" + whole[-2:], pixels, tolerance=16)
    for fill in (1, 2):
        content = whole[:-2] + b"\xff" * fill + whole[-2:]
        yield Case(f"with {fill} fill bytes before its end.jpg", content, pixels, tolerance=16)
    two = io.BytesIO()
    other = Image.new("L", (64, 48))
    Image.fromarray(smooth()).save(two, "MPO", save_all=True, append_images=[other], quality=95)
    yield Case("two pictures.jpg", two.getvalue(), pixels, tolerance=16, frames=2)


def _webp() -> Iterator[Case]:
    colours, alpha = noise(255, *SHAPE, 3).astype(np.uint8), noise(255, *SHAPE, seed=1).astype(np.uint8)
    yield Case("lossless.webp", encode(colours, "WEBP", lossless=True), colours)
    content = encode(np.dstack([colours, alpha]), "WEBP", lossless=True, exact=True)
    yield Case("lossless with opacity.webp", content, over_black(colours, alpha, 255), tolerance=1)
    yield Case("lossy.webp", encode(smooth(3), "WEBP", quality=95), smooth(3), tolerance=40)
    for orientation in ORIENTATIONS:
        content = encode(colours, "WEBP", lossless=True, exif=turning(orientation))
        yield Case(f"orientation {orientation}.webp", content, ORIENTATIONS[orientation](colours))
    for count in (2, 4):
        frames = [Image.fromarray(np.roll(colours, shift, 0)) for shift in range(count)]
        file = io.BytesIO()
        frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
        yield Case(f"{count} frames.webp", file.getvalue(), colours, frames=count)


def _gif() -> Iterator[Case]:
    for bits in (1, 2, 4, 8):
        indices, colours = noise(2**bits - 1, *SHAPE), noise(255, 256, 3, seed=1).astype(np.uint8)
        image = Image.fromarray(indices.astype(np.uint8), "P")
        image.putpalette(colours.tobytes())
        for interlaced in (0, 1):
            file = io.BytesIO()
            image.save(file, "GIF", interlace=interlaced)
            yield Case(f"{bits} bits{', interlaced' * interlaced}.gif", file.getvalue(), colours[indices])
        file = io.BytesIO()
        image.save(file, "GIF", transparency=1)
        pixels = np.where((indices == 1)[..., None], 0, colours[indices]).astype(np.uint8)
        yield Case(f"{bits} bits, one transparent.gif", file.getvalue(), pixels)
    grey = noise(255, *SHAPE).astype(np.uint8)
    for count in (2, 3):
        frames = [Image.fromarray(np.roll(grey, shift, 0)) for shift in range(count)]
        file = io.BytesIO()
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
        yield Case(f"{count} frames.gif", file.getvalue(), rgb(grey), frames=count)


def _jpeg_2000() -> Iterator[Case]:
    for channels, suffix in product((1, 2, 3, 4), ("jp2", "j2k")):
        values = noise(255, *SHAPE, *(() if channels == 1 else (channels,))).astype(np.uint8)
        content = encode(values, "JPEG2000", no_jp2=suffix == "j2k")
        pixels = rgb(values)
        if channels in (2, 4):
            colours = values[..., 0] if channels == 2 else values[..., :3]
            pixels = over_black(colours, values[..., -1], 255)
        yield Case(f"{channels} channels.{suffix}", content, pixels, tolerance=channels % 2 == 0)
    for suffix in ("jp2", "j2k"):
        deep = noise(65535, *SHAPE).astype(np.uint16)
        content = encode(deep, "JPEG2000", no_jp2=suffix == "j2k")
        yield Case(f"16 bits.{suffix}", content, rgb(to_8_bits(deep, 65535)), bits=16)
    yield Case(
        "lossy.jp2", encode(smooth(3), "JPEG2000", irreversible=True, quality_layers=[8]), smooth(3), tolerance=40
    )
    yield Case("tiles.jp2", encode(smooth(3), "JPEG2000", tile_size=(32, 32)), smooth(3))
