"""The benchmark on a run's own orders."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from helpers.places import LIBRARY, REPOSITORY
from nearlabel.files import write_csv


@pytest.fixture
def learning(tmp_path):
    """The folder of a run of one strategy in one fold: 4 folds of 60 images, every tenth of them defective."""
    images = [f"{i:03}.png" for i in range(240)]
    folder = tmp_path / "tiles/learning"
    (folder / "coldest/fold1").mkdir(parents=True)
    places = np.arange(240)
    write_csv(folder / "folds.csv", pd.DataFrame({"image_id": images, "fold": places % 4, "duplicate_of": ""}))
    near_labels = np.where(places // 4 % 10 == 0, "bad", "good")
    write_csv(tmp_path / "tiles/near_labels.csv", pd.DataFrame({"image_id": images, "near_label": near_labels}))
    # Fold 1 tests, fold 2 validates.
    pool = np.random.default_rng(0).permutation([name for i, name in enumerate(images) if i % 4 in (0, 3)])
    queries = pd.DataFrame({"round": np.arange(120) // 16, "image_id": pool, "score": ""})
    write_csv(folder / "coldest/fold1/queries.csv", queries)
    return folder


def test_orders_of_a_run_are_read(learning):
    command = ["--runs", "2", "--heuristic-runs", "2", "--intervals", "2", "--positive", "bad", "--orders"]
    script = REPOSITORY / "tests/benchmarks/stopping.py"
    environment = os.environ | {"PYTHONPATH": str(LIBRARY.parent)}
    done = subprocess.run(
        [sys.executable, script, *command, learning], capture_output=True, text=True, env=environment, check=True
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith("| coldest, 1 folds | 0.95")]
    # 12 of 120 are defective and come by chance: everything is labelled.
    assert [cell.strip() for cell in line.split("|")[3:6]] == ["0 / 2", "1", "1.00"]
