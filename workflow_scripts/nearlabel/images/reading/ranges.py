"""Values of more than 8 bits to 8 bits, by a range that is stated; never by the image's own extremes.

A range is a text, as the column ``full_range`` of ``images.csv`` holds it: ``4095`` of integers (0 becomes 0, 4095
becomes 255) or ``-1:1`` of floating-point values (-1 becomes 0, 1 becomes 255). Brightness stays comparable
between images that share one.
"""

import numpy as np

from nearlabel.images.reading.errors import UnreadableImageError

INTEGERS = "65535"
"""Range of integers whose file states no smaller one."""

FLOATS = ("0:1", "0:255", "0:65535")
"""Ranges that floating-point values usually have; where none is stated, the smallest that holds an image."""


def parse_range(text: str) -> tuple[float, float]:
    """Return the values that become 0 and 255.

    Raises
    ------
    ValueError
        Not such a text.
    """
    low, colon, high = text.rpartition(":")
    try:
        limits = (float(low) if colon else 0.0, float(high))
    except ValueError:
        limits = (0.0, 0.0)
    if not limits[0] < limits[1] or not np.isfinite(limits).all():
        raise ValueError(f"full_range {text!r} is no range; write the highest value, or the lowest and highest: 0:4095")
    return limits


def write_range(low: float, high: float) -> str:
    """Return the text of a range of floating-point values, in as few digits as say it."""
    return ":".join(repr(float(value)).removesuffix(".0") for value in (low, high))


def range_of_bits(bits: int) -> str:
    """Return the text of the range of unsigned integers of so many bits."""
    return str(2**bits - 1)


def smallest_range(low: float, high: float) -> str | None:
    """Return the smallest of `FLOATS` that holds floating-point values from `low` to `high`; None where none does."""
    return next((text for text in FLOATS if low >= 0 and high <= parse_range(text)[1]), None)


def scale_values(values: np.ndarray, full_range: str) -> np.ndarray:
    """Scale to 8 bits, rounded to nearest.

    Parameters
    ----------
    values : ndarray of integers or floats, any shape
    full_range : str
        A range.

    Returns
    -------
    ndarray of uint8, of the same shape

    Raises
    ------
    UnreadableImageError
        Values lie outside the range.
    """
    lowest, highest = values.min(), values.max()
    low, high = parse_range(full_range)
    if not (low <= lowest and highest <= high):  # Also where there is NaN.
        raise UnreadableImageError(
            f"{describe_values(values.dtype, lowest, highest)}, outside {describe_range(full_range)}"
        )
    if low == 0 and high.is_integer() and high <= 65535 and values.dtype.kind in "ui":
        # uint32 holds 65535 * 255 + 32767.
        full = int(high)
        return ((values.astype(np.uint32) * 255 + full // 2) // full).astype(np.uint8)
    return np.rint((values.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)


def describe_values(kind: np.dtype | str, lowest: float, highest: float) -> str:
    """Say which values an image has."""
    what = "floating-point values" if np.dtype(kind).kind == "f" else "integer values"
    return f"{what} from {lowest:g} to {highest:g}" if what[0] == "f" else f"{what} from {lowest} to {highest}"


def describe_range(full_range: str) -> str:
    """Say a range in words."""
    low, high = parse_range(full_range)
    return f"the range from {low:.15g} to {high:.15g}"
