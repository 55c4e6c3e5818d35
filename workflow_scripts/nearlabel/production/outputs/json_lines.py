"""JSON lines: a file to which a line is added for each file that arrived, and each event."""

import fcntl
import json
import os
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

from nearlabel.production.outputs.sending import Cursor, key_of

_PIECE = 1 << 16
# How every line begins.
_START = b'{"type": "'


class JsonLines:
    """A file of JSON lines; no line is missing and none comes twice, whenever the watcher is killed.

    The file's last whole line says how far it has come; a torn one after it is cut off. A file that is moved away is
    begun anew, where it had ended. While a watcher runs, no other one writes into its file.

    Parameters
    ----------
    path : str or Path
        The file.
    """

    def __init__(self, path: str | Path):
        self._path = Path(path)
        self.name = str(self._path)
        self.key = key_of("jsonl", os.path.abspath(path))
        self._lock: FileIO | None = None

    def begin(self, cursor: Cursor | None, newest: Cursor, ours: Callable[[dict[str, Any]], bool] = bool) -> Cursor:
        """Go on after the last whole line; without one, where it had ended, or with the first label.

        Raises
        ------
        OSError
            When the file cannot be written, or another watcher writes into it.
        ValueError
            When it holds anything else, or lines of another database.
        """
        if not self._path.parent.is_dir():
            raise FileNotFoundError(f"{self._path}: the folder {self._path.parent} does not exist; make it first.")
        if not self._path.exists():
            self._keep_others_away()
            return cursor or Cursor()
        with open(self._path, "r+b") as file:
            end = _end_of_lines(file)
            file.seek(end)
            torn = file.read(len(_START))
            there, own = cursor or Cursor(), True
            try:
                if not _START.startswith(torn):
                    raise ValueError
                if end:
                    last = json.loads(_last_line(file, end))
                    there, own = Cursor(*last["cursor"]), ours(last)
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{self._path}: holds something else than nearlabel's lines; choose another."
                ) from error
            if not own:
                raise ValueError(f"{self._path}: holds labels of another database; choose another file.")
            self._keep_others_away()
            file.truncate(end)
        return there

    def send(self, messages: Sequence[dict[str, Any]]) -> int:
        """Add lines, on the disk when this returns."""
        lines = "".join(json.dumps(message, ensure_ascii=False, allow_nan=False) + "\n" for message in messages)
        left = memoryview(lines.encode())
        # Opened anew each time, as it may have been moved away; without a buffer, as what a full disk has not taken
        # would be written when the file is closed.
        with FileIO(self._path, "ab") as file:
            end = file.tell()
            try:
                while left:
                    left = left[file.write(left) :]
                os.fsync(file.fileno())
            except OSError:
                # On a full disk half a line may have been written.
                file.truncate(end)
                raise
        return len(messages)

    def close(self) -> None:
        """Leave the file to others."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _keep_others_away(self) -> None:
        """Lock a file beside it: on some shares nobody could read a file that is locked itself."""
        try:
            self._lock = FileIO(f"{os.path.realpath(self._path)}.lock", "ab")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise OSError(
                f"{self._path}: another watcher writes into it; end that one first, or name another file by --jsonl."
            ) from error
        except OSError:
            # Of a file system without locks, and of a folder in which that file alone may be written.
            pass


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
