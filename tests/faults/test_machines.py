"""Machines as users have them: odd paths, file systems that lack something, wrong clocks, two calls at a time."""

import os
import shutil
import site
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import h5py
import pytest
import yaml

from faults.test_kept_results import BEGIN, SLEEP, wait_for
from faults.test_workflow_faults import mounted, said
from helpers.workspace import TINY, copy_workflow

NEAR_LABELS = "results/tiny/steel/near_labels.csv"
FEATURES = "results/tiny/steel/features/texture.h5"
ODD = "Größe 高 $HOME 'x' \"y\" (1) & b"

# A file system without locks: NFS without its lock daemon, many a FUSE.
NO_LOCKS = """
#include <errno.h>
int flock(int file, int operation) { errno = ENOLCK; return -1; }
"""


def call(folder, *command, env=None, **options):
    environment = os.environ | (env or {})
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, **options)


@pytest.mark.slow
def test_a_path_that_a_shell_would_break_and_files_for_oneself_alone(tmp_path):
    """Of the checkout, the virtual environment, the home and the folder for temporary files, which is another disk."""
    folder, venv, home = (tmp_path / ODD / name for name in ("nearlabel", "nearlabel/.venv", "home"))
    folder.mkdir(parents=True)
    home.mkdir()
    copy_workflow(folder)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY), encoding="utf-8")
    # An environment of its own that sees what is installed here.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    [packages] = venv.glob("lib/python*/site-packages")
    (packages / "here.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    with ExitStack() as stack:
        scratch = Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path) / f"{tmp_path.name} {ODD}"
        scratch.mkdir()
        stack.callback(shutil.rmtree, scratch)
        environment = {"HOME": str(home), "TMPDIR": str(scratch), "XDG_CACHE_HOME": str(home / ".cache")}
        command = [venv / "bin/python", "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2"]
        done = call(folder, *command, NEAR_LABELS, FEATURES, env=environment, umask=0o077)
    assert done.returncode == 0, done.stderr
    assert (folder / FEATURES).stat().st_mode & 0o777 == 0o600


def test_a_colon_in_the_path_of_the_checkout_is_named(tmp_path):
    folder = tmp_path / "parts: 12"
    folder.mkdir()
    copy_workflow(folder)
    done = call(folder, sys.executable, "-m", "snakemake", "--cores", "1", "-n")
    assert done.returncode != 0 and f"{folder} has a ':' in its path" in done.stdout + done.stderr


@pytest.mark.slow
def test_a_checkout_that_may_not_be_written(tmp_path):
    checkout, work = tmp_path / "checkout", tmp_path / "work"
    checkout.mkdir()
    work.mkdir()
    copy_workflow(checkout)
    (work / "tiny.yaml").write_text(yaml.safe_dump(TINY), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", checkout / "Snakefile", "--directory", work]
    command += ["--configfile", work / "tiny.yaml", "--cores", "2", NEAR_LABELS]
    with ExitStack() as stack:
        bound = ["mount", "--bind", checkout, checkout]
        if subprocess.run(bound, capture_output=True).returncode:
            pytest.skip("nothing can be mounted here")
        stack.callback(subprocess.run, ["umount", "-l", checkout], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", checkout], check=True)
        done = call(checkout, *command)
        again = call(checkout, *command)
    assert done.returncode == 0, done.stderr
    assert (work / NEAR_LABELS).exists() and not (checkout / "results").exists()
    assert "Nothing to be done" in again.stderr


@pytest.mark.slow
def test_a_file_system_without_locks(workspace, tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    (tmp_path / "no_locks.c").write_text(NO_LOCKS)
    shim = tmp_path / "no_locks.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, tmp_path / "no_locks.c"], check=True)
    targets = [
        f"results/tiny/steel/{name}"
        for name in ("features/texture.h5", "grouping/root/texture/quality.csv", "images/64.h5", "learning/frozen.h5",
                     "learning/gradcam_avg/fold0/rounds.csv", "grouping/root/models/near_labels/scores.csv")
    ]  # fmt: skip
    before = {target: (workspace.folder / target).read_bytes() for target in targets}
    shutil.rmtree(workspace.folder / "results/cache")
    rules = ["extract_features", "reduce_features", "cluster_images", "score_clusterings", "decode_images"]
    rules += ["encode_frozen_stages", "run_active_learning", "train_models"]
    workspace.snakemake(*targets, "--forcerun", *rules, env={"LD_PRELOAD": str(shim)})
    assert {target: (workspace.folder / target).read_bytes() for target in targets} == before


def test_hdf5_files_are_opened_by_one_function():
    """Which never locks."""
    from helpers.places import LIBRARY
    from nearlabel.hdf5 import hdf5_file

    opening = [file.name for file in LIBRARY.rglob("*.py") if "h5py.File(" in file.read_text(encoding="utf-8")]
    assert opening == ["hdf5.py"] and hdf5_file.__module__ == "nearlabel.hdf5"
    assert "delete it" not in "".join(file.read_text(encoding="utf-8") for file in LIBRARY.rglob("*.py"))


@pytest.mark.slow
def test_a_second_call_says_that_one_is_running(workspace):
    script = workspace.folder / "workflow_scripts/collect_groups.py"
    script.write_text(script.read_text(encoding="utf-8").replace(BEGIN, SLEEP), encoding="utf-8")
    target = "results/tiny/steel/grouping/groups.csv"
    first = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "1", target],
        cwd=workspace.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(workspace.folder / "at_work", first)
        printed = said(workspace.snakemake(target, check=False))
        assert "another Snakemake" in printed or "no other Snakemake process" in printed
        assert "Traceback" not in printed
        # What the first keeps is not touched by the second.
        assert list((workspace.folder / "results/tiny/.kept").rglob("groups.csv"))
    finally:
        os.killpg(first.pid, 15)
        os.killpg(first.pid, 9)
        first.wait()


def test_a_clock_that_was_put_back(workspace):
    """Everything is from tomorrow: what is ours is taken for as old as now, what is the user's is named."""
    (workspace.folder / "labels.csv").write_bytes((workspace.folder / NEAR_LABELS).read_bytes())
    config = workspace.config
    config["datasets"]["steel"]["near_labels"] = "labels.csv"
    workspace.config = config
    tomorrow = time.time() + 86400
    for file in workspace.folder.rglob("*"):
        if file.is_file() and ".snakemake" not in file.parts:
            os.utime(file, (tomorrow, tomorrow), follow_symlinks=False)
    printed = said(workspace.snakemake(NEAR_LABELS, check=False))
    assert "labels.csv was changed in the future" in printed and "`touch` the file" in printed
    (workspace.folder / "labels.csv").touch()
    workspace.snakemake(NEAR_LABELS)
    assert workspace.jobs(NEAR_LABELS) == set()


@pytest.mark.slow
def test_a_disk_that_fills_up_goes_on_where_there_is_room(tmp_path):
    (tmp_path / "run").mkdir()
    copy_workflow(tmp_path / "run")
    (tmp_path / "run/tiny.yaml").write_text(yaml.safe_dump(TINY), encoding="utf-8")
    results = tmp_path / "run/results"
    results.mkdir()
    command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", NEAR_LABELS, FEATURES]
    with mounted(results, "size=100k"):
        printed = said(call(tmp_path / "run", *command))
        assert "No space left on device" in printed
        last = printed.rstrip().splitlines()[-1]
        assert last.startswith("failed: ") and ("the disk is full" in last or "No space left" in last)
        subprocess.run(["mount", "-o", "remount,size=8m", str(results)], check=True)
        done = call(tmp_path / "run", *command)
        assert done.returncode == 0, done.stderr
        with h5py.File(tmp_path / "run" / FEATURES) as store:
            assert len(store["features"]) == 24
