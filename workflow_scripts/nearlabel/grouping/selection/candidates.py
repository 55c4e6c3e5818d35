"""What else could have been chosen: by the other criteria, and clusterings that are worth a look."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.grouping.scores.limits import LOPSIDED
from nearlabel.grouping.selection.catalogue import LABEL_FREE, STRUCTURAL
from nearlabel.grouping.selection.criteria import CRITERIA, join_evidence, select_clustering
from nearlabel.grouping.selection.selected import Selection

STILL = 0.9
"""Share of the largest excess at which algorithms still agree."""
MOST = 5
"""Candidates shown beside the winner, at most."""


def list_others(scores: Mapping[str, pd.DataFrame], agreement: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """Say what each label-free criterion chooses.

    Parameters
    ----------
    scores, agreement
        As for `nearlabel.grouping.selection.criteria.select_clustering`.

    Returns
    -------
    dict of str to dict
        Criterion → encoder, algorithm, k. A criterion whose value was not measured or is undefined is left out.
    """
    table = join_evidence(scores, agreement)
    others = {}
    for criterion in LABEL_FREE:
        if criterion not in STRUCTURAL or table[CRITERIA[criterion][0]].notna().any():
            others[criterion] = _place(select_clustering(scores, criterion, agreement=agreement))
    return others


def list_candidates(
    scores: Mapping[str, pd.DataFrame],
    agreement: Mapping[str, pd.DataFrame],
    chosen: Selection,
    others: Mapping[str, Mapping[str, Any]],
    tree_cut: int | None = None,
) -> list[dict[str, Any]]:
    """Pick up to five clusterings that are worth a look beside the chosen one, none of them lopsided.

    In this order: what the other label-free criteria choose; the finest that the algorithms still agree on; the best
    of another encoder; the cut of the tree of merges at its largest step; the next peaks of agreement.

    Parameters
    ----------
    scores, agreement
        As for `nearlabel.grouping.selection.criteria.select_clustering`.
    chosen : Selection
        The winner.
    others : mapping
        From `list_others`.
    tree_cut : int, optional
        Number of clusters at which the tree of merges of the winner's encoder has its largest step.

    Returns
    -------
    list of dict
        encoder, algorithm, k, reason; the best reason first.
    """
    table = join_evidence(scores, agreement)
    if "flags" in table:
        table = table[~table["flags"].str.contains(LOPSIDED)]
    proposed = [(place, f"what the criterion {criterion} chooses") for criterion, place in others.items()]
    proposed += _by_agreement(table, chosen.encoder)
    trees = table[(table["encoder"] == chosen.encoder) & (table["algorithm"] == "agglomerative")]
    if tree_cut is not None and (trees["k"] == tree_cut).any():
        place = {"encoder": chosen.encoder, "algorithm": "agglomerative", "k": int(tree_cut)}
        proposed.append((place, "where the tree of merges has its largest step"))
    there = set(zip(table["encoder"], table["algorithm"], table["k"], strict=True))
    candidates: list[dict[str, Any]] = []
    taken = {(chosen.encoder, chosen.algorithm, chosen.k): None}
    for place, reason in proposed:
        key = (place["encoder"], place["algorithm"], place["k"])
        if key not in there and key not in taken:
            continue
        if key not in taken:
            taken[key] = len(candidates)
            candidates.append({**place, "reason": reason})
        elif taken[key] is not None:
            candidates[taken[key]]["reason"] += f"; {reason}"
    return candidates[:MOST]


def _by_agreement(table: pd.DataFrame, winner: str) -> list[tuple[dict[str, Any], str]]:
    """Clusterings that stand out by agreement beyond chance: the finest, each encoder's best, and further peaks."""
    proposed = []
    known = table.dropna(subset=["excess"])
    encoders = sorted(known["encoder"].unique(), key=lambda encoder: encoder != winner)
    for encoder in encoders:
        own = known[known["encoder"] == encoder]
        curve = own.groupby("k")["excess"].first()
        if curve.max() <= 0:
            continue
        if encoder == winner:
            finest = curve[curve >= STILL * curve.max()].index[-1]
            proposed.append((_best_at(own, finest), "the most groups on which the algorithms still agree"))
        else:
            proposed.append((_best_at(own, curve.idxmax()), f"where the algorithms agree most on {encoder}"))
    if encoders:
        own = known[known["encoder"] == encoders[0]]
        curve = own.groupby("k")["excess"].first()
        sides = np.maximum(curve.shift(1, fill_value=-np.inf), curve.shift(-1, fill_value=-np.inf))
        for k in curve[(curve > sides) & (curve > 0)].sort_values(ascending=False, kind="stable").index:
            proposed.append((_best_at(own, k), "a further number of groups at which the algorithms agree"))
    return proposed


def _best_at(table: pd.DataFrame, k: int) -> dict[str, Any]:
    best = table[table["k"] == k].sort_values("agreement", ascending=False, kind="stable").iloc[0]
    return {"encoder": str(best["encoder"]), "algorithm": str(best["algorithm"]), "k": int(best["k"])}


def _place(chosen: Selection) -> dict[str, Any]:
    return {"encoder": chosen.encoder, "algorithm": chosen.algorithm, "k": chosen.k}
