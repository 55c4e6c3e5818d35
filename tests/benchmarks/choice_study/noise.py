"""Data without any structure, where the study should say so: independent normal columns, and images of noise."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from clusterings import Clusterings, set_clusterings, set_features
from evidence import judge_all, measure_all
from labelled_sets import LabelledSet
from scipy.ndimage import gaussian_filter

from nearlabel.seeds import derive_seed

IMAGE_EVERY = 5
"""One run in so many is on images, the others on normal columns."""

IMAGES, SIDE = 100, 96
SHAPES = tuple(product((100, 200, 400), (3, 10, 50), (0.0, 0.5, 1.0)))
"""Points, columns, and how fast deviations fall: that of column j is j to the power of minus this."""

SEED = 0


def run_noise(runs: int, folder: Path, say: Callable[[str], None]) -> pd.DataFrame:
    """Ask about structure where there is none.

    Parameters
    ----------
    runs : int
        Data sets, each with its own seed: the kinds take turns.
    folder : Path
        Where clusterings are kept.
    say : callable
        Is told of every tenth run.

    Returns
    -------
    DataFrame
        run, data (what it was), points, columns, structure (how strong it is said to be).
    """
    rows = []
    for run in range(runs):
        if run % 10 == 0:
            say(f"noise: run {run} of {runs}")
        data, made = _draw(run, folder / f"{run:03d}")
        structure = judge_all(measure_all({made.encoder: made}))
        points, columns = made.reduced.shape
        rows.append({"run": run, "data": data, "points": points, "columns": columns, "structure": structure})
    return pd.DataFrame(rows)


def count_silent(noise: pd.DataFrame) -> pd.DataFrame:
    """Count by kind of data, and in all, how often no structure was said: data, runs, none."""
    kinds = {kind: group for kind, group in noise.groupby("data", sort=False)} | {"all": noise}
    rows = [
        {"data": kind, "runs": len(group), "none": int((group["structure"] == "none").sum())}
        for kind, group in kinds.items()
    ]
    return pd.DataFrame(rows)


def _draw(run: int, folder: Path) -> tuple[str, Clusterings]:
    rng = np.random.default_rng(derive_seed(SEED, f"choice_study/noise/{run}"))
    if run % IMAGE_EVERY:
        points, columns, power = SHAPES[(run - run // IMAGE_EVERY - 1) % len(SHAPES)]
        features = rng.standard_normal((points, columns)) * np.arange(1, columns + 1) ** -power
        return "normal columns", set_clusterings(None, "normal", features, folder)
    smooth = rng.uniform(0, 3)
    images = []
    for _ in range(IMAGES):
        values = gaussian_filter(rng.standard_normal((SIDE, SIDE)), smooth, mode="wrap")
        images.append(np.rint(np.clip(128 + 40 * values / values.std(), 0, 255)).astype(np.uint8))
    found = LabelledSet(images, np.full(IMAGES, ""))
    return "noise images", set_clusterings(None, "texture", set_features(found, "texture", "", folder), folder)
