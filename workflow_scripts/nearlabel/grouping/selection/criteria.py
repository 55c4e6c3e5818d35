"""Choosing one clustering among all encoders, algorithms and k."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.grouping.selection.catalogue import LABEL_BASED
from nearlabel.grouping.selection.selected import Selection

# Criterion → column to optimise, whether its largest value wins, and what breaks ties (column, ascending).
CRITERIA: dict[str, tuple[str, bool, list[tuple[str, bool]]]] = {
    "min_max": ("silhouette", True, [("entropy", True), ("k", True)]),
    "silhouette": ("silhouette", True, [("entropy", True), ("k", True)]),
    "convergence_difference": ("convergence_difference", False, [("silhouette", False), ("k", True)]),
    "ami": ("ami", True, [("silhouette", False), ("k", True)]),
}


def select_clustering(
    scores: Mapping[str, pd.DataFrame], criterion: str, choose: Mapping[str, Any] | None = None
) -> Selection:
    """Choose one clustering.

    - ``min_max`` (Mathias et al. 2025, sections 3.2.2 and 4.2): within each encoder `exclude_dominated`
      removes algorithms; among the others of all encoders the largest silhouette wins, ties by lower entropy, then
      smaller k.
    - ``silhouette``: the same without excluding anybody.
    - ``convergence_difference`` (section 3.3.1): the smallest difference, ties by larger silhouette, then smaller k.
    - ``ami``: the largest adjusted mutual information with the near-labels, ties likewise.

    The last two become ``silhouette`` where no image has a near-label. Label-based values tie when equal to 12
    decimals. A clustering without a defined silhouette, or one that tore identical images apart (flag
    ``identical_points``), never wins while there is another. Where no silhouette is defined, or only those of identical
    images torn apart and none above 0, the lowest entropy and the smallest k decide. What still ties goes to the
    encoder and algorithm given first.

    Parameters
    ----------
    scores : mapping of str to DataFrame
        Encoder id → ``scores.csv``.
    criterion : {"min_max", "convergence_difference", "ami", "silhouette"}
        What decides.
    choose : mapping, optional
        A clustering to take instead: ``algorithm``, ``k`` and perhaps ``encoder``; without that, the encoder of the
        largest silhouette for this algorithm and k. Recorded as criterion ``chosen``.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        Unknown criterion; nothing to choose from; `choose` names a clustering that does not exist.
    """
    if criterion not in CRITERIA:
        raise ValueError(f"unknown criterion '{criterion}'; choose one of {', '.join(CRITERIA)}")
    candidates = [frame.assign(encoder=encoder) for encoder, frame in scores.items() if len(frame)]
    if not candidates:
        raise ValueError("there is no clustering to select from; the node may have fewer images than the smallest k")
    table = pd.concat(candidates, ignore_index=True)
    k_range = [int(table["k"].min()), int(table["k"].max())]
    if choose:
        return _take_chosen(table, choose, k_range)
    useless = ""
    if criterion in LABEL_BASED and table[criterion].isna().all():
        useless = f"no image has a near-label and {criterion} is undefined"
        criterion = "silhouette"
    column, largest_wins, ties = CRITERIA[criterion]
    excluded = []
    if criterion == "min_max":
        excluded = [entry for encoder, frame in scores.items() for entry in _exclusions(encoder, frame)]
        gone = {(entry["encoder"], entry["algorithm"]) for entry in excluded}
        pairs = zip(table["encoder"], table["algorithm"], strict=True)
        table = table[[pair not in gone for pair in pairs]]
    contenders, telling = _contenders(table)
    first = ""
    if criterion in LABEL_BASED:
        contenders = contenders.assign(**{criterion: contenders[criterion].round(12)})
        if len(contenders) == 1 or contenders[criterion].nunique(dropna=False) > 1:
            first = f"{criterion}, then "
        else:
            only = "only one near-label: " if _one_near_label(contenders) else ""
            useless = f"{only}{criterion} is {contenders[criterion].iloc[0]:g} for every clustering"
    order = [(column, not largest_wins), *ties]
    if telling:
        notes = [f"{useless}, so that the silhouette decided"] if useless else []
    else:
        order = [*order[: criterion in LABEL_BASED], ("entropy", True), ("k", True)]
        rule = f"{first}the lowest entropy, then the smallest k decided"
        notes = [useless] if useless else []
        together = "" if table["silhouette"].isna().all() else " that keeps identical images together"
        notes.append(f"no clustering{together} has a defined silhouette, so that {rule}")
    names, ascending = zip(*order, strict=True)
    best = contenders.sort_values(list(names), ascending=list(ascending), kind="stable").iloc[0]
    ids = str(best["encoder"]), str(best["algorithm"]), int(best["k"])
    return Selection(*ids, criterion, k_range, excluded, "; ".join(notes) or None)


def _contenders(table: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Clusterings that may win, and whether their silhouettes tell anything."""
    defined = table["silhouette"].notna()
    torn = table["flags"].str.contains("identical_points") if "flags" in table else pd.Series(False, table.index)
    for kept in (defined & ~torn, defined & (table["silhouette"] > 0)):
        if kept.any():
            return table[kept], True
    return table if torn.all() else table[~torn], False


def _one_near_label(table: pd.DataFrame) -> bool:
    """Tell from the scores whether there is one near-label: only then are both of these 1 at every clustering."""
    return {"c_score", "homogeneity"} <= set(table) and bool(np.isclose(table[["c_score", "homogeneity"]], 1).all())


def _take_chosen(table: pd.DataFrame, choose: Mapping[str, Any], k_range: list[int]) -> Selection:
    fits = (table["algorithm"] == choose["algorithm"]) & (table["k"] == int(choose["k"]))
    encoder = choose.get("encoder")
    if encoder is not None:
        fits &= table["encoder"] == encoder
    if not fits.any():
        wanted = f"{choose['algorithm']} with k = {choose['k']}" + (f" on {encoder}" if encoder is not None else "")
        raise ValueError(
            f"choose names {wanted}, which was not computed; there are "
            f"encoders {', '.join(table['encoder'].unique())}; "
            f"algorithms {', '.join(table['algorithm'].unique())}; k from {k_range[0]} to {k_range[1]}"
        )
    best = table[fits].sort_values("silhouette", ascending=False, kind="stable").iloc[0]
    return Selection(str(best["encoder"]), str(best["algorithm"]), int(best["k"]), "chosen", k_range, [], None)


def exclude_dominated(scores: pd.DataFrame) -> dict[str, tuple[str, int, int]]:
    """Min-Max exclusion within one encoder.

    Algorithm A dominates B when A has lower entropy and higher silhouette (both strictly) at more than half of the k
    that both have; an undefined silhouette is neither higher nor lower. An algorithm is excluded when another, itself
    not excluded, dominates it, and a cycle excludes nobody. Read as a fixed point: whoever is dominated by nobody is
    safe; whom a safe one dominates is excluded; whoever is now dominated by excluded ones only is safe; and so on until
    nothing changes (the grounded extension of the dominance graph). Those then left undecided, members of cycles and
    what hangs on them alone, stay in.

    Parameters
    ----------
    scores : DataFrame
        ``scores.csv`` or ``quality.csv`` of one encoder.

    Returns
    -------
    dict of str to (str, int, int)
        Excluded algorithm → the safe algorithm that dominates it (at the most k, should there be several), at how many
        k, of how many.
    """
    algorithms = list(dict.fromkeys(scores["algorithm"]))
    by_k = {name: scores[scores["algorithm"] == name].set_index("k")[["entropy", "silhouette"]] for name in algorithms}
    dominators: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in algorithms}
    for one in algorithms:
        for other in algorithms:
            pair = by_k[one].join(by_k[other].add_suffix("_other"), how="inner")
            better = (pair["entropy"] < pair["entropy_other"]) & (pair["silhouette"] > pair["silhouette_other"])
            if 2 * better.sum() > len(pair):
                dominators[other][one] = (int(better.sum()), len(pair))
    safe: set[str] = set()
    excluded: dict[str, tuple[str, int, int]] = {}
    while True:
        newly_safe = {name for name in algorithms if dominators[name].keys() <= excluded.keys()} - excluded.keys()
        if newly_safe == safe:
            return {name: excluded[name] for name in algorithms if name in excluded}
        safe = newly_safe
        for name in algorithms:
            if by_safe := [other for other in dominators[name] if other in safe]:
                strongest = max(by_safe, key=lambda other: dominators[name][other][0])
                excluded.setdefault(name, (strongest, *dominators[name][strongest]))


def _exclusions(encoder: str, scores: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "encoder": encoder,
            "algorithm": name,
            "reason": f"{other} has lower entropy and higher silhouette at {better} of {of} k",
        }
        for name, (other, better, of) in exclude_dominated(scores).items()
    ]
