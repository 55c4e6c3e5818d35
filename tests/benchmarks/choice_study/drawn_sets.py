"""Sets that are drawn from a seed: strips of steel, surfaces that a defect fills, crops of photographed textures."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from nearlabel.images.synthetic import DEFECTS, GOOD, draw_strip
from nearlabel.seeds import derive_seed

SEED = 0
SIDE = 160
"""Of surfaces and crops, in pixels."""

Drawn = tuple[list[np.ndarray], np.ndarray]


class StripSet(NamedTuple):
    """A set of strips: how many, and the share of each kind (``good`` has the rest)."""

    count: int
    shares: dict[str, float]


STRIP_SETS: dict[str, StripSet] = {
    "strips_few": StripSet(450, {"scratches": 1 / 3, "patches": 1 / 3}),
    "strips_many": StripSet(600, dict.fromkeys(DEFECTS, 1 / 6)),
    "strips_rare": StripSet(800, dict.fromkeys(("scratches", "inclusions", "patches", "crazing"), 0.0125)),
    "strips_uneven": StripSet(
        600, {"scratches": 0.2, "inclusions": 0.1, "patches": 0.05, "crazing": 0.025, "rolled_in_scale": 0.025}
    ),
}
"""Few kinds; many, equally frequent; defects of 5 % in all; as a line has them, each kind half as frequent or less."""


def draw_strips(name: str) -> Drawn:
    """Draw a set of `STRIP_SETS` by `nearlabel.images.synthetic.draw_strip`, 64 x 256."""
    count, shares = STRIP_SETS[name]
    kinds = [kind for kind, share in shares.items() for _ in range(round(share * count))]
    kinds = np.array(kinds + [GOOD] * (count - len(kinds)))
    kinds = np.random.default_rng(derive_seed(SEED, f"choice_study/{name}")).permutation(kinds)
    return [draw_strip(kind, 64, 256, _rng(f"{name}/{row}")) for row, kind in enumerate(kinds)], kinds


def draw_surfaces(each: int, contrast: tuple[float, float]) -> Drawn:
    """Draw steel surfaces of six kinds that fill the image, `each` of every kind, their contrast between two values.

    After the six kinds of the NEU surface defects. Light, contrast, density and direction vary within every kind, so
    that no single number tells kinds apart.
    """
    kinds = np.repeat(list(SURFACES), each)
    return [_draw_surface(kind, contrast, _rng(f"surface/{row}")) for row, kind in enumerate(kinds)], kinds


def draw_photograph_crops(each: int = 120) -> Drawn:
    """Crop the photographs of textures that scikit-image has on disk: turned, lit and scaled at random."""
    import skimage

    images, labels = [], []
    for name in ("brick.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png"):
        file = Path(skimage.__file__).parent / "data" / name
        with Image.open(file) as image:
            photograph = np.asarray(image.convert("L"), dtype=np.float32)
        for row in range(each):
            images.append(_crop(photograph, _rng(f"crop/{name}/{row}")))
            labels.append(file.stem)
    return images, np.array(labels)


def _rng(purpose: str) -> np.random.Generator:
    return np.random.default_rng(derive_seed(SEED, f"choice_study/{purpose}"))


def _crop(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    angle, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 1.3)
    reach = SIDE * scale * 2**-0.5
    centre = [rng.uniform(min(reach, side / 2), max(side - reach, side / 2)) for side in photograph.shape]
    rows, columns = (np.mgrid[:SIDE, :SIDE] - SIDE / 2) * scale
    where = [
        centre[0] + np.cos(angle) * rows - np.sin(angle) * columns,
        centre[1] + np.sin(angle) * rows + np.cos(angle) * columns,
    ]
    crop = map_coordinates(photograph, where, order=1, mode="reflect")
    crop = (crop - crop.mean()) / (crop.std() + 1) * rng.uniform(20, 45) + rng.uniform(95, 160)
    return _as_grey(crop + rng.normal(0, rng.uniform(1, 8), crop.shape))


def _as_grey(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def _noise(rng: np.random.Generator, sigma: float | tuple[float, float]) -> np.ndarray:
    """Smooth noise of mean 0 and variance 1, SIDE x SIDE."""
    values = gaussian_filter(rng.standard_normal((SIDE, SIDE)), sigma, mode="wrap")
    return (values - values.mean()) / values.std()


def _soft(values: np.ndarray, sharpness: float) -> np.ndarray:
    return 1 / (1 + np.exp(np.clip(-sharpness * values, -30, 30)))


def _draw_surface(kind: str, contrast: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    row, column = (np.mgrid[:SIDE, :SIDE] - SIDE / 2) / SIDE
    light = rng.uniform(-30, 30) * row + rng.uniform(-30, 30) * column
    grain = rng.uniform(3, 8) * _noise(rng, 0.6) + rng.uniform(2, 6) * _noise(rng, (1, 12))
    steel = rng.uniform(100, 160) + light + grain
    return _as_grey(steel + rng.uniform(*contrast) * SURFACES[kind](rng))


def _crazing(rng: np.random.Generator) -> np.ndarray:
    """A net of fine dark cracks: zero lines of noise."""
    noise = _noise(rng, (rng.uniform(3, 6), rng.uniform(4, 9)))
    slope = np.hypot(*np.gradient(noise)) + 1e-3
    return -1.2 * np.exp(-0.5 * (noise / (0.8 * slope)) ** 2)


def _inclusion(rng: np.random.Generator) -> np.ndarray:
    """Dark streaks drawn out in the rolling direction."""
    streaks = _noise(rng, (rng.uniform(8, 20), rng.uniform(1.2, 2.5)))
    return -1.6 * _soft(streaks - rng.uniform(1.2, 1.7), 6)


def _patches(rng: np.random.Generator) -> np.ndarray:
    """Large blotches, bright or dark."""
    blotches = _noise(rng, rng.uniform(9, 16)) + 0.2 * _noise(rng, 3)
    return rng.choice([-1.4, 1.4]) * _soft(blotches - rng.uniform(0.1, 0.7), 9)


def _pitted(rng: np.random.Generator) -> np.ndarray:
    """Many small dark holes, denser in places."""
    holes = _noise(rng, rng.uniform(1.2, 2.2)) + 0.5 * _noise(rng, 25)
    return -1.8 * _soft(holes - rng.uniform(1.3, 1.7), 8)


def _scale(rng: np.random.Generator) -> np.ndarray:
    """Flakes with bright rims and dark middles, in bands across."""
    flakes = _noise(rng, (rng.uniform(1.5, 2.5), rng.uniform(2.5, 4)))
    bands = _soft(_noise(rng, (3, 20)) + 0.4, 3)
    return bands * (0.9 * np.clip(flakes - 0.6, 0, 1.5) - 1.1 * np.clip(-flakes - 0.5, 0, 1.5))


def _scratches(rng: np.random.Generator) -> np.ndarray:
    """Thin long lines, nearly parallel."""
    row, column = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    angle = rng.uniform(-0.35, 0.35)
    lines = np.zeros((SIDE, SIDE))
    for _ in range(rng.integers(3, 11)):
        turn = angle + rng.normal(0, 0.05)
        across = np.cos(turn) * column + np.sin(turn) * row - rng.uniform(-SIDE / 2, SIDE / 2)
        along = np.cos(turn) * row - np.sin(turn) * column - rng.uniform(-SIDE / 3, SIDE / 3)
        length = _soft(rng.uniform(0.2, 0.6) * SIDE - np.abs(along), 0.3)
        lines = np.maximum(lines, rng.uniform(0.7, 1.6) * length * np.exp(-0.5 * (across / rng.uniform(0.7, 1.6)) ** 2))
    return rng.choice([1.0, 1.0, -1.0]) * lines


SURFACES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "crazing": _crazing,
    "inclusion": _inclusion,
    "patches": _patches,
    "pitted": _pitted,
    "scale": _scale,
    "scratches": _scratches,
}
"""Draws each kind of surface: what it adds to the steel, in units of its contrast."""
