"""How strong the structure is that the algorithms' agreement tells of, in numbers and in words."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

NONE_BELOW, CLEAR_FROM = 0.3, 0.4
"""Excess of agreement below which there is no structure, and from which it is clear. On structureless data of many
distributions (`tests/benchmarks/choice_study`) the largest excess over all k is 0.1 in the mean."""
DEVIATIONS = 3
"""Deviations of the null by which agreement must exceed it too."""
ACROSS_NONE_BELOW, ACROSS_CLEAR_FROM = 0.2, 0.5
"""The same for how well another encoder's clusterings reproduce one; on noise images at most 0.03."""


class Strength(NamedTuple):
    """What the agreement of a node's clusterings says.

    Attributes
    ----------
    strength : str
        ``none``, ``weak`` or ``clear``.
    encoder : str
        Whose features show it best.
    k : int
        Number of clusters at which they do.
    agreement, null, excess : float
        Mean agreement there, on structureless data, and the difference.
    across : float
        The best that another encoder reproduces any clustering; NaN without another.
    """

    strength: str
    encoder: str
    k: int
    agreement: float
    null: float
    excess: float
    across: float

    @property
    def found(self) -> bool:
        """Whether there is any."""
        return self.strength != "none"


def judge_structure(agreement: Mapping[str, pd.DataFrame]) -> Strength | None:
    """Say how strong the structure of a node's images is.

    There is structure where the algorithms agree beyond structureless data, or where two encoders see the same groups:
    either does not happen by chance, and the second also finds groups so small that most algorithms miss them.

    Parameters
    ----------
    agreement : mapping of str to DataFrame
        Encoder's id → ``agreement.csv`` (`nearlabel.grouping.structure.evidence.measure_structure`), with across of
        ``consensus.csv`` where there is more than one encoder.

    Returns
    -------
    Strength or None
        None where neither is defined: a single algorithm and encoder, identical images.
    """
    tables = [frame.assign(encoder=encoder) for encoder, frame in agreement.items() if len(frame)]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["excess", "across"])
    table = table.reindex(columns=table.columns.union(["across"]))
    if table[["excess", "across"]].isna().all(axis=None):
        return None
    beyond = table["excess"].where(table["excess"] >= DEVIATIONS * table["null_deviation"], 0)
    across = table["across"].max()
    if beyond.max() >= CLEAR_FROM or across >= ACROSS_CLEAR_FROM:
        strength = "clear"
    elif beyond.max() >= NONE_BELOW or across >= ACROSS_NONE_BELOW:
        strength = "weak"
    else:
        strength = "none"
    by_excess = table["excess"].notna().any()
    best = table.loc[table["excess" if by_excess else "across"].idxmax()]
    numbers = (float(best[column]) for column in ("mean", "null", "excess"))
    return Strength(strength, str(best["encoder"]), int(best["k"]), *numbers, float(across))


def describe_structure(found: Strength | None) -> dict[str, Any] | None:
    """Put a judgement into what ``selection.json`` holds.

    Parameters
    ----------
    found : Strength or None
        From `judge_structure`.

    Returns
    -------
    dict or None
        The attributes of `Strength`, ``found`` (bool) and ``sentence``, for people who know no statistics.
    """
    if found is None:
        return None
    seen = []
    if not np.isnan(found.excess):
        seen.append(
            f"different algorithms agree by {found.agreement:.2f} of 1 at best (with {found.k} groups of "
            f"{found.encoder}), where data without any groups gives {found.null:.2f}"
        )
    if not np.isnan(found.across):
        seen.append(f"two networks see the same groups by {found.across:.2f} of 1 at best, where chance gives 0")
    evidence = "; ".join(seen)
    sentence = {
        "none": f"No structure found: {evidence}. Any split of these images is arbitrary; do not build on it.",
        "weak": f"Weak structure: {evidence}. Groups overlap or pass into each other; look before you rely on them.",
        "clear": f"Clear structure: {evidence}.",
    }[found.strength]
    numbers = {name: _rounded(getattr(found, name)) for name in ("agreement", "null", "excess", "across")}
    return found._asdict() | numbers | {"found": found.found, "sentence": sentence}


def _rounded(number: float) -> float | None:
    return None if np.isnan(number) else round(number, 6)
