"""Files that appear under their name only when complete."""

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd


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
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


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
