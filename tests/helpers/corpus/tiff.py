"""TIFF of every depth, byte order, layout and compression."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from helpers.corpus.case import HEIGHT, ORIENTATIONS, WIDTH, Case, inks, noise, over_black, rgb, to_8_bits
from helpers.corpus.tiff_writer import DEFLATE, LZW, NONE, PACKBITS, write_tiff

_COMPRESSIONS = {NONE: "plain", DEFLATE: "deflate", LZW: "LZW", PACKBITS: "PackBits"}
_ORDERS = {"<": "little", ">": "big"}
SHAPE = (HEIGHT, WIDTH)


def tiff_cases() -> Iterator[Case]:
    """All of them."""
    yield from _grey()
    yield from _signed_and_floating()
    yield from _colours()
    yield from _palettes()
    yield from _turned()
    yield from _layouts()
    yield from _scaled()


def _grey() -> Iterator[Case]:
    for bits, photometric, order, compression in product((1, 2, 4, 8, 12, 16), (0, 1), _ORDERS, _COMPRESSIONS):
        high = 2**bits - 1
        values = noise(high, *SHAPE, seed=bits)
        content = write_tiff(
            values=values, bits=bits, photometric=photometric, order=order, compression=compression,
            tile=16 * (compression == DEFLATE and bits in (8, 16)),
        )  # fmt: skip
        pixels = to_8_bits(values, high)
        name = f"grey {bits} bits {_ORDERS[order]} {_COMPRESSIONS[compression]} white is {photometric * high}.tif"
        yield Case(name, content, rgb(pixels if photometric else 255 - pixels), bits=bits)
    for photometric, order, compression in product((0, 1), _ORDERS, (NONE, DEFLATE, LZW)):
        values = noise(65535, *SHAPE)
        content = write_tiff(values=values, bits=32, photometric=photometric, order=order, compression=compression)
        pixels = to_8_bits(values, 65535)
        name = f"grey 32 bits {_ORDERS[order]} {_COMPRESSIONS[compression]} white is {photometric}.tif"
        yield Case(name, content, rgb(pixels if photometric else 255 - pixels), bits=32)
    for kind, order in product((0, 2), _ORDERS):
        alpha, values = noise(255, *SHAPE, seed=1), noise(255, *SHAPE)
        content = write_tiff(
            values=np.dstack([values, alpha]), bits=8, photometric=1, order=order, extra=[2], rows_per_strip=5 + kind
        )
        yield Case(f"grey and alpha {_ORDERS[order]} {kind}.tif", content, over_black(values, alpha, 255), tolerance=1)


def _signed_and_floating() -> Iterator[Case]:
    for bits, photometric, order, compression in product((16, 32), (0, 1), _ORDERS, (NONE, DEFLATE)):
        values = noise(32767, *SHAPE)
        content = write_tiff(
            values=values, bits=bits, photometric=photometric, order=order, compression=compression, sample_format=2
        )
        pixels = to_8_bits(values, 65535)
        name = f"signed {bits} bits {_ORDERS[order]} {_COMPRESSIONS[compression]} white is {photometric}.tif"
        yield Case(name, content, rgb(pixels if photometric else 255 - pixels), bits=bits)
    for bits, photometric, order, compression, full in product(
        (32, 64), (0, 1), _ORDERS, (NONE, DEFLATE), (1, 255, 65535)
    ):
        values = (noise(255, *SHAPE) / 255 * full).astype(f"f{bits // 8}")
        content = write_tiff(
            values=values, bits=bits, photometric=photometric, order=order, compression=compression, sample_format=3
        )
        pixels = noise(255, *SHAPE)
        name = f"float {bits} to {full} {_ORDERS[order]} {_COMPRESSIONS[compression]} white is {photometric}.tif"
        yield Case(name, content, rgb(pixels if photometric else 255 - pixels).astype(np.uint8), bits=bits)


def _colours() -> Iterator[Case]:
    for bits, planar, order, compression, extra in product(
        (8, 16), (1, 2), _ORDERS, (NONE, DEFLATE, LZW), (None, 0, 1, 2)
    ):
        high = 2**bits - 1
        colours, alpha = noise(high, *SHAPE, 3), noise(high, *SHAPE, seed=1)
        if extra == 1:  # Multiplied by the opacity already.
            colours = colours * alpha[..., None] // high
        values = colours if extra is None else np.dstack([colours, alpha])
        content = write_tiff(
            values=values, bits=bits, photometric=2, planar=planar, order=order, compression=compression,
            extra=[] if extra is None else [extra],
        )  # fmt: skip
        pixels = to_8_bits(colours, high)
        if extra == 2:
            pixels = over_black(pixels, to_8_bits(alpha, high), 255)
        name = f"RGB {bits} bits planar {planar} {_ORDERS[order]} {_COMPRESSIONS[compression]} extra {extra}.tif"
        if (bits, planar, compression, extra) == (8, 2, NONE, 0):
            yield Case(name, content, reason="unsupported kind .* in planes")
        else:
            yield Case(name, content, pixels, bits=bits, tolerance=2 if extra else 0)
    for bits, order, compression in product((8, 16), _ORDERS, (NONE, DEFLATE)):
        high = 2**bits - 1
        values = noise(high, *SHAPE, 4)
        content = write_tiff(values=values, bits=bits, photometric=5, order=order, compression=compression)
        name = f"CMYK {bits} bits {_ORDERS[order]} {_COMPRESSIONS[compression]}.tif"
        yield Case(name, content, inks(to_8_bits(values, high)), tolerance=1, bits=bits)


def _palettes() -> Iterator[Case]:
    for bits, order, compression in product((1, 2, 4, 8), _ORDERS, (NONE, DEFLATE)):
        indices, colours = noise(2**bits - 1, *SHAPE), noise(255, 2**bits, 3, seed=1)
        content = write_tiff(
            values=indices, bits=bits, photometric=3, order=order, compression=compression, colours=colours * 257
        )
        name = f"palette {bits} bits {_ORDERS[order]} {_COMPRESSIONS[compression]}.tif"
        yield Case(name, content, colours[indices].astype(np.uint8), bits=bits)


def _turned() -> Iterator[Case]:
    for orientation, (kind, bits, photometric, channels) in product(
        ORIENTATIONS, (("grey", 8, 1, 1), ("grey", 16, 0, 1), ("RGB", 8, 2, 3), ("RGB", 16, 2, 3))
    ):
        high = 2**bits - 1
        values = noise(high, *SHAPE) if channels == 1 else noise(high, *SHAPE, channels)
        compression = DEFLATE if orientation % 2 else NONE
        content = write_tiff(
            values=values, bits=bits, photometric=photometric, orientation=orientation, compression=compression
        )
        pixels = to_8_bits(values, high)
        pixels = 255 - pixels if photometric == 0 else pixels
        yield Case(f"{kind} {bits} bits orientation {orientation}.tif", content, ORIENTATIONS[orientation](rgb(pixels)))


def _layouts() -> Iterator[Case]:
    values = noise(65535, *SHAPE)
    pixels = rgb(to_8_bits(values, 65535))
    page = {"values": values, "bits": 16, "photometric": 1}
    for name, options in {
        "one strip": {"rows_per_strip": HEIGHT},
        "a strip per row": {"rows_per_strip": 1},
        "rows per strip as large as can be": {"rows_per_strip": 2**32 - 1, "data": [values.astype("<u2").tobytes()]},
        "tiles": {"tile": 16},
        "wrong lengths": {"others": {279: ("I", 7, 0, 2**32 - 1)}},
        "BigTIFF": {"big": True},
        "BigTIFF tiles deflate": {"big": True, "tile": 16, "compression": DEFLATE},
        "predictor": {"predictor": 2, "compression": DEFLATE},
        "predictor LZW": {"predictor": 2, "compression": LZW},
        "predictor big": {"predictor": 2, "compression": DEFLATE, "order": ">"},
    }.items():
        yield Case(f"grey 16 bits {name}.tif", write_tiff(**page, **options), pixels, bits=16)
    colours = noise(255, *SHAPE, 3)
    for name, options in {
        "predictor": {"predictor": 2, "compression": LZW},
        "tiles": {"tile": 16},
        "planes in tiles": {"tile": 16, "planar": 2, "compression": DEFLATE},
        "BigTIFF": {"big": True},
    }.items():
        content = write_tiff(values=colours, bits=8, photometric=2, **options)
        yield Case(f"RGB 8 bits {name}.tif", content, colours.astype(np.uint8))
    deep = noise(65535, *SHAPE, 3)
    content = write_tiff(values=deep, bits=16, photometric=2, predictor=2, compression=DEFLATE, order=">")
    yield Case("RGB 16 bits predictor big.tif", content, to_8_bits(deep, 65535))
    bits = noise(1, *SHAPE)
    content = write_tiff(values=bits, bits=1, photometric=1, fill_order=2)
    yield Case("grey 1 bit, bits turned.tif", content, rgb(to_8_bits(bits, 1)))
    for count in (2, 3):
        pages = [{"values": noise(65535, *SHAPE, seed=seed), "bits": 16, "photometric": 1} for seed in range(count)]
        yield Case(f"{count} pages.tif", write_tiff(pages), pixels, frames=count)
    lab = np.dstack([noise(255, *SHAPE), np.zeros(SHAPE, int), np.zeros(SHAPE, int)])
    # A grey by the definition of L*, in sRGB.
    lightness = lab[..., 0] / 255 * 100
    light = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    yield Case(
        "CIELab.tif",
        write_tiff(values=lab, bits=8, photometric=8),
        rgb(np.rint(srgb * 255).astype(np.uint8)),
        tolerance=3,
    )


def _scaled() -> Iterator[Case]:
    for order, photometric, full in product(_ORDERS, (0, 1), (255, 1023, 4095, 16383)):
        values = noise(full, *SHAPE)
        content = write_tiff(values=values, bits=16, photometric=photometric, order=order)
        pixels = to_8_bits(values, full)
        pixels = rgb(pixels if photometric else 255 - pixels)
        name = f"grey 16 bits of {full} {_ORDERS[order]} white is {photometric}.tif"
        yield Case(name, content, pixels, full_range=str(full))
    colours = noise(4095, *SHAPE, 3)
    for order, planar, compression in product(_ORDERS, (1, 2), (NONE, LZW)):
        content = write_tiff(
            values=colours, bits=16, photometric=2, order=order, planar=planar, compression=compression
        )
        name = f"RGB 16 bits of 4095 planar {planar} {_ORDERS[order]} {_COMPRESSIONS[compression]}.tif"
        yield Case(name, content, to_8_bits(colours, 4095), full_range="4095")
    values = (noise(255, *SHAPE) / 255 * 40 - 10).astype("f4")
    content = write_tiff(values=values, bits=32, photometric=1, sample_format=3)
    yield Case("float -10 to 30.tif", content, rgb(noise(255, *SHAPE)).astype(np.uint8), full_range="-10:30")
    over = noise(5000, *SHAPE)
    content = write_tiff(values=over, bits=16, photometric=1)
    yield Case("grey 16 bits beyond the range.tif", content, reason="integer values from 0 to 5000", full_range="4095")
