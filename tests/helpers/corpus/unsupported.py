"""Valid files of kinds that are not read, and files that are no images: what each is, the reason must say."""

import gzip
import struct
from collections.abc import Iterator
from itertools import product

import numpy as np

from helpers.corpus.case import HEIGHT, WIDTH, Case, noise
from helpers.corpus.others import encode
from helpers.corpus.tiff_writer import write_tiff

SHAPE = (HEIGHT, WIDTH)


def unsupported_cases() -> Iterator[Case]:
    """All of them."""
    yield from _tiff()
    yield from _others()


def _tiff() -> Iterator[Case]:
    for bits, photometric, order in product((6, 10, 14, 24), (0, 1), "<>"):
        values = noise(2**bits - 1, *SHAPE)
        content = write_tiff(values=values, bits=bits, photometric=photometric, order=order)
        yield Case(
            f"grey of {bits} bits {photometric} {order == '<'}.tif",
            content,
            reason=f"TIFF of an unsupported kind.*{bits} bits",
        )
    for order in "<>":
        half = noise(100, *SHAPE).astype("f2")
        for channels, bits, kind, values in (
            (1, 16, 3, half), (3, 16, 3, np.dstack([half] * 3)), (3, 32, 3, np.dstack([half] * 3).astype("f4")),
            (1, 64, 1, noise(99, *SHAPE)), (1, 64, 2, noise(99, *SHAPE)), (3, 32, 1, noise(99, *SHAPE, 3)),
            (1, 64, 6, half.astype("c8").view("f8")[..., : WIDTH]), (2, 32, 1, noise(99, *SHAPE, 2)),
            (3, 8, 2, noise(99, *SHAPE, 3)),
        ):  # fmt: skip
            content = write_tiff(
                values=values, bits=bits, photometric=2 if channels == 3 else 1, order=order, sample_format=kind
            )
            words = {1: "unsigned integers", 2: "signed integers", 3: "floating point", 6: "complex"}[kind]
            name = f"{channels} channels of {bits} bits {words} {order == '<'}.tif"
            yield Case(
                name, content, reason=rf"TIFF of an unsupported kind \({channels} channels? of {bits} bits, {words}"
            )
        values = noise(255, *SHAPE)
        content = write_tiff(values=values - 128, bits=8, photometric=1, order=order, sample_format=2)
        yield Case(f"signed bytes {order == '<'}.tif", content, reason="TIFF of 8-bit signed integers")
        for bits, channels, planar in product((8, 16), (2, 3, 4), (1, 2)):
            values = noise(2**bits - 1, *SHAPE, channels)
            content = write_tiff(
                values=values, bits=bits, photometric=1, order=order, planar=planar, extra=[0] * (channels - 1)
            )
            name = f"{channels} greys of {bits} bits planar {planar} {order == '<'}.tif"
            yield Case(name, content, reason=f"{channels} channels")
    seven = noise(255, *SHAPE, 7)
    content = write_tiff(values=seven, bits=8, photometric=2, extra=[0] * 4)
    yield Case("seven channels.tif", content, reason="7 channels")
    content = write_tiff(values=noise(65535, *SHAPE, 3), bits=16, photometric=8)
    yield Case("CIELab of 16 bits.tif", content, reason="CIELab")
    content = write_tiff(values=noise(255, *SHAPE), bits=8, photometric=32803)
    yield Case("colour filter array.tif", content, reason="colour filter array")
    content = write_tiff(values=noise(255, *SHAPE), bits=8, photometric=1, compression=34712)
    yield Case("JPEG 2000 inside.tif", content, reason="compression JPEG 2000")
    content = write_tiff(values=noise(255, *SHAPE), bits=8, photometric=1, compression=34887)
    yield Case("LERC inside.tif", content, reason="unsupported kind .*compression LERC")
    content = write_tiff(values=noise(255, *SHAPE), bits=8, photometric=1, compression=50002)
    yield Case("JPEG XL inside.tif", content, reason="JPEG XL")
    content = write_tiff(values=noise(255, *SHAPE), bits=8, photometric=1, others={50706: ("B", 1, 4, 0, 0)})
    yield Case("negative.dng", content, reason="camera's raw file")
    content = write_tiff(values=noise(255, *SHAPE, 3), bits=8, photometric=2, others={254: ("I", 1)})
    yield Case("thumbnail first.tif", content, reason="thumbnail")
    content = write_tiff(
        values=noise(255, 12, 16, 3), bits=8, photometric=6, others={530: ("H", 2, 2)}, data=[bytes(12 * 16 * 3 // 2)],
        rows_per_strip=12,
    )  # fmt: skip
    yield Case("subsampled YCbCr.tif", content, reason="subsampled YCbCr")


def _others() -> Iterator[Case]:
    head = struct.pack(">I", 24) + b"ftyp"
    for name, content, reason in (
        ("photo.heic", head + b"heic" + bytes(12), "HEIF"),
        ("photo.avif", head + b"avif" + bytes(12), "AVIF"),
        ("photo.cr3", head + b"crx " + bytes(12), "raw"),
        ("film.mp4", head + b"isom" + bytes(12), "video"),
        ("photo.jxr", b"II\xbc\x01" + bytes(40), "JPEG XR"),
        ("photo.jxl", b"\xff\x0a" + bytes(40), "JPEG XL"),
        ("boxed.jxl", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "JPEG XL"),
        ("near lossless.jls", b"\xff\xd8\xff\xf7\0\x0b\x08" + bytes(40), "JPEG-LS"),
        ("drawing.svg", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "vector drawing"),
        ("drawing 2.svg", b"<svg/>", "vector drawing"),
        ("layers.psd", b"8BPS\0\x01" + bytes(40), "Photoshop"),
        ("scan.pdf", b"%PDF-1.7\n" + bytes(40), "PDF"),
        ("print.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "vector drawing"),
        ("x-ray.dcm", bytes(128) + b"DICM" + bytes(40), "DICOM"),
        ("stars.fits", b"SIMPLE  =                    T" + b" " * 50, "FITS"),
        ("light.exr", b"v/1\x01" + bytes(40), "OpenEXR"),
        ("light.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n", "Radiance"),
        ("colours.pfm", b"PF\n3 2\n-1.0\n" + bytes(72), "PFM"),
        ("any.pam", b"P7\nWIDTH 2\nENDHDR\n", "PAM"),
        ("array.npy", b"\x93NUMPY\x01\0" + bytes(40), "NumPy"),
        ("array.h5", b"\x89HDF\r\n\x1a\n" + bytes(40), "HDF5"),
        ("array.mat", b"MATLAB 5.0 MAT-file" + bytes(40), "MATLAB"),
        ("layers.xcf", b"gimp xcf v011" + bytes(40), "drawing program"),
        ("fast.qoi", b"qoif" + bytes(40), "QOI"),
        ("texture.dds", b"DDS |" + bytes(40), "DirectDraw"),
        ("favicon.ico", b"\0\0\1\0\1\0" + bytes(40), "icon"),
        ("photo.raf", b"FUJIFILMCCD-RAW " + bytes(40), "raw"),
        ("photo.orf", b"IIRO" + bytes(40), "raw"),
        ("microscope.czi", b"ZISRAWFILE" + bytes(40), "microscope"),
        ("archive.zip", b"PK\x03\x04" + bytes(40), "archive"),
        ("archive.png.gz", gzip.compress(b"x" * 100, mtime=0), "archive"),
        ("film.avi", b"RIFF\0\0\0\0AVI LIST" + bytes(40), "video"),
        ("film.mkv", b"\x1aE\xdf\xa3" + bytes(40), "video"),
        ("pointer.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n", "Git LFS"),
        ("error.jpg", b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
        ("letter.jpg", b"Dear reader", "not an image in a known format"),
        ("zeros.tif", bytes(5000), "zeros"),
        ("Thumbs.png", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40), "not an image"),
    ):
        yield Case(f"it is {name}", content, reason=reason)
    twelve = bytearray(encode(np.zeros((8, 8), np.uint8), "JPEG"))
    twelve[twelve.index(b"\xff\xc0") + 4] = 12
    yield Case("12 bits.jpg", bytes(twelve), reason="12 bits")
    lossless = encode(np.zeros((8, 8), np.uint8), "JPEG").replace(b"\xff\xc0", b"\xff\xc3", 1)
    yield Case("lossless.jpg", lossless, reason="JPEG|damaged")
