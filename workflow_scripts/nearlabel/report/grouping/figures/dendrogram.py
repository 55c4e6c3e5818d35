"""The tree of merges of agglomerative clustering, cut at the selected number of clusters."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from nearlabel.grouping.reduction.reduced import Reduced
from nearlabel.grouping.selection.numbering import number_clusters
from nearlabel.report.base.figures import (
    INK,
    STYLE,
    cluster_colors,
    count_near_labels,
    draw_group_legend,
    draw_label_legend,
    draw_stacks,
    name_cluster,
    near_label_colors,
    save_figure,
    save_words,
)
from nearlabel.report.base.text import shorten
from nearlabel.report.grouping.figures.clusters import match_images

MOST_LEAVES = 60
MOST_IMAGES = 5000


class Merges(NamedTuple):
    """A tree of merges of n images.

    Attributes
    ----------
    linkage : ndarray of float64, shape (n - 1, 4)
        SciPy's linkage matrix: the two nodes merged, their distance, the number of images.
    node_cluster : ndarray of int, shape (2 n - 1,)
        Cluster of each node of the tree, numbered by size; -1 for nodes above the cut.
    cluster : ndarray of int, shape (n,)
        Cluster of each image.
    """

    linkage: np.ndarray
    node_cluster: np.ndarray
    cluster: np.ndarray


def merge_images(
    values: np.ndarray, linkage: str, k: int, image_ids: list[str], neighbors: int | None = None
) -> Merges:
    """Build the tree that ``agglomerative`` cuts, with its distances, and cut it into k clusters.

    Parameters
    ----------
    values : ndarray, shape (n, c)
        Reduced features, n ≥ 2. Takes memory for the distances of all pairs, but along a graph of neighbours.
    linkage : {"ward", "average", "complete", "single"}
        As for the algorithm.
    k : int
        Number of clusters, 2 to n.
    image_ids : list of str
        The images; they break ties in the clusters' numbers.
    neighbors : int, optional
        As for `nearlabel.grouping.clustering.hierarchy.build_tree`.

    Returns
    -------
    Merges
    """
    from nearlabel.grouping.clustering.hierarchy import build_tree, cut_tree

    n = len(values)
    values = np.ascontiguousarray(values, dtype=np.float64)
    tree = build_tree(values, linkage, neighbors, compute_distances=True)
    merges = tree.merges
    cluster = number_clusters(cut_tree(merges, [k])[k], image_ids)
    node_cluster = np.concatenate([cluster, np.full(n - 1, -1)])
    size = np.ones(2 * n - 1, dtype=int)
    for step, (one, other) in enumerate(merges):
        size[n + step] = size[one] + size[other]
        if node_cluster[one] == node_cluster[other]:
            node_cluster[n + step] = node_cluster[one]
    linkage_matrix = np.column_stack([merges, tree.distances, size[n:]]).astype(np.float64)
    return Merges(linkage_matrix, node_cluster, cluster)


def plot_dendrogram(
    reduced: Reduced,
    clusters: pd.DataFrame,
    near_labels: pd.DataFrame,
    selection: dict,
    agglomerative: Mapping[str, str],
    stem,
    *,
    node: str = "root",
    names: Mapping[str, str] | None = None,
    neighbors: Mapping[str, int] | None = None,
) -> None:
    """Plot the tree of merges, its branches coloured by cluster; below each branch its near-labels and images.

    The tree is that of the selected algorithm where it is agglomerative, otherwise of the first agglomerative one, cut
    at the selected k, as the title says. It is drawn down to 60 branches. Above 5000 images, whose distances would
    fill the memory, the figure says so instead.

    Parameters
    ----------
    reduced, clusters, near_labels, selection, stem, node, names
        As for `nearlabel.report.grouping.figures.clusters.plot_clusters`.
    agglomerative : mapping of str to str
        Linkage of each agglomerative algorithm of the node's level, by id; at least one.
    neighbors : mapping of str to int, optional
        Neighbours of those that merge along a graph, by id.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    ids = [str(i) for i in reduced.image_id]
    if len(ids) > MOST_IMAGES:
        words = (
            f"Not drawn: the node has {len(ids)} images, and the tree is built for at most {MOST_IMAGES}, as it takes "
            "the distances of all pairs. The clusters of this node, expanded, have dendrograms of their own."
        )
        return save_words(f"Dendrogram of {node}", words, stem)
    selected, near_label = match_images(reduced, clusters, near_labels)
    algorithm = selection["algorithm"] if selection["algorithm"] in agglomerative else next(iter(agglomerative))
    linkage, k = agglomerative[algorithm], int(selection["k"])
    merges = merge_images(reduced.reduction.values, linkage, k, ids, (neighbors or {}).get(algorithm))
    # A close tie may fall otherwise on another machine: then the clusters are those of the tree, and have no names.
    by_size = number_clusters(selected, ids)
    same = algorithm == selection["algorithm"] and np.array_equal(merges.cluster, by_size)
    if same:
        # What the user has named has numbers of its own.
        number_of = dict(zip(by_size.tolist(), selected.tolist(), strict=True)) | {-1: -1}
        merges = Merges(merges.linkage, *(np.array([number_of[c] for c in of.tolist()]) for of in merges[1:]))
    with rc_context(STYLE):
        figure = Figure(figsize=(10.6, 6.6), layout="constrained")
        tree, strip, shares = figure.subplots(3, 1, sharex=True, height_ratios=(4.6, 0.35, 1))
        label_colors = near_label_colors(near_labels["near_label"].fillna("").astype(str))
        colors = dict(enumerate(cluster_colors(k, label_colors)))
        leaves = _draw_tree(tree, merges, colors, k)
        drawn_whole = _draw_clusters(strip, merges.node_cluster[leaves], colors)
        _draw_shares(shares, _members(merges.linkage, leaves), near_label, label_colors)
        # Ticks are shared with the shares below, where they have labels.
        tree.tick_params(axis="x", length=0, labelbottom=False)
        strip.tick_params(axis="both", length=0, labelbottom=False)
        tree.set_ylabel(f"Distance of what is merged ({linkage})")
        tree.set_title(_describe(algorithm, selection, same, drawn_whole, len(ids), merges.linkage[-1, 2]), color=INK)
        figure.suptitle(f"Dendrogram of {node}", color=INK, fontsize=10, fontweight="bold")
        groups = _legend_groups(merges.cluster, colors, node, (names or {}) if same else {})
        draw_group_legend(tree, groups, width=1.0, loc="center left", bbox_to_anchor=(1.05, 0.5), title="Clusters")
        draw_label_legend(figure, near_label, label_colors)
        save_figure(figure, stem)


def _draw_tree(axis, merges: Merges, colors: Mapping[int, tuple], k: int) -> np.ndarray:
    """Draw the branches and the cut; return the tree's nodes at their ends, from left to right."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_hex
    from scipy.cluster.hierarchy import dendrogram

    def color_of(branch: int) -> str:
        cluster = int(merges.node_cluster[branch])
        return INK if cluster < 0 else to_hex(colors[cluster])

    drawn = dendrogram(merges.linkage, MOST_LEAVES, "lastp", no_plot=True, link_color_func=color_of)
    lines = [np.column_stack(pair) for pair in zip(drawn["icoord"], drawn["dcoord"], strict=True)]
    axis.add_collection(LineCollection(lines, colors=drawn["color_list"], linewidths=1.4, capstyle="round"))
    leaves = np.array(drawn["leaves"])
    cut = _cut_height(merges.linkage, k)
    # A leg that reaches below the cut belongs to a cluster down there. SciPy's leaves stand at 5, 15, 25, …
    stems, stem_colors = [], []
    for (left, *_, right), (low_left, top, _, low_right) in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        for x, low in ((left, low_left), (right, low_right)):
            cluster = int(merges.node_cluster[leaves[int(x // 10)]])
            if low < cut < top and cluster >= 0:
                stems.append([(x, low), (x, cut)])
                stem_colors.append(colors[cluster])
    axis.add_collection(LineCollection(stems, colors=stem_colors, linewidths=1.4))
    axis.axhline(cut, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    axis.annotate(
        f"k = {k}",
        (1, cut),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=INK,
    )
    axis.set_xlim(0, 10 * len(leaves))
    axis.set_ylim(0, merges.linkage[-1, 2] * 1.06 or 1)
    axis.grid(axis="x", visible=False)
    return leaves


def _cut_height(linkage: np.ndarray, k: int) -> float:
    """Distance halfway between the last merge that makes the k clusters and the first that is undone."""
    n = len(linkage) + 1
    below = linkage[n - k - 1, 2] if k < n else 0.0
    return float(below + linkage[n - k, 2]) / 2


def _draw_clusters(axis, leaf_cluster: np.ndarray, colors: Mapping[int, tuple]) -> bool:
    """Draw a span per cluster below its branches; return whether no branch holds several clusters."""
    edges = np.flatnonzero(np.diff(leaf_cluster)) + 1
    size = 7 if len(edges) < 40 else 6
    for first, last in zip([0, *edges], [*edges, len(leaf_cluster)], strict=True):
        number = int(leaf_cluster[first])
        color = INK if number < 0 else colors[number]
        axis.barh(0, 10 * (last - first) - 1.2, left=10 * first + 0.6, height=0.3, color=color, linewidth=0)
        text = "…" if number < 0 else str(number)
        axis.text(5 * (first + last), -0.35, text, ha="center", va="center", fontsize=size, color=INK)
    axis.set_ylim(-0.6, 0.2)
    axis.set_yticks([-0.2], ["Cluster"])
    axis.spines[:].set_visible(False)
    axis.grid(visible=False)
    return bool((leaf_cluster >= 0).all())


def _draw_shares(axis, branch: np.ndarray, near_label: np.ndarray, colors: Mapping) -> None:
    counts = count_near_labels(branch, near_label)
    sizes = counts.sum(axis=1)
    shares = counts.div(sizes, axis=0)
    draw_stacks(axis, 10 * shares.index + 5, shares, colors, thickness=8, horizontal=False)
    upright = len(sizes) * len(str(sizes.max())) > 90
    axis.set_xticks(10 * sizes.index + 5, sizes.astype(str), rotation=90 if upright else 0, fontsize=7)
    axis.tick_params(axis="x", length=0)
    axis.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axis.set_ylim(0, 1)
    axis.grid(axis="x", visible=False)
    axis.set_ylabel("Near-labels")
    axis.set_xlabel("Images in the branch")


def _members(linkage: np.ndarray, leaves: np.ndarray) -> np.ndarray:
    """Number, from left to right, of the drawn branch that each image is in."""
    n = len(linkage) + 1
    branch = np.empty(n, dtype=int)
    for place, leaf in enumerate(leaves.tolist()):
        stack = [leaf]
        while stack:
            node = stack.pop()
            if node < n:
                branch[node] = place
            else:
                stack.extend(linkage[node - n, :2].astype(int).tolist())
    return branch


def _describe(algorithm: str, selection: dict, same: bool, drawn_whole: bool, n: int, farthest: float) -> str:
    name, k = shorten(algorithm, 24), selection["k"]
    text = f"{shorten(selection['encoder'], 24)}, {name}, cut into k = {k} clusters"
    if not same:
        text += f"; the selected clustering is another one, of {shorten(selection['algorithm'], 24)}"
    if not farthest:
        text += "\nall images are the same: nothing is at a distance"
    if not drawn_whole:
        text += f"\nthe tree is drawn to {min(n, MOST_LEAVES)} branches: the black ones hold several clusters"
    return text


def _legend_groups(cluster: np.ndarray, colors: Mapping, node: str, names: Mapping[str, str]) -> list[tuple]:
    sizes = np.bincount(cluster)
    return [(name_cluster(node, c, names, 18), int(size), colors[c]) for c, size in enumerate(sizes)]
