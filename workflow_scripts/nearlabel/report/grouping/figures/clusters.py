"""The paper's Figure 4: the images on their first two principal components, by cluster and by near-label."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nearlabel.grouping.maps.plane import principal_plane
from nearlabel.grouping.reduction.reduced import Reduced
from nearlabel.report.base.figures import (
    INK,
    STYLE,
    cluster_colors,
    draw_group_legend,
    name_cluster,
    near_label_colors,
    near_label_groups,
    save_figure,
)
from nearlabel.report.base.text import shorten

MOST_NUMBERED = 60
"""Clusters whose number stands in the plane, the largest: more would hide each other and the images."""


def plot_clusters(
    reduced: Reduced,
    clusters: pd.DataFrame,
    near_labels: pd.DataFrame,
    selection: dict,
    stem,
    *,
    node: str = "root",
    names: Mapping[str, str] | None = None,
) -> None:
    """Plot the paper's Figure 4: the first two principal components by cluster and, beside it, by near-label.

    Every cluster's number stands at its median point, so that clusters can be told apart beyond what colours allow;
    legends name the twelve largest groups. The second panel is left out where no image has a near-label.

    Parameters
    ----------
    reduced : Reduced
        The winning encoder's reduced features, from `nearlabel.grouping.reduction.reduced.read_reduced`.
    clusters : DataFrame
        ``clusters.csv``: image_id, cluster.
    near_labels : DataFrame
        ``near_labels.csv``: image_id, near_label; may hold more images than the node.
    selection : dict
        Content of ``selection.json``.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    node : str
        Name of the node.
    names : mapping of str to str, optional
        The user's names of groups; cluster c of the node is the group ``{node}.{c}``.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    cluster, near_label = match_images(reduced, clusters, near_labels)
    points, shares = plane_of(reduced)
    label_colors = near_label_colors(near_labels["near_label"].fillna("").astype(str))
    panels = 2 if (near_label != "").any() else 1
    with rc_context(STYLE):
        figure = Figure(figsize=(5.6 * panels, 5.6), layout="constrained")
        axes = figure.subplots(1, panels, sharex=True, sharey=True, squeeze=False)[0]
        numbers, counts = np.unique(cluster, return_counts=True)
        colors = dict(zip(numbers.tolist(), cluster_colors(len(numbers), label_colors), strict=True))
        draw_points(axes[0], points, [colors[c] for c in cluster.tolist()])
        number_clusters(axes[0], points, cluster, colors)
        title = f"By cluster ({describe_selection(selection)})"
        if len(numbers) > MOST_NUMBERED:
            title += f"\nthe {MOST_NUMBERED} largest are numbered"
        axes[0].set_title(title, color=INK)
        groups = [
            (f"cluster {name_cluster(node, n, names or {}, 14)}", count, colors[n])
            for n, count in zip(numbers.tolist(), counts.tolist(), strict=True)
        ]
        legends = [_draw_legend_below(axes[0], groups)]
        if panels == 2:
            draw_points(axes[1], points, [label_colors[label] for label in near_label.tolist()])
            axes[1].set_title("By near-label", color=INK)
            legends.append(_draw_legend_below(axes[1], near_label_groups(near_label, label_colors)))
        for axis in axes:
            axis.set_xlabel(f"Principal component 1 ({shares[0]:.1%} of variance)")
        axes[0].set_ylabel(f"Principal component 2 ({shares[1]:.1%} of variance)")
        # Many lines of a legend take nothing from the points.
        lines = max(legend.get_window_extent().height for legend in legends) / figure.dpi
        figure.set_size_inches(5.6 * panels, 5.0 + lines)
        save_figure(figure, stem)


def _draw_legend_below(axis, groups: list[tuple]):
    from matplotlib.transforms import ScaledTranslation

    # Inches, not a share of the height: below ticks and label.
    below = axis.transAxes + ScaledTranslation(0, -0.45, axis.figure.dpi_scale_trans)
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "bbox_transform": below, "borderaxespad": 0}
    return draw_group_legend(axis, groups, marker="o", width=5.2, **place)


def match_images(reduced: Reduced, clusters: pd.DataFrame, near_labels: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return cluster and near-label of every image of the reduced features, in their order.

    Parameters
    ----------
    reduced, clusters, near_labels
        As for `plot_clusters`.

    Returns
    -------
    cluster : ndarray of int, shape (n,)
    near_label : ndarray of str, shape (n,)
        '' where there is none.

    Raises
    ------
    ValueError
        An image has no cluster.
    """
    ids = [str(i) for i in reduced.image_id]
    cluster = clusters.set_index("image_id")["cluster"].reindex(ids)
    if cluster.isna().any():
        raise ValueError(
            f"clusters.csv lacks {int(cluster.isna().sum())} images of the reduced features, the first "
            f"{cluster.index[cluster.isna()][0]!r}; run select_clustering again"
        )
    near_label = near_labels.set_index("image_id")["near_label"].reindex(ids).fillna("").astype(str)
    return cluster.astype(int).to_numpy(), near_label.to_numpy(dtype=str)


def describe_selection(selection: dict) -> str:
    """Return encoder, algorithm and k of a selection, as titles show them."""
    return f"{shorten(selection['encoder'], 24)}, {shorten(selection['algorithm'], 24)}, k = {selection['k']}"


def plane_of(reduced: Reduced) -> tuple[np.ndarray, np.ndarray]:
    """Return `principal_plane` of reduced features as they are read from a file."""
    reduction = reduced.reduction
    return principal_plane(reduction.values, reduction.method, reduction.explained_variance_ratio)


def draw_points(axis, points: np.ndarray, colors: list) -> None:
    """Draw images as points of the given colours, shuffled: in the files' order, the last group would hide others."""
    order = np.random.default_rng(0).permutation(len(points))
    size = float(np.clip(6000 / max(len(points), 1), 4, 26))
    # Points become a picture inside the SVG: the file stays small for any number of images.
    axis.scatter(
        *points[order].T, s=size, c=[colors[i] for i in order.tolist()], alpha=0.75, linewidths=0, rasterized=True
    )


def number_clusters(
    axis, points: np.ndarray, cluster: np.ndarray, colors: Mapping[int, tuple], most: int = MOST_NUMBERED
) -> None:
    """Write each cluster's number at its median point, framed in the cluster's colour; of many, the largest only."""
    numbers, counts = np.unique(cluster, return_counts=True)
    largest = numbers[np.argsort(-counts, kind="stable")[:most]].tolist()
    # The largest last, above the others.
    for number in reversed(largest):
        x, y = np.median(points[cluster == number], axis=0)
        axis.annotate(
            str(number),
            (x, y),
            # Few images are not to be hidden by the numbers.
            xytext=(0, 10 if len(points) <= 100 else 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8 if len(largest) <= 12 else 6.5,
            color=INK,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.18", "facecolor": "white", "edgecolor": colors[number], "alpha": 0.9},
            zorder=5,
        )
