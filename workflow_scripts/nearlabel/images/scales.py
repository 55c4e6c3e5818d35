"""One scale for a data set's images of more than 8 bits: which value becomes white, and which images fit."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from nearlabel.images.reading import ImageFacts
from nearlabel.images.reading.ranges import (
    FLOATS,
    describe_values,
    parse_range,
    range_of_bits,
    smallest_range,
    write_range,
)

logger = logging.getLogger(__name__)

_CONTAINER = 16
_BITS = (8, 10, 12, 14, _CONTAINER)


@dataclass(frozen=True)
class Scale:
    """What is known of a data set's values before its images are seen.

    Attributes
    ----------
    bits : int or None
        Bits that integers use in files of 16 or 32 bits per sample: 8, 10, 12, 14 or 16; None: the fewest of these that
        hold all images. A file that itself states a smaller range, as a TIFF of 12 bits does, keeps that.
    float_range : tuple of two floats or None
        Floating-point values that become 0 and 255; None: the one of 0 to 1, 0 to 255 and 0 to 65535 that all images
        need.
    """

    bits: int | None = None
    float_range: tuple[float, float] | None = None

    def __post_init__(self):
        if self.bits not in (None, *_BITS):
            raise ValueError(f"bits is {self.bits!r}; choose one of {', '.join(map(str, _BITS))}")
        if self.float_range is not None:
            parse_range(write_range(*self.float_range))

    def refusal(self, facts: ImageFacts) -> str | None:
        """Say why an image does not fit; None where it does.

        Parameters
        ----------
        facts : ImageFacts
            Of `nearlabel.images.reading.inspect_image`.
        """
        if facts.values is None:
            return None
        low, high = facts.values
        if _is_float(facts):
            if self.float_range is not None:
                least, most = self.float_range
                if low < least or high > most:
                    return f"{describe_values('f4', low, high)}, outside float_range: [{least:g}, {most:g}]"
            elif smallest_range(low, high) is None:
                return (
                    f"{describe_values('f4', low, high)}; usual ranges are 0 to 1, to 255 and to 65535, another one is "
                    "named by float_range: [lowest, highest] of the data set"
                )
            return None
        most = parse_range(facts.full_range or range_of_bits(self.bits or _CONTAINER))[1]
        if low < 0 or high > most:
            stated = f", as bits: {self.bits} says" if self.bits and not facts.full_range else ""
            return f"{describe_values('i4', low, high)}, outside the range from 0 to {most:g}{stated}"
        return None

    def choose(self, facts: Mapping[str, ImageFacts]) -> dict[str, str]:
        """Choose the range of every image that fits: one for all integers, one for all floats.

        Parameters
        ----------
        facts : mapping of str to ImageFacts
            By image_id.

        Returns
        -------
        dict of str to str
            By image_id, see `nearlabel.images.reading.ranges`; empty for an image of 8 bits.

        Raises
        ------
        ValueError
            Floating-point images need different ranges.
        """
        deep = {name: found for name, found in facts.items() if found.values is not None}
        floats = {name: found for name, found in deep.items() if _is_float(found)}
        whole = [found for name, found in deep.items() if name not in floats and not found.full_range]
        integers, floating = self._range_of_integers(whole), self._range_of_floats(floats)
        return {
            name: (floating if name in floats else found.full_range or integers) if name in deep else ""
            for name, found in facts.items()
        }

    def _range_of_integers(self, found: Sequence[ImageFacts]) -> str:
        if self.bits is not None or not found:
            return range_of_bits(self.bits or _CONTAINER)
        highest = max(facts.values[1] for facts in found)
        bits = next(bits for bits in _BITS if highest < 2**bits)
        if bits < _CONTAINER:
            logger.warning(
                "no image of %d with 16 bits per sample uses more than %d bits: values are scaled by %d, not %d (bits: "
                "auto); write bits: %d for the data set to fix this scale, or bits: %d for the full one",
                len(found), bits, 2**bits - 1, 2**_CONTAINER - 1, bits, _CONTAINER,
            )  # fmt: skip
        return range_of_bits(bits)

    def _range_of_floats(self, found: Mapping[str, ImageFacts]) -> str:
        if self.float_range is not None:
            return write_range(*self.float_range)
        # An image that is 0 throughout says nothing.
        needed = {name: smallest_range(*facts.values) for name, facts in sorted(found.items()) if facts.values[1] > 0}
        if not needed:
            return FLOATS[0]
        first = next(iter(needed))
        for name, full_range in needed.items():
            if full_range != needed[first]:
                low, high = sorted((first, name), key=lambda image: parse_range(needed[image]))
                raise ValueError(
                    f"floating-point images disagree about their range: {low!r} goes up to {found[low].values[1]:g}, "
                    f"{high!r} up to {found[high].values[1]:g}; name the range of the data set by float_range: "
                    "[lowest, highest]"
                )
        return needed[first]


AUTOMATIC = Scale()
"""Found out from the images."""


def full_ranges(images: pd.DataFrame) -> list[str]:
    """Return the column ``full_range`` of ``images.csv``; in a table without it no image has a range but its own."""
    return list(images["full_range"]) if "full_range" in images else [""] * len(images)


def content_keys(images: pd.DataFrame) -> list[str]:
    """Name what the pixels of each image depend on: the file's sha256 and, where there is one, the range.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``: sha256 and full_range.
    """
    ranges = full_ranges(images)
    return [f"{sha256}/{text}" if text else sha256 for sha256, text in zip(images["sha256"], ranges, strict=True)]


def learnt_scale(images: pd.DataFrame) -> dict[str, object]:
    """Return the scale of a data set that was checked, for new images: the attributes of `Scale`, JSON-able.

    Where the data set has no image of more than 8 bits, new ones that have are taken at their full range.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``: full_range.
    """
    known = set(full_ranges(images)) - {""}
    floats = [parse_range(text) for text in sorted(known) if ":" in text]
    # Ranges that a file states can be others.
    bits = max((bits for bits in _BITS if range_of_bits(bits) in known), default=_CONTAINER)
    return {"bits": bits, "float_range": list(floats[0]) if floats else None}


def _is_float(facts: ImageFacts) -> bool:
    return facts.mode == "F"
