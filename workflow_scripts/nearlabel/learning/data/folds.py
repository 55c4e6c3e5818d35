"""The table of folds, and the part that each fold plays."""

import os

import numpy as np
import pandas as pd

from nearlabel.files import how_to_remake, read_table

FOLD_COLUMNS = ["image_id", "fold", "duplicate_of"]


def read_folds(path: str | os.PathLike) -> pd.DataFrame:
    """Read ``folds.csv``: image_id and duplicate_of as text (empty where there is none), fold as int.

    Parameters
    ----------
    path : str or path-like
        What was written from `split_folds`.

    Returns
    -------
    DataFrame
        Columns image_id, fold, duplicate_of.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file, a column is missing, or a fold is no number.
    """
    table = read_table(path, tuple(FOLD_COLUMNS))[FOLD_COLUMNS]
    if not table["fold"].str.fullmatch(r"[0-9]+").all():
        raise ValueError(f"{path}: a fold is no whole number; {how_to_remake(path)}")
    return table.astype({"fold": np.int64})


def fold_roles(folds: pd.DataFrame, test_fold: int) -> pd.Series:
    """Say what each image is for when a fold tests: the next fold validates (after the last comes 0), the rest is pool.

    Parameters
    ----------
    folds : DataFrame
        ``folds.csv``.
    test_fold : int
        The fold that tests.

    Returns
    -------
    Series of str
        By image_id: ``test``, ``validation`` or ``pool``.

    Raises
    ------
    ValueError
        There is no such fold.
    """
    count = int(folds["fold"].max()) + 1
    if not 0 <= test_fold < count:
        raise ValueError(f"there is no fold {test_fold}; folds are 0 to {count - 1}")
    roles = np.full(len(folds), "pool", dtype=object)
    roles[folds["fold"] == test_fold] = "test"
    roles[folds["fold"] == (test_fold + 1) % count] = "validation"
    return pd.Series(roles, index=pd.Index(folds["image_id"]), name="role", dtype=str)
