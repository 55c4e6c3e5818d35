"""The paper's Figure 4: the images on their first two principal components, by cluster and by near-label."""

import numpy as np
import pandas as pd

from nearlabel.grouping.reduce import Reduced
from nearlabel.report.figures import (
    INK,
    LEGEND_ENTRIES,
    STYLE,
    category_colors,
    near_label_colors,
    save_figure,
    set_legend_texts,
)
from nearlabel.report.text import shorten


def plot_clusters(reduced: Reduced, clusters: pd.DataFrame, near_labels: pd.DataFrame, selection: dict, stem) -> None:
    """Plot the paper's Figure 4: the first two principal components by cluster and, beside it, by near-label.

    Every cluster's number stands at its median point, so that clusters can be told apart beyond what colours allow;
    legends name the twelve largest groups. The second panel is left out where no image has a near-label.

    Parameters
    ----------
    reduced : Reduced
        The winning encoder's reduced features, from `nearlabel.grouping.reduce.read_reduced`.
    clusters : DataFrame
        ``clusters.csv``: image_id, cluster.
    near_labels : DataFrame
        ``manifest.csv``: image_id, near_label; may hold more images than the node.
    selection : dict
        Content of ``selection.json``.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    reduction = reduced.reduction
    points, shares = principal_plane(reduction.values, reduction.method, reduction.explained_variance_ratio)
    ids = [str(i) for i in reduced.image_id]
    cluster = clusters.set_index("image_id")["cluster"].reindex(ids)
    if cluster.isna().any():
        raise ValueError(
            f"clusters.csv lacks {int(cluster.isna().sum())} images of the reduced features, the first "
            f"{cluster.index[cluster.isna()][0]!r}; run select_clustering again"
        )
    cluster = cluster.astype(int).to_numpy()
    near_label = near_labels.set_index("image_id")["near_label"].reindex(ids).fillna("").astype(str).to_numpy()
    # A fixed shuffle: drawn in the order of the files, the last group would hide the others.
    order = np.random.default_rng(0).permutation(len(points))
    panels = 2 if (near_label != "").any() else 1
    with rc_context(STYLE):
        figure = Figure(figsize=(5.6 * panels, 5.6), layout="constrained")
        axes = figure.subplots(1, panels, sharex=True, sharey=True, squeeze=False)[0]
        numbers, counts = np.unique(cluster, return_counts=True)
        colors = dict(zip(numbers.tolist(), category_colors(len(numbers)), strict=True))
        _scatter(axes[0], points[order], [colors[c] for c in cluster[order].tolist()])
        _number_clusters(axes[0], points, cluster, numbers, colors)
        title = f"{shorten(selection['encoder'], 24)}, {shorten(selection['algorithm'], 24)}, k = {selection['k']}"
        axes[0].set_title(f"By cluster ({title})", color=INK)
        _draw_legend(axes[0], [(f"cluster {n}", c, colors[n]) for n, c in zip(numbers.tolist(), counts, strict=True)])
        if panels == 2:
            colors = near_label_colors(near_labels["near_label"].fillna("").astype(str))
            _scatter(axes[1], points[order], [colors[label] for label in near_label[order].tolist()])
            axes[1].set_title("By near-label", color=INK)
            named, counts = np.unique(near_label, return_counts=True)
            groups = zip(named.tolist(), counts, strict=True)
            _draw_legend(axes[1], [(shorten(name, 24) or "no near-label", n, colors[name]) for name, n in groups])
        for axis in axes:
            axis.set_xlabel(f"Principal component 1 ({shares[0]:.1%} of variance)")
        axes[0].set_ylabel(f"Principal component 2 ({shares[1]:.1%} of variance)")
        save_figure(figure, stem)


def principal_plane(values: np.ndarray, method: str, explained_variance_ratio) -> tuple[np.ndarray, np.ndarray]:
    """Return the first two principal components of reduced features and their shares of the variance.

    Parameters
    ----------
    values : array of shape (n, c)
        Reduced features. After ``pca`` the first two columns are the components; otherwise they are computed here,
        and the shares refer to the reduced features.
    method : str
        ``pca``, ``random_projection`` or ``none``.
    explained_variance_ratio : array of shape (c,)
        Used for ``pca`` only.

    Returns
    -------
    points : float64 array of shape (n, 2)
        The second column is zero where the features have one dimension.
    shares : float64 array of shape (2,)
    """
    values = np.asarray(values, dtype=np.float64)
    if method == "pca":
        points, shares = values[:, :2], np.asarray(explained_variance_ratio, dtype=np.float64)[:2]
    else:
        from sklearn.decomposition import PCA

        components = PCA(n_components=min(2, *values.shape), random_state=0)
        points = components.fit_transform(values)
        shares = np.nan_to_num(components.explained_variance_ratio_)
    missing = 2 - points.shape[1]
    return np.pad(points, ((0, 0), (0, missing))), np.pad(shares, (0, 2 - len(shares)))


def _scatter(axis, points, colors) -> None:
    size = float(np.clip(6000 / max(len(points), 1), 4, 26))
    # Points become a picture inside the SVG: the file stays small for any number of images.
    axis.scatter(points[:, 0], points[:, 1], s=size, c=colors, alpha=0.75, linewidths=0, rasterized=True)


def _number_clusters(axis, points, cluster, numbers, colors) -> None:
    for number in numbers.tolist():
        x, y = np.median(points[cluster == number], axis=0)
        axis.text(
            x,
            y,
            str(number),
            ha="center",
            va="center",
            fontsize=8 if len(numbers) <= 12 else 6.5,
            color=INK,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.18", "facecolor": "white", "edgecolor": colors[number], "alpha": 0.9},
            zorder=5,
        )


def _draw_legend(axis, groups: list[tuple]) -> None:
    from matplotlib.lines import Line2D

    largest = sorted(groups, key=lambda group: -group[1])[:LEGEND_ENTRIES]
    handles = [Line2D([], [], marker="o", markersize=6, linestyle="none", color=color) for *_, color in largest]
    texts = [f"{name} ({count})" for name, count, _ in largest]
    if len(groups) > len(largest):
        handles.append(Line2D([], [], linestyle="none"))
        texts.append(f"and {len(groups) - len(largest)} smaller")
    placeholders = [str(number) for number in range(len(handles))]
    legend = axis.legend(handles, placeholders, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4)
    set_legend_texts(legend, texts)
