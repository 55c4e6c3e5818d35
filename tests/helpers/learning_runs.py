"""Made-up runs of active learning, as objects and as files, for the tests of tables, figures and the page."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from nearlabel.files import write_csv
from nearlabel.learning.stopping.cutoffs import find_cutoffs
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.run_files import CUTOFFS

BEND = [80, 60, 40, 20, 4, 4, 3, 3, 2, 1]
STRAIGHT = [90, 80, 70, 60, 50, 40, 30, 20, 10, 0]


def make_rounds(test, val=None, left=BEND, batch=10):
    """Rounds of ten images with these AUCs; average precision is lower by 0.1."""
    test = np.asarray(test, dtype=float)
    val = test if val is None else np.asarray(val, dtype=float)
    labelled = batch * np.arange(1, len(test) + 1)
    frame = pd.DataFrame({"round": range(len(test)), "n_labelled": labelled, "val_auc": val, "val_ap": val - 0.1})
    return frame.assign(test_auc=test, test_ap=test - 0.1, defects_left=list(left[: len(test)]))


def train(test_auc, n_labelled=100):
    return {"n_labelled": n_labelled, "val_auc": 0.9, "test_auc": test_auc, "test_ap": test_auc - 0.1, "epochs": 5}


def make_runs(rounds, *, name="tiles", batches=None, choices=None, full_pool=None, figures=None, defects=90):
    """Runs of strategy → list of rounds by fold; batch-trained models have 0.7 wherever there is a cut-off."""
    folds = len(next(iter(rounds.values())))
    knees = {s: {fold: find_cutoffs(frame) for fold, frame in enumerate(frames)} for s, frames in rounds.items()}
    made = {
        s: {f: {c: found[c] and train(0.7) for c in CUTOFFS} for f, found in own.items()} for s, own in knees.items()
    }
    none = {"maps": None, "map_size": None, "rounds": []}
    return LearningRuns(
        name=name,
        strategies=tuple(rounds),
        folds=folds,
        rounds={s: dict(enumerate(frames)) for s, frames in rounds.items()},
        knees=knees,
        batches=batches or made,
        choices={s: {fold: (choices or {}).get(s, none) for fold in range(folds)} for s in rounds},
        full_pool=full_pool or {fold: train(1.0) for fold in range(folds)},
        n_test=50.0,
        n_pool=100.0,
        images=200,
        duplicates=3,
        defects=defects,
        figures=figures or {},
    )


def write_runs(run, runs):
    """Write the files that `collect_learning` reads: 12 images in folds, half of them defective."""
    folder = Path(run) / runs.name / "learning"
    ids = [f"{number}.png" for number in range(12)]
    folds = [number % runs.folds for number in range(12)]
    write_csv(folder / "folds.csv", pd.DataFrame({"image_id": ids, "fold": folds, "duplicate_of": ["", "0.png"] * 6}))
    write_csv(folder.parent / "near_labels.csv", pd.DataFrame({"image_id": ids, "near_label": ["bad", "good"] * 6}))
    for fold in range(runs.folds):
        _write(folder / "full_pool" / f"fold{fold}.json", runs.full_pool[fold])
        for strategy in runs.strategies:
            place = folder / strategy / f"fold{fold}"
            write_csv(place / "rounds.csv", runs.rounds[strategy][fold])
            _write(place / "knees.json", runs.knees[strategy][fold])
            _write(place / "choices.json", runs.choices[strategy][fold])
            for cutoff in CUTOFFS:
                _write(place / f"batch_{cutoff}.json", runs.batches[strategy][fold][cutoff])


def _write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
