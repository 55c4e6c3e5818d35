"""Second labels: further columns of a data set's table, that groups are held against as well."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from nearlabel.files import read_table
from nearlabel.images.listing import csv_root
from nearlabel.images.readers.table import image_id_of


def read_extra_columns(images: pd.DataFrame, spec: Mapping[str, Any], columns: Sequence[str]) -> pd.DataFrame:
    """Read what a table says of every image beside its class.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``.
    spec : mapping
        Of a data set of kind ``csv``, as for `nearlabel.images.readers.read_dataset`.
    columns : sequence of str
        Columns of its table.

    Returns
    -------
    DataFrame
        ``columns.csv``: image_id, then `columns`, all str, empty where the table's cell is; rows as in `images`. Of
        several rows with one image the first counts, as for the image's class.

    Raises
    ------
    ValueError
        The table lacks a column.
    """
    table = read_table(spec["file"], (spec["path_column"], *columns))
    root = csv_root(spec)
    known = table.assign(image_id=[image_id_of(path, root) if path else "" for path in table[spec["path_column"]]])
    known = known.drop_duplicates("image_id").set_index("image_id")[list(columns)]
    return known.reindex(images["image_id"].tolist()).fillna("").rename_axis("image_id").reset_index()
