"""Copies of the workflow in folders of their own, and the tiny config that tests run."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from helpers.places import REPOSITORY

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
    "features": {"weights": "seeded", "image_size": 32, "batch_size": 8, "device": "cpu"},
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

    def name_other_images(self) -> str:
        """Name group root.1 of steel, remembered with other images than it has: a mistake that only the job can see."""
        memory = self.folder / "results/tiny/steel/grouping/remembered/names/root.1.json"
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps({"name": "x", "sha256": "", "members": ["elsewhere.png"], "overlap": 1.0}))
        (self.folder / "names.csv").write_text("node,name\nroot.0,good\nroot.1,x\n", encoding="utf-8")
        config = self.config
        config["grouping"]["names"] = {"steel": "names.csv"}
        self.config = config
        return "failed: collect_groups/steel: ValueError: node root.1, called 'x', had 1 images when it was named"

    def snakemake(
        self, *arguments: str, check: bool = True, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess:
        """Call snakemake as a user would."""
        command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=os.environ | (env or {}))
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def jobs(self, *arguments: str, env: dict[str, str] | None = None) -> set[str]:
        """Jobs that would run now."""
        return read_jobs(self.snakemake("--dry-run", *arguments, env=env))


def read_jobs(done: subprocess.CompletedProcess) -> set[str]:
    """Jobs of a call: `rule` or `rule(wildcard, …)`, the run's name and the data set's left out."""
    found = set()
    heading = r"^(?:local)?(?:rule|checkpoint) (\w+):\n((?:    .*\n)*)"
    for rule, block in re.findall(heading, done.stdout + done.stderr, re.MULTILINE):
        wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
        pairs = [pair.split("=", 1) for pair in wildcards[1].split(", ")] if wildcards else []
        values = [value for name, value in pairs if name not in ("run", "dataset")]
        found.add(f"{rule}({', '.join(values)})" if values else rule)
    return found - {"all", "grouping", "learning", "report"}
