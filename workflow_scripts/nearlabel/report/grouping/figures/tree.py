"""The tree of all groups, from the whole data set to the smallest: sizes and near-label shares."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from nearlabel.report.base.figures import (
    GREY,
    INK,
    STYLE,
    draw_group_legend,
    draw_stacks,
    near_label_colors,
    near_label_groups,
    save_figure,
)
from nearlabel.report.base.fonts import draw_name

MOST_LEAVES = 150
"""Leaves drawn one by one; of more, the smallest of each parent are summed up."""
ROW = 0.175
BAR = 1.0
LETTER = 0.066
"""Inches: height of a leaf's row, length of a bar, width of a letter of the labels."""
WIDEST_EDGE = 9.0
"""Points: width of an edge to all images of the data set."""


class Box(NamedTuple):
    """One box of the tree.

    Attributes
    ----------
    node : str
        The group; for summed-up leaves, the parent and ``…``.
    parent : str
        '' for the root.
    label : str
        What stands beside it.
    size : int
        Images.
    members : list of str
        The groups that it stands for.
    clustered : bool
        Whether it was clustered again.
    """

    node: str
    parent: str
    label: str
    size: int
    members: list[str]
    clustered: bool


def arrange_tree(levels: pd.DataFrame, names: Mapping[str, str], most_leaves: int = MOST_LEAVES) -> list[Box]:
    """List the boxes of the tree from top to bottom, each parent before its children, at most about so many leaves.

    Parameters
    ----------
    levels : DataFrame
        ``levels/{level}.csv`` of the last level.
    names : mapping of str to str
        The user's names of groups.
    most_leaves : int
        Where there are more leaves, every parent shows at most as many of its own as keep to this number: those that
        the user has named, then the largest. The others become one box, ``and 31 more groups (212 images)``, even if
        that leaves more boxes than wished.

    Returns
    -------
    list of Box
    """
    rows = levels.set_index("node")
    children = {parent: group["node"].tolist() for parent, group in levels.groupby("parent", sort=False) if parent}
    leaves = {parent: [node for node in group if node not in children] for parent, group in children.items()}
    shown = _leaves_per_parent([len(group) for group in leaves.values()], most_leaves)
    boxes: list[Box] = []

    def add(node: str) -> None:
        name = f" {draw_name(names[node], 28)}" if names.get(node) else ""
        size = int(rows.loc[node, "size"])
        boxes.append(Box(node, node.rpartition(".")[0], f"{node}{name} ({size})", size, [node], node in children))
        if node not in children:
            return
        rank = sorted(leaves[node], key=lambda leaf: (leaf not in names, -int(rows.loc[leaf, "size"])))
        summed = set(rank[shown:]) if len(rank) > shown + 1 else set()
        for child in children[node]:
            if child not in summed:
                add(child)
        if summed:
            size = int(rows.loc[list(summed), "size"].sum())
            label = f"and {len(summed)} more groups ({size} images)"
            boxes.append(Box(f"{node}.…", node, label, size, [n for n in children[node] if n in summed], False))

    add(levels.loc[levels["parent"] == "", "node"].iloc[0])
    return boxes


def _leaves_per_parent(counts: list[int], most: int) -> int:
    """Return the largest number of leaves that every parent may show when all together shall be at most `most`."""
    for shown in range(max(counts, default=0), 1, -1):
        if sum(count if count <= shown + 1 else shown + 1 for count in counts) <= most:
            return shown
    return 1


def plot_tree(levels: pd.DataFrame, groups: pd.DataFrame, names: Mapping[str, str], stem) -> None:
    """Plot the tree of groups from left to right: a bar of near-label shares per group, with its name and size.

    An edge is as wide as its group has images; groups that were clustered again are framed and bold. The height grows
    with the number of leaves; more than 150 are summed up, see `arrange_tree`.

    Parameters
    ----------
    levels : DataFrame
        ``levels/{level}.csv`` of the last level, from `nearlabel.grouping.tree.levels.read_level`.
    groups : DataFrame
        ``groups.csv``: image_id, near_label, level0, level1, …, leaf.
    names : mapping of str to str
        The user's names of groups.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    boxes = arrange_tree(levels, names)
    counts = _count_groups(groups).reindex([node for box in boxes for node in box.members]).fillna(0)
    shares = np.stack([counts.loc[box.members].sum().to_numpy() for box in boxes])
    shares = pd.DataFrame(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1), columns=counts.columns)
    left, parting, top, width, height = _place(boxes)
    near_label = groups["near_label"].fillna("").astype(str)
    colors = near_label_colors(near_label)
    with rc_context(STYLE):
        figure = Figure()
        layout = {"loc": "lower center", "title": "Near-label (images)"}
        legend = draw_group_legend(figure, near_label_groups(near_label, colors), width=width - 0.4, **layout)
        below = legend.get_window_extent().height / figure.dpi + 0.4
        figure.set_size_inches(width, height + below)
        # Data are inches from the top left corner: what is written has a size, and rows must leave room for it.
        axis = figure.add_axes((0, below / (height + below), 1, height / (height + below)))
        axis.set(xlim=(0, width), ylim=(height, 0))
        axis.axis("off")
        _draw_edges(axis, boxes, left, parting, top)
        for depth in np.unique(left):
            # Bars start at 0: each column has its own axes on top, its height in the same units.
            column = axis.inset_axes((depth, 0, BAR, height), transform=axis.transData, zorder=3)
            column.set(xlim=(0, 1), ylim=(height, 0))
            column.axis("off")
            for clustered, thickness in ((True, 0.16), (False, 0.11)):
                rows = [i for i in np.flatnonzero(left == depth) if boxes[i].clustered == clustered]
                draw_stacks(column, top[rows], shares.iloc[rows], colors, thickness=thickness, horizontal=True)
                if clustered:
                    column.barh(top[rows], 1, height=thickness, facecolor="none", edgecolor=INK, linewidth=1.0)
        for box, x, y in zip(boxes, left, top, strict=True):
            if box.clustered:
                axis.text(x, y - 0.11, box.label, va="bottom", fontsize=7.5, color=INK, fontweight="bold")
            else:
                axis.text(x + BAR + 0.06, y, box.label, va="center", fontsize=7.5, color=INK)
        words = "Framed: clustered further. The wider an edge, the more images its group has."
        figure.text(0.5, (below - 0.08) / (height + below), words, ha="center", va="top", fontsize=8, color=INK)
        save_figure(figure, stem)


def _count_groups(groups: pd.DataFrame) -> pd.DataFrame:
    """Near-label counts of every group of every level, the root included."""
    near_label = groups["near_label"].fillna("").astype(str)
    lineage = [pd.Series("root", index=groups.index), *(groups[c] for c in groups.filter(regex=r"^level\d+$"))]
    pairs = pd.concat([pd.DataFrame({"node": level, "near_label": near_label}) for level in lineage])
    pairs = pairs[pairs["node"].fillna("") != ""]
    counts = pd.crosstab(pairs["node"], pairs["near_label"])
    return counts[sorted(counts.columns, key=lambda name: (name == "", name))]


def _place(boxes: list[Box]) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    """Return where each box begins, where its edges part and its middle from the top, and width and height; inches."""
    depth = np.array([box.node.count(".") for box in boxes])
    top = np.zeros(len(boxes))
    y = 0.35
    before = None
    for i, box in enumerate(boxes):
        if box.clustered:
            continue
        # Another parent's leaf begins a block of its own.
        y += ROW * (1.0 if before in (None, box.parent) else 2.2)
        top[i], before = y, box.parent
    index = {box.node: i for i, box in enumerate(boxes)}
    for i in reversed(range(len(boxes))):
        if boxes[i].clustered:
            below = [top[index[box.node]] for box in boxes if box.parent == boxes[i].node]
            top[i] = (min(below) + max(below)) / 2
    left, parting = np.zeros(len(boxes)), np.zeros(len(boxes))
    x = 0.2
    for level in range(depth.max() + 1):
        left[depth == level] = x
        leaf = max(
            (len(b.label) for b, d in zip(boxes, depth, strict=True) if d == level and not b.clustered), default=0
        )
        inner = max((len(b.label) for b, d in zip(boxes, depth, strict=True) if d == level and b.clustered), default=0)
        # Edges part where the longest label above a bar ends.
        parting[depth == level] = x + max(BAR, LETTER * 1.12 * inner)
        x = max(x + BAR + LETTER * leaf + 0.15, parting[depth == level][0] + (0.9 if inner else 0.15))
    return left, parting, top, max(x, 4.5), y + 0.2


def _draw_edges(axis, boxes: list[Box], left: np.ndarray, parting: np.ndarray, top: np.ndarray) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    index = {box.node: i for i, box in enumerate(boxes)}
    total = max(box.size for box in boxes)
    style = {"facecolor": "none", "edgecolor": GREY, "alpha": 0.45, "zorder": 1, "capstyle": "butt"}
    for i, box in enumerate(boxes):
        width = max(0.5, WIDEST_EDGE * box.size / total)
        if box.clustered:
            # Below the label, which the parting edges would cross.
            trunk = Path([(left[i] + BAR, top[i]), (parting[i], top[i])])
            axis.add_patch(PathPatch(trunk, linewidth=width, **style))
        if box.parent:
            start, above = parting[index[box.parent]], top[index[box.parent]]
            bend = (start + left[i]) / 2
            points = [(start, above), (bend, above), (bend, top[i]), (left[i], top[i])]
            curve = Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
            axis.add_patch(PathPatch(curve, linewidth=width, **style))
