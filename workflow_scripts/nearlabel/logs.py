"""Logging of a workflow job: to its log file and to standard error, tracebacks included."""

import logging
import os
import platform
import sys
from pathlib import Path


def configure_logging(path) -> None:
    """Send log records and uncaught errors to a file and to standard error.

    The file gets the whole traceback; standard error gets the error's own sentence, which is what a user reads.

    Parameters
    ----------
    path : str or Path
        Log file of the job; overwritten.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setFormatter(logging.Formatter("%(message)s"))
    to_stderr.addFilter(lambda record: not record.exc_info)
    logging.basicConfig(level=logging.INFO, handlers=[to_file, to_stderr], force=True)
    logging.captureWarnings(True)
    if job := os.environ.get("SLURM_JOB_ID"):
        # Snakemake shows SLURM's log, which says why a job was killed, only after a log that is not empty.
        logging.info("SLURM job %s on %s", job, platform.node())

    def log_uncaught(kind, error, traceback):
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        logging.error("stopped", exc_info=(kind, error, traceback))
        print(f"{kind.__name__}: {error}", file=sys.stderr)

    sys.excepthook = log_uncaught
