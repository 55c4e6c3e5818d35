"""The row of `compare` on the whole demo, beside that of another checkout."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from peers import take_turns
from table import Row, Sizes

from nearlabel.features.encoding.needs import count_cores

REPOSITORY = Path(__file__).parents[2]
LIMIT = 0.60
# What a fresh copy has not.
LEFT_OUT = shutil.ignore_patterns(".git", ".snakemake", "results", ".venv", "__pycache__", ".pytest_cache")


def run_demo(checkout: Path) -> float:
    """Seconds of ``snakemake --cores all`` in a fresh copy of a checkout, with the library of that copy."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "checkout"
        shutil.copytree(checkout, copy, ignore=LEFT_OUT, symlinks=True)
        environment = os.environ | {"PYTHONPATH": str(copy / "workflow_scripts")}
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "all"], cwd=copy, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        if done.returncode or not (copy / "results/demo/report/index.html").exists():
            raise SystemExit(f"the demo of {checkout} failed:\n{done.stdout[-3000:]}")
        return seconds


def describe_checkout(checkout: Path) -> str:
    """Its commit, or the folder's name."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else checkout.name


def demo_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """The embedded demo from nothing to its report."""
    work = f"the demo, `snakemake --cores all`: {count_cores()} cores"
    before = options.demo_before
    if before is None:
        yield Row(work, "another checkout's", [], None, why_not="--demo-before names none")
        return
    turns = {"ours": partial(run_demo, REPOSITORY), "theirs": partial(run_demo, before.resolve())}
    spent = take_turns(turns, options.demo_repeats)
    yield Row(work, f"that of {describe_checkout(before)}", *spent.values(), LIMIT)
