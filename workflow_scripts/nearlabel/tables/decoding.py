"""The text of a file that a spreadsheet, R or pandas wrote on some system: which encoding it is in.

Standard library only: tables are checked whenever the workflow is parsed.
"""

import codecs
import re
from os import PathLike

# How files begin that are given as a table by mistake.
_SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook (.xlsx) or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"%PDF": "a PDF document",
    b"{\\rtf": "an RTF document",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"<?xml": "an XML document",
}
# The longer marks first: that of UTF-16 begins that of UTF-32.
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# What text of western Europe holds beyond ASCII. Text in another code page, read as this one, is soon betrayed by
# letters in a row, symbols within words and capitals after small letters.
_LETTERS = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœ"
_SYMBOLS = "°µ±§€–—‘’‚“”„…«»²³½¼¾·×©®™Ø\xa0"
_WESTERN = re.compile(f"[\x00-\x7f{_LETTERS}{_SYMBOLS}]*")
_BETRAYED = re.compile(
    f"[{_LETTERS}]{{3}}|[A-Za-z{_LETTERS}][°µ±§€²³½¼¾„«»×]+[A-Za-z{_LETTERS}]|[a-zß-ÿ][À-ÖÙ-Ý][a-zß-ÿ]?"
)
_NO_TEXT = "{}, line {}: holds bytes that are no text; save the table as CSV (UTF-8)."


def decode_text(data: bytes, path: str | PathLike) -> tuple[str, str]:
    """Decode the bytes of a table.

    Parameters
    ----------
    data : bytes
        UTF-8; UTF-16 or UTF-32, little or big endian; or Windows-1252 where that is beyond doubt. UTF-8 and UTF-16 may
        lack a byte order mark.
    path : str or path-like
        The file, for messages.

    Returns
    -------
    text : str
        Line ends as they are, without byte order mark.
    remark : str
        What a user should know of the encoding: a sentence without the path; empty where there is nothing to say.

    Raises
    ------
    ValueError
        The bytes are no text, or in an encoding that cannot be told.
    """
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            raise ValueError(f"{path} is {kind}, not a table as text; save it as CSV (UTF-8).")
    encoding, remark = _find_encoding(data, path)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = _line_of(data[: error.start].decode(encoding, "ignore"))
        if not data.startswith(tuple(_MARKS)):
            raise ValueError(_NO_TEXT.format(path, line)) from None
        raise ValueError(
            f"{path}, line {line}: not valid {encoding.upper()}, which the file seems to be written in; "
            "save it anew as CSV (UTF-8)."
        ) from None
    # Doubled marks are what joining files leaves; Ctrl-Z ended files of DOS.
    text = text.lstrip("\ufeff").removesuffix("\x1a")
    if "\0" in text:
        line = _line_of(text[: text.index("\0")])
        raise ValueError(_NO_TEXT.format(path, line))
    return text, remark


def _find_encoding(data: bytes, path) -> tuple[str, str]:
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return encoding, ""
    if b"\0" in data:
        # Of UTF-16 without a mark, each letter, digit and separator of ASCII has one byte of zero.
        return ("utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"), ""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if _is_western(data):
            return "cp1252", "is not UTF-8; read as Windows-1252, the encoding of older western Windows programs"
        line = _line_of(data[: error.start].decode("latin-1"))
        raise ValueError(
            f"{path}, line {line}: not UTF-8 (byte 0x{data[error.start]:02x}), and which other encoding it is cannot "
            "be told; save the table as CSV (UTF-8)."
        ) from None
    return "utf-8", ""


def _is_western(data: bytes) -> bool:
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return bool(_WESTERN.fullmatch(text)) and not _BETRAYED.search(text)


def _line_of(before: str) -> int:
    return len(re.findall(r"\r\n?|\n", before)) + 1
