"""The paper's Figure 6: every algorithm's clusters at as many clusters as there are near-labels."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from nearlabel.grouping.clustering.labels import LabelBlock
from nearlabel.grouping.reduction.reduced import Reduced
from nearlabel.grouping.scores.cscore import convergence_difference
from nearlabel.grouping.selection.numbering import number_clusters as number_by_size
from nearlabel.report.base.figures import (
    INK,
    STYLE,
    cluster_colors,
    count_near_labels,
    draw_label_legend,
    draw_stacks,
    near_label_colors,
    save_figure,
)
from nearlabel.report.base.text import shorten
from nearlabel.report.grouping.figures.clusters import draw_points, number_clusters, plane_of

PER_ROW = 5
MOST_NUMBERED = 12


def plot_algorithms(
    reduced: Reduced, labels: Mapping[str, LabelBlock], near_labels: pd.DataFrame, selection: dict, stem
) -> None:
    """Plot the paper's Figure 6: each algorithm's clusters as points above, their near-label counts as bars below.

    k is the number of near-labels among the node's images, or the selected k where there are fewer than two; where
    that k was not computed, the nearest one that was, as the title says. An algorithm that finds its own number of
    groups is shown at its nearest k, as its title says, or not at all where it found none. Clusters are numbered by
    size within each algorithm: the same number means nothing across algorithms.

    Parameters
    ----------
    reduced : Reduced
        The winning encoder's reduced features.
    labels : mapping of str to LabelBlock
        That encoder's clusterings by algorithm, from `nearlabel.grouping.clustering.labels.read_labels`.
    near_labels : DataFrame
        ``near_labels.csv``: image_id, near_label; may hold more images than the node.
    selection : dict
        Content of ``selection.json``.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.

    Raises
    ------
    ValueError
        The labels are of other images than the features.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    ids = [str(i) for i in reduced.image_id]
    for block in labels.values():
        if [str(i) for i in block.image_id] != ids:
            raise ValueError(f"the labels of {block.algorithm} are of other images than the features; run again")
    known = near_labels.set_index("image_id")["near_label"].fillna("").astype(str)
    near_label = known.reindex(ids).fillna("").to_numpy(dtype=str)
    labels = {name: block for name, block in labels.items() if block.labels}
    k, why = _choose_k(labels, near_label, selection)
    own_k = {name: _nearest(block.labels, k) for name, block in labels.items()}
    points, _ = plane_of(reduced)
    columns = min(len(labels), PER_ROW)
    bands = -(-len(labels) // PER_ROW)
    with rc_context(STYLE):
        figure = Figure(figsize=(max(2.5 * columns + 0.6, 6.0), 4.6 * bands + 0.9), layout="constrained")
        axes = figure.subplots(2 * bands, columns, squeeze=False, height_ratios=[1.5, 1] * bands)
        label_colors = near_label_colors(known)
        largest = max(
            int(np.unique(block.labels[own_k[name]], return_counts=True)[1].max()) for name, block in labels.items()
        )
        for place, (name, block) in enumerate(labels.items()):
            row, column = 2 * (place // PER_ROW), place % PER_ROW
            cluster = number_by_size(block.labels[own_k[name]], ids)
            found = len(np.unique(cluster))
            colors = dict(enumerate(cluster_colors(found, label_colors)))
            above, below = axes[row, column], axes[row + 1, column]
            draw_points(above, points, [colors[c] for c in cluster.tolist()])
            number_clusters(above, points, cluster, colors, MOST_NUMBERED)
            above.set_xticks([])
            above.set_yticks([])
            selected = name == selection["algorithm"] and own_k[name] == selection["k"]
            title = (
                shorten(name, 24) + ("" if own_k[name] == k else f", k = {own_k[name]}") + (" ★" if selected else "")
            )
            above.set_title(title, color=INK, fontweight="bold" if selected else "normal")
            _draw_bars(below, cluster, near_label, label_colors, colors)
            # The same images everywhere, so that heights compare.
            below.set_ylim(0, 1.05 * largest)
            below.set_title(_describe(near_label, cluster, found, own_k[name]), fontsize=8, color=INK)
            if column == 0:
                above.set_ylabel("Component 2")
                below.set_ylabel("Images")
            above.set_xlabel("Component 1", fontsize=8)
            below.set_xlabel("Cluster", fontsize=8)
        for axis in axes.T.reshape(columns, bands, 2)[len(labels) - (bands - 1) * PER_ROW :, -1].ravel():
            axis.set_visible(False)
        figure.suptitle(
            f"{shorten(selection['encoder'], 24)}, k = {k}{why}" + _notes(own_k, selection),
            color=INK,
            fontsize=10,
            fontweight="bold",
        )
        if (near_label != "").any():
            draw_label_legend(figure, near_label, label_colors)
        save_figure(figure, stem)


def _choose_k(labels: Mapping[str, LabelBlock], near_label: np.ndarray, selection: dict) -> tuple[int, str]:
    """Return the k to show and why, in words."""
    count = len(set(near_label.tolist()) - {""})
    wanted = count if count >= 2 else int(selection["k"])
    # Algorithms that find their own number of groups lack most k.
    common = [set(block.labels) for block in labels.values() if not block.missing]
    k = _nearest(set.intersection(*common) if common else set.union(*(set(b.labels) for b in labels.values())), wanted)
    if count >= 2:
        why = ", as many as near-labels" if k == wanted else f", the nearest computed to the {count} near-labels"
    else:
        why = ", the selected number" if k == wanted else f", the nearest computed to the selected {wanted}"
        why += f" ({'one near-label only' if count else 'no near-labels'})"
    return k, why


def _nearest(ks: Iterable[int], k: int) -> int:
    return min(ks, key=lambda other: (abs(other - k), other))


def _notes(own_k: Mapping[str, int], selection: dict) -> str:
    notes = [f"the {MOST_NUMBERED} largest numbered"] if max(own_k.values()) > MOST_NUMBERED else []
    if own_k.get(selection["algorithm"]) == selection["k"]:
        notes.append("★ selected")
    return "".join(f"; {note}" for note in notes)


def _describe(near_label: np.ndarray, cluster: np.ndarray, found: int, k: int) -> str:
    parts = [] if found == k else [f"{found} of {k} clusters came out"]
    if len(set(near_label.tolist()) - {""}) >= 2:
        parts.append(f"convergence difference {convergence_difference(near_label, cluster):#.3g}")
    return "\n".join(parts)


def _draw_bars(axis, cluster, near_label, label_colors, colors) -> None:
    from matplotlib.ticker import MaxNLocator

    if (near_label != "").any():
        counts = count_near_labels(cluster, near_label)
        draw_stacks(axis, counts.index, counts, label_colors, thickness=0.8, horizontal=False)
    else:
        sizes = np.bincount(cluster)
        axis.bar(range(len(sizes)), sizes, width=0.8, color=[colors[c] for c in range(len(sizes))], linewidth=0)
    axis.grid(axis="x", visible=False)
    # Few bars are no wider than if there were four.
    count = len(colors)
    middle, half = (count - 1) / 2, max(count, 4) / 2
    axis.set_xlim(middle - half, middle + half)
    if count <= 12:
        axis.set_xticks(range(count))
    else:
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
