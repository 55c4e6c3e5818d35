"""What is known of images, as columns of the explorer."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nearlabel.report.base.figures import category_colors
from nearlabel.report.explorer.data import Column

MOST_CATEGORIES = 60
"""Categories of a column; of more, the most frequent, and one for all others."""
# Different numbers from which on a column of the user's table is one of numbers.
_NUMBERS = 12
_OTHERS = "others"
_GREY = "#8a8a8a"


def category_column(
    key: str,
    title: str,
    values: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    colors: Mapping[str, str] | None = None,
    note: str = "",
) -> Column:
    """Make a column of categories.

    Parameters
    ----------
    key, title, note : str
        As of `nearlabel.report.explorer.data.Column`.
    values : sequence of str, shape (n,)
        Of each image; '' where it is not known.
    names : sequence of str, optional
        The categories in their order; by default all values, sorted, the 60 most frequent at most, and *others*.
    colors : mapping of str to str, optional
        ``#rrggbb`` of some categories; the others have colours of a palette of their own.

    Returns
    -------
    Column
    """
    values = pd.Series(list(values), dtype=object)
    if names is None:
        counts = values[values != ""].value_counts()
        names = sorted(counts.index)
        if len(names) > MOST_CATEGORIES:
            # Equally frequent ones by name.
            kept = sorted(sorted(names), key=lambda name: -counts[name])[: MOST_CATEGORIES - 1]
            others = _OTHERS if _OTHERS not in kept else f"{_OTHERS} "
            values = values.where(values.isin(kept) | (values == ""), others)
            names = [*sorted(kept), others]
    places = {name: place for place, name in enumerate(names)}
    found = np.array([places.get(value, -1) for value in values], dtype=np.int32)
    return Column(key, title, found, tuple(names), _colors(names, colors or {}), note)


def number_column(key: str, title: str, values: Sequence[float], note: str = "") -> Column:
    """Make a column of numbers, NaN where one is not known."""
    return Column(key, title, np.asarray(values, dtype=np.float32), note=note)


def text_column(key: str, title: str, values: Sequence[str], note: str = "") -> Column:
    """Make a column of what a table says: numbers where all that is filled in are, and many differ; else categories.

    Parameters
    ----------
    key, title, note : str
        As of `nearlabel.report.explorer.data.Column`.
    values : sequence of str, shape (n,)
        Of each image; '' where the table has nothing.
    """
    texts = pd.Series(list(values), dtype=object)
    numbers = pd.to_numeric(texts.where(texts != "", np.nan), errors="coerce").astype(float)
    numbers = numbers.where(np.isfinite(numbers))
    if numbers[texts != ""].notna().all() and numbers.nunique() > _NUMBERS:
        return number_column(key, title, numbers, note)
    return category_column(key, title, texts, note=note)


def align(image_ids: Sequence[str], table: pd.DataFrame, column: str, missing: object) -> np.ndarray:
    """Return a column of a table by its ``image_id``, in the order of some images; `missing` where there is none.

    Raises
    ------
    ValueError
        The table has an image twice.
    """
    if table["image_id"].duplicated().any():
        twice = table.loc[table["image_id"].duplicated(), "image_id"].iloc[0]
        raise ValueError(f"a table with the column {column} has the image {twice!r} twice; make it again")
    return table.set_index("image_id")[column].reindex(list(image_ids), fill_value=missing).to_numpy()


def _colors(names: Sequence[str], known: Mapping[str, str]) -> tuple[str, ...]:
    from matplotlib.colors import to_hex

    unknown = [name for name in names if name not in known]
    palette = dict(zip(unknown, map(to_hex, category_colors(len(unknown))), strict=True))
    return tuple(known.get(name) or palette[name] if name.strip() != _OTHERS else _GREY for name in names)
