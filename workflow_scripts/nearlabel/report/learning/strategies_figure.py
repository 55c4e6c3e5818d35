"""All strategies of a data set in one figure: mean learning curves with confidence bands."""

import numpy as np

from nearlabel.report.base.figures import GREY, INK, MARKERS, STYLE, save_figure, set_legend_texts
from nearlabel.report.base.text import shorten
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.report.learning.curves import (
    FEW_POINTS,
    PANELS,
    common_curves,
    legend_columns,
    mean_bound,
    strategy_colors,
)

CONFIDENCE = 0.95
LINES = ["-", "--", "-.", ":"]


def confidence_band(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the t-confidence interval of the mean over folds.

    Parameters
    ----------
    values : ndarray, shape (folds, n)
        At least two folds.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    low, high : ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        Fewer than two folds.
    """
    from scipy.stats import t as student

    folds = len(values)
    if folds < 2:
        raise ValueError(f"{folds} fold has no confidence interval; give at least 2")
    half = student.ppf((1 + confidence) / 2, folds - 1) * values.std(axis=0, ddof=1) / np.sqrt(folds)
    mean = values.mean(axis=0)
    return mean - half, mean + half


def plot_strategies(runs: LearningRuns, stem) -> None:
    """Plot the strategies' mean learning curves and mean numbers of defective images left, with 95 % t-bands.

    Parameters
    ----------
    runs : LearningRuns
        One data set; a single fold has no bands.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    colors = strategy_colors(runs.strategies)
    with rc_context(STYLE):
        # Each row of the legend takes height from the panels otherwise.
        figure = Figure(figsize=(10.4, 4.1 + 0.2 * (len(runs.strategies) // 5)), layout="constrained")
        axes = figure.subplots(1, 2, sharex=True)
        for axis, (value, label) in zip(axes, PANELS, strict=True):
            drawn = [
                _draw_mean(axis, runs, strategy, value, colors[strategy], number)
                for number, strategy in enumerate(runs.strategies)
            ]
            if not any(drawn):
                middle = {"transform": axis.transAxes, "ha": "center", "va": "center"}
                axis.text(0.5, 0.5, "no round was evaluated", color=GREY, **middle)
            axis.set_title(label, loc="left", color=INK, fontweight="bold")
            axis.set_xlabel("Images labelled")
        axes[0].axhline(mean_bound(runs.full_pool), color=INK, linestyle="--", linewidth=1.1, zorder=1)
        # Room for whole marks at 0.
        axes[1].set_ylim(bottom=-0.02 * (axes[1].dataLim.y1 or 1))
        _draw_legend(figure, runs, colors)
        save_figure(figure, stem)


def _draw_mean(axis, runs: LearningRuns, strategy: str, value: str, color, number: int) -> bool:
    labelled, values = common_curves(runs.rounds[strategy].values(), value)
    if not len(labelled):
        return False
    few = len(labelled) <= FEW_POINTS
    step = 1 if few else max(1, len(labelled) // 8)
    # Markers of different strategies stand at different rounds, so that they do not hide each other.
    start = 0 if few else number * step // len(runs.strategies)
    axis.plot(labelled, values.mean(axis=0), color=color, zorder=3, markevery=(start, step), **_style(number))
    if len(values) > 1:
        low, high = confidence_band(values)
        # A count below 0 and an AUC beyond 0 to 1 are impossible, whatever t says.
        low, high = np.maximum(low, 0), np.minimum(high, 1 if value == "test_auc" else np.inf)
        alpha = 0.16 if len(runs.strategies) <= 5 else 0.08
        axis.fill_between(labelled, low, high, color=color, alpha=alpha, linewidth=0, zorder=2)
    return True


def _style(number: int) -> dict:
    line = {"linewidth": 1.6, "linestyle": LINES[number % len(LINES)]}
    return line | {"marker": MARKERS[number % len(MARKERS)], "markersize": 4.5}


def _draw_legend(figure, runs: LearningRuns, colors) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colors[name], **_style(n)) for n, name in enumerate(runs.strategies)]
    handles.append(Line2D([], [], color=INK, linestyle="--", linewidth=1.1))
    texts = [shorten(name, 28) for name in runs.strategies]
    texts.append(f"trained on the full pool ({mean_bound(runs.full_pool):.3f})")
    bands = f"{100 * CONFIDENCE:.0f} % t-confidence intervals of the mean"
    title = f"Means of {runs.folds} folds; bands: {bands}" if runs.folds > 1 else "One fold: there are no bands"
    columns = legend_columns(texts, figure.get_figwidth())
    placeholders = [str(number) for number in range(len(handles))]
    legend = figure.legend(handles, placeholders, loc="outside lower center", ncols=columns, title=title)
    set_legend_texts(legend, texts)
