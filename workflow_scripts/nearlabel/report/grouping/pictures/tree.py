"""The tree of groups as the page shows it: every group a link, with a face, its size and its near-labels."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from nearlabel.report.base.text import shorten
from nearlabel.report.grouping.figures.tree import arrange_tree

ROW, GAP = 46, 14
WIDTH, STEP = 190, 250
"""Pixels: height of a row, gap between the groups of two parents; width of a box, distance of two levels."""
MOST_LEAVES = 60


def arrange_picture(
    levels: pd.DataFrame,
    names: Mapping[str, str],
    near_labels: Mapping[str, Counter],
    anchors: Mapping[str, str],
    faces: Mapping[str, str],
    colors: Mapping[str, str],
) -> dict[str, Any]:
    """Place the boxes of the tree.

    Parameters
    ----------
    levels : DataFrame
        ``levels/{level}.csv`` of the last level.
    names : mapping of str to str
        The user's names of groups.
    near_labels : mapping of str to Counter
        How many images of each group have each near-label, '' where they have none.
    anchors : mapping of str to str
        Where the page shows a group; a group without stands without a link.
    faces : mapping of str to str
        A picture of a group, as a data URI.
    colors : mapping of str to str
        Of near-labels.

    Returns
    -------
    dict
        ``width``, ``height`` in pixels; ``boxes``: x, y (top left), node, title, size, anchor, face, ``parts`` of the
        bar (x, width, color, title), clustered; ``edges``: paths with their width.
    """
    boxes = arrange_tree(levels, {}, MOST_LEAVES)
    tops = _place_rows(boxes)
    total = max(box.size for box in boxes)
    left = {box.node: 10 + STEP * box.node.count(".") for box in boxes}
    placed, edges = [], []
    for box in boxes:
        x, y = left[box.node], tops[box.node]
        several = len(box.members) > 1 or box.node not in box.members
        name = names.get(box.node, "")
        counts = sum((near_labels.get(node, Counter()) for node in box.members), Counter())
        placed.append(
            {
                "x": x,
                "y": y,
                "title": box.label if several else shorten(f"{box.node} {name}".strip(), 24),
                "whole": box.label if several else f"{box.node} {name}".strip(),
                "size": box.size,
                "anchor": None if several else anchors.get(box.node),
                "face": faces.get(box.node, ""),
                "clustered": box.clustered,
                "parts": _arrange_bar(counts, colors),
            }
        )
        if box.parent:
            start, above = left[box.parent] + WIDTH, tops[box.parent] + ROW / 2 - 4
            bend, here = (start + x) / 2, y + ROW / 2 - 4
            path = f"M{start} {above:g}C{bend:g} {above:g} {bend:g} {here:g} {x} {here:g}"
            edges.append({"path": path, "width": f"{max(1, 14 * box.size / total):.1f}"})
    return {
        "width": max(left.values()) + WIDTH + 10,
        "height": max(tops.values()) + ROW + 6,
        "box": WIDTH,
        "boxes": placed,
        "edges": edges,
    }


def _place_rows(boxes) -> dict[str, float]:
    """Leaves below each other, a gap between those of two parents; parents in the middle of what is below them."""
    tops: dict[str, float] = {}
    y, before = 6.0, None
    for box in boxes:
        if box.clustered:
            continue
        y += (GAP if before not in (None, box.parent) else 0) + (ROW if before is not None else 0)
        tops[box.node], before = y, box.parent
    for box in reversed(boxes):
        if box.clustered:
            below = [tops[other.node] for other in boxes if other.parent == box.node]
            tops[box.node] = (min(below) + max(below)) / 2
    return tops


def _arrange_bar(counts: Counter, colors: Mapping[str, str]) -> list[dict[str, Any]]:
    total, x, parts = sum(counts.values()), 0.0, []
    for label, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        width = 100 * count / total
        title = f"{label or 'no near-label'}: {count}"
        parts.append({"x": f"{x:.2f}", "width": f"{width:.2f}", "color": colors[label], "title": title})
        x += width
    return parts
