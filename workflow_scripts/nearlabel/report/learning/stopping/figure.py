"""All stopping rules of a data set in one figure: what they miss, and what they waste, a panel for each strategy."""

from collections.abc import Mapping

import pandas as pd

from nearlabel.report.base.figures import COLORBLIND, GREY, INK, STYLE, save_figure
from nearlabel.report.base.fonts import draw_name
from nearlabel.report.learning.curves import legend_columns
from nearlabel.report.learning.stopping.stops import REFERENCE_RECALL, ComparedRule, pareto_front

COLUMNS = 4
KINDS = {
    "sure": (COLORBLIND[0], "guarantees its target"),
    "heuristic": (COLORBLIND[3], "heuristic"),
    "hindsight": (GREY, "knows labels that nobody has yet"),
}
TITLE = (
    "Left of 0: recall below the target. Right of 0: savings not used, a share of the pool.\n"
    "At the edge: in how many folds the target was missed."
)
_FRONT = {"marker": "o", "markersize": 10, "markerfacecolor": "none", "markeredgecolor": INK, "markeredgewidth": 1.1}


def plot_stopping(stops: pd.DataFrame, rules: Mapping[str, ComparedRule], stem) -> None:
    """Plot where rules stop: recall missed left of 0, savings not used right of it (as Repke et al. 2025 draw them).

    A row for each rule: a dot for each fold, a large mark at their median, and in how many folds the target was missed.
    A ring marks the Pareto front of a strategy: rules that no other beats both in folds missed and in images labelled.

    Parameters
    ----------
    stops : DataFrame
        From `nearlabel.report.learning.stopping.stops.hold_to_targets`, of one data set.
    rules : mapping of str to ComparedRule
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    strategies = list(dict.fromkeys(stops["strategy"]))
    blocks = -(-len(strategies) // COLUMNS)
    columns = -(-len(strategies) // blocks)
    low, high = min(-0.1, 1.1 * stops["missed"].min()), max(0.2, stops["wasted"].max())
    # Room for words at the edge.
    high += 0.27 * (high - low)
    with rc_context(STYLE):
        size = (max(2.55 * columns + 1.6, 5.4), (0.21 * len(rules) + 0.75) * blocks + 0.9)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(blocks, columns, sharex=True, sharey=True, squeeze=False)
        for axis, strategy in zip(axes.ravel(), strategies, strict=False):
            _draw_panel(axis, stops[stops["strategy"] == strategy], rules)
            axis.set_title(draw_name(strategy, 28), color=INK, fontweight="bold")
        first = axes[0, 0]
        first.set_xlim(low, high)
        first.set_ylim(len(rules) - 0.4, -0.6)
        first.set_yticks(range(len(rules)), [draw_name(rule, 24) for rule in rules])
        for axis in axes.ravel()[len(strategies) :]:
            axis.remove()
        for number, axis in enumerate(axes.ravel()[: len(strategies)]):
            axis.tick_params(labelbottom=number + columns >= len(strategies))
        _draw_legend(figure, rules)
        save_figure(figure, stem)


def _kind(rule: ComparedRule) -> str:
    return "sure" if rule.guarantees else "hindsight" if rule.hindsight else "heuristic"


def _draw_panel(axis, stops: pd.DataFrame, rules: Mapping[str, ComparedRule]) -> None:
    axis.axvline(0, color=INK, linewidth=0.9, zorder=1)
    axis.axvspan(-1, 0, color="#f6e9e4", linewidth=0, zorder=0)
    places, costs = {}, {}
    for row, (id, rule) in enumerate(rules.items()):
        own = stops[stops["rule"] == id]
        signed = own["missed"] + own["wasted"]
        color = KINDS[_kind(rule)][0]
        never = own["n_labelled"].isna().to_numpy()
        for some, marker in ((signed[~never], "o"), (signed[never], "x")):
            axis.plot(some, [row] * len(some), marker, markersize=3, color=color, alpha=0.45, zorder=2)
        face = color if rule.target is not None else "white"
        axis.plot([signed.median()], [row], "D", markersize=5.5, color=color, markerfacecolor=face, zorder=4)
        missed = int((own["missed"] < 0).sum())
        if missed:
            place = {"transform": axis.get_yaxis_transform(), "ha": "right", "va": "center", "fontsize": 7}
            axis.text(0.995, row, f"{missed} of {len(own)}", color=INK, **place)
        if not rule.hindsight:
            places[id], costs[id] = (signed.median(), row), (missed, own["labelled"].mean())
    if costs:
        for (x, y), best in zip(places.values(), pareto_front(list(costs.values())), strict=True):
            if best:
                axis.plot([x], [y], linestyle="none", zorder=5, **_FRONT)


def _draw_legend(figure, rules: Mapping[str, ComparedRule]) -> None:
    from matplotlib.lines import Line2D

    kinds = dict.fromkeys(map(_kind, rules.values()))
    entries = [(text, {"marker": "D", "color": color}) for kind, (color, text) in KINDS.items() if kind in kinds]
    if any(rule.target is None for rule in rules.values()):
        words = f"has no target, held to a recall of {REFERENCE_RECALL:g}"
        entries.append((words, {"marker": "D", "color": GREY, "markerfacecolor": "white"}))
    entries += [
        ("median of the folds", {"marker": "D", "color": GREY}),
        ("a fold", {"marker": "o", "color": GREY, "markersize": 3}),
        ("a fold where it never stopped", {"marker": "x", "color": GREY, "markersize": 4}),
        ("Pareto front: folds missed, images labelled", _FRONT),
    ]
    handles = [Line2D([], [], linestyle="none", **style) for _, style in entries]
    texts = [text for text, _ in entries]
    columns = legend_columns(texts, figure.get_figwidth())
    figure.legend(handles, texts, loc="outside lower center", ncols=columns, title=TITLE)
