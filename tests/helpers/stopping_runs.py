"""Made-up stops of rules, and simulated runs whose curve is known, for the tests of stopping in the experiment."""

import json

import numpy as np
import pandas as pd

from nearlabel.files import write_csv
from nearlabel.learning.stopping.stops import STOP_TYPES
from nearlabel.run_files import FOLDS, NEAR_LABELS, ROUNDS, STOPS, below

RULES = [
    {"id": "certify", "name": "certify", "parameters": {"recall": 0.9, "alpha": 0.05, "quiet": 2}},
    {"id": "early", "name": "hypergeometric", "parameters": {"recall": 0.9, "alpha": 0.05}},
    {"id": "budget", "name": "budget", "parameters": {}},
    {"id": "knee", "name": "knee_hindsight", "parameters": {"sensitivity": 1.0}},
]
POOL, DEFECTS, BATCH = 50, 10, 10
LEFT = [6, 3, 1, 0, 0]
"""Defects left after each round: the recall is .4, .7, .9, 1, 1; 90 % are reached with 30 images."""

CERTIFIED = (40, 10, 1.0, True, 0.9, 1.0, 0.1, 0.2)
NEVER = (None, None, None, None, None, 1.0, None, None)
MISSED = (20, 0, 0.7, False, 0.8, 1.0, 0.2, -0.2)
WITHOUT_TARGET = (30, 0, 0.9, False, 0.85, 1.0, 0.15, None)
KNEE = (20, 0, 0.7, False, 0.8, 1.0, 0.2, None)


def make_stops(*rows, rules=RULES):
    """``stops.csv`` with one row for each rule: all columns but the first."""
    rows = [(rule["id"], *row) for rule, row in zip(rules, rows, strict=True)]
    return pd.DataFrame(rows, columns=list(STOP_TYPES)).astype(STOP_TYPES)


def write_run(run, strategies=("random", "own"), folds=3, name="tiles"):
    """Files of a run in which "early" misses its target in fold 0 only, and "certify" never stops in fold 1."""
    for strategy in strategies:
        for fold in range(folds):
            places = {"dataset": name, "strategy": strategy, "fold": fold}
            certified = NEVER if fold == 1 else CERTIFIED
            early = MISSED if fold == 0 else (40, 0, 1.0, False, 0.9, 1.0, 0.1, 0.2)
            write_csv(below(run, STOPS, **places), make_stops(certified, early, WITHOUT_TARGET, KNEE))
            frame = pd.DataFrame({"round": range(5), "n_labelled": BATCH * np.arange(1, 6), "defects_left": LEFT})
            scores = {score: [0.6, 0.8, 0.85, 0.9, 0.95] for score in ("val_auc", "val_ap", "test_auc", "test_ap")}
            write_csv(below(run, ROUNDS, **places), frame.assign(**scores))
    # Fold i of three tests, the next one validates, the third is the pool: the same in each.
    ids = [f"{number}.png" for number in range(POOL * folds)]
    table = pd.DataFrame({"image_id": ids, "fold": [number % folds for number in range(len(ids))], "duplicate_of": ""})
    labels = pd.DataFrame({"image_id": ids, "near_label": [str(int(n < DEFECTS * folds)) for n in range(len(ids))]})
    write_csv(below(run, FOLDS, dataset=name), table)
    write_csv(below(run, NEAR_LABELS, dataset=name), labels)


def write_simulation(folder, n=120, batch=8, rare=4, sharp=0.5, seed=0):
    """Files of one simulated fold: the first third of the images tests, the next validates, the last is the pool."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"{number:03d}.png" for number in range(n)])
    defective = (np.arange(n) % rare == 0).astype(int)
    fold = np.repeat([0, 1, 2], n // 3)
    pool = np.flatnonzero(fold == 2)
    # Most defects come early.
    order = pool[np.argsort(-defective[pool] * sharp - rng.random(len(pool)), kind="stable")]
    number = np.arange(len(order)) // batch
    rounds = pd.DataFrame({"round": np.unique(number), "n_labelled": np.bincount(number).cumsum()})
    left = [int(defective[order[count:]].sum()) for count in rounds["n_labelled"]]
    auc = np.linspace(0.6, 0.9, len(rounds))
    frame = rounds.assign(val_auc=auc, val_ap=auc, test_auc=auc - 0.01, test_ap=auc, defects_left=left)
    files = {name: folder / f"{name}.csv" for name in ("rounds", "queries", "folds", "near_labels")}
    write_csv(files["rounds"], frame)
    write_csv(files["queries"], pd.DataFrame({"round": number, "image_id": ids[order], "score": 0.5}))
    write_csv(files["folds"], pd.DataFrame({"image_id": ids, "fold": fold, "duplicate_of": ""}))
    write_csv(files["near_labels"], pd.DataFrame({"image_id": ids, "near_label": defective.astype(str)}))
    files["full_pool"] = folder / "bound.json"
    files["full_pool"].write_text(json.dumps({"test_auc": 0.95}))
    return files, frame, ids[pool], ids[order], defective[pool]
