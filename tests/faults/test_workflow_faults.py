"""Faults while the workflow runs: one clear sentence, nothing lost, and the plain command goes on once mended."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import h5py
import pytest
import torch

FEATURES = "results/tiny/steel/features/resnet18.h5"
RUN = "results/tiny/steel/learning/gradcam_avg/fold0/rounds.csv"


@contextmanager
def mounted(folder, options):
    """A small file system of its own; needs root."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def said(done):
    assert done.returncode != 0
    return done.stdout + done.stderr


def halves(files):
    """Files that a writer left behind under a name of its own."""
    return [file for file in files.rglob("*") if file.name.endswith(".part")]


def test_full_disk(workspace):
    """The store of decoded images (24 × 64 × 64 × 3 bytes) does not fit; with more room the same command goes on."""
    target = "results/tiny/steel/images/64.h5"
    expected = (workspace.folder / target).read_bytes()
    folder = workspace.folder / "results/tiny/steel/images"
    shutil.rmtree(folder)
    folder.mkdir()
    with mounted(folder, "size=128k"):
        printed = said(workspace.snakemake(target, check=False))
        assert "No space left on device" in printed or "errno = 28" in printed
        assert not list(folder.iterdir())  # neither a whole file nor half of one
        subprocess.run(["mount", "-o", "remount,size=8m", str(folder)], check=True)
        workspace.snakemake(target)
        assert (workspace.folder / target).read_bytes() == expected


def test_read_only_results(workspace):
    folder = workspace.folder / "results/tiny/steel/features"
    shutil.rmtree(folder)
    folder.mkdir()
    with mounted(folder, "ro"):
        printed = said(workspace.snakemake(FEATURES, check=False))
        assert "Read-only file system" in printed and "features" in printed
    workspace.snakemake(FEATURES)
    log = workspace.folder / "results/tiny/logs/extract_features/steel/resnet18.log"
    assert "24 of them in the cache" in log.read_text(encoding="utf-8")  # what was computed is not lost


def test_vanished_image(workspace):
    strip = workspace.folder / "results/tiny/steel/synthetic/strip_00003.png"
    content = strip.read_bytes()
    strip.unlink()
    shutil.rmtree(workspace.folder / "results/cache")
    (workspace.folder / FEATURES).unlink()
    # Without the folder's own rule, which would draw the strip again.
    printed = said(workspace.snakemake(FEATURES, "--allowed-rules", "extract_features", check=False))
    assert "strip_00003.png' is gone since images.csv was made; put it back or make images.csv again" in printed
    assert not (workspace.folder / FEATURES).exists()
    strip.write_bytes(content)
    workspace.snakemake(FEATURES, "--allowed-rules", "extract_features")
    with h5py.File(workspace.folder / FEATURES) as store:
        assert len(store["features"]) == 24


@pytest.mark.parametrize(
    ("damaged", "target", "sentence"),
    [
        (FEATURES, "results/tiny/steel/grouping/root/resnet18/reduced.h5", "not a whole feature file"),
        pytest.param("results/tiny/steel/learning/frozen.h5", RUN, "not a whole array file", marks=pytest.mark.slow),
    ],
)
def test_corrupted_store(workspace, damaged, target, sentence):
    file = workspace.folder / damaged
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    expected = (workspace.folder / target).read_bytes()
    printed = said(
        workspace.snakemake(target, "--allowed-rules", "reduce_features", "run_active_learning", check=False)
    )
    assert sentence in printed and "--forcerun" in printed and damaged in printed
    file.unlink()  # as the sentence says
    workspace.snakemake(target)
    assert (workspace.folder / target).read_bytes() == expected


@pytest.mark.slow
def test_truncated_weights(workspace):
    from torchvision.models import resnet18

    file = workspace.folder / "own.pth"
    torch.save(resnet18(num_classes=3).state_dict(), file)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    config = workspace.config
    config["learning"]["encoder"]["weights"] = "own.pth"
    workspace.config = config
    target = "results/tiny/steel/learning/frozen.h5"
    printed = said(workspace.snakemake(target, check=False))
    assert "weights file own.pth is damaged, truncated" in printed
    file.write_bytes(content)
    workspace.snakemake(target)
    with h5py.File(workspace.folder / target) as store:
        assert store.attrs["weights"] == "own.pth"


@pytest.mark.slow
def test_config_changed_while_the_run_goes(workspace):
    """The run ends with the config that it began with; a job started elsewhere stops (tests/workflow/test_run.py)."""
    before = workspace.config
    target = "results/tiny/steel/grouping/root/texture/quality.csv"
    shutil.rmtree(workspace.folder / "results/tiny/steel/grouping/root/texture")
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "1", target],
        cwd=workspace.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ,
    )  # fmt: skip
    reduced = workspace.folder / "results/tiny/steel/grouping/root/texture/reduced.h5"
    deadline = time.monotonic() + 120
    while not reduced.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    workspace.config = before | {"seed": 2}
    assert process.wait(timeout=300) == 0
    assert "score_clusterings(root, texture)" in workspace.jobs(target)  # of the new config nothing is made
    workspace.config = before
    assert workspace.jobs(target) == set()
