"""What the logs of jobs say when the jobs have ended: warnings, and the sentence that a job stopped with."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from nearlabel.logs import INTERRUPTED, STOPPED, job_name, plain_warning

_RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]+) (\S+): ", re.MULTILINE)


def read_failure(log: str | Path) -> str | None:
    """Return the sentence that a job stopped with; None where it was killed, or has not failed."""
    stopped = [text for level, text in _records(log) if level == "ERROR" and text.startswith(STOPPED)]
    return stopped[-1].removeprefix(STOPPED).strip() if stopped else None


def was_interrupted(log: str | Path) -> bool:
    """Whether a job was told to end, as by Ctrl-C."""
    return any(text == INTERRUPTED for _, text in _records(log))


def collect_warnings(logs: Iterable[str | Path]) -> dict[str, list[str]]:
    """Collect what jobs warned of.

    Parameters
    ----------
    logs : iterable of path
        Log files that `nearlabel.logs.configure_logging` wrote; what is missing or no such file is passed over.

    Returns
    -------
    dict of str to list of str
        Each warning once, in the order of the files → names of the jobs that gave it.
    """
    found: dict[str, list[str]] = {}
    for log in logs:
        for level, text in _records(log):
            if level == "WARNING":
                # A table below its head line is shown where it belongs.
                jobs = found.setdefault(plain_warning(text.partition("\n  ")[0]), [])
                jobs += [] if job_name(log) in jobs else [job_name(log)]
    return found


def _records(log: str | Path) -> Iterator[tuple[str, str]]:
    try:
        text = Path(log).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    starts = list(_RECORD.finditer(text))
    ends = [start.start() for start in starts[1:]] + [None]
    for start, end in zip(starts, ends, strict=False):
        yield start[1], text[start.end() : end].rstrip("\n")
