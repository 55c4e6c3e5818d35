"""Arrays and texts as compact text that a page can hold: planes of bytes, deflated, in base64."""

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

_UNSIGNED = ((0xFF, np.uint8), (0xFFFF, np.uint16), (0xFFFFFFFF, np.uint32))
_STEPS = 65534
"""Of a number that is no integer: values between the smallest and the largest; one more stands for unknown."""


def pack_integers(values: np.ndarray) -> dict[str, Any]:
    """Pack whole numbers that are at least −1.

    Parameters
    ----------
    values : array of int
        Any shape, read row by row.

    Returns
    -------
    dict
        ``bytes`` of each number (1, 2 or 4), ``count``, ``data``: of all numbers plus one the lowest bytes, then the
        next ones, … (little-endian planes, so that those that are all zero cost nothing), as a zlib stream in base64.

    Raises
    ------
    ValueError
        A number is below −1 or above 2³² − 2.
    """
    shifted = np.asarray(values).astype(np.int64).ravel() + 1
    low, high = (int(shifted.min()), int(shifted.max())) if len(shifted) else (0, 0)
    if low < 0 or high > _UNSIGNED[-1][0]:
        raise ValueError(f"{low - 1} or {high - 1} cannot be packed; numbers must lie between -1 and {2**32 - 2}")
    kind = next(kind for limit, kind in _UNSIGNED if high <= limit)
    return _pack(shifted.astype(kind))


def pack_points(points: np.ndarray) -> dict[str, Any]:
    """Pack places on a map as two times 16 bits, both axes in the same unit, the longer one over the whole range.

    Parameters
    ----------
    points : float array of shape (n, 2)
        Finite.

    Returns
    -------
    dict
        As `pack_integers` has it: x of all points and y of all points, from 0 to 65534.

    Raises
    ------
    ValueError
        A shape that is no list of places, or a place that is not finite.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"places on a map have the shape {points.shape}; they must be (n, 2)")
    if not np.isfinite(points).all():
        raise ValueError("a place on a map is not finite; map the features that are finite only")
    if not len(points):
        return pack_integers(np.zeros(0, dtype=np.int64))
    low, high = points.min(axis=0), points.max(axis=0)
    span = float((high - low).max()) or 1.0
    # In the middle along the shorter axis.
    offset = (1 - (high - low) / span) / 2
    return pack_integers(np.rint(((points - low) / span + offset) * _STEPS).astype(np.int64).T)


def pack_numbers(values: np.ndarray) -> dict[str, Any]:
    """Pack measured numbers in 16 bits: whole ones exactly where that can be, others to 1/65534 of their range.

    Parameters
    ----------
    values : float array of shape (n,)
        What is not finite counts as unknown.

    Returns
    -------
    dict
        As `pack_integers` has it, with ``low`` and ``step``: the number is low + step × q, unknown where q is −1.
    """
    values = np.asarray(values, dtype=np.float64)
    known = np.isfinite(values)
    if not known.any():
        return {"low": 0.0, "step": 1.0} | pack_integers(np.full(len(values), -1))
    low, high = float(values[known].min()), float(values[known].max())
    whole = high - low < _STEPS and bool((values[known] == np.rint(values[known])).all())
    step = 1.0 if whole else (high - low) / _STEPS
    steps = np.full(len(values), -1, dtype=np.int64)
    steps[known] = np.rint((values[known] - low) / step) if step > 0 else 0
    return {"low": low, "step": step} | pack_integers(steps)


def pack_texts(texts: Sequence[str]) -> str:
    """Pack texts, whatever they hold: a JSON list in ASCII, as a zlib stream in base64."""
    return _deflate(json.dumps(list(texts), separators=(",", ":")).encode("ascii"))


def _pack(values: np.ndarray) -> dict[str, Any]:
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    planes = little.view(np.uint8).reshape(len(values), values.itemsize).T
    return {"bytes": values.itemsize, "count": len(values), "data": _deflate(planes.tobytes())}


def _deflate(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")
