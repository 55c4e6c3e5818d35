"""Gather where stopping rules would have ended a run's simulations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.files import how_to_remake, read_table
from nearlabel.learning.data.folds import fold_roles, read_folds
from nearlabel.learning.stopping.rules import RULES
from nearlabel.learning.stopping.stops import STOP_TYPES, first_reached
from nearlabel.report.learning.collect import read_rounds
from nearlabel.run_files import FOLDS, NEAR_LABELS, ROUNDS, STOPS, below

REFERENCE_RECALL = 0.95
"""What the figure holds a rule to that has no target recall of its own."""

_TRUTHS = {"True": True, "False": False, "": pd.NA}


@dataclass(frozen=True)
class ComparedRule:
    """A stopping rule, as a table shows it.

    Attributes
    ----------
    id, name : str
    target : float or None
        The recall that it is to reach; None where it has none.
    guarantees : bool
        Whether it guarantees that, whatever the strategy.
    hindsight : bool
        Whether it looks at labels that nobody has yet: for comparison alone.
    assumes : str
        In one sentence.
    """

    id: str
    name: str
    target: float | None
    guarantees: bool
    hindsight: bool
    assumes: str


def compared_rules(rules: Iterable[Mapping[str, Any]]) -> dict[str, ComparedRule]:
    """Describe stopping rules: id → rule.

    Parameters
    ----------
    rules : iterable of mapping
        ``id``, ``name`` and ``parameters`` of each.
    """
    described = {}
    for rule in rules:
        own, target = RULES[rule["name"]], rule["parameters"].get("recall")
        described[rule["id"]] = ComparedRule(
            rule["id"], rule["name"], target, own.guarantees, "hindsight" in own.needs, own.assumes
        )
    return described


def collect_stops(
    run_folder, dataset: str, strategies: Iterable[str], folds: int, rules: Iterable[str]
) -> pd.DataFrame:
    """Read where rules stopped on one data set.

    Parameters
    ----------
    run_folder : str or Path
        ``results/{run}``.
    dataset : str
    strategies : iterable of str
        Ids, in the order to show them.
    folds : int
        How many.
    rules : iterable of str
        Ids of the rules; every file must hold these.

    Returns
    -------
    DataFrame
        dataset, strategy, fold, and the columns of ``stops.csv``.

    Raises
    ------
    FileNotFoundError, ValueError
        A file is missing, damaged or of other rules; the text names it.
    """
    rules, parts = list(rules), []
    for strategy in strategies:
        for fold in range(folds):
            file = below(run_folder, STOPS, dataset=dataset, strategy=strategy, fold=fold)
            stops = _read_stops(file)
            if stops["rule"].tolist() != rules:
                raise ValueError(f"{file}: holds other rules than {', '.join(rules)}; {how_to_remake(file)}")
            stops.insert(0, "fold", fold)
            stops.insert(0, "strategy", strategy)
            stops.insert(0, "dataset", dataset)
            parts.append(stops)
    return pd.concat(parts, ignore_index=True)


def hold_to_targets(
    stops: pd.DataFrame, run_folder, dataset: str, rules: Mapping[str, ComparedRule], positive: str
) -> pd.DataFrame:
    """Say of each stop what it missed or wasted; a rule that never stops has everything labelled.

    Parameters
    ----------
    stops : DataFrame
        From `collect_stops`.
    run_folder : str or Path
        ``results/{run}``.
    dataset : str
    rules : mapping of str to ComparedRule
        From `compared_rules`; those without target are held to `REFERENCE_RECALL`.
    positive : str
        The near-label that counts as defective.

    Returns
    -------
    DataFrame
        `stops` with three columns more. labelled: share of the pool labelled, 1 where the rule never stops; missed:
        recall less the target where that is below 0, else 0; wasted: images labelled beyond the first round at which
        the target was truly reached, as a share of the pool, 0 where it was missed.
    """
    folds = read_folds(below(run_folder, FOLDS, dataset=dataset))
    labels = read_table(below(run_folder, NEAR_LABELS, dataset=dataset), ("image_id", "near_label"))
    defective = labels.set_index("image_id")["near_label"].reindex(folds["image_id"]) == str(positive)
    defects = [int(defective[fold_roles(folds, fold) == "pool"].sum()) for fold in range(folds["fold"].max() + 1)]
    added = []
    for (strategy, fold), own in stops.groupby(["strategy", "fold"], sort=False):
        rounds = read_rounds(below(run_folder, ROUNDS, dataset=dataset, strategy=strategy, fold=fold))
        pool = rounds["n_labelled"].iloc[-1]
        for row in own.itertuples():
            target = rules[row.rule].target or REFERENCE_RECALL
            stopped = not pd.isna(row.n_labelled)
            labelled, recall = (row.n_labelled, row.recall) if stopped else (pool, 1.0)
            beyond = (labelled - first_reached(rounds, defects[fold], target)) / pool
            missed = min(0.0, recall - target)
            added.append((row.Index, labelled / pool, missed, 0.0 if missed else max(0.0, beyond)))
    more = pd.DataFrame(added, columns=["index", "labelled", "missed", "wasted"]).set_index("index")
    return stops.join(more)


def pareto_front(costs: Sequence[Sequence[float]]) -> np.ndarray:
    """Which of some points no other one beats: as good in every cost, and better in one.

    Parameters
    ----------
    costs : array_like, shape (n, costs)
        Less is better.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    costs = np.asarray(costs, dtype=np.float64)
    as_good = (costs[:, None] <= costs[None]).all(axis=2)
    better = (costs[:, None] < costs[None]).any(axis=2)
    return ~(as_good & better).any(axis=0)


def _read_stops(path: Path) -> pd.DataFrame:
    table = read_table(path, tuple(STOP_TYPES))[list(STOP_TYPES)]
    try:
        for name, kind in STOP_TYPES.items():
            if kind == "boolean":
                table[name] = table[name].map(_TRUTHS.__getitem__).astype(kind)
            elif kind != "str":
                table[name] = pd.Series([float(text) if text else np.nan for text in table[name]]).astype(kind)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: a cell is not what it should be ({error}); {how_to_remake(path)}") from error
    return table
