"""Which files are images, by name and by their first bytes: standard library only."""

import os
import re
import stat

from nearlabel.images.naming.signatures import refuse_unread, unread_kind

SUFFIXES = {
    "PNG": ("png", "apng"),
    "JPEG": ("jpg", "jpeg", "jpe", "jfif", "jfi", "jif", "pjpeg", "pjpg", "pjp", "mpo", "jps"),
    "TIFF": ("tif", "tiff", "btf", "tf2", "tf8", "btif", "btiff", "bigtiff", "gtif", "gtiff", "geotiff"),
    "BMP": ("bmp", "dib"),
    "GIF": ("gif",),
    "PPM": ("ppm", "pgm", "pbm", "pnm", "pfm"),
    "WEBP": ("webp",),
    "JPEG2000": ("jp2", "j2k", "j2c", "jpc", "jpf", "jpx"),
}
"""Suffixes, in any case, of the formats that `nearlabel.images.reading` opens."""

# What images are kept in that it does not open.
_UNREAD = {
    "a HEIF photo": ("heic", "heif", "hif"),
    "an AVIF image": ("avif", "avifs"),
    "a JPEG XL image": ("jxl",),
    "a JPEG XR image": ("jxr", "wdp", "hdp"),
    "a Photoshop file": ("psd", "psb"),
    "a file of a drawing program": ("xcf", "kra", "ora", "ai", "cdr"),
    "a vector drawing": ("svg", "svgz", "eps", "ps", "wmf", "emf"),
    "a camera's raw file": (
        *("dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "orf", "rw2", "raf", "pef", "srw", "x3f"),
        *("3fr", "erf", "kdc", "dcr", "mrw", "iiq", "rwl", "raw"),
    ),
    "an OpenEXR image": ("exr",),
    "a Radiance image": ("hdr", "rgbe"),
    "a DICOM file": ("dcm", "dicom"),
    "a FITS file": ("fits", "fit", "fts"),
    "a microscope's file": (
        "czi",
        "lif",
        "nd2",
        "oib",
        "oif",
        "vsi",
        "svs",
        "ndpi",
        "scn",
        "mrxs",
        "ims",
        "lsm",
        "zvi",
    ),
    "a Targa image": ("tga", "icb", "vda", "vst"),
    "a PAM image": ("pam",),
    "a PCX image": ("pcx", "dcx"),
    "an SGI image": ("sgi", "rgb", "rgba", "bw"),
    "a Sun raster image": ("ras", "sun"),
    "an X11 image": ("xbm", "xpm"),
    "an icon": ("ico", "icns", "cur"),
    "a DirectDraw surface": ("dds",),
    "a QOI image": ("qoi",),
    "a BPG image": ("bpg",),
    "a DjVu document": ("djvu", "djv"),
    "a video": ("mp4", "m4v", "avi", "mov", "mkv", "webm", "wmv", "mpg", "mpeg", "mts", "m2ts"),
}
_FORMAT = {suffix: name for name, suffixes in SUFFIXES.items() for suffix in suffixes}
_KIND = {suffix: kind for kind, suffixes in _UNREAD.items() for suffix in suffixes}

# Bytes read of a file whose name says nothing.
HEAD = 512
# A BMP begins with two letters alone: the size of its second header tells it from a text.
_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}


def suffix_of(name: str) -> str:
    """Suffix of a file's name in small letters, without the dot; '' where there is none or it is a number."""
    suffix = os.path.splitext(name.rpartition("/")[2])[1][1:].lower()
    return "" if suffix.isdecimal() else suffix


def is_image_name(name: str) -> bool:
    """Whether a file is of a format that is read, by its suffix."""
    return suffix_of(name) in _FORMAT


def sniff(path: str | os.PathLike) -> tuple[str, str]:
    """Tell what image a file holds by its first bytes, of which at most `HEAD` are read.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    read : str
        A key of `SUFFIXES`, '' where it is none of these or cannot be looked at.
    unread : str
        An image that is not read, in words, '' where it is none.
    """
    try:
        # A named pipe would block.
        if not stat.S_ISREG(os.stat(path).st_mode):
            return "", ""
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError:
        return "", ""
    return _read_format(head), unread_kind(head)


def name_unread(path: str) -> str:
    """Say what an image that is not read is, by its suffix or its content, and what to do; '' where it is none."""
    kind = _KIND.get(suffix_of(path)) or sniff(path)[1]
    return refuse_unread(kind) if kind else ""


def _read_format(head: bytes) -> str:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if re.match(rb"P[1-6Ff]\s+(#[^\n]*\n\s*)*[0-9]+\s", head):
        return "PPM"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")):
        return "JPEG2000"
    return ""
