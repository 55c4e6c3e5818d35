"""A small run with bundles, and what is done with them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = "import sys; from nearlabel.production.commands.main import main; sys.exit(main(sys.argv[1:]))"
"""The command nearlabel, for Python's ``-c``."""

CONFIG: dict[str, Any] = {
    "run": "tiny",
    "datasets": {
        "steel": {
            "kind": "synthetic",
            "count": 60,
            "height": 32,
            "width": 96,
            "defect_share": 0.5,
            "near_labels": {"good": "good", "default": "defect"},
        }
    },
    "features": {"weights": "seeded", "device": "cpu", "batch_size": 8, "image_size": 32},
    "grouping": {
        "datasets": ["steel"],
        "levels": [{"encoders": ["texture"], "algorithms": ["kmeans", "agglomerative"], "ks": [2, 4]}],
        "expand": ["root.0"],
        "bootstraps": 3,
    },
    "production": {"dataset": "steel", "normal": ["good"], "false_alarms": 0.2},
}
STEEL = "results/tiny/steel"
BUNDLES = f"{STEEL}/bundles"


def nearlabel(folder: Path, *words: str) -> str:
    """Run the command in a folder; returns what it says."""
    done = subprocess.run([sys.executable, "-c", COMMAND, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def watch_once(folder: Path) -> None:
    """Label what lies in the folder's inbox, by the bundle in use, into its database."""
    nearlabel(folder, "watch", "inbox", "--bundle", BUNDLES, "--db", "labels.sqlite", "--once", "--settle-s", "0")
