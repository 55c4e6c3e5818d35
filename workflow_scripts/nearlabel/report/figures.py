"""What the figures share: colours, type, and saving the same bytes for the same data."""

from pathlib import Path

import numpy as np

from nearlabel.images.files import written_whole

# Fixed places in the palette: an algorithm keeps its colour across encoders, nodes and runs.
ALGORITHM_ORDER = ["kmeans", "agglomerative", "minibatch_kmeans", "spectral", "gaussian_mixture"]
MARKERS = "osD^vP*X<>"
LEGEND_ENTRIES = 12
INK = "#222222"
GREY = "#8a8a8a"
GOLDEN_RATIO = 0.6180339887498949

# Names from files may hold $, which must not start mathematics; the salt makes the ids inside an SVG repeatable.
STYLE = {
    "font.family": "DejaVu Sans",
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
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "nearlabel",
    "svg.fonttype": "path",
    "text.parse_math": False,
}


def algorithm_colors(algorithms) -> dict[str, tuple]:
    """Return a colour of the colour-blind-safe palette for every algorithm id."""
    import seaborn

    palette = seaborn.color_palette("colorblind", 10)
    order = ALGORITHM_ORDER + sorted(set(algorithms) - set(ALGORITHM_ORDER))
    return {name: palette[order.index(name) % len(palette)] for name in algorithms}


def category_colors(count: int) -> list[tuple]:
    """Return ``count`` colours: the colour-blind-safe palette up to ten, above that hues in three lightnesses.

    Hues advance by the golden ratio, so that consecutive groups differ. No palette of fifty stays distinct for
    everybody: whoever uses more than ten also numbers the groups.
    """
    import seaborn

    if count <= 10:
        return list(seaborn.color_palette("colorblind", 10)[:count])
    turns = np.argsort(np.argsort(np.arange(count) * GOLDEN_RATIO % 1))
    shades = [seaborn.husl_palette(count, s=0.85, l=lightness) for lightness in (0.5, 0.68, 0.35)]
    return [shades[i % 3][turn] for i, turn in enumerate(turns)]


def near_label_colors(near_labels) -> dict[str, str]:
    """Return a hexadecimal colour for every near-label, the same in the figures and on the page; '' is grey."""
    from matplotlib.colors import to_hex

    named = sorted(set(near_labels) - {""})
    # Blue and orange first: the pair that differs most for every kind of colour vision.
    colors = dict(zip(named, map(to_hex, category_colors(len(named))), strict=True))
    return colors | {"": "#b0b0b0"}


def set_legend_texts(legend, texts) -> None:
    """Set a legend's texts afterwards: a label that starts with an underscore would be left out otherwise."""
    for entry, text in zip(legend.get_texts(), texts, strict=True):
        entry.set_text(text)


def save_figure(figure, stem) -> None:
    """Write ``{stem}.svg`` and ``{stem}.png`` (144 dpi) without dates, each renamed when complete."""
    stem = Path(stem)
    for suffix, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
        with written_whole(stem.with_name(f"{stem.name}.{suffix}")) as partial:
            figure.savefig(partial, format=suffix, metadata=metadata, dpi=144)
