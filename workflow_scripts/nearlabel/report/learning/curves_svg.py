"""Learning curves as inline SVG: every fold is a line of its own that pointer and keyboard reach, without a script.

Looks, and what happens to a line that is pointed at, are in ``templates/learning.css``; colours are the page's own.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from nearlabel.report.base.text import visible
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.report.learning.curves import common_curves, evaluated, mean_bound, short_batch

WIDTH, HEIGHT = 340, 312
LEFT, RIGHT = 36, 316
# Upper and lower edge of each plot.
PLOTS = {"test_auc": (36, 170), "defects_left": (196, 272)}
TITLES = {"test_auc": "Test AUC ROC", "defects_left": "Defective images left"}
# Height of a fold's number at the end of its line.
LINE = 11


class Scale(NamedTuple):
    """From values to pixels, linearly: `low` lies at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def draw_curves(runs: LearningRuns) -> dict[str, str]:
    """Draw the learning curves of each strategy, test AUC above, defective images left below, on axes shared by all.

    Parameters
    ----------
    runs : LearningRuns
        One data set.

    Returns
    -------
    dict of str to str
        Strategy → ``<svg>`` element to put into a page; texts are escaped. Each fold is a group that can be focused,
        whose title says where its best round, its knee and its end are.
    """
    frames = [frame for folds in runs.rounds.values() for frame in folds.values()]
    across = Scale(0, max(frame["n_labelled"].iloc[-1] for frame in frames), LEFT, RIGHT)
    bound = mean_bound(runs.full_pool)
    scores = np.concatenate([[bound], *(evaluated(frame, "test_auc")[1] for frame in frames)])
    left = max(frame["defects_left"].max() for frame in frames)
    limits = {
        "test_auc": (min(0.9, math.floor(scores.min() * 20) / 20), max(1.0, math.ceil(scores.max() * 20) / 20)),
        "defects_left": (0, max(left, 1)),
    }
    up = {name: Scale(*limits[name], PLOTS[name][1], PLOTS[name][0]) for name in PLOTS}
    return {name: _draw_strategy(runs, name, across, up, bound) for name in runs.strategies}


def describe_fold(runs: LearningRuns, strategy: str, fold: int) -> dict[str, Any]:
    """Say in numbers what a fold's curve shows.

    Returns
    -------
    dict
        best, knee (``n_labelled`` and ``test_auc``, None where there is none), last (the same, of the last round that
        was evaluated), full (the full-pool model's test AUC), sentence, short (the sentence, where room is little).
    """
    places = runs.knees[strategy][fold]
    x, y = evaluated(runs.rounds[strategy][fold], "test_auc")
    last = {"n_labelled": int(x[-1]), "test_auc": float(y[-1])} if len(x) else None
    found = {"best": places["best"], "knee": places["knee"], "last": last}
    words = [_say(found["best"], "best", "no round was evaluated"), _say(found["knee"], "knee", "no knee")]
    short = [word.removesuffix(" images") for word in words]
    return found | {
        "full": runs.full_pool[fold]["test_auc"],
        "sentence": f"Fold {fold}: {', '.join(words)}",
        "short": f"Fold {fold}: {', '.join(short)}",
    }


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers from `low` to `high`, at most `most`, whose step is 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (power * factor for factor in (1, 2, 5, 10, 20)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [round(number * step, 10) for number in range(first, last + 1)]
    raise AssertionError("a step of twenty times the power leaves fewer than that")


def spread_labels(wanted: Sequence[float], low: float, high: float, gap: float) -> list[float]:
    """Move places apart until each is at least `gap` from the next, in their order, within `low` to `high`.

    The sum of squared moves is the least there is, but for what the edges ask.

    Raises
    ------
    ValueError
        There is no room for so many.
    """
    if (len(wanted) - 1) * gap > high - low:
        raise ValueError(f"{len(wanted)} labels {gap} apart do not fit between {low} and {high}")
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    # Places less the gaps before them need only rise.
    risen = isotonic_regression(np.asarray(wanted, dtype=np.float64)[order] - steps).x
    placed = np.empty(len(wanted))
    placed[order] = np.clip(risen, low, high - steps[-1]) + steps
    return placed.tolist()


def _say(place, name: str, otherwise: str) -> str:
    if not place:
        return otherwise
    # A knee may be in a round that was not evaluated.
    score = "" if pd.isna(place["test_auc"]) else f" {place['test_auc']:.3f}"
    return f"{name}{score} at {place['n_labelled']} images"


def _draw_strategy(runs: LearningRuns, strategy: str, across: Scale, up: dict[str, Scale], bound: float) -> str:
    label = f"Learning curves of {visible(strategy)}; a table of their numbers follows"
    svg = ElementTree.Element("svg", {"class": "curves", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "group"})
    svg.set("aria-label", label)
    _draw_axes(svg, across, up)
    _add(svg, "line", "full", x1=LEFT, x2=RIGHT, y1=up["test_auc"](bound), y2=up["test_auc"](bound))
    knees = [found["knee"]["n_labelled"] for found in runs.knees[strategy].values() if found["knee"]]
    for top, bottom in PLOTS.values() if knees else ():
        x = across(float(np.mean(knees)))
        _add(svg, "line", "knees", x1=x, x2=x, y1=top, y2=bottom)
    folds = _add(svg, "g", "folds")
    labels = _place_numbers(runs, strategy, up["test_auc"])
    for fold in range(runs.folds):
        _draw_fold(folds, runs, strategy, fold, across, up, labels.get(fold))
    for name in PLOTS if runs.folds > 1 else ():
        labelled, values = common_curves(runs.rounds[strategy].values(), name)
        if len(labelled):
            _add(svg, "polyline", "mean", points=_points(labelled, values.mean(axis=0), across, up[name]))
    _add(svg, "text", "said summary", _summary(runs, strategy), x=1, y=12)
    return ElementTree.tostring(svg, encoding="unicode")


def _draw_axes(svg, across: Scale, up: dict[str, Scale]) -> None:
    for name, scale in up.items():
        top, bottom = PLOTS[name]
        _add(svg, "text", "axis", TITLES[name], x=LEFT, y=top - 7)
        for tick in nice_ticks(scale.low, scale.high, 6 if name == "test_auc" else 4):
            y = scale(tick)
            _add(svg, "line", "grid", x1=LEFT, x2=RIGHT, y1=y, y2=y)
            _add(svg, "text", "tick end", f"{tick:g}", x=LEFT - 5, y=y + 4)
        _add(svg, "line", "base", x1=LEFT, x2=RIGHT, y1=bottom, y2=bottom)
    bottom = PLOTS["defects_left"][1]
    for tick in nice_ticks(across.low, across.high, 6):
        _add(svg, "text", "tick middle", f"{tick:g}", x=across(tick), y=bottom + 16)
    _add(svg, "text", "axis middle", "Images labelled", x=(LEFT + RIGHT) / 2, y=bottom + 33)


def _draw_fold(
    parent, runs: LearningRuns, strategy: str, fold: int, across: Scale, up: dict[str, Scale], label: float | None
) -> None:
    said = describe_fold(runs, strategy, fold)
    group = _add(parent, "g", "fold" if runs.folds > 1 else "fold alone", tabindex=0, role="img")
    title = ElementTree.SubElement(group, "title")
    title.text = f"{visible(strategy)}. {said['sentence']}"
    rounds = runs.rounds[strategy][fold]
    for name in PLOTS:
        points = _points(*evaluated(rounds, name), across, up[name])
        for kind in ("hit", "line") if points else ():
            _add(group, "polyline", kind, points=points)
    scale, last = up["test_auc"], said["last"]
    if said["best"]:
        _add(group, "circle", "best", cx=across(said["best"]["n_labelled"]), cy=scale(said["best"]["test_auc"]), r=2.6)
    if last and short_batch(rounds):
        _add(group, "circle", "short", cx=across(last["n_labelled"]), cy=scale(last["test_auc"]), r=3)
    if said["knee"]:
        own = rounds.loc[rounds["n_labelled"] == said["knee"]["n_labelled"], "defects_left"].iloc[0]
        x, y, r = across(said["knee"]["n_labelled"]), up["defects_left"](own), 4
        corners = ((x - r, y), (x, y - r), (x + r, y), (x, y + r))
        _add(group, "polygon", "knee", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in corners))
    if label is not None:
        _add(group, "line", "leader", x1=across(last["n_labelled"]), y1=scale(last["test_auc"]), x2=RIGHT + 7, y2=label)
        _add(group, "text", "number", str(fold), x=RIGHT + 9, y=label + 4)
    _add(group, "text", "said", said["short"], x=1, y=12)


def _place_numbers(runs: LearningRuns, strategy: str, scale: Scale) -> dict[int, float]:
    """Heights of the folds' numbers beside the ends of their lines; none for one fold, or for more than have room."""
    lasts = {fold: describe_fold(runs, strategy, fold)["last"] for fold in range(runs.folds)}
    ends = {fold: scale(last["test_auc"]) for fold, last in lasts.items() if last}
    top, bottom = PLOTS["test_auc"]
    if runs.folds == 1 or not ends or (len(ends) - 1) * LINE > bottom - top:
        return {}
    return dict(zip(ends, spread_labels(list(ends.values()), top, bottom, LINE), strict=True))


def _summary(runs: LearningRuns, strategy: str) -> str:
    """What stands above a plot as long as no fold is pointed at."""
    folds = runs.knees[strategy].values()
    best = [found["best"] for found in folds if found["best"]]
    if not best:
        return "No round was evaluated"
    knees = sum(found["knee"] is not None for found in folds)
    auc, labelled = (np.mean([place[key] for place in best]) for key in ("test_auc", "n_labelled"))
    if runs.folds == 1:
        return f"Best {auc:.3f} at {labelled:.0f} images, {'a knee' if knees else 'no knee'}"
    return f"Best {auc:.3f} at {labelled:.0f} (means), a knee in {knees} of {runs.folds} folds"


def _points(x: np.ndarray, y: np.ndarray, across: Scale, up: Scale) -> str:
    return " ".join(_pairs(x, y, across, up))


def _pairs(x: np.ndarray, y: np.ndarray, across: Scale, up: Scale) -> Iterator[str]:
    for a, b in zip(x, y, strict=True):
        yield f"{across(a):.1f},{up(b):.1f}"


def _add(parent, tag: str, kind: str, text: str | None = None, **attributes):
    element = ElementTree.SubElement(parent, tag, {"class": kind})
    for name, value in attributes.items():
        element.set(name, f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value))
    element.text = text
    return element
