"""Lines over the number of clusters, with gaps where an algorithm has no clustering."""

import pandas as pd


def rows_over_k(table: pd.DataFrame, algorithm: str) -> pd.DataFrame:
    """Return an algorithm's rows, one for every k of the table's range.

    Parameters
    ----------
    table : DataFrame
        ``scores.csv`` or ``quality.csv`` of one encoder.
    algorithm : str
        Id of the algorithm.

    Returns
    -------
    DataFrame
        By k; numbers are NaN where the algorithm has no clustering. Empty where it has none at all.
    """
    rows = table[table["algorithm"] == algorithm].set_index("k")
    if len(rows):
        rows = rows.reindex(range(table["k"].min(), table["k"].max() + 1)).rename_axis("k")
    return rows.reset_index()


def mark_every(rows: pd.DataFrame, number: int) -> tuple[int, int]:
    """Say which of `rows_over_k` get a marker: about eight, each where there are gaps, as lone points have no line.

    Parameters
    ----------
    rows : DataFrame
        Of one algorithm.
    number : int
        The algorithm's place, so that markers of different lines do not fall together.

    Returns
    -------
    tuple of int and int
        First row and step, as Matplotlib's ``markevery`` takes them.
    """
    if rows["algorithm"].isna().any():
        return 0, 1
    return min(number, max(len(rows) - 1, 0)), max(1, len(rows) // 8)
