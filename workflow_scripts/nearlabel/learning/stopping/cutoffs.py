"""Where a run of active learning could have been stopped: at its best model, at the knee, at the best until there."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.files import write_json
from nearlabel.learning.stopping.knee import knee_point


def find_cutoffs(
    rounds: pd.DataFrame, *, choose_on: str = "val_auc", **knee_options: Any
) -> dict[str, dict[str, Any] | None]:
    """Find the cut-offs of a run (the paper's Tables 2 and 3).

    ``knee`` is the round at the knee of "defective images left", ``best`` the round with the highest score of all,
    ``best_until_knee`` that of the rounds up to the knee. Of equal scores the one with fewest images counts.

    Parameters
    ----------
    rounds : DataFrame
        ``rounds.csv``, images labelled rising. Rounds that were not evaluated have NaN; they are never best.
    choose_on : str
        The column that best is chosen on. The model is chosen on validation; ``test_auc`` gives what choosing on the
        test fold would have claimed.
    **knee_options
        Of `nearlabel.learning.stopping.knee.knee_point`.

    Returns
    -------
    dict
        ``knees.json``: for each of `CUTOFFS` a dict of round, n_labelled, val_auc, test_auc (None where the round was
        not evaluated), or None: there is no knee, or no evaluated round.

    Raises
    ------
    ValueError
        As for `nearlabel.learning.stopping.knee.knee_point`.
    """
    knee = knee_point(rounds["n_labelled"].to_numpy(), rounds["defects_left"].to_numpy(), **knee_options)
    if knee is None:
        return {"best": _best(rounds, choose_on), "knee": None, "best_until_knee": None}
    return {
        "best": _best(rounds, choose_on),
        "knee": _describe(rounds[rounds["n_labelled"] == knee].iloc[0]),
        "best_until_knee": _best(rounds[rounds["n_labelled"] <= knee], choose_on),
    }


def write_cutoffs(rounds, output, **knee_options: Any) -> None:
    """Find the cut-offs of a run and write them.

    Parameters
    ----------
    rounds, output : str or Path
        ``rounds.csv`` and ``knees.json``.
    **knee_options
        Of `nearlabel.learning.stopping.knee.knee_point`.
    """
    write_json(output, find_cutoffs(pd.read_csv(rounds), **knee_options))


def _best(rounds: pd.DataFrame, column: str) -> dict[str, Any] | None:
    scores = rounds[column].to_numpy(dtype=np.float64)
    return None if np.isnan(scores).all() else _describe(rounds.iloc[np.nanargmax(scores)])


def _describe(row: pd.Series) -> dict[str, Any]:
    described = {name: int(row[name]) for name in ("round", "n_labelled")}
    return described | {name: None if np.isnan(row[name]) else float(row[name]) for name in ("val_auc", "test_auc")}


def auc_slopes(rounds: pd.DataFrame, knee: int) -> tuple[float | None, float | None]:
    """Slope of the test AUC before and after the knee, by least squares.

    Parameters
    ----------
    rounds : DataFrame
        ``rounds.csv``; rounds that were not evaluated (NaN) are left out.
    knee : int
        Images labelled at the knee; its round belongs to both sides.

    Returns
    -------
    before, after : float or None
        Change of AUC per 100 images; None with fewer than two rounds on that side.
    """
    evaluated = rounds[rounds["test_auc"].notna()]
    x = evaluated["n_labelled"].to_numpy(dtype=np.float64)
    y = evaluated["test_auc"].to_numpy(dtype=np.float64)
    return _slope(x[x <= knee], y[x <= knee]), _slope(x[x >= knee], y[x >= knee])


def _slope(x: np.ndarray, y: np.ndarray) -> float | None:
    if len(x) < 2:
        return None
    centred = x - x.mean()
    return float(100 * (centred @ (y - y.mean())) / (centred @ centred))


def compare_with_knees(
    rounds: Mapping[int, pd.DataFrame], cutoffs: Mapping[int, Mapping[str, Mapping[str, Any] | None]]
) -> dict[str, Any]:
    """Compare learning curves with the knees of one strategy: the observations of the paper's section 6.2, as numbers.

    Parameters
    ----------
    rounds : mapping of fold to DataFrame
        ``rounds.csv`` of each fold.
    cutoffs : mapping of fold to dict
        `find_cutoffs` of each fold.

    Returns
    -------
    dict
        folds; folds_with_knee; best_before_knee: of these, the share whose best model has seen fewer images than the
        knee (None without any); slope_before, slope_after: means over folds of `auc_slopes` (None where no fold has
        one).

    Raises
    ------
    ValueError
        Rounds and cut-offs are of different folds.
    """
    if set(rounds) != set(cutoffs):
        raise ValueError(f"rounds are of the folds {sorted(rounds)}, cut-offs of {sorted(cutoffs)}; give both of each")
    knees = {fold: cutoffs[fold]["knee"]["n_labelled"] for fold in sorted(rounds) if cutoffs[fold]["knee"]}
    before = [cutoffs[fold]["best"]["n_labelled"] < knee for fold, knee in knees.items() if cutoffs[fold]["best"]]
    slopes = [auc_slopes(rounds[fold], knee) for fold, knee in knees.items()]
    return {
        "folds": len(rounds),
        "folds_with_knee": len(knees),
        "best_before_knee": _mean(before),
        "slope_before": _mean([slope for slope, _ in slopes]),
        "slope_after": _mean([slope for _, slope in slopes]),
    }


def _mean(values: list) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
