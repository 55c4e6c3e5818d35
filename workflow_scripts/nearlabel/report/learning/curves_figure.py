"""The paper's Figures 1 and 2: learning curves above, defective images left below, one column for each strategy."""

import numpy as np

from nearlabel.report.base.figures import GREY, INK, STYLE, save_figure
from nearlabel.report.base.text import shorten
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.report.learning.curves import (
    FEW_POINTS,
    PANELS,
    SHORT_BATCH,
    common_curves,
    evaluated,
    legend_columns,
    mean_bound,
    short_batch,
    strategy_colors,
)

COLUMNS = 4


def plot_learning(runs: LearningRuns, stem) -> None:
    """Plot every fold's learning curve and the defective images left in its pool, with the mean of the folds.

    Parameters
    ----------
    runs : LearningRuns
        One data set; more than four strategies go on in further rows of panels.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    blocks = -(-len(runs.strategies) // COLUMNS)
    columns = -(-len(runs.strategies) // blocks)
    colors = strategy_colors(runs.strategies)
    with rc_context(STYLE):
        figure = Figure(figsize=(max(2.9 * columns + 0.7, 5.4), 4.7 * blocks + 0.5), layout="constrained")
        axes = figure.subplots(2 * blocks, columns, sharex=True, squeeze=False)
        for row, (_, label) in enumerate(PANELS):
            _share_height(axes[row::2].ravel())
            for block in range(blocks):
                axes[2 * block + row, 0].set_ylabel(label)
        for number, strategy in enumerate(runs.strategies):
            block, column = divmod(number, columns)
            above, below = axes[2 * block : 2 * block + 2, column]
            above.set_title(shorten(strategy, 28), color=INK, fontweight="bold")
            below.set_xlabel("Images labelled")
            for axis in (above, below):
                axis.tick_params(labelbottom=axis is below)
            _draw_curves((above, below), runs, strategy, colors[strategy])
            above.axhline(mean_bound(runs.full_pool), color=INK, linestyle="--", linewidth=1.1, zorder=1)
            _mark_knees((above, below), runs, strategy)
        for axis in axes[-2:, len(runs.strategies) - columns * (blocks - 1) :].ravel():
            axis.remove()
        axes[0, 0].margins(y=0.08)
        # Room for whole marks at 0, and for the words in the corner.
        top = max(axis.dataLim.y1 for axis in axes[1::2].ravel() if axis.figure) or 1
        axes[1, 0].set_ylim(-0.03 * top, 1.25 * top)
        _draw_legend(figure, runs)
        save_figure(figure, stem)


def _share_height(axes) -> None:
    for axis in axes[1:]:
        axis.sharey(axes[0])
    for axis in axes:
        axis.tick_params(labelleft=axis.get_subplotspec().is_first_col())


def _draw_curves(axes, runs: LearningRuns, strategy: str, color) -> None:
    rounds = runs.rounds[strategy]
    for axis, (value, _) in zip(axes, PANELS, strict=True):
        curves = [evaluated(rounds[fold], value) for fold in range(runs.folds)]
        for x, y in curves if runs.folds > 1 else ():
            axis.plot(x, y, color=color, alpha=0.4, linewidth=0.7, **_points(x, 2))
        short = [curves[fold] for fold in range(runs.folds) if short_batch(rounds[fold])]
        for x, y in short if axis is axes[0] else ():
            axis.plot(x[-1:], y[-1:], color=color, zorder=4, **SHORT_BATCH)
        labelled, values = common_curves(rounds.values(), value)
        if len(labelled):
            axis.plot(labelled, values.mean(axis=0), color=color, linewidth=2.2, zorder=3, **_points(labelled, 4))
        else:
            middle = {"transform": axis.transAxes, "ha": "center", "va": "center"}
            axis.text(0.5, 0.5, "no round was evaluated", color=GREY, **middle)


def _points(x: np.ndarray, size: float) -> dict:
    return {"marker": "o", "markersize": size} if len(x) <= FEW_POINTS else {}


def _mark_knees(axes, runs: LearningRuns, strategy: str) -> None:
    """Mark each fold's knee below, their mean in both panels, and say how many folds have one."""
    knees = [runs.knees[strategy][fold]["knee"] for fold in range(runs.folds)]
    found = [(fold, knee["n_labelled"]) for fold, knee in enumerate(knees) if knee]
    for fold, count in found:
        rounds = runs.rounds[strategy][fold]
        left = rounds.loc[rounds["n_labelled"] == count, "defects_left"]
        axes[1].plot([count], left, marker="D", markersize=4, color="white", markeredgecolor=INK, zorder=4)
    if found:
        for axis in axes:
            axis.axvline(np.mean([count for _, count in found]), color=INK, linestyle=":", linewidth=1.1, zorder=1)
    if runs.folds == 1:
        words = "a knee" if found else "no knee"
    elif len(found) == runs.folds:
        words = "a knee in every fold"
    else:
        words = f"a knee in {len(found)} of {runs.folds} folds" if found else "no fold has a knee"
    box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    place = {"transform": axes[1].transAxes, "ha": "right", "va": "top", "zorder": 6, "bbox": box}
    axes[1].text(0.985, 0.97, words, color=INK, fontsize=8, **place)


def _draw_legend(figure, runs: LearningRuns) -> None:
    from matplotlib.lines import Line2D

    many = runs.folds > 1
    entries = [("a fold", {"color": GREY, "linewidth": 0.9})] if many else []
    entries += [
        ("mean of the folds" if many else "the fold", {"color": GREY, "linewidth": 2.4}),
        (f"trained on the full pool ({mean_bound(runs.full_pool):.3f})", {"color": INK, "linestyle": "--"}),
    ]
    if any(short_batch(rounds) for folds in runs.rounds.values() for rounds in folds.values()):
        entries.append(("last batch, a short one", {"color": GREY, **SHORT_BATCH}))
    if any(found["knee"] for folds in runs.knees.values() for found in folds.values()):
        mark = {"marker": "D", "markersize": 5, "color": "white", "markeredgecolor": INK, "linestyle": "none"}
        entries.append(("knee of a fold" if many else "knee", mark))
        if many:
            entries.append(("mean knee", {"color": INK, "linestyle": ":"}))
    handles = [Line2D([], [], label=text, **style) for text, style in entries]
    columns = legend_columns([text for text, _ in entries], figure.get_figwidth())
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)
