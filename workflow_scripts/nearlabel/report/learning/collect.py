"""Gather the files of active learning into what tables, figures and the page show."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.files import how_to_remake, read_table
from nearlabel.learning.data.folds import fold_roles, read_folds
from nearlabel.report.catalogue import LEARNING_FIGURES
from nearlabel.run_files import (
    BATCH,
    CHOICES,
    CUTOFFS,
    DATASET_FIGURE,
    FOLDS,
    FULL_POOL,
    KNEES,
    NEAR_LABELS,
    ROUNDS,
    below,
)

SCORES = ("val_auc", "val_ap", "test_auc", "test_ap")
ROUND_COLUMNS = ("round", "n_labelled", *SCORES, "defects_left")
CUTOFF_KEYS = ("round", "n_labelled", "val_auc", "test_auc")
TRAINED_KEYS = ("n_labelled", "val_auc", "test_auc", "test_ap", "epochs")


@dataclass(frozen=True)
class LearningRuns:
    """Active learning on one data set: every strategy on every fold.

    Attributes
    ----------
    name : str
        The data set.
    strategies : tuple of str
        Ids, in the order to show them.
    folds : int
        How many; fold i is the one that tests.
    rounds : dict of str to dict of int to DataFrame
        Strategy → fold → ``rounds.csv``; NaN where a round was not evaluated.
    knees : dict of str to dict of int to dict
        Strategy → fold → ``knees.json``.
    batches : dict of str to dict of int to dict
        Strategy → fold → cut-off → ``batch_{cutoff}.json``; None where there is no such cut-off.
    choices : dict of str to dict of int to dict
        Strategy → fold → ``choices.json``.
    full_pool : dict of int to dict
        Fold → ``full_pool/fold{fold}.json``.
    n_test, n_pool : float
        Images of the test fold and of the pool, means over folds.
    images, duplicates : int
        Images in folds, and how many of them are near-duplicates of another one.
    defects : int or None
        Defective images among them; None where `collect_learning` was not told which near-label that is.
    figures : dict of str to Path
        SVG files: ``learning`` and ``strategies``.
    """

    name: str
    strategies: tuple[str, ...]
    folds: int
    rounds: dict[str, dict[int, pd.DataFrame]]
    knees: dict[str, dict[int, dict[str, Any]]]
    batches: dict[str, dict[int, dict[str, Any]]]
    choices: dict[str, dict[int, dict[str, Any]]]
    full_pool: dict[int, dict[str, Any]]
    n_test: float
    n_pool: float
    images: int
    duplicates: int
    defects: int | None
    figures: dict[str, Path]


def collect_learning(
    run_folder, dataset: str, strategies: Iterable[str], folds: int, *, positive: str | int | None = None
) -> LearningRuns:
    """Read what a run's active learning holds about one data set.

    Parameters
    ----------
    run_folder : str or Path
        ``results/{run}``.
    dataset : str
        Name of the data set.
    strategies : iterable of str
        Ids of the strategies, in the order to show them.
    folds : int
        How many.
    positive : str or int, optional
        The near-label that counts as defective, to count such images.

    Returns
    -------
    LearningRuns

    Raises
    ------
    FileNotFoundError, ValueError
        A file is missing, damaged or of another run; the text names it.
    """
    strategies, numbers = tuple(strategies), range(folds)
    file = below(run_folder, FOLDS, dataset=dataset)
    table = read_folds(file)
    if set(table["fold"]) != set(numbers):
        raise ValueError(f"{file}: holds other folds than 0 to {folds - 1}; {how_to_remake(file)}")
    roles = [fold_roles(table, fold).value_counts() for fold in numbers]

    def place(pattern, name, fold, **fields):
        return below(run_folder, pattern, dataset=dataset, strategy=name, fold=fold, **fields)

    def read_each(read):
        return {name: {fold: read(name, fold) for fold in numbers} for name in strategies}

    full_pool = {fold: below(run_folder, FULL_POOL, dataset=dataset, fold=fold) for fold in numbers}
    near_labels = below(run_folder, NEAR_LABELS, dataset=dataset)
    runs = LearningRuns(
        name=dataset,
        strategies=strategies,
        folds=folds,
        rounds=read_each(lambda *run: read_rounds(place(ROUNDS, *run))),
        knees=read_each(lambda *run: read_knees(place(KNEES, *run))),
        batches=read_each(lambda *run: {name: _read_batch(place(BATCH, *run, cutoff=name)) for name in CUTOFFS}),
        choices=read_each(lambda *run: _read_choices(place(CHOICES, *run))),
        full_pool={fold: _read_json(path, TRAINED_KEYS) for fold, path in full_pool.items()},
        n_test=float(np.mean([role["test"] for role in roles])),
        n_pool=float(np.mean([role["pool"] for role in roles])),
        images=len(table),
        duplicates=int((table["duplicate_of"] != "").sum()),
        defects=None if positive is None else _count_defects(near_labels, table, positive),
        figures={
            kind: below(run_folder, DATASET_FIGURE, dataset=dataset, kind=kind, suffix="svg")
            for kind in LEARNING_FIGURES
        },
    )
    for name in strategies:
        for fold in numbers:
            _require_same_run(place(KNEES, name, fold), runs.rounds[name][fold], runs.knees[name][fold])
    return runs


def read_rounds(path) -> pd.DataFrame:
    """Read ``rounds.csv``: counts as int64, scores as float64 with NaN where a round was not evaluated.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file, a column is missing, a cell is no number, no rounds, or images labelled do not rise.
    """
    table = read_table(path, ROUND_COLUMNS)
    try:
        # Python reads what it wrote to the last digit, which pandas does not.
        rounds = pd.DataFrame(
            {
                name: [float(text) if text else np.nan for text in table[name]]
                if name in SCORES
                else np.array([int(text) for text in table[name]], dtype=np.int64)
                for name in ROUND_COLUMNS
            }
        )
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path}: a cell is not the number it should be ({error}); {how_to_remake(path)}") from error
    if rounds.empty or not (np.diff(rounds["n_labelled"]) > 0).all():
        raise ValueError(f"{path}: has no rounds, or images labelled do not rise; {how_to_remake(path)}")
    return rounds


def read_knees(path) -> dict[str, Any]:
    """Read ``knees.json``: each of `CUTOFFS` → round, n_labelled, val_auc, test_auc, or None.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file, or it is damaged.
    """
    path = Path(path)
    knees = _read_json(path, CUTOFFS)
    for cutoff in CUTOFFS:
        if knees[cutoff] is not None:
            _require_keys(path, knees[cutoff], CUTOFF_KEYS)
    return knees


def _read_batch(path: Path) -> dict[str, Any] | None:
    return _read_json(path, TRAINED_KEYS, optional=True)


def _read_choices(path: Path) -> dict[str, Any]:
    choices = _read_json(path, ("maps", "map_size", "rounds"))
    for entry in choices["rounds"]:
        _require_keys(path, entry, ("round",))
    return choices


def _read_json(path: Path, keys: Iterable[str], *, optional: bool = False) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; run the workflow again")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: is not JSON ({error}); {how_to_remake(path)}") from error
    if not (optional and content is None):
        _require_keys(path, content, keys)
    return content


def _require_keys(path: Path, content, keys: Iterable[str]) -> None:
    if not isinstance(content, Mapping):
        raise ValueError(f"{path}: holds {type(content).__name__} where a mapping should be; {how_to_remake(path)}")
    for key in keys:
        if key not in content:
            raise ValueError(f"{path}: has no {key!r}; {how_to_remake(path)}")


def _require_same_run(path: Path, rounds: pd.DataFrame, knees: Mapping[str, Any]) -> None:
    labelled = dict(zip(rounds["round"], rounds["n_labelled"], strict=True))
    for cutoff in CUTOFFS:
        found = knees[cutoff]
        if found and labelled.get(found["round"]) != found["n_labelled"]:
            raise ValueError(
                f"{path}: {cutoff} is round {found['round']} with {found['n_labelled']} images, which "
                f"rounds.csv beside it does not hold; {how_to_remake(path)}"
            )


def _count_defects(path: Path, folds: pd.DataFrame, positive: str | int) -> int:
    labels = read_table(path, ("image_id", "near_label")).drop_duplicates("image_id")
    labels = labels.set_index("image_id")["near_label"].reindex(folds["image_id"])
    if labels.isna().any():
        missing = labels.index[labels.isna()][0]
        raise ValueError(f"{path}: does not hold {missing!r}, which folds.csv has; {how_to_remake('split_folds')}")
    return int((labels == str(positive)).sum())
