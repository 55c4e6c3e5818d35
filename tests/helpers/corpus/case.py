"""One file of the corpus, and the arithmetic of what it must become."""

from dataclasses import dataclass

import numpy as np

HEIGHT, WIDTH = 13, 21


@dataclass(frozen=True)
class Case:
    """A file and what comes of it.

    Attributes
    ----------
    name : str
        What it is, with the suffix of its file.
    content : bytes
    pixels : ndarray of uint8, shape (h, w, 3), or None
        None where it is refused.
    reason : str or None
        A regular expression that the reason matches.
    tolerance : int
        Largest difference of a pixel, of formats with losses.
    full_range : str or None
        What it is read with.
    bits, frames : int or None
        What must be found out about it.
    """

    name: str
    content: bytes
    pixels: np.ndarray | None = None
    reason: str | None = None
    tolerance: int = 0
    full_range: str | None = None
    bits: int | None = None
    frames: int = 1


def noise(high: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Integers from 0 to `high`, both among them."""
    values = np.random.default_rng(seed).integers(0, high + 1, shape or (HEIGHT, WIDTH), dtype=np.int64)
    values.flat[0], values.flat[-1] = 0, high
    return values


def smooth(channels: int = 1) -> np.ndarray:
    """An 8-bit image, (48, 64) or (48, 64, c), that formats with losses keep."""
    row, column = np.mgrid[0:48, 0:64]
    planes = [
        128 + 90 * np.sin(row / (9 + 2 * c)) * np.cos(column / (11 + 3 * c)) + 20 * np.sin(c) for c in range(channels)
    ]
    values = np.rint(np.clip(np.stack(planes, axis=2), 0, 255)).astype(np.uint8)
    return values[..., 0] if channels == 1 else values


def to_8_bits(values: np.ndarray, high: float, low: float = 0.0) -> np.ndarray:
    """Bring values from `low` to `high` to 0 to 255, to the nearest; half a step goes up."""
    return np.floor((values.astype(np.float64) - low) * 255 / (high - low) + 0.5).astype(np.uint8)


def rgb(values: np.ndarray) -> np.ndarray:
    """Repeat grey to three channels."""
    return np.repeat(values[..., None], 3, axis=2) if values.ndim == 2 else values


def over_black(values: np.ndarray, alpha: np.ndarray, full: int) -> np.ndarray:
    """Lay 8-bit colours over black."""
    return np.floor(rgb(values) * (alpha / full)[..., None] + 0.5).astype(np.uint8)


def inks(values: np.ndarray) -> np.ndarray:
    """8-bit cyan, magenta, yellow, black as RGB."""
    light = 255.0 - values.astype(np.float64)
    return np.floor(light[..., :3] * light[..., 3:] / 255 + 0.5).astype(np.uint8)


ORIENTATIONS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.swapaxes(a, 0, 1)[:, ::-1],
    7: lambda a: np.swapaxes(a, 0, 1)[::-1, ::-1],
    8: lambda a: np.swapaxes(a, 0, 1)[::-1],
}
"""What turns an image stored with an EXIF orientation upright."""
