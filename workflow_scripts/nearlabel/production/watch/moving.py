"""Moving files out of the inbox, so that a kill at any moment leaves each at one of two known places."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

from nearlabel.files import hash_file, written_whole


def plan_place(folder: str | Path, relative: str, stamp: int, taken: set[str]) -> str:
    """Choose where a file will be moved to: its relative path below a folder, with a stamp where that is taken.

    Parameters
    ----------
    folder : str or Path
        Absolute.
    relative : str
        Path below the inbox.
    stamp : int
        Tells files of one name apart, such as a camera's that calls all of them the same: a modification time. Where
        that is taken too, the next number that is not.
    taken : set of str
        Places that are planned already.

    Returns
    -------
    str
    """
    wanted = os.path.join(folder, relative)
    stem, suffix = os.path.splitext(wanted)
    place = wanted
    while place in taken or os.path.lexists(place):
        place = f"{stem}.{stamp}{suffix}"
        stamp += 1
    return place


def move_file(source: str, target: str, known: tuple[int, int] | None = None) -> None:
    """Move a file, between file systems too, onto a place that nothing else uses.

    After a kill it lies at the source or the target, whole, or at both; then it is called again.

    Parameters
    ----------
    source, target : str
        Paths.
    known : (int, int), optional
        Modification time in ns, and bytes, that the file must have: another one may have come under its name.

    Raises
    ------
    OSError
        When it cannot be moved, or is another one; the source is still there.
    """
    if known is not None:
        require_known(source, known)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with written_whole(target) as partial:
            facts = os.stat(source)
            shutil.copyfile(source, partial)
            # Some shares refuse it; the database has the time.
            with contextlib.suppress(OSError):
                os.utime(partial, ns=(facts.st_atime_ns, facts.st_mtime_ns))
            _sync(partial)
        _sync(os.path.dirname(target))
        try:
            os.unlink(source)
        except OSError:
            # Else each start would add a copy.
            with contextlib.suppress(OSError):
                os.unlink(target)
            raise


def require_known(path: str, known: tuple[int, int]) -> None:
    """Raise an OSError where a file has another modification time (ns) or size: another one has its name now."""
    facts = os.lstat(path)
    if (facts.st_mtime_ns, facts.st_size) != known:
        raise OSError(errno.ESTALE, "another file has its name now")


def write_reason(moved: str, reason: str) -> None:
    """Write why a file was given up beside where it was moved to."""
    with written_whole(f"{moved}.reason.txt") as partial:
        partial.write_text(reason + "\n", encoding="utf-8")


def hash_of(path: str) -> str:
    """SHA-256 of a file's bytes, hexadecimal; empty where it cannot be read."""
    with contextlib.suppress(OSError):
        return hash_file(path)
    return ""


def _sync(path: str | Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
