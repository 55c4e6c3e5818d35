"""What is said of images, as rows of a file: CSV, or a line of JSON each."""

import csv
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from nearlabel.production.labelled import Labelled

COLUMNS = (
    "path", "label", "label_by", "p_value", "confidence", "label_set", "novel", "novelty", "novelty_p",
    "normal_percentile", "node", "group", "lineage", "neighbors", "x", "y", "sha256", "reason",
)  # fmt: skip
"""``reason``: why a file is no image that can be labelled; all else but the path is then empty."""

SUFFIXES = (".csv", ".jsonl")


def make_row(path: str, said: Labelled | str) -> dict[str, Any]:
    """Make the row of one file.

    Parameters
    ----------
    path : str
    said : Labelled or str
        What is said of the image, or why nothing is.

    Returns
    -------
    dict
        The keys of `COLUMNS`; None for what there is not.
    """
    if isinstance(said, str):
        return dict.fromkeys(COLUMNS) | {"path": path, "reason": said}
    found = asdict(said) | {"path": path, "node": said.node, "x": said.place[0], "y": said.place[1], "reason": ""}
    return {name: _known(found[name]) for name in COLUMNS}


def _known(value: Any) -> Any:
    # JSON has no NaN.
    return None if isinstance(value, float) and math.isnan(value) else value


class RowWriter:
    """Writes rows to an open text file.

    Parameters
    ----------
    file : text file
    suffix : str
        One of `SUFFIXES`.
    """

    def __init__(self, file: TextIO, suffix: str):
        self._file, self._csv = file, None
        if suffix == ".csv":
            # Unquoted, a carriage return in a file name would end the row for most readers.
            self._csv = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
            self._csv.writerow(COLUMNS)

    def write(self, row: dict[str, Any]) -> None:
        """Write the row of one file; lists are JSON in a CSV."""
        if self._csv is None:
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            return
        self._csv.writerow([self._cell(value) for value in row.values()])

    @staticmethod
    def _cell(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return json.dumps(value, ensure_ascii=False)
        return "" if value is None else int(value) if isinstance(value, bool) else value


@contextmanager
def open_rows(output: str | Path, standard: TextIO) -> Iterator[RowWriter]:
    """Open what rows are written to; a file is there, whole, when the block ends without an error.

    Parameters
    ----------
    output : str or Path
        ``*.csv``, ``*.jsonl``, or ``-``: CSV on the standard output.
    standard : text file
        The standard output.

    Raises
    ------
    ValueError
        Another kind of file.
    OSError
        A folder lies there, or the folder around it cannot be written.
    """
    if str(output) == "-":
        yield RowWriter(standard, ".csv")
        return
    output = Path(output)
    if output.suffix not in SUFFIXES:
        raise ValueError(f"--output is {str(output)!r}: name a .csv or .jsonl file, or - for the standard output")
    # Before hours of labelling, not after them.
    if output.is_dir():
        raise IsADirectoryError(f"--output {output} is a folder; name a file in it")
    output.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(output.parent, os.W_OK):
        raise PermissionError(f"--output {output}: the folder {output.parent} cannot be written; choose another")
    from nearlabel.files import written_whole

    # Names that are no UTF-8 are written as they are on the disk.
    with (
        written_whole(output) as partial,
        open(partial, "w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        yield RowWriter(file, output.suffix)
