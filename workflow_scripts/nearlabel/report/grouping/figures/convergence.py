"""The paper's Figure 5a: the C-Score convergence difference over the number of clusters, beside what chance gives."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nearlabel.report.base.figures import (
    INK,
    MARKERS,
    STYLE,
    algorithm_colors,
    save_figure,
    save_words,
    set_legend_texts,
)
from nearlabel.report.base.text import shorten
from nearlabel.report.grouping.figures.lines import mark_every, rows_over_k
from nearlabel.report.grouping.tables.clusterings import winning_row

TITLE = "C-Score convergence difference"
DECADES_BELOW = 5
"""Orders of magnitude that the axis shows below its largest value; what is smaller comes close to 0."""


def plot_convergence(
    scores: Mapping[str, pd.DataFrame], nulls: Mapping[str, pd.DataFrame], selection: dict, stem
) -> None:
    """Plot the paper's Figure 5a: the convergence difference over k, a line per algorithm, a column per encoder.

    Above, all algorithms of an encoder, on an axis that is logarithmic, as the difference falls about as 1/k² by chance
    alone, and linear next to 0, which it may reach. Below, each algorithm's difference divided by the mean of its own
    permutation null, which depends on the clusters' sizes, before the null's band from 5 to 95 %: what lies within is
    no better than chance. A star marks the selected clustering, a ring each encoder's smallest difference, should it
    be another one.

    Parameters
    ----------
    scores : mapping of str to DataFrame
        ``scores.csv`` by encoder, in the order of the columns.
    nulls : mapping of str to DataFrame
        ``null.csv`` by encoder: algorithm, k, mean, low, high.
    selection : dict
        Content of ``selection.json``.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    tables = {name: frame.merge(nulls[name], on=["algorithm", "k"], how="left") for name, frame in scores.items()}
    values = np.concatenate([table["convergence_difference"].to_numpy() for table in tables.values()])
    values = values[~np.isnan(values)]
    if not len(values):
        words = "No image of this node has a near-label: there is nothing that the clusters could agree with."
        return save_words(TITLE, words, stem)
    if not values.any() and not any(table["high"].any() for table in tables.values()):
        words = (
            "It is 0 for every clustering, and for every permutation of its null, so that it tells nothing here: the "
            "node has a single near-label, or clusters of one image each."
        )
        return save_words(TITLE, words, stem)
    algorithms = list(dict.fromkeys(name for table in tables.values() for name in table["algorithm"]))
    heights = [2.8] + [1.05] * len(algorithms)
    with rc_context(STYLE):
        width = 3.1 * len(tables) + 0.9 if len(tables) > 1 else 6.4
        figure = Figure(figsize=(width, sum(heights) + 1.2), layout="constrained")
        axes = figure.subplots(len(heights), len(tables), sharex=True, squeeze=False, height_ratios=heights)
        colors = algorithm_colors(algorithms)
        for column, (encoder, table) in enumerate(tables.items()):
            axes[0, column].set_title(shorten(encoder, 28), color=INK, fontweight="bold")
            for number, name in enumerate(algorithms):
                rows = rows_over_k(table, name)
                style = {
                    "color": colors[name],
                    "marker": MARKERS[number % len(MARKERS)],
                    "markersize": 3.4,
                    "markevery": mark_every(rows, number),
                }
                axes[0, column].plot(rows["k"], rows["convergence_difference"], linewidth=1.3, **style)
                _draw_beside_null(axes[1 + number, column], rows, style)
                axes[1 + number, column].set_title(shorten(name, 28), loc="right", fontsize=8, color=INK, pad=2)
            _mark(axes[:, column], encoder, table, scores, selection, algorithms)
        _finish_differences(axes[0], values)
        _finish_ratios(axes[1:])
        for axis in axes[-1]:
            axis.set_xlabel("Number of clusters k")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        _draw_legend(figure, algorithms, colors)
        save_figure(figure, stem)


def _over_mean(rows: pd.DataFrame, column: str) -> pd.Series:
    # A null of 0 throughout has nothing to compare with.
    return rows[column] / rows["mean"].where(rows["mean"] > 0)


def _draw_beside_null(axis, rows: pd.DataFrame, style: dict) -> None:
    if not (rows["mean"] > 0).any():
        words = "its null is 0: nothing to compare with" if len(rows) else "not computed"
        axis.text(0.5, 0.5, words, transform=axis.transAxes, ha="center", va="center", fontsize=8, color=INK)
        return
    low, high = _over_mean(rows, "low"), _over_mean(rows, "high")
    axis.fill_between(rows["k"], low, high, color=INK, alpha=0.16, linewidth=0)
    if len(rows) == 1 or rows["algorithm"].isna().any():
        # A band would have no width at a k between others that have no clustering.
        axis.vlines(rows["k"], low, high, color=INK, alpha=0.16, linewidth=8)
    axis.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
    axis.plot(rows["k"], _over_mean(rows, "convergence_difference"), linewidth=1.2, **style)


def _mark(axes, encoder, table: pd.DataFrame, scores, selection, algorithms) -> None:
    marked = []
    if encoder == selection["encoder"]:
        won = winning_row(scores, selection)
        won = table[(table["algorithm"] == won["algorithm"]) & (table["k"] == won["k"])].iloc[0]
        marked.append((won, {"marker": "*", "markersize": 13}))
    defined = table["convergence_difference"].dropna()
    if len(defined):
        lowest = table.loc[defined.idxmin()]
        if not marked or lowest.name != marked[0][0].name:
            marked.append((lowest, {"marker": "o", "markersize": 8, "markerfacecolor": "none"}))
    middle = table["k"].agg(["min", "max"]).mean()
    right = [row for row, _ in marked if row["k"] > middle]
    for row, style in marked:
        k, value = row["k"], row["convergence_difference"]
        if pd.isna(value):
            continue
        style = style | {"color": INK, "linestyle": "none", "markeredgewidth": 1.2, "zorder": 5, "clip_on": False}
        axes[0].plot([k], [value], **style)
        if row["mean"] > 0:
            axes[1 + algorithms.index(row["algorithm"])].plot([k], [value / row["mean"]], **style)
        # Curves fall: what is above to the right of them is free, and what is below to the left.
        above = k <= middle or (len(right) > 1 and style["marker"] == "*")
        axes[0].annotate(
            f"k = {k}, {value:.2g}",
            (k, value),
            xytext=(9 if k <= middle else -9, 7 if above else -7),
            textcoords="offset points",
            ha="left" if k <= middle else "right",
            va="bottom" if above else "top",
            fontsize=8,
            color=INK,
            fontweight="bold" if style["marker"] == "*" else "normal",
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
            zorder=6,
        )


def _finish_differences(axes, values: np.ndarray) -> None:
    from matplotlib.ticker import FuncFormatter, NullLocator

    axes[0].set_ylabel(TITLE)
    if not values.any():
        # Every clustering is pure: there is nothing that a logarithm could show.
        for axis in axes:
            axis.set_ylim(-0.05, 1)
            axis.set_yticks([0.0])
            axis.tick_params(labelleft=axis is axes[0])
        return
    largest = values.max()
    smallest = max(values[values > 0].min(), largest / 10**DECADES_BELOW)
    linear_below = 10 ** np.floor(np.log10(smallest))
    ticks = [factor * 10.0**power for power in range(-16, 1) for factor in (1, 2, 5)]
    ticks = [tick for tick in ticks if smallest / 1.3 <= tick <= largest * 1.3]
    if len(ticks) > 5:
        ticks = [tick for tick in ticks if f"{tick:e}".startswith("1")]
    reaches_zero = values.min() < smallest
    for axis in axes:
        if reaches_zero:
            axis.set_yscale("symlog", linthresh=linear_below, linscale=0.4)
        else:
            axis.set_yscale("log")
        room = 1.2 * (largest / smallest) ** 0.12
        axis.set_ylim(-linear_below if reaches_zero else smallest / room, largest * room)
        # Plain numbers: powers as exponents are mathematics, which figures do not parse.
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_yticks(([0.0] if reaches_zero else []) + ticks)
        axis.yaxis.set_minor_locator(NullLocator())
        axis.tick_params(labelleft=axis is axes[0])


def _finish_ratios(axes) -> None:
    drawn = [axis.dataLim.intervaly for axis in axes.flat if np.isfinite(axis.dataLim.intervaly).all()]
    low, high = min([1.0, *(ends[0] for ends in drawn)]), max([1.0, *(ends[1] for ends in drawn)])
    for axis in axes.flat:
        axis.set_ylim(low - 0.1 * (high - low) - 0.02, high + 0.1 * (high - low) + 0.02)
        axis.tick_params(labelleft=axis in axes[:, 0])
    axes[(len(axes) - 1) // 2, 0].set_ylabel("Divided by its null's mean")


def _draw_legend(figure, algorithms, colors) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], color=colors[name], marker=MARKERS[number % len(MARKERS)], markersize=4, linewidth=1.5)
        for number, name in enumerate(algorithms)
    ]
    handles += [
        Patch(facecolor=INK, alpha=0.16, linewidth=0),
        Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (3, 2))),
        Line2D([], [], color=INK, marker="*", markersize=10, linestyle="none"),
        Line2D([], [], color=INK, marker="o", markersize=7, markerfacecolor="none", linestyle="none"),
    ]
    texts = [shorten(name, 28) for name in algorithms]
    texts += ["null, 5 to 95 %", "null, mean", "selected clustering", "the encoder's smallest difference"]
    columns = max(3, int(figure.get_figwidth() // 1.9))
    placeholders = [str(number) for number in range(len(handles))]
    set_legend_texts(figure.legend(handles, placeholders, loc="outside lower center", ncols=columns), texts)
