"""Where stopping rules would have ended a simulated run, and what that would have cost: ``stops.csv``."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.files import how_to_remake, read_table, write_csv
from nearlabel.learning.data.folds import fold_roles, read_folds
from nearlabel.learning.simulation.probabilities import read_probabilities
from nearlabel.learning.stopping.history import Validation
from nearlabel.learning.stopping.replay import follow
from nearlabel.learning.stopping.rules import build_rule
from nearlabel.seeds import derive_seed

STOP_TYPES = {
    "rule": "str",
    "n_labelled": "Int64",
    "audited": "Int64",
    "recall": "float64",
    "certified": "boolean",
    "test_auc": "float64",
    "full_pool_auc": "float64",
    "auc_lost": "float64",
    "overshoot": "float64",
}
"""Columns of ``stops.csv``, and how they are held."""


class SimulatedRun(NamedTuple):
    """A finished run, as stopping rules are let look at it.

    Attributes
    ----------
    rounds : DataFrame
        ``rounds.csv``.
    order : ndarray of int64, shape (pool,)
        Images of the pool in the order in which the strategy had them labelled.
    labels : ndarray of int64, shape (pool,)
        1 for a defective image, 0 for a good one.
    probabilities : ndarray of float32, shape (rounds, pool), optional
        Of "defective", after each round.
    validations : sequence of Validation or None, shape (rounds,)
        None where a round was not evaluated.
    """

    rounds: pd.DataFrame
    order: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray | None
    validations: Sequence[Validation | None]


def find_stops(
    run: SimulatedRun, rules: Sequence[Mapping[str, Any]], *, full_pool_auc: float, batch_size: int, seed: int
) -> pd.DataFrame:
    """Let each rule follow a run and say where it stops.

    Parameters
    ----------
    run : SimulatedRun
    rules : sequence of mapping
        ``id``, ``name`` and ``parameters`` of each.
    full_pool_auc : float
        Test AUC of a model that was trained on the whole pool.
    batch_size : int
        Images labelled in a round.
    seed : int
        Of the fold; each rule's audits are drawn from a seed of its own.

    Returns
    -------
    DataFrame
        `STOP_TYPES`, a row for each rule. n_labelled: images labelled at the stop, those of audits too; audited: how
        many of them audits drew; recall: share of the pool's defects among them; certified: whether the rule
        guarantees its target; test_auc: of the round last evaluated by then (simulated models learn nothing from
        audits, so it is the round that has as many images as were labelled without them); auc_lost: `full_pool_auc`
        less that; overshoot: images labelled beyond the first round at which the rule's target recall was truly
        reached, as a share of the pool, below 0 where it stopped before (missing for rules without a target). All but
        full_pool_auc are missing where a rule never stops.
    """
    rows = []
    for rule in rules:
        stop = follow(
            build_rule(rule["name"], rule["parameters"]),
            run.order,
            run.labels,
            batch_size=batch_size,
            seed=derive_seed(seed, f"audits/{rule['id']}"),
            probabilities=run.probabilities,
            validations=run.validations,
        )
        row = dict.fromkeys(STOP_TYPES, None) | {"rule": rule["id"], "full_pool_auc": full_pool_auc}
        if stop is not None:
            row |= {"n_labelled": stop.n_labelled, "audited": stop.audited, "recall": stop.recall}
            row["certified"] = bool(stop.certified)
            row["test_auc"] = auc_at(run.rounds, stop.n_labelled - stop.audited)
            row["auc_lost"] = full_pool_auc - row["test_auc"]
            target = rule["parameters"].get("recall")
            if target is not None:
                reached = first_reached(run.rounds, int(run.labels.sum()), target)
                row["overshoot"] = (stop.n_labelled - reached) / len(run.labels)
        rows.append(row)
    return pd.DataFrame(rows, columns=list(STOP_TYPES)).astype(STOP_TYPES)


def auc_at(rounds: pd.DataFrame, n_labelled: int) -> float:
    """Test AUC of the round last evaluated when so many images were labelled; NaN where none was by then."""
    scores = rounds.loc[(rounds["n_labelled"] <= n_labelled) & rounds["test_auc"].notna(), "test_auc"]
    return float(scores.iloc[-1]) if len(scores) else math.nan


def first_reached(rounds: pd.DataFrame, defects: int, recall: float) -> int:
    """Images labelled at the first round of a run that had found this share of the pool's defects.

    Parameters
    ----------
    rounds : DataFrame
        ``rounds.csv`` of a run that labelled the whole pool.
    defects : int
        Of the pool, at least 1.
    recall : float
        0 to 1.
    """
    reached = (defects - rounds["defects_left"].to_numpy()) / defects >= recall
    return int(rounds["n_labelled"].iloc[np.argmax(reached)])


def auc_error(auc: float, positives: int, negatives: int) -> float:
    """Standard error of an AUC (Hanley and McNeil 1982, equations 1 and 2, for exponential scores).

    Parameters
    ----------
    auc : float
        0 to 1.
    positives, negatives : int
        Images of both classes, at least 1 each.
    """
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return math.sqrt(max(0.0, auc * (1 - auc) + spread) / (positives * negatives))


def write_stops(
    output,
    *,
    rounds,
    queries,
    folds,
    near_labels,
    full_pool,
    probabilities=None,
    fold: int,
    positive: str,
    drawn: str,
    rules: Sequence[Mapping[str, Any]],
    batch_size: int,
    seed: int,
) -> None:
    """Find where rules would have stopped a run of one fold and write ``stops.csv``.

    Parameters
    ----------
    output, rounds, queries, folds, near_labels, full_pool : str or Path
        ``stops.csv``; ``rounds.csv``, ``queries.csv``, ``folds.csv``, ``near_labels.csv`` and
        ``full_pool/fold{fold}.json``.
    probabilities : str or Path, optional
        ``probabilities.h5`` of the run, where a rule looks at it.
    fold : int
        The fold that tests.
    positive : str
        The near-label that counts as defective.
    drawn : str
        How folds were drawn: one of `nearlabel.learning.stopping.history.DRAWN`.
    rules, batch_size, seed
        As for `find_stops`.

    Raises
    ------
    ValueError
        Files are of different runs; a rule cannot be followed.
    """
    run = _read_run(rounds, queries, folds, near_labels, probabilities, fold=fold, positive=positive, drawn=drawn)
    bound = json.loads(Path(full_pool).read_text(encoding="utf-8"))["test_auc"]
    write_csv(output, find_stops(run, rules, full_pool_auc=bound, batch_size=batch_size, seed=seed))


def _read_run(rounds, queries, folds, near_labels, probabilities, *, fold, positive, drawn) -> SimulatedRun:
    table = pd.read_csv(rounds)
    roles = fold_roles(read_folds(folds), fold)
    near_label = read_table(near_labels, ("image_id", "near_label")).set_index("image_id")["near_label"]
    defective = (near_label.reindex(roles.index) == str(positive)).to_numpy(dtype=np.int64)
    # In the order of folds.csv, whatever else is kept: the same audits are drawn either way.
    pool = roles.index[roles == "pool"]
    order = pool.get_indexer(read_table(queries, ("round", "image_id"))["image_id"])
    if not np.array_equal(np.sort(order), np.arange(len(pool))):
        raise ValueError(f"{queries} does not label the pool of {folds} once; {how_to_remake(queries)}")
    kept = None
    if probabilities is not None:
        found = read_probabilities(probabilities)
        columns = pd.Index(found.image_id).get_indexer(pool)
        if len(columns) != len(found.image_id) or (columns < 0).any():
            raise ValueError(f"{probabilities} is not of the pool of {folds}; {how_to_remake(probabilities)}")
        if found.n_labelled.tolist() != table["n_labelled"].tolist():
            raise ValueError(f"{probabilities} is not of the rounds of {rounds}; {how_to_remake(probabilities)}")
        kept = found.values[:, columns]
    classes = defective[(roles == "validation").to_numpy()]
    counts = int(classes.sum()), int(len(classes) - classes.sum())
    validations = [
        None if np.isnan(auc) else Validation(auc, auc_error(auc, *counts), len(classes), drawn)
        for auc in table["val_auc"].astype(np.float64)
    ]
    labels = defective[(roles == "pool").to_numpy()]
    return SimulatedRun(table, order.astype(np.int64), labels, kept, validations)
