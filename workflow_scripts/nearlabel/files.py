"""Files that appear under their name only when complete, and tables as text."""

import csv
import hashlib
import json
import os
import platform
import re
import secrets
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

# Of a name and of a host's, so that the temporary name stays within the 255 bytes of a file system.
_NAME_KEPT, _HOST_KEPT = 40, 40


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary path in the same folder, moved to `path` when the block ends without an error.

    Parameters
    ----------
    path : str or Path
        Where the finished file shall be; its folder is made.

    Yields
    ------
    Path
        Where to write.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two machines, or two containers, that write one shared file can have the same process id.
    partial = path.with_name(f".{path.name[-_NAME_KEPT:]}.{_host()}.{secrets.token_hex(8)}.part")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def written_durably(path: str | Path) -> Iterator[Path]:
    """Give a temporary path as `written_whole` does; the file is on the disk before it has its name, and then that."""
    with written_whole(path) as partial:
        yield partial
        sync(partial)
    sync(Path(path).parent)


def sync(path: str | Path) -> None:
    """Bring a file, or the names in a folder, onto the disk; file systems that cannot do it for a folder are let be."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not os.path.isdir(path):
            raise
    finally:
        os.close(descriptor)


def write_csv(path: str | Path, frame: pd.DataFrame) -> None:
    r"""Write a frame as CSV: UTF-8, a header, no index, ``\n`` line ends.

    All text is quoted: unquoted, a carriage return in a file name would end the row for most readers.

    Parameters
    ----------
    path : str or Path
        The file; its folder is made.
    frame : pandas.DataFrame
        What to write; missing values become empty fields.
    """
    with written_whole(path) as partial:
        frame.to_csv(partial, index=False, encoding="utf-8", lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)


def write_json(path: str | Path, content: Any) -> None:
    """Write what JSON can hold: UTF-8, indented, one line end at the end.

    Parameters
    ----------
    path : str or Path
        The file; its folder is made.
    content : dict, list, str, number, bool or None
        What to write.
    """
    with written_whole(path) as partial:
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_table(path: str | os.PathLike, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a CSV that `write_csv` wrote as text, or raise an error that names it.

    Tables of the user's own have other dialects: see `nearlabel.tables`.

    Parameters
    ----------
    path : str or path-like
        UTF-8, with a header.
    columns : tuple of str
        Columns that it must have.

    Returns
    -------
    pandas.DataFrame
        All columns, str; empty where the file has nothing.

    Raises
    ------
    FileNotFoundError, ValueError
        When the file is missing, is not such a CSV, or lacks a column.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file.")
    try:
        table = pd.read_csv(path, dtype=str, na_filter=False, index_col=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError) as error:  # Includes UnicodeDecodeError and EmptyDataError.
        raise ValueError(f"{path}: cannot be read as a UTF-8 CSV with a header: {error}") from error
    for column in columns:
        if column not in table:
            raise ValueError(f"{path}: no column {column!r}; it has {', '.join(map(repr, table.columns))}.")
    return table


def how_to_remake(what: str | os.PathLike) -> str:
    """Say, at the end of a sentence, how a file, or what a rule makes, is made again; nothing is deleted for that."""
    return f"make it again: call snakemake as for the run, with --forcerun {shlex.quote(str(what))}"


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", platform.node())[:_HOST_KEPT]


def hash_file(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
