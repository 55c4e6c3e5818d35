"""The paper's Figure 5b: what near-labels each cluster holds, and where its images lie."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nearlabel.grouping.reduction.reduced import Reduced
from nearlabel.report.base.figures import (
    GREY,
    INK,
    STYLE,
    cluster_colors,
    count_near_labels,
    draw_label_legend,
    draw_stacks,
    name_cluster,
    near_label_colors,
    save_figure,
)
from nearlabel.report.grouping.figures.clusters import (
    MOST_NUMBERED,
    describe_selection,
    draw_points,
    match_images,
    number_clusters,
    plane_of,
)

MOST_BARS = MOST_NUMBERED
BAR_INCHES = 0.155


def plot_near_labels(
    reduced: Reduced,
    clusters: pd.DataFrame,
    near_labels: pd.DataFrame,
    selection: dict,
    stem,
    *,
    node: str = "root",
    names: Mapping[str, str] | None = None,
) -> None:
    """Plot the paper's Figure 5b: a bar of near-label counts per cluster and, beside it, the images by near-label.

    At most the 60 largest clusters have a bar; the others are summed up in a line of words. Without near-labels, bars
    show the clusters' sizes, and colours the clusters.

    Parameters
    ----------
    reduced, clusters, near_labels, selection, stem, node, names
        As for `nearlabel.report.grouping.figures.clusters.plot_clusters`.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    cluster, near_label = match_images(reduced, clusters, near_labels)
    points, shares = plane_of(reduced)
    counts = count_near_labels(cluster, near_label)
    numbers = counts.index.tolist()
    label_colors = near_label_colors(near_labels["near_label"].fillna("").astype(str))
    colors = dict(zip(numbers, cluster_colors(len(numbers), label_colors), strict=True))
    labelled = bool((near_label != "").any())
    with rc_context(STYLE):
        height = max(5.0, 1.2 + BAR_INCHES * min(len(numbers), MOST_BARS))
        figure = Figure(figsize=(10.6, height), layout="constrained")
        bars, plane = figure.subplots(1, 2, width_ratios=(1, 1.25))
        if labelled:
            draw_points(plane, points, [label_colors[label] for label in near_label.tolist()])
            number_clusters(plane, points, cluster, dict.fromkeys(numbers, GREY))
            draw_label_legend(figure, near_label, label_colors)
        else:
            draw_points(plane, points, [colors[c] for c in cluster.tolist()])
            number_clusters(plane, points, cluster, colors)
        sizes = counts.sum(axis=1)
        # Clusters are numbered by size already; sorted by it all the same, for numbers of another origin.
        drawn = sizes.sort_values(ascending=False, kind="stable").index[:MOST_BARS]
        places = np.arange(len(drawn))
        if labelled:
            draw_stacks(bars, places, counts.loc[drawn], label_colors, thickness=0.8, horizontal=True)
        else:
            bars.barh(places, sizes[drawn], height=0.8, color=[colors[c] for c in drawn], linewidth=0)
        _finish_bars(bars, drawn, sizes, node, names or {})
        bars.set_title("Near-labels of each cluster" if labelled else "Images of each cluster", color=INK)
        numbered = f"the {MOST_NUMBERED} largest clusters" if len(numbers) > MOST_NUMBERED else "clusters"
        plane.set_title(f"By near-label, {numbered} numbered" if labelled else "By cluster", color=INK)
        plane.set_xlabel(f"Principal component 1 ({shares[0]:.1%} of variance)")
        plane.set_ylabel(f"Principal component 2 ({shares[1]:.1%} of variance)")
        without = "" if labelled else "; no image has a near-label"
        figure.suptitle(f"{node}: {describe_selection(selection)}{without}", color=INK, fontsize=10, fontweight="bold")
        save_figure(figure, stem)


def _finish_bars(axis, drawn, sizes: pd.Series, node: str, names: Mapping[str, str]) -> None:
    from matplotlib.ticker import MaxNLocator

    size = 8 if len(drawn) <= 30 else 7
    for place, number in enumerate(drawn):
        axis.annotate(
            str(sizes[number]),
            (sizes[number], place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=size - 1,
            color=INK,
        )
    axis.set_yticks(range(len(drawn)), [name_cluster(node, number, names) for number in drawn], fontsize=size)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
    # Few bars are no thicker than if there were six.
    middle, half = (len(drawn) - 1) / 2, max(len(drawn), 6) / 2
    axis.set_ylim(middle + half, middle - half)
    axis.margins(x=0.1)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.set_ylabel("Cluster")
    axis.set_xlabel("Images")
    rest = sizes.drop(drawn)
    if len(rest):
        axis.set_xlabel(f"Images\nand {len(rest)} smaller clusters, not drawn, with {rest.sum()} images")
