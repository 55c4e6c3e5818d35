"""One bundle held against another, on images that neither has learnt from."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from nearlabel.production.bundle.facts import read_facts
from nearlabel.production.bundle.files import read_held_out
from nearlabel.production.labelled import MODEL, NETWORK
from nearlabel.seeds import derive_seed

DRAWS = 2000
"""Bootstrap samples that the interval is of."""

LABELS, GOOD, NOTHING = "labels", "good", ""
"""What two bundles are compared by: their labels, good or not, or nothing."""

_GOOD, _NOT_GOOD = "good", "not good"


class Comparison(NamedTuple):
    """What two bundles say of images that neither has learnt from.

    Attributes
    ----------
    old, new : int
        Numbers.
    by : str
        What they are compared by; see `compare_bundles`.
    table : DataFrame
        By label (of the bundle with the larger number), or by good and not good: label, images, old, new (recalls).
    balanced : tuple of two floats
        Balanced accuracy, old and new: means of the recalls; NaN without an image.
    interval : tuple of two floats
        Of the difference, new less old, 95 %; NaN without an image.
    images, differ : int
        Images that both are judged on, and on how many they differ.
    """

    old: int
    new: int
    by: str
    table: pd.DataFrame
    balanced: tuple[float, float]
    interval: tuple[float, float]
    images: int
    differ: int

    def describe(self) -> str:
        """A few lines for a terminal."""
        if self.by == NOTHING:
            return (
                f"bundles {self.old} and {self.new} cannot be compared by labels: they do not tell the same ones, and "
                "one of them does not say which are those of good images (production.normal)"
            )
        if not self.images:
            return (
                f"bundles {self.old} and {self.new} cannot be compared: there is no labelled image that neither of "
                "them has learnt from"
            )
        old, new = self.balanced
        low, high = self.interval
        width = max(map(len, ["label", *self.table["label"]]))
        judge = f"the labels of {max(self.old, self.new)}"
        apart = f"{judge}, as good or not good alone, for the two do not tell the same labels"
        lines = [
            f"bundle {self.new} against {self.old}, on {self.images} held-out images that neither has learnt from, by "
            f"{judge if self.by == LABELS else apart}:",
            f"balanced accuracy {new:.3f}, before {old:.3f}: {new - old:+.3f} (95 %: {low:+.3f} to {high:+.3f})",
            f"{self.differ} of {self.images} images get another label"
            + ("" if self.by == LABELS else ", good for not good or the other way round"),
            f"  {'label':{width}}  images  recall {self.old:>3}  recall {self.new:>3}",
        ]
        for row in self.table.itertuples():
            lines.append(f"  {row.label:{width}}  {row.images:6d}  {row.old:10.3f}  {row.new:10.3f}")
        return "\n".join(lines)


def compare_bundles(old: str | Path, new: str | Path) -> Comparison:
    """Compare two bundles.

    Both are judged by the labels of the one with the larger number, the latest, on the images that both have held out:
    neither has learnt from them. Each counts as what it stands for by the latest. What the older one says in words that
    are no labels of the latest would be wrong whatever it means: then, and where a model labels in one and a network in
    the other, they are compared by whether it is a label of good images, ``normal`` of each, and not at all where one
    has none. The interval is a paired bootstrap's, of the images' groups of near-duplicates within each label, 2.5 and
    97.5 %.

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
    tables = [read_held_out(folder).drop_duplicates("sha256") for folder in (old, new)]
    both = tables[0].merge(tables[1], on="sha256", suffixes=("_old", "_new"))
    latest = int(facts[1]["number"] > facts[0]["number"])
    end = ("_old", "_new")[latest]
    both = both.rename(columns={f"{name}{end}": name for name in ("label", "group", "weight")})
    both = both[(both["label"] != "") & (both["weight"] > 0)].reset_index(drop=True)
    by = LABELS
    # A network calls defects of any kind by one label.
    apart = {one["label_by"] for one in facts} == {MODEL, NETWORK}
    if apart or not set(facts[1 - latest]["labels"]) <= set(facts[latest]["labels"]):
        by = GOOD if all(one["normal"] for one in facts) else NOTHING
    if by == GOOD:
        normal = dict(zip(("said_old", "said_new", "label"), (*facts, facts[latest]), strict=True))
        both = both.assign(**{column: _good_or_not(both[column], one["normal"]) for column, one in normal.items()})
    if by == NOTHING:
        both = both[:0]
    right = both[["said_old", "said_new"]].eq(both["label"], axis=0).to_numpy(dtype=float)
    recalls, drawn = [], []
    for label, own in both.groupby("label", sort=True):
        rows, weights = right[own.index], own["weight"].to_numpy()
        recalls.append((label, len(own), *np.average(rows, axis=0, weights=weights)))
        drawn.append(_resample(rows, weights, own["group"].to_numpy(dtype=str), derive_seed(0, f"compare/{label}")))
    table = pd.DataFrame(recalls, columns=["label", "images", "old", "new"])
    nothing = (float("nan"), float("nan"))
    balanced, interval = nothing, nothing
    if recalls:
        balanced = float(table["old"].mean()), float(table["new"].mean())
        low, high = np.quantile(np.mean(drawn, axis=0), [0.025, 0.975])
        interval = float(low), float(high)
    differ = int((both["said_new"] != both["said_old"]).sum())
    return Comparison(facts[0]["number"], facts[1]["number"], by, table, balanced, interval, len(both), differ)


def _good_or_not(labels: pd.Series, normal: Sequence[str]) -> np.ndarray:
    """Good, not good, or nothing where nothing was said."""
    return np.select([labels.isin(list(normal)), labels != ""], [_GOOD, _NOT_GOOD], "")


def _resample(right: np.ndarray, weights: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Differences of the recalls, new less old, over samples of the groups, shape (DRAWS,)."""
    _, number = np.unique(groups, return_inverse=True)
    sizes = np.bincount(number, weights=weights)
    gained = np.bincount(number, weights=weights * (right[:, 1] - right[:, 0]))
    times = np.random.default_rng(seed).multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=DRAWS)
    return (times @ gained) / (times @ sizes)
