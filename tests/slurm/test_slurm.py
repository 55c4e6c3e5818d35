"""The tiny run on a real SLURM cluster of one node: the same bytes, and what a job's limits do."""

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest

from helpers.places import REPOSITORY
from slurm.cluster import missing, one_node_cluster

pytestmark = pytest.mark.slow

SUBMIT = [
    sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--workflow-profile", "profiles/slurm",
    # This cluster keeps no accounts, and its file system is this machine's.
    "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10",
]  # fmt: skip
ALLOCATE = [
    "sbatch", "--wait", "--cpus-per-task=2", "--mem=16G", "--output=allocation.log",
    # One half is enough: within the allocation, the workflow runs as it does locally.
    "profiles/slurm/one_allocation.sh", "grouping", "--configfile", "tiny.yaml",
]  # fmt: skip
# Two jobs that meet their limits on the first attempt: more than the rule's memory, less than twice as much; a minute.
LIMIT = [
    "results/tiny/steel/grouping/root/texture/reduced.h5", "results/tiny/steel/near_labels.csv",
    "--set-resources", "assign_near_labels:runtime=attempt",
]  # fmt: skip
MORE = {
    "reduce_features": """
import time
held = bytearray(1300 << 20)
time.sleep(5)
""",
    "assign_near_labels": """
import pathlib, time
if not pathlib.Path("slept").exists():
    pathlib.Path("slept").touch()
    time.sleep(600)
""",
}


class Run:
    """A command in a copy of the workflow, going on in the background."""

    def __init__(self, folder: Path, command: list[str], environment: dict[str, str]):
        self.folder = folder
        self.log = folder / "call.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def finish(self) -> str:
        """Wait for the end, which must be a good one; returns everything it wrote."""
        code = self.process.wait(1200)
        allocation = self.folder / "allocation.log"
        written = "".join(file.read_text() for file in (self.log, allocation) if file.exists())
        assert code == 0, written[-10_000:]
        return written


@pytest.fixture(scope="module")
def cluster():
    reason = missing()
    if not reason and not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        reason = "snakemake-executor-plugin-slurm is not installed; it comes with the extra `slurm`"
    if reason:
        pytest.skip(reason)
    # The runs below side by side, on however few cores.
    with one_node_cluster(cpus=6) as environment:
        yield environment


@pytest.fixture(scope="module")
def runs(cluster, tiny_run, tmp_path_factory):
    """Every run of this file, started together: they mostly wait, for SLURM or for a limit."""
    environment = cluster | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), cluster["PATH"]])}

    def copied(name, *left_out):
        folder = tmp_path_factory.mktemp(name) / "copy"
        shutil.copytree(tiny_run.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(*left_out))
        return folder

    limited = copied("limited")
    for rule, lines in MORE.items():
        with (limited / f"workflow_scripts/{rule}.py").open("a") as script:
            script.write(lines)
    started = {
        "limited": Run(limited, SUBMIT[:3] + LIMIT[:2] + SUBMIT[3:] + LIMIT[2:], environment),
        "submitted": Run(copied("submitted", "results", ".snakemake"), SUBMIT, environment),
        "allocated": Run(copied("allocated", "results", ".snakemake"), ALLOCATE, environment),
    }
    yield started
    for run in started.values():
        run.process.terminate()
        run.process.wait()


def contents(folder):
    """Bytes of every table, and the data sets of every HDF5 file."""
    found = {}
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        if file.suffix in (".csv", ".json", ".md", ".tex"):
            found[name] = file.read_bytes()
        elif file.suffix == ".h5":
            with h5py.File(file) as opened:
                found |= {f"{name}:{key}": opened[key][:].tolist() for key in opened}
    return found


@pytest.mark.parametrize("way", ["submitted", "allocated"])
def test_same_bytes_as_a_local_run(way, runs, tiny_run):
    runs[way].finish()
    expected, found = contents(tiny_run.folder / "results/tiny"), contents(runs[way].folder / "results/tiny")
    if way == "allocated":
        # What the report alone shows is not among the groupings.
        shown = ("/map.h5", "/suspects.csv", "root/images.csv", "root.0/images.csv")
        names = {name for name in expected if name.startswith(("steel/grouping/", "steel/features/"))}
        assert {name for name in names if not name.partition(":")[0].endswith(shown)} <= found.keys()
    else:
        assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


def test_only_big_stages_are_jobs_of_their_own(runs):
    output = runs["submitted"].finish()
    assert output.count("has been submitted with SLURM jobid") < 31  # of 72
    assert "localrule all" in output
    assert output.count("localrule ") == 1


def test_job_killed_by_its_memory_limit_is_told_and_retried(runs):
    output = runs["limited"].finish()
    assert "exceeded memory limit" in output
    again = r"mem_mb=10\d\d\b.*Error in rule reduce_features:.*Trying to restart job.*mem_mb=20\d\d\b"
    assert re.search(again, output, re.DOTALL)


def test_job_killed_by_its_time_limit_is_told_and_retried(runs):
    output = runs["limited"].finish()
    assert "DUE TO TIME LIMIT" in output
    assert re.search(r"Error in group images(.*\n)+?Trying to restart job", output)
    assert (runs["limited"].folder / "results/tiny/steel/near_labels.csv").exists()


def test_a_job_that_fails_on_the_cluster_costs_nothing(cluster, workspace):
    sentence = workspace.name_other_images()
    grouping = workspace.folder / "results/tiny/steel/grouping"
    before, links = contents(grouping), sorted(grouping.glob("groups/**/*.png"))
    environment = cluster | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), cluster["PATH"]])}
    command = [*SUBMIT[:3], "results/tiny/steel/grouping/groups.csv", *SUBMIT[3:], "--retries", "0"]
    for _ in range(2):
        done = subprocess.run(command, cwd=workspace.folder, env=environment, capture_output=True, text=True)
        assert done.returncode != 0
        last = done.stderr.rstrip().splitlines()[-1]
        assert last.startswith(sentence), done.stderr
        assert contents(grouping) == before and sorted(grouping.glob("groups/**/*.png")) == links


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--cpus-per-task=2", "--mem=300M"], "--resources mem_mb=300 gpu=0 card=2 --cores 2"),
        (["--cpus-per-task=2", "--mem-per-cpu=100"], "--resources mem_mb=200 gpu=0 card=2 --cores 2"),
        (["--cpus-per-task=1", "--ntasks=3", "--mem-per-cpu=1G"], "--resources mem_mb=3072 gpu=0 card=2 --cores 3"),
        (["--cpus-per-task=1", "--exclusive", "--mem=300M"], "--resources mem_mb=300 gpu=0 card=2 --cores 6"),
        (["--mem=0"], r"--resources (mem_mb=\d{3,} )?gpu=0 card=2 --cores 6"),
        ([], r"--resources (mem_mb=\d+ )?gpu=0 card=2 --cores 6"),
    ],
)
def test_one_allocation_however_memory_is_asked_for(options, asked, cluster, tmp_path):
    script = tmp_path / "profiles/slurm/one_allocation.sh"
    script.parent.mkdir(parents=True)
    shutil.copyfile(REPOSITORY / "profiles/slurm/one_allocation.sh", script)
    fake = tmp_path / ".venv/bin/snakemake"
    fake.parent.mkdir(parents=True)
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    command = ["sbatch", "--wait", "--output=said", "--cpus-per-task=6", *options, script, "report"]
    subprocess.run(command, cwd=tmp_path, env=cluster, check=True, capture_output=True, timeout=120)
    assert re.fullmatch(f"{asked} report\n", (tmp_path / "said").read_text())


def test_nothing_is_left_of_a_cluster():
    if missing():
        pytest.skip(missing())
    with one_node_cluster() as environment:
        named = f"SLURM_CONF={environment['SLURM_CONF']}".encode()
        assert subprocess.run(["srun", "-n1", "true"], env=environment).returncode == 0
        assert processes_with(named)
    until = time.monotonic() + 10
    while processes_with(named) and time.monotonic() < until:
        time.sleep(0.2)
    assert processes_with(named) == []
    assert not Path(environment["SLURM_CONF"]).parent.exists()


def processes_with(variable: bytes) -> list[str]:
    """Processes that have a variable in their environment."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            found += [file.parent.name] if variable in file.read_bytes().split(b"\0") else []
    return found
