"""Which files a data set consists of: standard library only, for it runs whenever the workflow is parsed."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from nearlabel.images.paths import ListedPaths
from nearlabel.tables import read_user_table

# Folders in the root, as the layouts of the public data sets name them; other files there are none of the data set's.
_FOLDERS = {
    "severstal": r"train_images",
    "kolektor_sdd": r"kos[0-9]+",
    "kolektor_sdd2": r"train|test",
    "magnetic_tile": r"MT_.*",
}

# What systems and programs leave beside a user's files, in small letters; what begins with a dot is hidden anyway.
_SYSTEM_FOLDERS = {
    *("@eadir", "#recycle", "#snapshot", "@tmp", "@sharebin"),
    *("@recycle", "@recently-snapshot", "@__thumb", "~snapshot"),
    *("$recycle.bin", "recycler", "recycled", "system volume information", "found.000"),
    *("__macosx", "network trash folder", "temporary items", "lost+found", "__pycache__"),
}
_SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "icon\r"}
_SYSTEM_STARTS = ("synofile_thumb", "~$")


def fingerprint_listing(spec: dict) -> str:
    """Fingerprint the files that a data set's reader would look at.

    Parameters
    ----------
    spec : dict
        As for `nearlabel.images.readers.read_dataset`.

    Returns
    -------
    str
        SHA-256, hexadecimal, over relative path, size and modification time (ns) of every file, in the order of their
        paths; ``missing: <root>`` when the root (or the CSV) is absent; ``made by the workflow`` for kind synthetic,
        whose table is a job's input.
    """
    if spec["kind"] == "synthetic":
        return "made by the workflow"
    root = _root(spec)
    if not root.is_dir():
        return f"missing: {root}"
    if spec["kind"] == "csv" and not Path(spec["file"]).is_file():
        return f"missing: {Path(spec['file'])}"
    try:
        names = list(_names(spec, root))
    except OSError as error:  # The reader complains when the job runs.
        return f"unreadable: {error.filename}"
    digest = hashlib.sha256()
    for name in names:
        try:
            status = os.stat(root / name)
            facts = f"{status.st_size}:{status.st_mtime_ns}"
        except (OSError, ValueError):  # The latter for a name with a null byte, as a damaged CSV may have.
            facts = "unreadable"
        digest.update(os.fsencode(name) + b"\0" + facts.encode() + b"\0")
    return digest.hexdigest()


def count_listed(spec: dict) -> int:
    """Count the files that a data set's reader would look at: at least as many as it has images; 0 where it is missing.

    Parameters
    ----------
    spec : dict
        As for `fingerprint_listing`; none of kind synthetic.
    """
    try:
        return sum(1 for _ in _names(spec, _root(spec)))
    except (OSError, ValueError):
        return 0


def _root(spec: dict) -> Path:
    return csv_root(spec) if spec["kind"] == "csv" else Path(spec["root"])


def _names(spec: dict, root: Path) -> Iterator[str]:
    """Paths relative to the root: a table and the files that it names, or those of a folder but for foreign ones."""
    if spec["kind"] == "csv":
        table = Path(spec["file"])
        yield os.path.relpath(table, root)
        yield from _listed_files(table, spec.get("path_column") or "path", root)
    else:
        yield from (name for name in data_files(spec["kind"], root) if not is_foreign(name))


def data_files(kind: str, root: str | os.PathLike) -> Iterator[str]:
    """List the files that a data set's reader looks at, in linked folders as well.

    Parameters
    ----------
    kind : str
        Kind of data set whose files lie under one root.
    root : str or path-like
        The root.

    Yields
    ------
    str
        POSIX path relative to `root`, in an order that depends on the names only. Folders that are not entered are
        named, with a slash at the end: those of `is_foreign`, links to a folder that they lie in, and folders that
        cannot be listed; `name_foreign` says why.

    Raises
    ------
    OSError
        When the root cannot be listed.
    """
    root = os.fspath(root)
    if kind not in _FOLDERS:
        yield from _walk(root, "", frozenset())
        return
    if kind == "severstal":
        yield "train.csv"
    if os.path.isdir(root):
        for folder in sorted(os.listdir(root)):
            if re.fullmatch(_FOLDERS[kind], folder) and os.path.isdir(os.path.join(root, folder)):
                yield from _walk(root, folder, frozenset())


def is_foreign(name: str) -> bool:
    """Whether a file, or a folder that it lies in, is hidden or a system's own; `name` is relative to the root."""
    *folders, file = name.split("/")
    return any(_is_foreign(part, _SYSTEM_FOLDERS) for part in folders) or _is_foreign(file, _SYSTEM_FILES)


def name_foreign(root: str | os.PathLike, name: str) -> str:
    """Say why something that `data_files` lists is none of the user's images; '' where it may be one."""
    if is_foreign(name):
        hidden = any(part.startswith(".") for part in name.split("/"))
        return "hidden file or folder" if hidden else "left by a system or program beside the images"
    if not name.endswith("/"):
        return ""
    path = os.path.join(root, name.rstrip("/"))
    try:
        with os.scandir(path):
            return "a link to a folder that it lies in; it is not followed"
    except OSError as error:
        return f"the folder cannot be listed ({error.strerror}); correct its permissions"


def _is_foreign(part: str, names: set[str]) -> bool:
    part = part.lower()
    return part.startswith((".", *_SYSTEM_STARTS)) or part in names


def csv_root(spec: dict) -> Path:
    """Folder that a ``csv`` data set's paths are relative to: ``root``, or the CSV's own folder."""
    return Path(spec["root"]) if spec.get("root") else Path(spec["file"]).parent


def _walk(root: str, folder: str, above: frozenset) -> Iterator[str]:
    try:
        status = os.stat(os.path.join(root, folder))
        identity = (status.st_dev, status.st_ino)
        if identity in above:  # A link to a folder above itself.
            yield f"{folder}/"
            return
        with os.scandir(os.path.join(root, folder)) as entries:
            found = sorted((entry.name, _is_folder(entry)) for entry in entries)
    except OSError:
        if not folder:
            raise
        yield f"{folder}/"
        return
    for name, is_folder in found:
        path = f"{folder}/{name}" if folder else name
        if is_folder and is_foreign(f"{path}/"):
            yield f"{path}/"
        elif is_folder:
            yield from _walk(root, path, above | {identity})
        else:
            yield path


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link that leads to itself.
        return False


def _listed_files(table: Path, column: str, root: Path) -> list[str]:
    # A table that cannot be read is refused elsewhere.
    try:
        paths = read_user_table(table, [column]).cells[column]
    except (OSError, ValueError):
        return []
    listed = ListedPaths(root)
    return sorted({listed.locate(path)[0] for path in paths if path})
