"""Operators' words as files of labels that the workflow reads, and the images that they are of."""

import csv
import io
import json
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from nearlabel.files import written_durably
from nearlabel.labelling.answers.reading import LINE, WITHDRAWS
from nearlabel.production.database.reader import read_state
from nearlabel.production.database.recording import path_to_text, write_state
from nearlabel.production.locks import locked
from nearlabel.production.review.connections import Database
from nearlabel.production.review.due import NAME, collect_due, read_name
from nearlabel.production.review.pictures import GoneError, Registered, find_registered, read_registered

_STATE = "review.exported"
_SUFFIXES = frozenset((".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))
_COLUMNS = ("image_id", "label", "annotator", "time", "seconds", WITHDRAWS)


class Exported(NamedTuple):
    """What an export did.

    Attributes
    ----------
    files : list of str
        Names of the files of labels.
    rows, images : int
        Labels in them, and image files that were copied.
    problems : list of str
        Why labels are not in them, a sentence for each; they wait for the next export.
    without_label : int
        Confirmed images that have no label, as novel ones: nothing for the workflow to learn from.
    """

    files: list[str]
    rows: int
    images: int
    problems: list[str]
    without_label: int


def export_words(
    database: Database,
    labels: str | PathLike,
    line: str | PathLike,
    known_as: Callable[[str], str | None] = lambda sha256: None,
) -> Exported:
    """Write what operators said since the last export: ``labels-{operator}-{time}.csv``, and the images beside.

    Words that were taken back are left out; one that an earlier export wrote, and that was taken back since, is
    followed by what stood before it, or by ``skip`` with the times of all that it withdraws: what the operator has said
    elsewhere, as on the page to label on, stands again. A label that was confirmed as novel since is followed by a
    plain ``skip``. An image keeps the id under which it was exported first. Killed at any moment, the next export
    writes a row for each operator and image that this one may have written; the workflow reads equal rows as one. One
    export at a time.

    Parameters
    ----------
    database : Database
    labels : str or path-like
        The folder of the files of labels.
    line : str or path-like
        The folder of images that operators captured; a copy of each labelled image, named after its content, goes
        there, and its id is ``line/{name}``.
    known_as : callable
        From sha256 to the id of an image of the data set itself, which is not copied; asked at its first export.

    Returns
    -------
    Exported

    Raises
    ------
    OSError
        A folder cannot be written.
    """
    with locked(f"{database.path}.export.lock"):
        return _export(database, Path(labels), Path(line), known_as)


def _export(database: Database, labels: Path, line: Path, known_as: Callable[[str], str | None]) -> Exported:
    with database.reading() as connection:
        state = _read_state(connection)
        through = connection.execute("SELECT coalesce(max(correction_id), 0) FROM corrections").fetchone()[0]
        answers, without_label = collect_due(connection, state, through)
        registered = {one: find_registered(connection, image_id=one) for one in {each.image_id for each in answers}}
        known = {one: read_name(connection, one) for one in registered}
    names, problems, copied = {}, [], 0
    for image_id, image in registered.items():
        try:
            name = known[image_id] or known_as(image.sha256) or _name_captured(image)
            if name.startswith(LINE):
                copied += _copy(image, line / name.removeprefix(LINE))
            names[image_id] = name
        except GoneError as error:
            said = sum(answer.image_id == image_id for answer in answers)
            problems.append(
                f"{image.path}: {error}, so that {said} label{'s' if said > 1 else ''} of it cannot be exported; "
                "put it back and export again"
            )
    by_operator: dict[str, list[list[str]]] = {}
    for answer in answers:
        if answer.image_id in names:
            row = [names[answer.image_id], answer.label, answer.operator, answer.time, "", " ".join(answer.withdraws)]
            by_operator.setdefault(answer.operator, []).append(row)
    unsure = [pair for pair in state["going"] if pair[0] not in names]
    going = unsure + [[one.image_id, one.operator] for one in answers if one.image_id in names]
    new = {one: name for one, name in names.items() if known[one] is None}
    if going != state["going"] or new:
        _save_state(database, state | {"going": going}, new)
    files = [_write_rows(labels, operator, sorted(rows)) for operator, rows in sorted(by_operator.items())]
    waiting = [[one.image_id, one.operator, one.before] for one in answers if one.image_id not in names]
    after = {"through": through, "waiting": waiting, "going": unsure}
    if after != state | {"going": going}:
        _save_state(database, after)
    rows = sum(map(len, by_operator.values()))
    return Exported(files, rows, copied, problems, without_label)


def count_waiting(connection: sqlite3.Connection) -> int:
    """Return how many rows an export would write now."""
    state = _read_state(connection)
    through = connection.execute("SELECT coalesce(max(correction_id), 0) FROM corrections").fetchone()[0]
    return len(collect_due(connection, state, through)[0])


def _read_state(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return what the last export left.

    ``through`` which correction it came; ``waiting``: images that were not there; ``going``: what it was about to
    write, where it did not end.
    """
    found = read_state(connection, _STATE)
    return {"through": 0, "waiting": [], "going": []} | ({} if found is None else json.loads(found))


def _save_state(database: Database, state: dict[str, Any], names: Mapping[int, str] | None = None) -> None:
    with database.writing() as connection:
        write_state(connection, _STATE, json.dumps(state).encode())
        for image_id, name in (names or {}).items():
            write_state(connection, f"{NAME}{image_id}", name.encode())


def _name_captured(image: Registered) -> str:
    suffix = Path(image.path).suffix.lower()
    return LINE + image.sha256[:20] + (suffix if suffix in _SUFFIXES else ".png")


def _copy(image: Registered, target: Path) -> bool:
    """Have a copy of an image among the captured ones; returns whether it was copied now."""
    if target.is_file() and target.stat().st_size == image.bytes:
        try:
            read_registered(image._replace(path=path_to_text(target)))
            return False
        except GoneError:
            pass
    _write_durably(target, read_registered(image))
    return True


def _write_rows(folder: Path, operator: str, rows: list[list[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    now = datetime.now(UTC)
    while (path := folder / labels_name(operator, now)).exists():
        now += timedelta(milliseconds=1)
    _write_durably(path, text.getvalue().encode())
    return path.name


def labels_name(operator: str, time: datetime) -> str:
    """Name a file of labels as the labelling page does: letters and digits of any alphabet, and the time."""
    safe = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", operator)).strip("_")
    stamp = time.astimezone(UTC).strftime("%Y%m%dT%H%M%S") + f"{time.microsecond // 1000:03d}Z"
    return f"labels-{safe[:40] or 'unnamed'}-{stamp}.csv"


def _write_durably(path: Path, content: bytes) -> None:
    """Write a file so that it is on the disk before the database says so."""
    try:
        with written_durably(path) as partial:
            partial.write_bytes(content)
    except OSError as error:
        told = "it is no folder" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror or error
        raise OSError(
            f"{path.parent} cannot be written ({told}); nothing is lost: name another folder by --labels or --line, or "
            "mend this one, and export again"
        ) from error
