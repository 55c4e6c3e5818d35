"""What a file is that cannot be read as an image: from its first bytes, in words for the reason."""

import re
from typing import BinaryIO

from nearlabel.images.naming.signatures import refuse_unread, unread_kind
from nearlabel.images.reading.jpeg import find_jpeg_parts
from nearlabel.images.reading.tiff import describe_tiff, is_complete, read_tags

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "PPM", "WEBP", "JPEG2000")
"""Formats that are read: raster formats only, for Pillow would hand EPS files to Ghostscript."""

_HEAD = 4096
# What else is found among images, and what to do.
_OTHERS = (
    (rb"version https://git-lfs", "a pointer of Git LFS instead of the image; fetch the images with git lfs pull"),
    (rb"%PDF", "a PDF file, no image; save its pictures as PNG"),
    (
        rb"\x89HDF|\x93NUMPY|MATLAB 5.0",
        "a file of arrays (HDF5, NumPy or MATLAB), no image; save the images as PNG or TIFF",
    ),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!", "an archive or an office document, no image; unpack it"),
    (rb"SQLite format 3", "a database, no image"),
    (rb"\x7fELF|MZ", "a program, no image"),
)


def name_kind(file: BinaryIO) -> str:
    """Say why a file that Pillow does not identify is not read.

    Parameters
    ----------
    file : binary file
        Of at least one byte.

    Returns
    -------
    str
        A reason in one sentence.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if head[:4] in (b"II\x2a\0", b"II\x2b\0", b"MM\0\x2a", b"MM\0\x2b"):
        tags = read_tags(file)
        if not tags or not is_complete(tags):
            return "damaged image header: it begins as TIFF, but tags are missing"
        return f"TIFF of an unsupported kind ({describe_tiff(tags)}); convert it to 8 or 16 bits, grey or RGB"
    if kind := unread_kind(head):
        return refuse_unread(kind)
    for pattern, reason in _OTHERS:
        if re.match(pattern, head):
            return reason
    if not head.strip(b"\0"):
        return "not an image: the file begins with zeros only, as after a copy that was broken off"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page instead of an image, as a download that failed leaves it"
    if head.startswith(b"\xff\xd8"):
        layout = find_jpeg_parts(head)
        if layout.frame in (0xC3, 0xC7, 0xCB, 0xCF):
            return refuse_unread("a lossless JPEG")
        if layout.frame and layout.precision != 8:
            return refuse_unread(f"a JPEG of {layout.precision} bits per sample")
    for start, name in ((b"\x89PNG", "PNG"), (b"\xff\xd8", "JPEG"), (b"GIF8", "GIF"), (b"BM", "BMP")):
        if head.startswith(start):
            return f"damaged image header: it begins as {name}, but cannot be read on"
    return f"not an image in a known format ({', '.join(FORMATS)})"
