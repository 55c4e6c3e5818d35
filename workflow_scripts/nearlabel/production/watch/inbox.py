"""What lies in an inbox: a folder that may be a share, may be huge, and may vanish."""

import logging
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nearlabel.images.listing import is_foreign
from nearlabel.images.naming.formats import SUFFIXES, name_unread, sniff, suffix_of

logger = logging.getLogger(__name__)

_ENDINGS = tuple(f".{suffix}" for suffixes in SUFFIXES.values() for suffix in suffixes)
# What programs call a file that they have not finished.
_UNFINISHED = {"part", "partial", "filepart", "tmp", "temp", "crdownload", "download", "upload", "uploading", "swp"}
# Kinds of other files that are told of once; of more, only that there are more.
_TOLD = 100
# Files whose first bytes were looked at.
_REMEMBERED = 100_000


class Found(NamedTuple):
    """A file in the inbox.

    Attributes
    ----------
    path : str
        With the inbox's own path before it.
    mtime_ns, bytes : int
        Modification time and size.
    """

    path: str
    mtime_ns: int
    bytes: int


class Inbox:
    """Lists an inbox, as often as is asked.

    Links are not followed. Hidden files, those that systems leave, and those called as unfinished are left out; so are
    files that are no images by their suffix, or without a suffix by their first bytes, which is told once for each
    suffix.

    Parameters
    ----------
    root : str or Path
        The folder.
    apart : sequence of Path
        Folders that are not entered, such as an archive within the inbox.
    """

    def __init__(self, root: str | Path, apart: tuple[Path, ...] = ()):
        # Whatever links lead to it, a file keeps its path: else it would be another one.
        self.root = os.path.realpath(root)
        self._apart = {os.path.realpath(one) for one in apart}
        self._told: set[str] = set()
        # Of files whose suffix does not say it, as they were: whether they are listed.
        self._looked_into: dict[str, tuple[int, int, bool]] = {}

    def list(self) -> Iterator[Found]:
        """List the images, in no order.

        Yields
        ------
        Found

        Raises
        ------
        OSError
            When the inbox itself cannot be listed: its share is down. A folder within it that cannot is left out, which
            is told.
        """
        with os.scandir(self.root) as entries:
            folders = yield from self._list_folder(entries)
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as entries:
                    folders += yield from self._list_folder(entries)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._tell(f"{folder}: cannot be listed ({error.strerror}); its images wait")

    def why_not(self, found: Found) -> str:
        """Say why a file cannot be an image before it is opened as one; empty where it may be one."""
        try:
            mode = os.lstat(found.path).st_mode
        except OSError:
            return ""
        if stat.S_ISLNK(mode):
            return "a link, which is not followed; put the file itself here"
        if not stat.S_ISREG(mode):
            return "not a regular file"
        return "" if found.path.lower().endswith(_ENDINGS) else name_unread(found.path)

    def _list_folder(self, entries: Iterator[os.DirEntry]) -> Iterator[Found]:
        folders = []
        for entry in entries:
            name = entry.name
            if name[0] == ".":
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.path not in self._apart and not is_foreign(f"{name}/"):
                        folders.append(entry.path)
                elif self._may_be_image(entry):
                    facts = entry.stat(follow_symlinks=False)
                    yield Found(entry.path, facts.st_mtime_ns, facts.st_size)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._tell(f"{entry.path}: cannot be looked at ({error.strerror}); it waits")
        return folders

    def _may_be_image(self, entry: os.DirEntry) -> bool:
        # Asked for each of perhaps 100,000 files, again and again.
        if entry.name.lower().endswith(_ENDINGS) and not entry.name.startswith("~$"):
            return True
        suffix = suffix_of(entry.name)
        if suffix in _UNFINISHED or entry.name[-1] == "~" or is_foreign(entry.name):
            return False
        if not entry.is_file(follow_symlinks=False):
            return False
        # One whose suffix names a format that is not read is given up with a reason.
        if self._look_into(entry, suffix):
            return True
        which = f"with suffix {suffix!r}" if suffix else "without a suffix, as they begin,"
        self._tell(f"files {which} are no images and stay where they are")
        return False

    def _look_into(self, entry: os.DirEntry, suffix: str) -> bool:
        """Whether a file is, as it begins, an image, or, with a suffix, one that is not read; again when it changes."""
        facts = entry.stat(follow_symlinks=False)
        stamp = facts.st_mtime_ns, facts.st_size
        *known, answer = self._looked_into.get(entry.path, (None,))
        if tuple(known) != stamp:
            answer = bool(name_unread(entry.path) if suffix else sniff(entry.path)[0])
            if len(self._looked_into) >= _REMEMBERED:
                # Most of them are gone.
                self._looked_into.clear()
            self._looked_into[entry.path] = *stamp, answer
        return answer

    def _tell(self, sentence: str) -> None:
        if sentence not in self._told and len(self._told) < _TOLD:
            self._told.add(sentence)
            logger.warning("%s", sentence)


class PathFacts:
    """What a file's path, relative to the inbox, says of it.

    Parameters
    ----------
    camera : str
        Of every file.
    camera_from, part_from : str
        Regular expressions that are searched in the relative path, with ``/``; the group called ``camera`` or ``part``,
        else the first group, else all that matches. Empty: nothing is known.

    Raises
    ------
    ValueError
        When an expression cannot be understood.
    """

    def __init__(self, camera: str = "", camera_from: str = "", part_from: str = ""):
        self._camera = camera
        self._patterns = {
            name: _compile(name, pattern) for name, pattern in (("camera", camera_from), ("part", part_from)) if pattern
        }

    @property
    def knows_parts(self) -> bool:
        """Whether paths say which part a file shows."""
        return "part" in self._patterns

    def camera(self, relative: str) -> str:
        """Camera of a file; empty where nothing is known."""
        return self._find("camera", relative) or self._camera

    def part(self, relative: str) -> str:
        """Part that a file shows; empty where nothing is known."""
        return self._find("part", relative)

    def _find(self, name: str, relative: str) -> str:
        pattern = self._patterns.get(name)
        match = pattern.search(relative) if pattern else None
        if not match:
            return ""
        group = name if name in pattern.groupindex else 1 if pattern.groups else 0
        return match[group] or ""


def _compile(name: str, pattern: str) -> re.Pattern:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"--{name}-from {pattern!r} is no regular expression: {error}.") from error
