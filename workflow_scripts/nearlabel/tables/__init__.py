"""Tables of the user's own: lists of images, near-labels, names of groups, in every dialect that programs write.

Tables that the workflow writes itself have one dialect; `nearlabel.files.read_table` reads those. Standard library
only: tables of the user's own are checked whenever the workflow is parsed.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from nearlabel.tables.decoding import decode_text
from nearlabel.tables.dialects import Rows, read_rows
from nearlabel.tables.names import find_column

__all__ = ["Table", "read_user_table"]

# What rows hold and headers do not: a file's name, a node.
_ROW_CELL = re.compile(r".*\.[A-Za-z][A-Za-z0-9]{1,4}|root(\.[0-9]+)+")


class Table(NamedTuple):
    """Columns of a user's table.

    Attributes
    ----------
    cells : dict of str to list of str
        Column, as it was asked for → its text, row by row: what looks like a number or like nothing stays as it is
        written, ``007``, ``1.0``, ``NA``; empty where the cell is.
    lines : list of int
        Line of the file that each row begins in.
    remark : str
        What a user should know of how it was read; empty where there is nothing to say.
    """

    cells: dict[str, list[str]]
    lines: list[int]
    remark: str


def read_user_table(path: str | PathLike, columns: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """Read columns of a table as text, whatever program on whatever system wrote it.

    Understood are UTF-8, UTF-16, UTF-32 and Windows-1252; commas, semicolons, tabs, vertical bars or spaces between
    cells; the line ends of all systems; quotes; pandas' index and R's row names; Excel's ``sep=;``, its separators at
    the end of rows and its empty rows.

    Parameters
    ----------
    path : str or path-like
        The file.
    columns : sequence of str
        Columns that it must have, in any case, with spaces, hyphens or underscores.
    optional : sequence of str
        Columns that are read where it has them.

    Returns
    -------
    Table

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is no table, or not one that can be understood, or lacks a column; with the line where there is one.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a table.")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    text, remark = decode_text(data, path)
    rows = read_rows(text, [*columns, *optional], path)
    cells = {}
    for column in (*columns, *optional):
        positions = find_column(rows.header, column)
        if len(positions) > 1:
            raise ValueError(f"{path}: {len(positions)} columns are called {column!r}; rename or remove all but one.")
        if positions:
            cells[column] = [row[positions[0]] for row in rows.cells]
        elif column in columns:
            raise ValueError(_describe_missing(column, columns, rows, path))
    return Table(cells, rows.lines, remark)


def _describe_missing(column: str, columns: Sequence[str], rows: Rows, path) -> str:
    header = [name for name in rows.header if name]
    words = [word for name in header for word in (name, *name.split())]
    if not any(find_column(header, name) for name in columns) and any(map(_ROW_CELL.fullmatch, words)):
        shown = ", ".join(map(repr, header[:3]))
        return (
            f"{path} has no header: its first line ({shown}) is a row; write the names of its columns above, "
            f"{', '.join(map(repr, columns))} among them."
        )
    close = get_close_matches(column, header, 1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{path}: no column {column!r}; it has {', '.join(map(repr, header))}{hint}"
