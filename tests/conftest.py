"""One tiny run of the whole workflow, made once; each test changes a copy of it."""

import shutil

import pytest
from filelock import FileLock

from helpers.workspace import TINY, Workspace, copy_workflow


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory, worker_id) -> Workspace:
    """The tiny run, finished; not to be changed. Made by the first of pytest's workers that needs it."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    workspace = Workspace(shared / "tiny")
    finished = shared / "tiny.finished"
    with FileLock(shared / "tiny.lock"):
        if not finished.exists():
            shutil.rmtree(workspace.folder, ignore_errors=True)  # of another worker, which failed
            workspace.folder.mkdir()
            copy_workflow(workspace.folder)
            workspace.config = TINY
            workspace.snakemake()
            finished.touch()
    return workspace


@pytest.fixture
def workspace(tiny_run, tmp_path) -> Workspace:
    """A copy of the tiny run that a test may change."""
    copy = tmp_path / "copy"
    shutil.copytree(tiny_run.folder, copy, symlinks=True)
    return Workspace(copy)
