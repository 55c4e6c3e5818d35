"""The paper's Figure 2: entropy and silhouette over the number of clusters, for every encoder and algorithm."""

import pandas as pd

from nearlabel.report.base.figures import GREY, INK, MARKERS, STYLE, algorithm_colors, save_figure, set_legend_texts
from nearlabel.report.base.text import shorten
from nearlabel.report.grouping.figures.lines import mark_every, rows_over_k
from nearlabel.report.grouping.tables.clusterings import best_clustering, winning_row

SAMPLED = "sampled_silhouette"
ROWS = [("entropy", "Label entropy (bits)"), ("silhouette", "Silhouette (−1 to 1)")]


def plot_quality(scores: dict[str, pd.DataFrame], selection: dict, stem) -> None:
    """Plot the paper's Figure 2: entropy above, silhouette below, one column per encoder, a line per algorithm.

    Lines have gaps where an algorithm has no clustering. A ring marks each encoder's highest silhouette among the
    algorithms that were not excluded, a star the selected clustering, both with k and value; an excluded algorithm's
    line is dotted.

    Parameters
    ----------
    scores : dict of str to DataFrame
        ``scores.csv`` (or ``quality.csv``) by encoder, in the order of the columns.
    selection : dict
        Content of ``selection.json``.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    algorithms = list(dict.fromkeys(name for frame in scores.values() for name in frame["algorithm"]))
    colors = algorithm_colors(algorithms)
    excluded = {(e["encoder"], e["algorithm"]) for e in selection["excluded"]}
    with rc_context(STYLE):
        width = 3.1 * len(scores) + 0.9 if len(scores) > 1 else 6.0
        figure = Figure(figsize=(width, 5.8), layout="constrained")
        axes = figure.subplots(2, len(scores), sharex=True, sharey="row", squeeze=False)
        lines = {}
        for column, (encoder, frame) in enumerate(scores.items()):
            axes[0, column].set_title(shorten(encoder, 28), color=INK, fontweight="bold")
            axes[1, column].set_xlabel("Number of clusters k")
            axes[1, column].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            for number, name in enumerate(algorithms):
                rows = rows_over_k(frame, name)
                for row, (value, _) in enumerate(ROWS):
                    lines[name] = axes[row, column].plot(
                        rows["k"],
                        rows[value],
                        color=colors[name],
                        linewidth=1.3,
                        linestyle=":" if (encoder, name) in excluded else "-",
                        marker=MARKERS[number % len(MARKERS)],
                        markersize=3.6,
                        markevery=mark_every(rows, number),
                    )[0]
            _mark_optimum(axes[:, column], encoder, scores, selection)
        for row, (_, label) in enumerate(ROWS):
            axes[row, 0].set_ylabel(label)
            axes[row, 0].margins(y=0.14)
        if any(frame["flags"].str.contains(SAMPLED).any() for frame in scores.values()):
            axes[1, 0].set_ylabel("Silhouette of a sample (−1 to 1)")
        for axis, frame in zip(axes[1], scores.values(), strict=True):
            if frame["silhouette"].isna().all():
                middle = {"transform": axis.transAxes, "ha": "center", "va": "center"}
                axis.text(0.5, 0.5, "no silhouette is defined", color=GREY, **middle)
        _draw_legend(figure, lines, algorithms, bool(excluded))
        save_figure(figure, stem)


def _mark_optimum(axes, encoder, scores, selection) -> None:
    wins = encoder == selection["encoder"]
    excluded = [e["algorithm"] for e in selection["excluded"] if e["encoder"] == encoder]
    best = winning_row(scores, selection) if wins else best_clustering(scores[encoder], excluded)
    if best is None:
        return
    marker = {"marker": "*", "markersize": 14} if wins else {"marker": "o", "markersize": 9, "markerfacecolor": "none"}
    middle = scores[encoder]["k"].agg(["min", "max"]).mean()
    for axis, (value, _) in zip(axes, ROWS, strict=True):
        if pd.isna(best[value]):
            continue
        axis.plot([best["k"]], [best[value]], color=INK, linestyle="none", markeredgewidth=1.2, zorder=5, **marker)
        left = best["k"] <= middle
        axis.annotate(
            f"k = {best['k']}, {best[value]:.3f}",
            (best["k"], best[value]),
            xytext=(11 if left else -11, 7 if value == "silhouette" else -4),
            textcoords="offset points",
            ha="left" if left else "right",
            va="bottom" if value == "silhouette" else "top",
            fontsize=8,
            color=INK,
            fontweight="bold" if wins else "normal",
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            zorder=6,
        )


def _draw_legend(figure, lines, algorithms, any_excluded) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=lines[name].get_color(), marker=lines[name].get_marker(), markersize=4, linewidth=1.5)
        for name in algorithms
    ]
    texts = [shorten(name, 28) for name in algorithms]
    handles += [
        Line2D([], [], color=INK, marker="*", markersize=10, linestyle="none"),
        Line2D([], [], color=INK, marker="o", markersize=7, markerfacecolor="none", linestyle="none"),
    ]
    texts += ["selected clustering", "the encoder's highest silhouette"]
    if any_excluded:
        handles.append(Line2D([], [], color=INK, linestyle=":", linewidth=1.5))
        texts.append("excluded")
    rows = -(-len(handles) // max(3, int(figure.get_figwidth() // 1.7)))
    columns = -(-len(handles) // rows)
    placeholders = [str(number) for number in range(len(handles))]
    set_legend_texts(figure.legend(handles, placeholders, loc="outside lower center", ncols=columns), texts)
