"""Moving files out of the inbox, so that a kill at any moment leaves each at one of two known places."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

from nearlabel.files import hash_file, written_durably, written_whole

_REASON = ".reason.txt"
# Bytes, on most file systems.
_LONGEST_NAME = 255


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


def move_file(source: str, target: str, known: tuple[int, int], *, again: bool = False) -> None:
    """Move a file, between file systems too, onto a place that nothing is at; never over another file.

    After a kill it lies at the source or the target, whole, or at both, or the target is an empty file that holds the
    place: then it is called `again`.

    Parameters
    ----------
    source, target : str
        Paths.
    known : (int, int)
        Modification time in ns, and bytes, that the file must have: another one may have come under its name.
    again : bool
        Whether the file may have been on its way to this very place before.

    Raises
    ------
    FileExistsError
        Something is at the target; the source is still there.
    OSError
        It cannot be moved, or is another file; the source is still there.
    """
    require_known(source, known)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        # Two watchers may move files of one name into one archive: the first one that is there has the place.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        if not again:
            raise
        size = _facts(target)[1]
        if size and hash_of(target) == hash_of(source):
            require_known(source, known)
            os.unlink(source)
            return
        if size:
            raise
    try:
        _move_onto(source, target, known)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(target)
        raise


def require_known(path: str, known: tuple[int, int]) -> None:
    """Raise an OSError where a file has another modification time (ns) or size: another one has its name now."""
    if _facts(path) != known:
        raise OSError(errno.ESTALE, "another file has its name now")


def write_reason(moved: str, reason: str) -> None:
    """Write why a file was given up beside where it was moved to; of a long name only the beginning is kept."""
    folder, name = os.path.split(moved)
    kept = os.fsdecode(os.fsencode(name)[: _LONGEST_NAME - len(_REASON)])
    with written_whole(os.path.join(folder, kept + _REASON)) as partial:
        partial.write_text(reason + "\n", encoding="utf-8")


def hash_of(path: str) -> str:
    """SHA-256 of a file's bytes, hexadecimal; empty where it cannot be read."""
    with contextlib.suppress(OSError):
        return hash_file(path)
    return ""


def _move_onto(source: str, target: str, known: tuple[int, int]) -> None:
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    else:
        # One that came under its name in the very moment: back with it.
        if _facts(target) != known and not os.path.lexists(source):
            os.rename(target, source)
            require_known(source, known)
        return
    with written_durably(target) as partial:
        facts = os.stat(source)
        shutil.copyfile(source, partial)
        # Some shares refuse it; the database has the time.
        with contextlib.suppress(OSError):
            os.utime(partial, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    require_known(source, known)
    os.unlink(source)


def _facts(path: str) -> tuple[int, int]:
    facts = os.lstat(path)
    return facts.st_mtime_ns, facts.st_size
