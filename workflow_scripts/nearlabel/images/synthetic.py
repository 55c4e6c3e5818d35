"""A synthetic data set: strips of rolled steel with several kinds of surface defects, drawn from a seed.

The kinds follow the NEU and Severstal steel data sets in looks: scratches, inclusions, patches, crazing and, rare,
rolled-in scale.
"""

import csv
import hashlib
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from nearlabel.files import written_whole
from nearlabel.seeds import derive_seed

GOOD = "good"
RARE_KIND = "rolled_in_scale"

# Step of the sequence frac(i * step) that spreads classes most evenly over any run of images (the golden ratio's).
_GOLDEN = (5**0.5 - 1) / 2


def draw_dataset(
    folder: str | os.PathLike,
    table: str | os.PathLike,
    *,
    count: int,
    height: int,
    width: int,
    defect_share: float,
    kinds: Iterable[str],
    rare_share: float,
    contrast: float = 1.0,
    seed: int,
) -> None:
    """Draw grey 8-bit PNG strips and list them in a CSV.

    Image i depends on the seed, its number and the other arguments but not on `count`, so that a larger data set begins
    with the smaller one. Every run of images comes close to the shares asked for.

    Parameters
    ----------
    folder : str or path-like
        Where the strips go, as ``strip_00000.png`` and so on; made when missing.
    table : str or path-like
        CSV to write last: ``file`` (name within `folder`), ``class``, ``sha256`` (of the file).
    count : int
        Number of strips.
    height, width : int
        Pixels; the rolling direction is along the width.
    defect_share : float
        Share of strips with a defect.
    kinds : iterable of str
        Common kinds of defect, equally frequent: keys of `DEFECTS`.
    rare_share : float
        Share of `RARE_KIND` among the defective strips.
    contrast : float
        What a defect changes is multiplied by this, in (0, 1]: at 1 a network trained on photographs tells defective
        from good after a handful of labels, at 0.2 it does not.
    seed : int
        Seed of the data set.

    Raises
    ------
    ValueError
        When a kind is unknown, none is given, a share lies outside [0, 1], or the contrast outside (0, 1].
    """
    kinds = tuple(kinds)
    for kind in kinds:
        if kind not in DEFECTS:
            raise ValueError(f"defect kind {kind!r} is unknown; choose from {', '.join(DEFECTS)}.")
    if not kinds:
        raise ValueError("no defect kind is given; name at least one in kinds.")
    for name, share in (("defect_share", defect_share), ("rare_share", rare_share)):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} must lie in [0, 1], not {share}.")
    if not 0 < contrast <= 1:
        raise ValueError(f"contrast must lie in (0, 1], not {contrast}.")

    folder, table = Path(folder), Path(table)
    folder.mkdir(parents=True, exist_ok=True)
    table.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(count):
        kind = _choose_class(number, defect_share, kinds, rare_share, seed)
        rng = np.random.default_rng(derive_seed(seed, f"synthetic/{number}"))
        strip = draw_strip(kind, height, width, rng, contrast)
        encoded = io.BytesIO()
        Image.fromarray(strip).save(encoded, format="PNG")
        name = f"strip_{number:05d}.png"
        with written_whole(folder / name) as partial:
            partial.write_bytes(encoded.getvalue())
        rows.append((name, kind, hashlib.sha256(encoded.getvalue()).hexdigest()))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "class", "sha256"))
    writer.writerows(rows)
    with written_whole(table) as partial:
        partial.write_bytes(text.getvalue().encode())


def draw_strip(kind: str, height: int, width: int, rng: np.random.Generator, contrast: float = 1.0) -> np.ndarray:
    """Draw one strip.

    Parameters
    ----------
    kind : str
        ``good`` or a key of `DEFECTS`.
    height, width : int
        Pixels.
    rng : numpy.random.Generator
        Source of all randomness.
    contrast : float
        As for `draw_dataset`.

    Returns
    -------
    numpy.ndarray
        uint8, (height, width).
    """
    strip = _draw_steel(height, width, rng)
    if kind != GOOD:
        strip = strip + contrast * (DEFECTS[kind](strip, rng) - strip)
    return np.rint(np.clip(strip, 0, 255)).astype(np.uint8)


def _choose_class(number: int, defect_share: float, kinds: tuple[str, ...], rare_share: float, seed: int) -> str:
    offset = derive_seed(seed, "synthetic/classes") / 2**32
    position = (offset + number * _GOLDEN) % 1
    if position >= defect_share:
        return GOOD
    position /= defect_share
    if position < rare_share:
        return RARE_KIND
    return kinds[min(int((position - rare_share) / (1 - rare_share) * len(kinds)), len(kinds) - 1)]


def _smooth_noise(height: int, width: int, sigma: float | tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of unit variance, smoothed by `sigma` (pixels; rows, columns)."""
    noise = gaussian_filter(rng.standard_normal((height, width), dtype=np.float32), sigma, mode="wrap", truncate=3)
    return (noise - noise.mean()) / (noise.std() + 1e-6)


def _draw_steel(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Rolling marks along the strip, fine grain, uneven light; float32."""
    marks = gaussian_filter1d(rng.standard_normal((height, width), dtype=np.float32), 16, axis=1, mode="wrap")
    marks *= 5.5 / (marks.std() + 1e-6)
    bands = gaussian_filter1d(rng.standard_normal((height, 1), dtype=np.float32), 1.0, axis=0) * 4
    grain = rng.standard_normal((height, width), dtype=np.float32) * 2.5
    row = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    column = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    centre = rng.uniform(-0.8, 0.8)
    light = rng.uniform(-12, 12) * column + rng.uniform(-6, 6) * row - rng.uniform(5, 22) * (column - centre) ** 2
    return rng.uniform(118, 146) + marks + bands + grain + light


def _draw_scratches(strip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Long thin bright lines, roughly along the rolling direction, slightly bent, fading at both ends."""
    height, width = strip.shape
    column = np.arange(width, dtype=np.float32)
    row = np.arange(height, dtype=np.float32)[:, None]
    for _ in range(rng.integers(2, 6)):
        length = rng.uniform(0.4, 1.0) * width
        start = rng.uniform(-0.1, 1.0) * (width - length)
        along = (column - start) / length
        slope = rng.normal(0, 0.22) * height
        centre = rng.uniform(0.1, 0.9) * height + slope * (along - 0.5) + rng.normal(0, 0.06) * height * along**2
        strength = rng.uniform(55, 95) * np.clip(np.minimum(along, 1 - along) * 12, 0, 1)
        breadth = rng.uniform(0.55, 0.95) * max(1.0, height / 96)
        strip = strip + strength * np.exp(-0.5 * ((row - centre) / breadth) ** 2)
    return strip


def _draw_inclusions(strip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dark compact spots, drawn out along the rolling direction, with ragged edges."""
    height, width = strip.shape
    column = np.arange(width, dtype=np.float32)
    row = np.arange(height, dtype=np.float32)[:, None]
    ragged = np.clip(1 + 0.3 * _smooth_noise(height, width, 1.2, rng), 0.5, None)
    depth = np.zeros_like(strip)
    for _ in range(rng.integers(3, 8)):
        thickness = rng.uniform(0.025, 0.075) * height + 0.6
        length = thickness * rng.uniform(1.5, 5)
        distance = ((row - rng.uniform(0.08, 0.92) * height) / thickness) ** 2
        distance = (distance + ((column - rng.uniform(0.04, 0.96) * width) / length) ** 2) * ragged
        depth = np.maximum(depth, rng.uniform(60, 95) / (1 + np.exp(np.clip(6 * (distance - 1), -30, 30))))
    return strip - depth


def _draw_patches(strip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Large dark blotches with irregular outlines over about a third of the strip."""
    height, width = strip.shape
    shape = _smooth_noise(height, width, (height / 9, height / 6), rng)
    shape += 0.25 * _smooth_noise(height, width, height / 40, rng)
    edge = np.quantile(shape, 1 - rng.uniform(0.22, 0.42))
    inside = 1 / (1 + np.exp(np.clip(-14 * (shape - edge), -30, 30)))
    return strip - inside * (rng.uniform(34, 52) + 4 * _smooth_noise(height, width, 1.5, rng))


def _draw_crazing(strip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A net of fine dark cracks: the zero lines of smooth noise, within a large region."""
    height, width = strip.shape
    scale = max(1.8, height / 26)
    cracks = np.zeros_like(strip)
    for _ in range(2):
        noise = _smooth_noise(height, width, (scale, scale * 1.3), rng)
        slope = np.hypot(*np.gradient(noise))
        cracks = np.maximum(cracks, np.exp(-0.5 * (noise / (0.75 * slope + 1e-3)) ** 2))
    region = 1 / (1 + np.exp(np.clip(-5 * (_smooth_noise(height, width, height / 4, rng) + 0.9), -30, 30)))
    return strip - rng.uniform(30, 44) * cracks * region


def _draw_rolled_in_scale(strip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dense small dark flakes with bright rims, in bands across the strip."""
    height, width = strip.shape
    scale = max(0.9, height / 60)
    flakes = _smooth_noise(height, width, (scale, scale * 1.6), rng)
    bands = gaussian_filter1d(rng.standard_normal((1, width)), height / 5, axis=1, mode="wrap")
    bands = 1 / (1 + np.exp(np.clip(-4 * (bands / (bands.std() + 1e-6) + 0.7), -30, 30)))
    dark = np.clip(flakes - 0.5, 0, 1.2)
    bright = np.clip(-flakes - 1.1, 0, 1)
    return strip + bands * (rng.uniform(35, 50) * bright - rng.uniform(50, 70) * dark)


DEFECTS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "scratches": _draw_scratches,
    "inclusions": _draw_inclusions,
    "patches": _draw_patches,
    "crazing": _draw_crazing,
    RARE_KIND: _draw_rolled_in_scale,
}
"""Draws each kind of defect onto a strip (float, height x width)."""
