"""One bundle held against another, on images that neither has learnt from."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from nearlabel.files import read_table
from nearlabel.production.bundle.contents import HELD_OUT
from nearlabel.production.bundle.facts import read_facts
from nearlabel.seeds import derive_seed

DRAWS = 2000
"""Bootstrap samples that the interval is of."""


class Comparison(NamedTuple):
    """What two bundles say of images that neither has learnt from.

    Attributes
    ----------
    old, new : int
        Numbers.
    table : DataFrame
        By label (of the bundle with the larger number): label, images, old, new (recalls).
    balanced : tuple of two floats
        Balanced accuracy, old and new: means of the recalls; NaN without an image.
    interval : tuple of two floats
        Of the difference, new less old, 95 %; NaN without an image.
    images, differ : int
        Images that both are judged on, and on how many they differ.
    """

    old: int
    new: int
    table: pd.DataFrame
    balanced: tuple[float, float]
    interval: tuple[float, float]
    images: int
    differ: int

    def describe(self) -> str:
        """A few lines for a terminal."""
        if not self.images:
            return (
                f"bundles {self.old} and {self.new} cannot be compared: there is no labelled image that neither of "
                "them has learnt from"
            )
        old, new = self.balanced
        low, high = self.interval
        width = max(map(len, ["label", *self.table["label"]]))
        lines = [
            f"bundle {self.new} against {self.old}, on {self.images} held-out images that neither has learnt from, by "
            f"the labels of {max(self.old, self.new)}:",
            f"balanced accuracy {new:.3f}, before {old:.3f}: {new - old:+.3f} (95 %: {low:+.3f} to {high:+.3f})",
            f"{self.differ} of {self.images} images get another label",
            f"  {'label':{width}}  images  recall {self.old:>3}  recall {self.new:>3}",
        ]
        for row in self.table.itertuples():
            lines.append(f"  {row.label:{width}}  {row.images:6d}  {row.old:10.3f}  {row.new:10.3f}")
        return "\n".join(lines)


def compare_bundles(old: str | Path, new: str | Path) -> Comparison:
    """Compare two bundles.

    Both are judged by the labels of the one with the larger number, the latest, on the images that both have held out:
    neither has learnt from them. The interval is a paired bootstrap's, of the images' groups of near-duplicates within
    each label, 2.5 and 97.5 %.

    Parameters
    ----------
    old, new : path
        Folders of the bundles.

    Returns
    -------
    Comparison

    Raises
    ------
    FileNotFoundError, ValueError
        One of them is no bundle, or damaged.
    """
    facts = [read_facts(folder) for folder in (old, new)]
    tables = [_read_held_out(folder) for folder in (old, new)]
    both = tables[0].merge(tables[1], on="sha256", suffixes=("_old", "_new"))
    latest = "_old" if facts[0]["number"] > facts[1]["number"] else "_new"
    both = both.assign(label=both[f"label{latest}"], group=both[f"group{latest}"])
    both = both[both["label"] != ""].reset_index(drop=True)
    right = both[["said_old", "said_new"]].eq(both["label"], axis=0).to_numpy(dtype=float)
    recalls, drawn = [], []
    for label, own in both.groupby("label", sort=True):
        rows = right[own.index]
        recalls.append((label, len(own), *rows.mean(axis=0)))
        drawn.append(_resample(rows, own["group"].to_numpy(dtype=str), derive_seed(0, f"compare/{label}")))
    table = pd.DataFrame(recalls, columns=["label", "images", "old", "new"])
    nothing = (float("nan"), float("nan"))
    balanced, interval = nothing, nothing
    if recalls:
        balanced = float(table["old"].mean()), float(table["new"].mean())
        low, high = np.quantile(np.mean(drawn, axis=0), [0.025, 0.975])
        interval = float(low), float(high)
    differ = int((both["said_new"] != both["said_old"]).sum())
    return Comparison(facts[0]["number"], facts[1]["number"], table, balanced, interval, len(both), differ)


def _read_held_out(folder: str | Path) -> pd.DataFrame:
    table = read_table(Path(folder) / HELD_OUT, ("sha256", "group", "label", "said"))
    return table.drop_duplicates("sha256")


def _resample(right: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Differences of the recalls, new less old, over samples of the groups, shape (DRAWS,)."""
    _, number = np.unique(groups, return_inverse=True)
    sizes = np.bincount(number)
    gained = np.bincount(number, weights=right[:, 1] - right[:, 0])
    weights = np.random.default_rng(seed).multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=DRAWS)
    return (weights @ gained) / (weights @ sizes)
