"""Which files a data set consists of: standard library only, for it runs whenever the workflow is parsed."""

import csv
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

# Folders in the root, as the layouts of the public data sets name them; other files there are none of the data set's.
_FOLDERS = {
    "severstal": r"train_images",
    "kolektor_sdd": r"kos[0-9]+",
    "kolektor_sdd2": r"train|test",
    "magnetic_tile": r"MT_.*",
}


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
    is_list = spec["kind"] == "csv"
    root = csv_root(spec) if is_list else Path(spec["root"])
    if not root.is_dir():
        return f"missing: {root}"
    if is_list:
        table = Path(spec["file"])
        if not table.is_file():
            return f"missing: {table}"
        names = [os.path.relpath(table, root), *sorted(set(_read_paths(table, spec.get("path_column") or "path")))]
    else:
        try:
            names = list(data_files(spec["kind"], root))
        except OSError as error:  # The reader complains when the job runs.
            return f"unreadable: {error.filename}"
    digest = hashlib.sha256()
    for name in names:
        if not is_list and is_hidden(name):
            continue
        try:
            status = os.stat(root / name)
            facts = f"{status.st_size}:{status.st_mtime_ns}"
        except OSError:
            facts = "unreadable"
        digest.update(os.fsencode(name) + b"\0" + facts.encode() + b"\0")
    return digest.hexdigest()


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
        POSIX path relative to `root`, in an order that depends on the names only. Hidden folders are named, with a
        slash at the end, but not entered.

    Raises
    ------
    OSError
        When a folder cannot be listed.
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


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder that it lies in, is hidden; `name` is relative to the root."""
    return any(part.startswith(".") for part in name.split("/"))


def csv_root(spec: dict) -> Path:
    """Folder that a ``csv`` data set's paths are relative to: ``root``, or the CSV's own folder."""
    return Path(spec["root"]) if spec.get("root") else Path(spec["file"]).parent


def _walk(root: str, folder: str, above: frozenset) -> Iterator[str]:
    status = os.stat(os.path.join(root, folder))
    identity = (status.st_dev, status.st_ino)
    if identity in above:  # A link to a folder above itself.
        return
    with os.scandir(os.path.join(root, folder)) as entries:
        found = sorted((entry.name, entry.is_dir()) for entry in entries)
    for name, is_folder in found:
        path = f"{folder}/{name}" if folder else name
        if is_folder and name.startswith("."):
            yield f"{path}/"
        elif is_folder:
            yield from _walk(root, path, above | {identity})
        else:
            yield path


def _read_paths(table: Path, column: str) -> list[str]:
    # A CSV that cannot be read is the reader's to complain about, when the job runs.
    try:
        with open(table, encoding="utf-8-sig", newline="") as file:
            return [row.get(column) or "" for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []
