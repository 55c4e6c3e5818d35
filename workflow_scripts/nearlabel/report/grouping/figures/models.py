"""The post-clustering models as figures: what each took for what, and the decision tree as an operator reads it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.report.base.figures import GREY, INK, STYLE, category_colors, name_cluster, save_figure, save_words
from nearlabel.report.base.fonts import draw_name
from nearlabel.report.base.text import shorten

FEW_CLASSES = 12
"""Up to so many, every cell of a matrix has its count; more are drawn larger, with counts where there are any."""

# Inches.
_BOX, _GAP, _ROW, _MARGIN, _HEAD = (1.95, 0.36), 0.62, 0.52, 0.2, 0.65


def plot_models(
    confusion: pd.DataFrame, summary: Mapping[str, Any], stem, *, names: Mapping[str, str] | None = None
) -> None:
    """Plot each model's confusion matrix over all folds: a cell's colour is its share of the row, its number the count.

    Parameters
    ----------
    confusion : DataFrame
        ``confusion.csv``: model, truth, predicted (text), count.
    summary : mapping
        Content of ``summary.json``.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    names : mapping of str to str, optional
        Group → the user's name, shown where the classes are clusters.
    """
    from matplotlib import rc_context
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

    models, classes = summary["models"], list(summary["classes"])
    columns = min(len(models), 3 if len(classes) <= FEW_CLASSES else 2)
    rows = -(-len(models) // columns)
    side = float(np.clip(0.42 * len(classes), 2.4, 5.2))
    with rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(columns * (side + 1.1) + 0.9, rows * (side + 1.2) + 0.5), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis in axes[len(models) :]:
            axis.set_axis_off()
        for axis, model in zip(axes, models, strict=False):
            counts = confusion[confusion["model"] == model["id"]].pivot(
                index="truth", columns="predicted", values="count"
            )
            # A detector's answers are two: normal, and not.
            answers = [name for name in classes if name in counts.columns]
            answers += [name for name in counts.columns if name not in classes]
            _draw_matrix(axis, counts.loc[classes, answers], side, summary, names or {})
            chosen = " (chosen)" if model["id"] == summary["chosen"] else ""
            accuracy = f"{model['balanced_accuracy']:.3f} ± {model['balanced_accuracy_std']:.3f}"
            axis.set_title(f"{shorten(model['id'], 28)}{chosen}\nbalanced accuracy {accuracy}", color=INK)
        scale = figure.colorbar(ScalarMappable(cmap="Blues"), ax=axes.tolist(), shrink=0.6, pad=0.02)
        scale.outline.set_visible(False)
        scale.set_label("Share of the class's images")
        what = "near-labels" if summary["target"] == "near_labels" else "clusters"
        figure.suptitle(
            f"{what} of {shorten(summary['dataset'], 30)}, {summary['node']}, told from "
            f"{shorten(summary['encoder'], 30)}: {summary['images']} images, {summary['folds']} folds",
            fontsize=10,
            color=INK,
        )
        save_figure(figure, stem)


def _draw_matrix(axis, counts: pd.DataFrame, side: float, summary, names) -> None:
    from matplotlib.colors import Normalize

    values = counts.to_numpy()
    shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", norm=Normalize(0, 1), aspect="auto", interpolation="none")
    axis.set_box_aspect(1)
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
    texts = [[_class_text(name, summary, names) for name in part] for part in (counts.columns, counts.index)]
    for along, texts_along, axis_along in zip((1, 0), texts, (axis.xaxis, axis.yaxis), strict=True):
        size = float(np.clip(0.68 * 72 * side / values.shape[along], 4, 8))
        every = -(-len(texts_along) // 80)
        axis_along.set_ticks(range(0, len(texts_along), every), texts_along[::every], fontsize=size)
    if max(map(len, texts[0])) * len(texts[0]) > 13 * side:
        for text in axis.get_xticklabels():
            text.set_rotation(90)
    if list(counts.columns) != list(counts.index):
        _frame_right_answers(axis, counts)
    axis.set_xlabel("Said by the model")
    axis.set_ylabel("True")
    size = float(np.clip(0.5 * 72 * side / max(values.shape), 3.5, 8))
    for row, column in np.ndindex(values.shape):
        if values[row, column] or max(values.shape) <= FEW_CLASSES:
            color = "white" if shares[row, column] > 0.55 else INK if values[row, column] else GREY
            axis.text(column, row, str(values[row, column]), ha="center", va="center", fontsize=size, color=color)


def _frame_right_answers(axis, counts: pd.DataFrame) -> None:
    """Frame what a detector should have said, which lies on no diagonal: normal, or of every other class not normal."""
    from matplotlib.patches import Rectangle

    answers = list(counts.columns)
    other = next(place for place, name in enumerate(answers) if name not in counts.index)
    for row, truth in enumerate(counts.index):
        column = answers.index(truth) if truth in answers else other
        axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=1.2, zorder=3))


def _class_text(name: str, summary: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if summary["target"] == "clusters" and name.isdecimal():
        return name_cluster(summary["node"], int(name), names, 14)
    return draw_name(name, 16)


class _Box(NamedTuple):
    node: Mapping[str, Any]
    depth: int
    row: float
    children: tuple


def plot_decision_tree(summary: Mapping[str, Any], stem, *, names: Mapping[str, str] | None = None) -> None:
    """Plot the first decision tree among the models: questions from left to right, answers at the ends.

    Parameters
    ----------
    summary : mapping
        Content of ``summary.json``; its ``tree`` comes from `nearlabel.grouping.models.tree_rules.describe_tree`.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    names : mapping of str to str, optional
        As for `plot_models`.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if summary["tree"] is None:
        save_words("Decision tree", "No decision tree is among the models of this classification.", stem)
        return
    model = next(model for model in summary["models"] if model["id"] == summary["tree"]["model"])
    leaves = iter(range(10**9))
    root = _arrange(summary["tree"]["root"], 0, leaves)
    boxes = list(_walk(root))
    count = sum(not box.children for box in boxes)
    width = 2 * _MARGIN + (_BOX[0] + _GAP) * (max(box.depth for box in boxes) + 1) - _GAP
    # Room for the title of a tree that has no question.
    width, height = max(width, 6.4), 2 * _MARGIN + _HEAD + _ROW * count
    colors = dict(zip(summary["classes"], category_colors(len(summary["classes"])), strict=True))
    with rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        axis = figure.add_axes((0, 0, 1, 1))
        axis.set_axis_off()
        axis.set_xlim(0, width)
        axis.set_ylim(height, 0)
        axis.text(
            _MARGIN,
            _MARGIN,
            f"{shorten(model['id'], 30)}, learnt from {summary['images']} images; balanced accuracy "
            f"{model['balanced_accuracy']:.3f} in cross-validation",
            va="top",
            fontsize=10,
            color=INK,
            fontweight="bold",
        )
        axis.text(
            _MARGIN,
            _MARGIN + 0.25,
            "0 is the mean of these images and 1 their standard deviation; "
            "an end says its class, and how many of the images there are of it",
            va="top",
            fontsize=8,
            color=INK,
        )
        for box in boxes:
            _draw_box(axis, box, colors, summary, names or {})
        save_figure(figure, stem)


def _arrange(node: Mapping[str, Any], depth: int, leaves: Iterator[int]) -> _Box:
    """Give ends rows from the top, and a question the middle of its two answers."""
    if "feature" not in node:
        return _Box(node, depth, next(leaves), ())
    children = tuple(_arrange(node[answer], depth + 1, leaves) for answer in ("yes", "no"))
    return _Box(node, depth, sum(child.row for child in children) / 2, children)


def _walk(box: _Box) -> Iterator[_Box]:
    yield box
    for child in box.children:
        yield from _walk(child)


def _place(box: _Box) -> tuple[float, float]:
    """Left end and middle of a box, in inches."""
    return _MARGIN + box.depth * (_BOX[0] + _GAP), _MARGIN + _HEAD + _ROW * (box.row + 0.5)


def _draw_box(axis, box: _Box, colors, summary, names) -> None:
    from matplotlib.patches import FancyBboxPatch

    (left, middle), node = _place(box), box.node
    for child, answer in zip(box.children, ("yes", "no"), strict=False):
        x, y = _place(child)
        bend = left + _BOX[0] + 0.12
        axis.plot([left + _BOX[0], bend, bend, x], [middle, middle, y, y], color=GREY, linewidth=1, zorder=1)
        axis.text((bend + x) / 2, y - 0.05, answer, ha="center", va="bottom", fontsize=7.5, color=INK)
    if box.children:
        head, detail, edge = f"{node['feature']} ≤ {node['threshold']:.3g}?", f"{node['images']} images", GREY
    else:
        head, edge = _class_text(node["label"], summary, names), colors[node["label"]]
        if summary["target"] == "clusters":
            head = f"cluster {head}"
        detail = f"{node['right']} of {node['images']} images"
        if "leaves" in node:
            detail += f", {node['leaves']} ends follow"
    shape = FancyBboxPatch(
        (left, middle - _BOX[1] / 2),
        *_BOX,
        boxstyle="round,pad=0,rounding_size=0.06",
        facecolor="white" if box.children else (*edge, 0.16),
        edgecolor=edge,
        linewidth=1 if box.children else 1.6,
        zorder=2,
    )
    axis.add_patch(shape)
    for text, shift, weight in ((head, -0.08, "bold"), (detail, 0.09, "normal")):
        axis.text(
            left + _BOX[0] / 2,
            middle + shift,
            text,
            ha="center",
            va="center",
            fontsize=8 if weight == "bold" else 7.5,
            fontweight=weight,
            color=INK,
            zorder=3,
        )
