"""What lies in ``results/cache``: how large it is, which run needs it, and how it is cleared.

Features are kept there by encoder and by the content of the images, states of active learning until their run has
ended. Neither is a result: what is cleared is computed again when it is needed.
"""

import json
import logging
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from nearlabel.hdf5 import opened_hdf5
from nearlabel.run_files import FEATURE_CACHE, FEATURES, LEARNING_STATE, ROUNDS, below, fields_of, fill, run_folder

logger = logging.getLogger(__name__)


class Kept(NamedTuple):
    """Something that is kept in the cache.

    Attributes
    ----------
    path : Path
        Its folder.
    what : str
        What it holds, in words.
    size : int
        Bytes.
    needed_by : str
        What needs it, in words; empty where nothing does.
    """

    path: Path
    what: str
    size: int
    needed_by: str


def list_kept(results: str | Path, unfinished: Collection[str] = ()) -> list[Kept]:
    """List what is kept in the cache, the largest first.

    Features are needed by the feature files of any run that were assembled from them, and by those encoders of this
    configuration that have no such file yet; what an unfinished run of another one has encoded so far counts as needed
    by nothing. The state of a run of active learning is needed while the run goes on or can go on.

    Parameters
    ----------
    results : str or Path
        The folder of all runs, ``results``.
    unfinished : collection of str
        Networks of encoders that still have images to encode: features of a network of this name are needed.

    Returns
    -------
    list of Kept
    """
    results = Path(results)
    cache = results / Path(FEATURE_CACHE).name
    readers: dict[str, list[str]] = {}
    for file in sorted(results.glob(str(below("*", FEATURES, dataset="*", encoder="*")))):
        for name in _assembled_from(file):
            readers.setdefault(name, []).append(f"{run_folder(FEATURES, file).name} ({file.stem})")
    kept = [_describe_features(folder, readers, unfinished) for folder in cache.glob("*/encoder.json")]
    kept += [_describe_state(folder, results) for folder in _state_folders(results)]
    return sorted(kept, key=lambda one: (-one.size, one.path))


def clear_unneeded(kept: Collection[Kept]) -> int:
    """Delete what nothing needs, and return how many bytes that was."""
    freed = 0
    for one in kept:
        if not one.needed_by:
            shutil.rmtree(one.path)
            freed += one.size
    return freed


def describe_kept(kept: Collection[Kept]) -> str:
    """Table of what is kept, for a terminal."""
    rows = [("size", "holds", "needed by", "folder")]
    rows += [(format_size(one.size), one.what, one.needed_by or "nothing", str(one.path)) for one in kept]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    idle = sum(one.size for one in kept if not one.needed_by)
    lines.append(f"{format_size(sum(one.size for one in kept))} in all, {format_size(idle)} that nothing needs")
    return "\n".join(lines)


def format_size(size: int) -> str:
    """Bytes as a person reads them."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} GiB"


def _describe_features(description: Path, readers, unfinished: Collection[str]) -> Kept:
    folder = description.parent
    try:
        encoder = json.loads(description.read_text(encoding="utf-8"))["encoder"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s is damaged (%s): its folder counts as needed by nothing", description, error)
        encoder = "an unknown encoder"
    needed = readers.get(folder.name, [])
    if not needed and encoder in unfinished:
        needed = [f"{encoder}, which has images left to encode"]
    return Kept(folder, f"features of {encoder}", _size(folder), ", ".join(needed))


def _assembled_from(file: Path) -> Iterator[str]:
    try:
        with opened_hdf5(file) as store:
            yield str(store.attrs.get("cache", ""))
    except ValueError as error:
        logger.warning("%s", error)


def _state_folders(results: Path) -> Iterator[Path]:
    pattern = Path(fill(LEARNING_STATE, run="*", dataset="*", strategy="*", fold="*")).relative_to("results")
    return (folder for folder in results.glob(str(pattern)) if folder.is_dir())


def _describe_state(folder: Path, results: Path) -> Kept:
    fields = fields_of(LEARNING_STATE, folder)
    run = results / fields.pop("run")
    what = f"{fields['strategy']} on fold {fields['fold']} of {fields['dataset']}, run {run.name}"
    # One job may run all folds; states of those that have ended stay until it has.
    beside = [fields | {"fold": fields_of(LEARNING_STATE, other)["fold"]} for other in folder.parent.iterdir()]
    goes_on = run.is_dir() and not all(below(run, ROUNDS, **fold).exists() for fold in beside)
    return Kept(folder, f"state of {what}", _size(folder), "that run, which has not ended" if goes_on else "")


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
