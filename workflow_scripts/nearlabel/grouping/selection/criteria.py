"""Choosing one clustering among all encoders, algorithms and k."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.grouping.scores.limits import LOPSIDED
from nearlabel.grouping.selection.catalogue import LABEL_BASED, STRUCTURAL
from nearlabel.grouping.selection.min_max import list_exclusions
from nearlabel.grouping.selection.selected import Selection

# Criterion → column to optimise, whether its largest value wins, and what breaks ties (column, ascending).
CRITERIA: dict[str, tuple[str, bool, list[tuple[str, bool]]]] = {
    "consensus": ("consensus", True, [("agreement", False), ("k", True)]),
    "agreement": ("excess", True, [("k", True), ("agreement", False), ("silhouette", False)]),
    "stability": ("stability", True, [("silhouette", False), ("k", True)]),
    "min_max": ("silhouette", True, [("entropy", True), ("k", True)]),
    "silhouette": ("silhouette", True, [("entropy", True), ("k", True)]),
    "convergence_difference": ("convergence_difference", False, [("silhouette", False), ("k", True)]),
    "ami": ("ami", True, [("silhouette", False), ("k", True)]),
}

_EVIDENCE = ["algorithm", "k", "agreement", "mean", "excess", "stability", "across"]


def select_clustering(
    scores: Mapping[str, pd.DataFrame],
    criterion: str,
    choose: Mapping[str, Any] | None = None,
    agreement: Mapping[str, pd.DataFrame] | None = None,
) -> Selection:
    """Choose one clustering.

    - ``consensus``: the largest sum of what each of three witnesses says, all of them 0 for an arbitrary and 1 for a
      perfect grouping: how much more alike the algorithms group the images than structureless data (``excess``), how
      well other encoders' clusterings reproduce this one (``across``; left out where there is no other), and the
      silhouette. Ours; `tests/benchmarks/choice_study` holds it against the others.
    - ``agreement``: the encoder and k at which the algorithms agree most with each other beyond structureless data, and
      there the algorithm that agrees most with the others.
    - ``stability``: the clustering that changes least when images are left out, beyond structureless data.
    - ``min_max`` (Mathias et al. 2025, sections 3.2.2 and 4.2): within each encoder
      `nearlabel.grouping.selection.min_max.exclude_dominated` removes algorithms; among the others of all encoders the
      largest silhouette wins, ties by lower entropy, then smaller k.
    - ``silhouette``: the same without excluding anybody.
    - ``convergence_difference`` (section 3.3.1): the smallest difference, ties by larger silhouette, then smaller k.
    - ``ami``: the largest adjusted mutual information with the near-labels, ties likewise.

    The last two become ``silhouette`` where no image has a near-label, the first three where their value is undefined
    (with one algorithm nothing agrees). Label-based values tie when equal to 12 decimals. A clustering without a
    defined silhouette, or one that tore identical images apart (flag ``identical_points``), never wins while there is
    another; nor, by the first three, does a lopsided one (see `nearlabel.grouping.scores.limits.lopsided`). Where no
    silhouette is defined, or only those of identical images torn apart and none above 0, the lowest entropy and the
    smallest k decide. What still ties goes to the encoder and algorithm given first.

    Parameters
    ----------
    scores : mapping of str to DataFrame
        Encoder id → ``scores.csv``.
    criterion : str
        What decides.
    choose : mapping, optional
        A clustering to take instead: ``algorithm``, ``k`` and perhaps ``encoder``; without that, the encoder of the
        largest silhouette for this algorithm and k. Recorded as criterion ``chosen``.
    agreement : mapping of str to DataFrame, optional
        Encoder id → ``agreement.csv`` with across of ``consensus.csv``; needed by the first three criteria.

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
    table = join_evidence(scores, agreement or {})
    if table.empty:
        raise ValueError("there is no clustering to select from; the node may have fewer images than the smallest k")
    k_range = [int(table["k"].min()), int(table["k"].max())]
    if choose:
        return _take_chosen(table, choose, k_range)
    useless = ""
    if criterion in LABEL_BASED and table[criterion].isna().all():
        useless = f"no image has a near-label and {criterion} is undefined"
        criterion = "silhouette"
    elif criterion in STRUCTURAL and table[CRITERIA[criterion][0]].isna().all():
        several = table["algorithm"].nunique() > 1
        reason = "the images hardly differ" if several else "there is one algorithm"
        useless = f"{criterion} is undefined, as {reason}"
        criterion = "silhouette"
    column, largest_wins, ties = CRITERIA[criterion]
    excluded = []
    if criterion == "min_max":
        excluded = [entry for encoder, frame in scores.items() for entry in list_exclusions(encoder, frame)]
        gone = {(entry["encoder"], entry["algorithm"]) for entry in excluded}
        pairs = zip(table["encoder"], table["algorithm"], strict=True)
        table = table[[pair not in gone for pair in pairs]]
    contenders, telling = _contenders(table)
    if criterion in STRUCTURAL and telling:
        best = _best_by_structure(contenders, column, ties)
        notes = _warn_of(best)
        return Selection(*_ids(best), criterion, k_range, excluded, "; ".join(notes) or None)
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
    notes += _warn_of(best)
    return Selection(*_ids(best), criterion, k_range, excluded, "; ".join(notes) or None)


def join_evidence(scores: Mapping[str, pd.DataFrame], agreement: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the scores of all encoders and the agreement of their clusterings into one table.

    Parameters
    ----------
    scores, agreement
        As for `select_clustering`.

    Returns
    -------
    DataFrame
        The columns of the scores, encoder, agreement, mean, excess, stability and across, NaN where not given, and
        consensus: excess + across + silhouette, without those that are undefined; NaN where the first two are.
    """
    tables = []
    for encoder, frame in scores.items():
        own = agreement.get(encoder, pd.DataFrame(columns=_EVIDENCE)).reindex(columns=_EVIDENCE)
        own = own.astype({"k": int, **dict.fromkeys(_EVIDENCE[2:], float)})
        if len(frame):
            tables.append(frame.merge(own, on=["algorithm", "k"], how="left").assign(encoder=encoder))
    if not tables:
        return pd.DataFrame()
    table = pd.concat(tables, ignore_index=True)
    witnesses = table[["excess", "across"]].sum(axis=1, min_count=1)
    return table.assign(consensus=witnesses + table["silhouette"].fillna(0))


def _best_by_structure(contenders: pd.DataFrame, column: str, ties: list[tuple[str, bool]]) -> pd.Series:
    """Take the largest value among those that are not lopsided, if there are any."""
    even = contenders[~_flagged(contenders, LOPSIDED)]
    defined = (even if even[column].notna().any() else contenders).dropna(subset=[column])
    if defined.empty:
        defined = contenders.fillna({column: -np.inf})
    names, ascending = zip((column, False), *ties, strict=True)
    return defined.sort_values(list(names), ascending=list(ascending), kind="stable").iloc[0]


def _contenders(table: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Clusterings that may win, and whether their silhouettes tell anything."""
    defined = table["silhouette"].notna()
    torn = _flagged(table, "identical_points")
    for kept in (defined & ~torn, defined & (table["silhouette"] > 0)):
        if kept.any():
            return table[kept], True
    return table if torn.all() else table[~torn], False


def _flagged(table: pd.DataFrame, flag: str) -> pd.Series:
    return table["flags"].str.contains(flag) if "flags" in table else pd.Series(False, table.index)


def _warn_of(best: pd.Series) -> list[str]:
    """Say so where a lopsided clustering has won after all."""
    if LOPSIDED not in best.get("flags", ""):
        return []
    return [f"one group holds {best['largest']} images and every other one hardly any: this clustering says little"]


def _ids(best: pd.Series) -> tuple[str, str, int]:
    return str(best["encoder"]), str(best["algorithm"]), int(best["k"])


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
    found = table[fits].sort_values("silhouette", ascending=False, kind="stable")
    notes = _warn_of(found.iloc[0])
    if encoder is None and len(found) > 1:
        each = ", ".join(f"{row.encoder} ({row.silhouette:.3f})" for row in found.itertuples())
        notes.append(f"choose names no encoder, so that the silhouette decided between {each}")
    return Selection(*_ids(found.iloc[0]), "chosen", k_range, [], "; ".join(notes) or None)
