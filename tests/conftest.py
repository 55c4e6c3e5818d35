"""One tiny run of the whole workflow, made once; each test changes a copy of it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

REPOSITORY = Path(__file__).parents[1]
WORKFLOW = ["Snakefile", "rules", "workflow_scripts", "config", "profiles", "envs"]

TINY = {
    "run": "tiny",
    "seed": 1,
    "datasets": {
        "steel": {
            "kind": "synthetic",
            "count": 24,
            "height": 32,
            "width": 96,
            "near_labels": {"good": 0, "default": 1},
        }
    },
    "features": {"weights": "seeded", "image_size": 32, "batch_size": 8},
    "grouping": {
        "datasets": ["steel"],
        "levels": [
            {
                "encoders": ["texture", "resnet18"],
                "reduction": {"method": "pca", "components": 5},
                "algorithms": ["kmeans", "agglomerative"],
                "ks": [2, 6],
            },
            {"algorithms": ["kmeans"], "ks": [2, 3]},
        ],
        "ks_per_job": 3,
        "expand": ["root.0"],
        "bootstraps": 3,
        "classify": [{"target": "near_labels", "models": ["svm", "decision_tree", "nearest_centre"], "folds": 2}],
    },
    "learning": {
        "datasets": ["steel"],
        "encoder": {"name": "resnet18", "image_size": 64},
        "strategies": ["gradcam_avg"],
        "folds": 3,
        "batch_size": 3,
        "fine_tune": "head",
        "epochs": 2,
        "retrain": {"epochs": 2, "patience": 1},
    },
}


def copy_workflow(folder: Path) -> None:
    """Make a folder in which the workflow can run, as a fresh checkout: every file is as young as the copy."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in WORKFLOW:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, folder / name)


class Workspace:
    """A copy of the workflow in its own folder, with a config and, after a run, results."""

    def __init__(self, folder: Path):
        self.folder = folder

    @property
    def config(self) -> dict:
        return yaml.safe_load((self.folder / "tiny.yaml").read_text(encoding="utf-8"))

    @config.setter
    def config(self, value: dict) -> None:
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """Call snakemake as a user would."""
        command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def jobs(self, *arguments: str) -> set[str]:
        """Jobs that would run now: `rule` or `rule(wildcard, …)`, the run's name and the data set's left out."""
        done = self.snakemake("--dry-run", *arguments)
        found = set()
        heading = r"^(?:local)?(?:rule|checkpoint) (\w+):\n((?:    .*\n)*)"
        for block in re.findall(heading, done.stdout + done.stderr, re.MULTILINE):
            wildcards = re.search(r"^    wildcards: (.*)$", block[1], re.MULTILINE)
            pairs = [pair.split("=", 1) for pair in wildcards[1].split(", ")] if wildcards else []
            values = [value for name, value in pairs if name not in ("run", "dataset")]
            found.add(f"{block[0]}({', '.join(values)})" if values else block[0])
        return found - {"all", "grouping", "learning", "report"}


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
