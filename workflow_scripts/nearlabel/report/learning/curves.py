"""What the figures of active learning share: curves of several folds on one grid, colours of strategies."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from nearlabel.report.base.figures import category_colors

PANELS = [("test_auc", "(a) Test AUC ROC"), ("defects_left", "(b) Defective images left")]
SHORT_BATCH = {"marker": "o", "markersize": 5, "markerfacecolor": "white", "linestyle": "none"}
# A line of so few points shows each of them.
FEW_POINTS = 12


def evaluated(rounds: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images labelled and a column of ``rounds.csv``, without the rounds that were not evaluated."""
    known = rounds[rounds[column].notna()]
    return known["n_labelled"].to_numpy(dtype=np.float64), known[column].to_numpy(dtype=np.float64)


def common_curves(rounds: Iterable[pd.DataFrame], column: str) -> tuple[np.ndarray, np.ndarray]:
    """Bring the curves of folds onto one grid, linearly between rounds: pools of folds differ by a few images.

    Parameters
    ----------
    rounds : iterable of DataFrame
        ``rounds.csv`` of each fold; a fold without any evaluated round is left out.
    column : str
        What to bring onto the grid.

    Returns
    -------
    labelled : ndarray of float64, shape (n,)
        All numbers of images labelled that lie within the curves of all folds. Where these have no number in common,
        as with a single round each, one point between them. Empty without any evaluated round.
    values : ndarray of float64, shape (folds, n)
    """
    curves = [curve for curve in (evaluated(frame, column) for frame in rounds) if len(curve[0])]
    if not curves:
        return np.empty(0), np.empty((0, 0))
    low, high = max(x[0] for x, _ in curves), min(x[-1] for x, _ in curves)
    grid = np.unique(np.concatenate([x for x, _ in curves]))
    grid = grid[(grid >= low) & (grid <= high)]
    if not len(grid):
        grid = np.array([(low + high) / 2])
    return grid, np.stack([np.interp(grid, x, y) for x, y in curves])


def short_batch(rounds: pd.DataFrame) -> tuple[int, int] | None:
    """Return the sizes of the last batch and of the others, where the pool did not hold a whole one; else None."""
    sizes = np.diff(rounds["n_labelled"].to_numpy(), prepend=0)
    return (int(sizes[-1]), int(sizes[0])) if sizes[-1] < sizes[0] else None


def mean_bound(full_pool: dict[int, dict]) -> float:
    """Return the mean test AUC of the models that were trained on the full pool."""
    return float(np.mean([trained["test_auc"] for trained in full_pool.values()]))


def strategy_colors(strategies: Sequence[str]) -> dict[str, tuple]:
    """Return a colour for each strategy, the same in all figures of a run; colour-blind-safe for up to ten."""
    return dict(zip(strategies, category_colors(len(strategies)), strict=True))


def legend_columns(texts: Sequence[str], width: float) -> int:
    """Return how many columns a legend of these texts may have within so many inches: one row where it fits."""
    # At 8 points a letter takes about 0.068 inches, the mark and the gap beside a text 0.65.
    widths = [0.068 * len(text) + 0.65 for text in texts]
    if sum(widths) <= width:
        return len(texts)
    fitting = max(1, int(width / max(widths)))
    rows = -(-len(texts) // fitting)
    return -(-len(texts) // rows)
