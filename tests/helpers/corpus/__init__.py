"""Image files of every kind that the readers meet, made by code, each with the pixels or the reason that must come.

The pixels are computed from the arrays that the files are written from, never by a decoder; TIFF, PNG, BMP and PNM are
written byte by byte.
"""

from helpers.corpus.case import Case
from helpers.corpus.damage import damaged_cases
from helpers.corpus.others import other_cases
from helpers.corpus.png import png_cases
from helpers.corpus.raw import raw_cases
from helpers.corpus.tiff import tiff_cases
from helpers.corpus.unsupported import unsupported_cases

__all__ = ["Case", "all_cases"]


def all_cases() -> list[Case]:
    """The whole corpus; the same files with each call."""
    makers = (tiff_cases, png_cases, raw_cases, other_cases, unsupported_cases, damaged_cases)
    cases = [case for make in makers for case in make()]
    assert len({case.name for case in cases}) == len(cases)
    return cases
