"""Logging of a workflow job: to its log file and to standard error, tracebacks included."""

import logging
import os
import platform
import re
import sys
from pathlib import Path

# What `nearlabel.job_logs` finds in a log file again.
STOPPED = "stopped: "
INTERRUPTED = "interrupted"
_STAMP = "%(asctime)s %(levelname)s %(name)s: "


def configure_logging(path) -> None:
    """Send log records and uncaught errors to a file and to standard error.

    The file gets the whole traceback; standard error gets the error's own sentence, which is what a user reads. There,
    every line says which job speaks, as several do at a time, and warnings are called so.

    Parameters
    ----------
    path : str or Path
        Log file of the job; overwritten.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(path, mode="w", encoding="utf-8", errors="backslashreplace")
    to_file.setFormatter(logging.Formatter(f"{_STAMP}%(message)s"))
    # As `nearlabel.bars` marks what is of the moment: an hour's progress would fill the file.
    to_file.addFilter(lambda record: not getattr(record, "passing", False))
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setFormatter(_ForTerminal(job_name(path)))
    to_stderr.addFilter(lambda record: not record.exc_info and record.levelno < logging.ERROR)
    logging.basicConfig(level=logging.INFO, handlers=[to_file, to_stderr], force=True)
    logging.captureWarnings(True)
    if job := os.environ.get("SLURM_JOB_ID"):
        # Snakemake shows SLURM's log, which says why a job was killed, only after a log that is not empty.
        logging.info("SLURM job %s on %s", job, platform.node())

    def log_uncaught(kind, error, traceback):
        if issubclass(kind, KeyboardInterrupt):
            # Snakemake was interrupted too, and says how to go on.
            logging.info(INTERRUPTED)
            return
        sentence = f"{kind.__name__}: {error}"
        logging.error("ended by an error", exc_info=(kind, error, traceback))
        logging.error("%s%s", STOPPED, " ".join(sentence.split()))
        print(sentence, file=sys.stderr)

    sys.excepthook = log_uncaught


def job_name(log: str | Path) -> str:
    """Name of a job, ``run_active_learning/steel/random/fold0``, by the path of its log file."""
    parts = Path(log).with_suffix("").parts
    # The run, and further down a data set, may be called so too.
    below = parts.index("logs", 2) + 1 if "logs" in parts[2:] else len(parts) - 1
    return "/".join(parts[below:])


def plain_warning(text: str) -> str:
    """Return a warning's own words on one line, without the place in a library's code that Python puts around them."""
    text = re.sub(r"\A\S.*?:\d+: \w*Warning: ", "", text)
    return " ".join(re.sub(r"\n  \S.*\n?\Z", "", text).split())


class _ForTerminal(logging.Formatter):
    def __init__(self, job: str):
        super().__init__()
        self._job = job

    def format(self, record: logging.LogRecord) -> str:
        text, block, lines = record.getMessage().partition("\n  ")
        if record.levelno < logging.WARNING:
            return f"{self._job}: {text}{block}{lines}"
        # Of a library's warning the indented lines are its code; ours are a table.
        return f"{self._job}: warning: {plain_warning(text)}" + ("" if record.name == "py.warnings" else block + lines)
