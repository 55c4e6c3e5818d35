"""JSON lines: a file to which a line is added for each file that arrived, and each event."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nearlabel.production.outputs.sending import Cursor, key_of

_PIECE = 1 << 16
# How every line begins.
_START = b'{"type": "'


class JsonLines:
    """A file of JSON lines; no line is missing and none comes twice, whenever the watcher is killed.

    The file's last whole line says how far it has come; a torn one after it is cut off. A file that is moved away is
    begun anew, where it had ended.

    Parameters
    ----------
    path : str or Path
        The file.
    """

    def __init__(self, path: str | Path):
        self._path = Path(path)
        self.name = str(self._path)
        self.key = key_of("jsonl", os.path.abspath(path))

    def begin(self, cursor: Cursor | None, newest: Cursor) -> Cursor:
        """Go on after the last whole line; without one, where it had ended, or with the first label.

        Raises
        ------
        OSError
            When the file cannot be written.
        ValueError
            When it holds anything else, or lines of another database.
        """
        if not self._path.exists():
            if self._path.parent.is_dir():
                return cursor or Cursor()
            raise FileNotFoundError(f"{self._path}: the folder {self._path.parent} does not exist; make it first.")
        with open(self._path, "r+b") as file:
            end = _end_of_lines(file)
            file.seek(end)
            torn = file.read(len(_START))
            there = cursor or Cursor()
            try:
                if not _START.startswith(torn):
                    raise ValueError
                if end:
                    there = Cursor(*json.loads(_last_line(file, end))["cursor"])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{self._path}: holds something else than nearlabel's lines; choose another."
                ) from error
            file.truncate(end)
        if there.sighting_id > newest.sighting_id or there.event_id > newest.event_id:
            raise ValueError(f"{self._path}: holds labels of another database; choose another file.")
        return there

    def send(self, messages: Sequence[dict[str, Any]]) -> int:
        """Add lines, on the disk when this returns."""
        lines = "".join(json.dumps(message, ensure_ascii=False, allow_nan=False) + "\n" for message in messages)
        # Opened anew each time, as it may have been moved away.
        with open(self._path, "ab") as file:
            end = file.tell()
            try:
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                # On a full disk half a line may have been written.
                os.truncate(self._path, end)
                raise
        return len(messages)

    def close(self) -> None:
        """Nothing is held."""


def _end_of_lines(file) -> int:
    """Offset after the last line end; 0 where there is none."""
    position = file.seek(0, os.SEEK_END)
    while position:
        start = max(0, position - _PIECE)
        file.seek(start)
        found = file.read(position - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0


def _last_line(file, end: int) -> bytes:
    line, position = b"", max(0, end - 1)
    while position:
        start = max(0, position - _PIECE)
        file.seek(start)
        piece = file.read(position - start)
        found = piece.rfind(b"\n")
        line = piece[found + 1 :] + line
        if found >= 0:
            break
        position = start
    return line
