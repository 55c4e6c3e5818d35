"""Paths of images as tables give them, found on disk or among ids although they are not written the same.

Standard library only, for it runs whenever the workflow is parsed.
"""

import contextlib
import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

_WINDOWS = re.compile(r"[A-Za-z]:/|//")


def image_id_of(path: str, root: Path) -> str:
    """Return the image_id of a path as a table gives it, absolute or relative to the root of the data set."""
    return os.path.relpath(path, root.absolute()) if os.path.isabs(path) else posixpath.normpath(path)


def fold_name(name: str) -> str:
    """Return what names have in common that differ in case, slashes, spaces around, or how letters are composed."""
    text = unicodedata.normalize("NFC", name.strip().replace("\\", "/")).casefold()
    return unicodedata.normalize("NFC", posixpath.normpath(text))


def match_names(wanted: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Find for each name the known one that it means.

    Parameters
    ----------
    wanted, known : iterable of str
        Names, such as ids of images.

    Returns
    -------
    dict of str to str
        Wanted → known: the same name; else the only one with the same letters, however they are composed; else the
        only one that differs in case, slashes or spaces around. Names that mean none, or several, are left out.
    """
    exact = set(known)
    wanted = set(wanted)
    found = {name: name for name in wanted & exact}
    if len(found) == len(wanted):
        return found
    for key in (_compose, fold_name):
        alike: dict[str, list[str]] = {}
        for name in exact:
            alike.setdefault(key(name), []).append(name)
        for name in wanted - set(found):
            if len(names := alike.get(key(name), ())) == 1:
                found[name] = names[0]
    return found


class ListedPaths:
    """Finds the files of a data set that a list names.

    A file is first looked for under the name that the list gives. Failing that, backslashes, another case, letters
    composed otherwise, spaces around, ``file://`` and ``%20`` are understood, where just one file can be meant.

    Parameters
    ----------
    root : str or path-like
        Folder that paths are relative to.

    Attributes
    ----------
    respelt : dict of str to str
        Path as the list gives it → image_id, of the files that are called otherwise.
    """

    def __init__(self, root: str | os.PathLike):
        self._root, self._absolute = os.fspath(root), Path(root).absolute()
        self.respelt: dict[str, str] = {}
        self._folders: dict[str, dict[str, list[str]]] = {}

    def locate(self, path: str) -> tuple[str, str]:
        """Find a file.

        Parameters
        ----------
        path : str
            As the list gives it, not empty.

        Returns
        -------
        image_id : str
            Path relative to the root; as the list gives it where there is no such file.
        problem : str
            Why it is none of the data set's images; empty where it may be one.
        """
        image_id = image_id_of(path, self._absolute)
        if os.path.lexists(os.path.join(self._root, image_id)):
            return image_id, _outside(image_id)
        plain = path.strip()
        if plain.lower().startswith("file:"):
            parts = urlsplit(plain)
            plain = unquote(f"//{parts.netloc}{parts.path}" if parts.netloc not in ("", "localhost") else parts.path)
            plain = plain[1:] if re.match(r"/[A-Za-z]:", plain) else plain
        plain = plain.replace("\\", "/")
        if _WINDOWS.match(plain):
            return image_id, "a path of another machine; write paths relative to the data set's root" + self._hint(
                plain
            )
        for spelling in dict.fromkeys((plain, unquote(plain))):
            meant = image_id_of(spelling, self._absolute)
            if problem := _outside(meant):
                return image_id, problem
            as_meant = os.path.lexists(os.path.join(self._root, meant))
            found = [meant] if as_meant else list(self._alike("", meant.split("/")))
            nearest = max((_nearness(name, meant) for name in found), default=None)
            nearby = [name for name in found if _nearness(name, meant) == nearest]
            if len(nearby) > 1:
                return image_id, f"may be {' or '.join(map(repr, sorted(nearby)[:3]))}; write the one that is meant"
            if nearby:
                self.respelt[path] = nearby[0]
                return nearby[0], ""
        return image_id, ""

    def describe(self) -> str:
        """Say how many files are called otherwise than the list says, and how; empty where none is."""
        if not self.respelt:
            return ""
        kinds = Counter(_difference(path, image_id) for path, image_id in self.respelt.items())
        told = ", ".join(f"{kind}: {count}" for kind, count in kinds.items())
        path, image_id = next(iter(self.respelt.items()))
        return (
            f"{len(self.respelt)} paths are not spelt as their files are ({told}) and read as those are called, "
            f"for example {path!r} as {image_id!r}"
        )

    def _alike(self, folder: str, parts: list[str]) -> Iterator[str]:
        """Files below a folder whose path differs from `parts` in nothing but what `fold_name` takes away."""
        first, *rest = parts
        for name in self._list(folder).get(fold_name(first), []):
            path = f"{folder}/{name}" if folder else name
            if not rest:
                yield path
            elif os.path.isdir(os.path.join(self._root, path)):
                yield from self._alike(path, rest)

    def _list(self, folder: str) -> dict[str, list[str]]:
        """Names in a folder by what `fold_name` makes of them."""
        if folder not in self._folders:
            self._folders[folder] = {}
            with contextlib.suppress(OSError):
                for name in sorted(os.listdir(os.path.join(self._root, folder))):
                    self._folders[folder].setdefault(fold_name(name), []).append(name)
        return self._folders[folder]

    def _hint(self, path: str) -> str:
        """Say which of the root's files a path of another machine may mean: the one at its end, if any."""
        parts = path.split("/")
        for start in range(1, len(parts)):
            if found := list(self._alike("", parts[start:])):
                return f" ({found[0]!r}?)"
        return ""


def _outside(image_id: str) -> str:
    outside = image_id == ".." or image_id.startswith("../")
    return "outside the data set's root; set root to a folder that holds all images" if outside else ""


def _nearness(name: str, meant: str) -> tuple[int, int]:
    """How many parts of two paths have the same letters, and how many are the same."""
    pairs = list(zip(name.split("/"), meant.split("/"), strict=True))
    return sum(_compose(one) == _compose(other) for one, other in pairs), sum(one == other for one, other in pairs)


def _compose(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _difference(path: str, image_id: str) -> str:
    if "\\" in path:
        return "backslashes"
    if path.lower().startswith("file:") or "%" in path:
        return "URLs"
    if path != path.strip():
        return "spaces around"
    return "letters composed otherwise" if _compose(posixpath.normpath(path)).endswith(_compose(image_id)) else "case"
