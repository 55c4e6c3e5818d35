"""What a run says last: why it failed, in the failed jobs' own sentences, and what became of its results."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from nearlabel.job_logs import read_failure, was_interrupted
from nearlabel.logs import job_name

_SHOWN = 5
# How Snakemake ends every run that fails.
_CLOSING = ("Exiting because", "At least one job")


def describe_kept(back: Sequence[str]) -> list[str]:
    """Say which results are those of an earlier run, as the jobs that were to make them anew did not."""
    if not back:
        return []
    shown = ", ".join(back[:_SHOWN]) + (f" and {len(back) - _SHOWN} more" if len(back) > _SHOWN else "")
    return [f"kept as an earlier run made it, and made anew by the next: {shown}"]


def describe_failures(logs: Iterable[str | Path], errors: Iterable[str] = ()) -> list[str]:
    """Say why a run failed, one line for each reason.

    Parameters
    ----------
    logs : iterable of path
        Logs of the jobs that failed.
    errors : iterable of str
        What Snakemake said of itself, such as that a job has not made what it should. Without any log or error the run
        was interrupted.

    Returns
    -------
    list of str
    """
    reasons: dict[str, list[str]] = {}
    for log in dict.fromkeys(map(str, logs)):
        sentence = read_failure(log)
        reasons.setdefault(sentence or "", []).append(job_name(log) if sentence else log)
    # In a group of jobs on a cluster, one fails and the others are named with it.
    silent = reasons.pop("", [])
    lines = [f"failed: {_join(jobs)}: {sentence}" for sentence, jobs in reasons.items()]
    said = dict.fromkeys(" ".join(error.split()) for error in errors if not error.startswith(_CLOSING))
    interrupted = any(map(was_interrupted, silent)) or any("Signals.SIGINT" in error for error in said)
    if not lines and not interrupted:
        why = "the disk is full, " if any(map(_is_full, silent)) else ""
        lines = [f"failed: {why}killed, or ended without a word in its log: {_join(silent)}"] if silent else []
        lines = lines or [f"failed: {error}" for error in said]
    if len(lines) > _SHOWN:
        lines = [*lines[:_SHOWN], f"failed: {len(lines) - _SHOWN} more, see above"]
    return lines or ["interrupted: the same command goes on from here"]


def _is_full(log: str) -> bool:
    folder = Path(log).parent
    return folder.is_dir() and shutil.disk_usage(folder).free < 2**20


def _join(jobs: Sequence[str]) -> str:
    return ", ".join(jobs[:_SHOWN]) + (f" and {len(jobs) - _SHOWN} more" if len(jobs) > _SHOWN else "")
