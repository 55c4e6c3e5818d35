"""What the figures share: colours, type, and saving the same bytes for the same data."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nearlabel.files import written_whole
from nearlabel.report.base.fonts import FONT, draw_name, fit_fonts

# Fixed places in the palette: an algorithm keeps its colour across encoders, nodes and runs.
ALGORITHM_ORDER = ["kmeans", "agglomerative", "minibatch_kmeans", "spectral", "gaussian_mixture"]
# seaborn's palette of that name: its import takes longer than most figures.
COLORBLIND = (
    "#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161", "#fbafe4", "#949494", "#ece133", "#56b4e9",
)  # fmt: skip
# Of near-labels. Six lightnesses, so that they differ in grey print and for every kind of colour vision; the first two
# differ most.
NEAR_LABELS = ("#0173b2", "#de8f05", "#882255", "#88ccee", "#2b1a6b", "#c7e9c0")
MARKERS = "osD^vP*X<>"
LEGEND_ENTRIES = 12
INK = "#222222"
GREY = "#8a8a8a"
GOLDEN_RATIO = 0.6180339887498949

# Names from files may hold $, which must not start mathematics; the salt makes the ids inside an SVG repeatable.
STYLE = {
    "font.family": FONT,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "nearlabel",
    "svg.fonttype": "path",
    "text.parse_math": False,
}


def algorithm_colors(algorithms) -> dict[str, tuple]:
    """Return a colour of the colour-blind-safe palette for every algorithm id."""
    palette = category_colors(len(COLORBLIND))
    order = ALGORITHM_ORDER + sorted(set(algorithms) - set(ALGORITHM_ORDER))
    return {name: palette[order.index(name) % len(palette)] for name in algorithms}


def category_colors(count: int) -> list[tuple]:
    """Return ``count`` colours: the colour-blind-safe palette up to ten, above that hues in three lightnesses.

    Hues advance by the golden ratio, so that consecutive groups differ. No palette of fifty stays distinct for
    everybody: whoever uses more than ten also numbers the groups.
    """
    if count <= len(COLORBLIND):
        from matplotlib.colors import to_rgb

        return [to_rgb(color) for color in COLORBLIND[:count]]
    import seaborn

    turns = np.argsort(np.argsort(np.arange(count) * GOLDEN_RATIO % 1))
    shades = [seaborn.husl_palette(count, s=0.85, l=lightness) for lightness in (0.5, 0.68, 0.35)]
    return [shades[i % 3][turn] for i, turn in enumerate(turns)]


def cluster_colors(count: int, label_colors: Mapping[str, str]) -> list[tuple]:
    """Return ``count`` colours for clusters, which no near-label has as long as the palette of ten lasts.

    Parameters
    ----------
    count : int
        Clusters.
    label_colors : mapping of str to str
        From `near_label_colors`.
    """
    from matplotlib.colors import to_hex

    palette = category_colors(10)
    # Green and purple first, which few mistake for the near-labels' blue and orange; grey, of what is missing, never.
    spare = [palette[i] for i in (2, 4, 5, 9, 8, 3, 6, 0, 1) if to_hex(palette[i]) not in label_colors.values()]
    return spare[:count] if count <= len(spare) else category_colors(count)


def near_label_colors(near_labels) -> dict[str, str]:
    """Return a hexadecimal colour for every near-label, the same in the figures and on the page; '' is grey."""
    from matplotlib.colors import to_hex

    named = sorted(set(near_labels) - {""})
    few = len(named) <= len(NEAR_LABELS)
    palette = NEAR_LABELS[: len(named)] if few else map(to_hex, category_colors(len(named)))
    colors = dict(zip(named, palette, strict=True))
    return colors | {"": "#b0b0b0"}


def name_cluster(node: str, cluster: int, names: Mapping[str, str], length: int = 24) -> str:
    """Return a cluster's number and, where the user has named it, its name.

    Parameters
    ----------
    node : str
        The clustered node.
    cluster : int
        Number of the cluster.
    names : mapping of str to str
        Group → the user's name; the cluster is the group ``{node}.{cluster}``.
    length : int
        Longest name; a longer one is shortened.
    """
    name = names.get(f"{node}.{cluster}", "")
    return f"{cluster} {draw_name(name, length)}" if name else str(cluster)


def count_near_labels(cluster: Sequence | np.ndarray, near_label: Sequence | np.ndarray) -> pd.DataFrame:
    """Count the images of every near-label in every cluster.

    Parameters
    ----------
    cluster : array_like, shape (n,)
        Cluster, or group, of each image.
    near_label : array_like of str, shape (n,)
        Near-label of each image, '' where there is none.

    Returns
    -------
    DataFrame
        Counts, a row per cluster and a column per near-label, both sorted, with '' last.
    """
    counts = pd.crosstab(np.asarray(cluster), np.asarray(near_label, dtype=object))
    return counts[sorted(counts.columns, key=lambda name: (name == "", name))]


def draw_stacks(
    axis, positions: Sequence, counts: pd.DataFrame, colors: Mapping, *, thickness: float, horizontal: bool
) -> None:
    """Draw each row of a table of counts (or shares) as a bar stacked from its columns, without the empty parts."""
    positions = np.asarray(positions, dtype=float)
    table = counts.to_numpy()
    starts = np.cumsum(table, axis=1) - table
    for column, name in enumerate(counts.columns):
        here = table[:, column] > 0
        place, length, start = positions[here], table[here, column], starts[here, column]
        if horizontal:
            axis.barh(place, length, left=start, height=thickness, color=colors[name], linewidth=0)
        else:
            axis.bar(place, length, bottom=start, width=thickness, color=colors[name], linewidth=0)


def draw_group_legend(owner, groups: Sequence[tuple], *, width: float, marker: str = "s", **layout):
    """Draw a legend of groups with their sizes, at most the twelve largest, and say how many are left out.

    Parameters
    ----------
    owner : Axes or Figure
        What the legend belongs to.
    groups : sequence of (str, int, color)
        Name, number of images and colour of each group, in the order to show.
    marker : str
        Shape of the coloured marks.
    width : float
        Inches that it may take; there are as many columns as fit.
    **layout
        For ``owner.legend``.

    Returns
    -------
    Legend
    """
    from matplotlib.lines import Line2D

    order = sorted(range(len(groups)), key=lambda place: -groups[place][1])
    largest = [groups[place] for place in sorted(order[:LEGEND_ENTRIES])]
    handles = [Line2D([], [], marker=marker, markersize=6, linestyle="none", color=color) for *_, color in largest]
    texts = [f"{name} ({count})" for name, count, _ in largest]
    if len(groups) > len(largest):
        handles.append(Line2D([], [], linestyle="none"))
        texts.append(f"and {len(groups) - len(largest)} smaller")
    placeholders = [str(number) for number in range(len(handles))]
    # At 8 points a letter takes about 0.068 inches, the mark and the gap beside a text half an inch.
    fitting = int(width / (0.068 * max(map(len, texts)) + 0.5))
    columns = max(1, min(fitting, len(handles)))
    legend = owner.legend(handles, placeholders, ncols=columns, **layout)
    set_legend_texts(legend, texts)
    return legend


def near_label_groups(near_label: Sequence | np.ndarray, colors: Mapping[str, str]) -> list[tuple]:
    """Return name, count and colour of every near-label, '' last and in words, for `draw_group_legend`."""
    counts = count_near_labels(np.zeros(len(near_label)), near_label).iloc[0]
    return [(draw_name(name, 24) or "no near-label", int(count), colors[name]) for name, count in counts.items()]


def draw_label_legend(figure, near_label: Sequence | np.ndarray, colors: Mapping[str, str]) -> None:
    """Draw a legend of the near-labels of some images below a figure with constrained layout."""
    groups = near_label_groups(near_label, colors)
    layout = {"loc": "outside lower center", "title": "Near-label (images)"}
    draw_group_legend(figure, groups, width=figure.get_figwidth() - 0.4, **layout)


def save_words(title: str, words: str, stem) -> None:
    """Save a figure that says in words why there is nothing to draw."""
    from textwrap import fill

    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        text = fill(words, 78)
        figure = Figure(figsize=(6.4, 0.6 + 0.22 * (text.count("\n") + 1)))
        figure.text(0.5, 0.93, title, ha="center", va="top", fontsize=10, color=INK, fontweight="bold")
        figure.text(0.5, 0.08, text, ha="center", va="bottom", fontsize=9, color=INK, linespacing=1.5)
        save_figure(figure, stem)


def set_legend_texts(legend, texts) -> None:
    """Set a legend's texts afterwards: a label that starts with an underscore would be left out otherwise."""
    for entry, text in zip(legend.get_texts(), texts, strict=True):
        entry.set_text(text)


def save_figure(figure, stem) -> None:
    """Write ``{stem}.svg`` and ``{stem}.png`` (144 dpi) without dates, each renamed when complete."""
    stem = Path(stem)
    fit_fonts(figure)
    # One pass of the constrained layout does not settle it: the first file saved would look otherwise than the second.
    figure.draw_without_rendering()
    for suffix, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
        with written_whole(stem.with_name(f"{stem.name}.{suffix}")) as partial:
            figure.savefig(partial, format=suffix, metadata=metadata, dpi=144)
