"""Rows of a table as text: which separator it has, its header, and rows that do not fit it."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import NamedTuple

from nearlabel.tables.names import find_column

_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_BLANK = " "
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[ ,;\t]*(?:\r\n?|\n|$)', re.IGNORECASE)
_BLANK_CELL = re.compile(r'"((?:[^"]|"")*)"(?=\s|$)|([^\s"]\S*)|(")')
# Run-length masks are long.
csv.field_size_limit(2**31 - 1)


class Rows(NamedTuple):
    """Cells of a table, each row as long as the header, and the line of the file that each begins in."""

    header: list[str]
    cells: list[list[str]]
    lines: list[int]


def read_rows(text: str, columns: Sequence[str], path: str | PathLike) -> Rows:
    """Split the text of a table into rows of cells.

    Parameters
    ----------
    text : str
        A line ``sep=;`` (of Excel's), a header, rows; lines end as on any system, empty ones count for nothing.
    columns : sequence of str
        Columns that are wanted: of several separators the one that gives them is taken.
    path : str or path-like
        The file, for messages.

    Returns
    -------
    Rows
        Cells without the spaces around them; those that are quoted keep the ones at their beginning.

    Raises
    ------
    ValueError
        There is no header, a quote is not closed, or a row has cells that the header has no column for.
    """
    if not text.strip():
        raise ValueError(f"{path} is empty; a table has a header and rows.")
    told = _SEPARATOR_LINE.match(text)
    start = 1 if told else 0
    body = text[told.end() :] if told else text
    separator = told[1] if told else _find_separator(body, columns)
    records = ((line + start, cells) for line, cells in _split(body, separator))
    filled = []
    try:
        for line, cells in records:
            cells = [cell.rstrip(" \t\xa0") for cell in cells]
            if any(cells):
                filled.append((line, cells))
    except _BrokenQuotes as broken:
        raise ValueError(
            f"{path}, line {broken.line + start}: a quote is not closed, or text follows a closed one; put quotes "
            'around whole cells, and write "" for a quote within one.'
        ) from None
    if not filled:
        raise ValueError(f"{path} has no header.")
    (_, header), *rows = filled
    return _fit(header, rows, separator, columns, path)


class _BrokenQuotes(Exception):
    def __init__(self, line: int):
        super().__init__(line)
        self.line = line


def _find_separator(text: str, columns: Sequence[str]) -> str:
    """Return the separator of the header: the one with most of the wanted columns, then with most columns."""
    best, most = ",", (0, 1)
    for separator in _SEPARATORS:
        header = _first_record(text, separator)
        score = _count(header, columns), len(header)
        if score > most:
            best, most = separator, score
    if columns and not most[0] and _count(_first_record(text, _BLANK), columns) == len(columns):
        return _BLANK
    return best


def _first_record(text: str, separator: str) -> list[str]:
    try:
        return next((cells for _, cells in _split(text, separator) if any(map(str.strip, cells))), [])
    except _BrokenQuotes:
        return []


def _count(header: Sequence[str], columns: Sequence[str]) -> int:
    return sum(bool(find_column(header, column)) for column in columns)


def _split(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    lines = io.StringIO(text, newline="")
    if separator == _BLANK:
        for number, line in enumerate(lines, start=1):
            found = _BLANK_CELL.findall(line)
            if any(broken for *_, broken in found):
                raise _BrokenQuotes(number)
            yield number, [plain or quoted.replace('""', '"') for quoted, plain, _ in found]
        return
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            raise _BrokenQuotes(line) from None
        if cells is None:
            return
        yield line, cells


def _fit(header: list[str], rows: list[tuple[int, list[str]]], separator: str, columns, path) -> Rows:
    header = [name.strip().strip("\ufeff") for name in header]
    width = len(header)
    if _have_row_names(rows, width):
        rows = [(line, cells[1:]) for line, cells in rows]
    for line, cells in rows:
        if any(cells[width:]):
            name = _SEPARATORS.get(separator, repr(separator) if separator != _BLANK else "a space")
            raise ValueError(
                f"{path}, line {line}: {_fields(cells)} where the header names {width} "
                f"column{'s' * (width > 1)}; put quotes around a cell that holds {name}."
            )
    # Excel leaves out separators at the end of some rows; where no row has them, the separator is another.
    wanted = [positions[0] for column in columns if (positions := find_column(header, column))]
    if rows and wanted and max(len(cells) for _, cells in rows) <= max(wanted):
        line, cells = rows[0]
        raise ValueError(
            f"{path}, line {line}: {_fields(cells)} where the header names {width} columns; separate its cells as "
            "those of the header are."
        )
    fitted = [cells[:width] + [""] * (width - len(cells)) for _, cells in rows]
    return Rows(header, fitted, [line for line, _ in rows])


def _have_row_names(rows: list[tuple[int, list[str]]], width: int) -> bool:
    """Whether every row begins with its number, as R's write.table has it: the header has no name for that."""
    if not rows or any(len(cells) != width + 1 for _, cells in rows):
        return False
    numbers = [cells[0] for _, cells in rows]
    return all(number.isdecimal() for number in numbers) and len(set(numbers)) == len(numbers)


def _fields(cells: Sequence[str]) -> str:
    return f"{len(cells)} cell{'s' * (len(cells) != 1)}"
