"""What annotators have answered: files of labels read, the later answer for the earlier, nothing dropped in silence."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from nearlabel.images.paths import match_names
from nearlabel.labelling.catalogue import UNDECIDED
from nearlabel.tables import read_user_table

ANSWER_COLUMNS = ["image_id", "annotator", "time", "label", "seconds", "state"]
PROBLEM_COLUMNS = ["file", "line", "image_id", "problem"]
CURRENT, REPLACED = "current", "replaced"

LINE = "line/"
"""How ids of images begin that operators have captured; the rest is the path below their folder."""

WITHDRAWS = "withdraws"
"""Column of rows that are no answers: times, a space between them, of answers of the same annotator to the same image
that are taken back; what stood before them counts again. Programs that do not know it see ``skip``, the row's label."""

UNKNOWN = "no image of the data set has this name: the label is not used"


class Answers(NamedTuple):
    """Answers of all annotators.

    Attributes
    ----------
    table : DataFrame
        ``answers.csv``: image_id, annotator, time (ISO 8601, UTC; empty where none was given), label (``unsure`` and
        ``skip`` among them), seconds (float, NaN where unknown), state (``current``, or ``replaced`` by a later answer
        of the same annotator, or taken back). Sorted by image, annotator and time; an answer that stands in several
        files is one.
    problems : DataFrame
        ``problems.csv``: file, line, image_id, problem: rows that are not used, or not wholly.
    """

    table: pd.DataFrame
    problems: pd.DataFrame


def read_answers(files: Iterable[str | PathLike], image_ids: Iterable[str], labels: Sequence[str]) -> Answers:
    """Read and merge files of labels.

    Parameters
    ----------
    files : iterable of path
        CSV as any program writes it: ``image_id, label``, perhaps ``annotator, time, seconds, withdraws``.
    image_ids : iterable of str
        The images there are. A name that differs in case, slashes or how letters are composed is found too.
    labels : sequence of str
        Labels that may be given, besides ``unsure`` and ``skip``.

    Returns
    -------
    Answers
        The same bytes in whatever order files and rows come.

    Raises
    ------
    FileNotFoundError, ValueError
        A file is not there or is no table of labels: going on without it would be to forget labels.
    """
    rows, problems = [], []
    for file in sorted(map(Path, files), key=str):
        _read_file(file, [*labels, *UNDECIDED], rows, problems)
    known = match_names({row["image_id"] for row in rows}, image_ids)
    kept: dict[tuple, dict[str, Any]] = {}
    withdrawn: set[tuple[str, str, str]] = set()
    for row in rows:
        image_id = known.get(row["image_id"])
        if image_id is None:
            problems.append(_problem(row, UNKNOWN))
            continue
        withdrawn |= {(image_id, row["annotator"], time) for time in row[WITHDRAWS]}
        answer = (*(row[name] for name in ("annotator", "time", "label")), bool(row[WITHDRAWS]))
        first = kept.setdefault((image_id, *answer), row | {"image_id": image_id})
        if not first["seconds"] >= row["seconds"]:
            # Only what it took can differ: the longer is as good as the other, and does not depend on the order.
            first["seconds"] = row["seconds"] if not math.isnan(row["seconds"]) else first["seconds"]
    answers = [kept[key] for key in sorted(kept)]
    for answer in answers:
        if answer[WITHDRAWS] or (answer["image_id"], answer["annotator"], answer["time"]) in withdrawn:
            answer["state"] = REPLACED
    _mark_replaced([answer for answer in answers if answer["state"] == CURRENT], problems)
    return Answers(
        pd.DataFrame(answers, columns=ANSWER_COLUMNS).astype({"seconds": float}),
        pd.DataFrame(sorted(problems, key=lambda p: (p["file"], p["line"], p["problem"])), columns=PROBLEM_COLUMNS),
    )


def _read_file(file: Path, labels: Sequence[str], rows: list, problems: list) -> None:
    columns = ("annotator", "time", "seconds", WITHDRAWS)
    table = read_user_table(file, ["image_id", "label"], columns)
    for place, line in enumerate(table.lines):
        cell = {name: cells[place] for name, cells in table.cells.items()}
        row = {name: cell.get(name, "").strip() for name in ("label", *columns)}
        row |= {"image_id": cell["image_id"], "file": str(file), "line": line, "state": CURRENT}
        if row["label"] not in labels:
            meant = get_close_matches(row["label"].casefold(), labels, 1, 0.7)
            hint = f"; did you mean {meant[0]!r}?" if meant else f"; the labels are {', '.join(labels)}"
            problems.append(_problem(row, f"{row['label']!r} is not a label: the row is not used{hint}"))
            continue
        times = [row["time"], *row[WITHDRAWS].split()]
        try:
            row["time"], *row[WITHDRAWS] = map(read_time, times)
        except ValueError:
            told = " ".join(times).strip()
            problems.append(_problem(row, f"{told!r} is not a time such as 2026-01-31T15:04:05Z: the row is not used"))
            continue
        seconds = row["seconds"]
        row["seconds"] = _read_seconds(seconds)
        if seconds and math.isnan(row["seconds"]):
            problems.append(_problem(row, f"{seconds!r} is no number of seconds: the label is used without it"))
        rows.append(row)


def read_time(text: str) -> str:
    """Bring a time to ISO 8601 in UTC with milliseconds; one without a zone is taken for UTC, an empty one stays so.

    Raises
    ------
    ValueError
        It is no such time.
    """
    if not text:
        return ""
    time = datetime.fromisoformat(text)
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_seconds(text: str) -> float:
    try:
        seconds = float(text.replace(",", ".")) if text else math.nan
    except ValueError:
        return math.nan
    return seconds if math.isfinite(seconds) and seconds >= 0 else math.nan


def _mark_replaced(answers: list[dict[str, Any]], problems: list) -> None:
    """Of one annotator's answers to an image the latest counts; of several at one time, none."""
    latest: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for answer in answers:
        own = latest.setdefault((answer["image_id"], answer["annotator"]), [])
        if own and own[0]["time"] == answer["time"]:
            own.append(answer)
        else:
            for earlier in own:
                earlier["state"] = REPLACED
            own[:] = [answer]
    for own in latest.values():
        if len(own) > 1:
            told = ", ".join(answer["label"] for answer in own)
            when = own[0]["time"] or "no time"
            for answer in own:
                answer["state"] = REPLACED
                text = f"{answer['annotator']!r} gave several labels at {when} ({told}): none is used; label it again"
                problems.append(_problem(answer, text))


def _problem(row: dict[str, Any], text: str) -> dict[str, Any]:
    return {"file": row["file"], "line": row["line"], "image_id": row["image_id"], "problem": text}
