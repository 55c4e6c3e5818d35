"""Second labels: further columns of a data set's table or layout, that groups are held against as well."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from nearlabel.images.listing import csv_root
from nearlabel.images.naming.layouts import find_place
from nearlabel.images.paths import ListedPaths
from nearlabel.tables import read_user_table


def read_extra_columns(images: pd.DataFrame, spec: Mapping[str, Any], columns: Sequence[str]) -> pd.DataFrame:
    """Read what a table, or where an image lies, says of every image beside its class.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``.
    spec : mapping
        Of a data set of kind ``csv`` or ``mvtec``, as for `nearlabel.images.readers.read_dataset`.
    columns : sequence of str
        Columns of its table; of ``mvtec`` split and category.

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
    if spec["kind"] == "mvtec":
        places = [find_place(name) for name in images["image_id"]]
        found = {column: [getattr(place, column) for place in places] for column in columns}
        return pd.DataFrame({"image_id": images["image_id"].tolist(), **found}, dtype=str)
    path_column = spec["path_column"]
    cells = read_user_table(spec["file"], [path_column, *columns]).cells
    listed = ListedPaths(csv_root(spec))
    known = pd.DataFrame({column: cells[column] for column in columns}, dtype=str)
    known["image_id"] = [listed.locate(path)[0] if path else "" for path in cells[path_column]]
    known = known.drop_duplicates("image_id").set_index("image_id")[list(columns)]
    return known.reindex(images["image_id"].tolist()).fillna("").rename_axis("image_id").reset_index()
