"""Images that are not read, known by their first bytes: standard library only."""

import re

_BEGINNINGS = (
    (rb"II\xbc", "a JPEG XR image"),
    (rb"\xff\n|\0\0\0\x0cJXL ", "a JPEG XL image"),
    (rb"\xff\xd8\xff\xf7", "a JPEG-LS image"),
    (rb"8BPS", "a Photoshop file"),
    (rb"gimp xcf", "a file of a drawing program"),
    (rb"%!PS|\xc5\xd0\xd3\xc6|\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", "a vector drawing"),
    (rb"v/1\x01", "an OpenEXR image"),
    (rb"#\?(RADIANCE|RGBE)", "a Radiance image"),
    (rb"SIMPLE  =", "a FITS file"),
    (rb".{128}DICM", "a DICOM file"),
    (rb"PF\s", "a PFM image of floating-point colours"),
    (rb"P7\s", "a PAM image"),
    (rb"qoif", "a QOI image"),
    (rb"DDS ", "a DirectDraw surface"),
    (rb"\0\0[\x01\x02]\0|icns", "an icon"),
    (rb"BPG\xfb", "a BPG image"),
    (rb"FLIF", "a FLIF image"),
    (rb"\x8aMNG|\x8bJNG", "an MNG image"),
    (rb"FUJIFILMCCD-RAW|IIU\0|IIR[OS]|MMOR", "a camera's raw file"),
    (rb"ZISRAWFILE", "a microscope's file"),
    (rb"AT&TFORM", "a DjVu document"),
    (rb"RIFF....AVI |\x1aE\xdf\xa3", "a video"),
    (rb"....ftypavi[fs]", "an AVIF image"),
    (rb"....ftyp(hei[cxms]|hev[cxms]|mi[fm]1|msf1)", "a HEIF photo"),
    (rb"....ftypcrx ", "a camera's raw file"),
    (rb"....ftyp", "a video"),
)


def unread_kind(head: bytes) -> str:
    """Tell what image that is not read begins with these bytes, in words; '' where it is none.

    Parameters
    ----------
    head : bytes
        The first 132 bytes at least, or the whole file.
    """
    found = (name for pattern, name in _BEGINNINGS if re.match(pattern, head, re.DOTALL))
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    drawing = "a vector drawing" if text.startswith((b"<svg", b"<?xml")) and b"<svg" in text else ""
    return next(found, drawing)


def refuse_unread(kind: str) -> str:
    """Say of an image that is not read what to do, as a reason."""
    return f"{kind}, which is not read; save {'its frames as images' if kind == 'a video' else 'it as PNG or TIFF'}"
