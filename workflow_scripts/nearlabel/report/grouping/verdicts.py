"""What the page says of how much the groups know of near-labels and of other columns, and how sure that is."""

from typing import Any

import pandas as pd

# Largest p- or q-value at which something counts as better than chance.
SIGNIFICANT = 0.05
# Adjusted mutual information up to which the words beside it hold.
STRENGTHS = (
    (0.1, "The groups know something of the near-labels, but little"),
    (0.3, "The groups know something of the near-labels"),
    (0.6, "The groups follow the near-labels in part"),
    (0.9, "The groups follow the near-labels closely"),
    (1.0, "The groups are the near-labels, almost one for one"),
)
# By how much, and how many times, a column's AMI exceeds the near-labels' where the split is said to follow the column.
CLEARLY = 0.1
TIMES = 2


def describe_verdict(
    verdict: dict[str, Any], criterion: str, evidence: pd.DataFrame, structure: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Say whether a node's groups are better than chance: how strong that is, how sure, and what the table below adds.

    Parameters
    ----------
    verdict : dict
        ``verdict.json``, see `nearlabel.grouping.scores.verdict.Verdict`.
    criterion : str
        What chose the clustering.
    evidence : DataFrame
        The node's rows of ``tables/clusters.csv``.
    structure : dict, optional
        What ``selection.json`` says of the node's structure: whether any was ``found``.

    Returns
    -------
    dict
        ``state``: '' without near-labels, ``undefined`` with a single one, ``better`` or ``no_better``; ``warns``
        whether a reader should be stopped; ``headline``, a sentence without its full stop; ``text``, those that follow
        it; ``short``, for a table's cell; ``counted``, whether p counts more clusterings than the chosen one.
    """
    if verdict["ami"] is None:
        headline = "All labelled images of this node have one near-label: there is nothing to compare its groups with"
        known = bool(verdict["labelled"])
        return {
            "state": "undefined" if known else "",
            "warns": False,
            "headline": headline if known else "",
            "text": "",
            "short": "–",
            "counted": False,
        }
    counted = verdict["candidates"] > 1
    better = verdict["p_value"] <= SIGNIFICANT
    groups = enriched_groups(evidence)
    if better:
        headline = next(words for limit, words in STRENGTHS if verdict["ami"] < limit or limit == 1.0)
    elif groups and not counted:
        headline = (
            "As a whole the groups are no better than chance, yet single ones hold more of a near-label than chance "
            "gives"
        )
    elif counted:
        headline = "No better than chance, once it is counted how many clusterings there were to choose from"
    else:
        headline = "No better than chance: there is no evidence that the groups know anything of the near-labels"
    text = [_describe_null(verdict, criterion), *_describe_groups(groups, better, counted)]
    if better and structure and not structure["found"]:
        text.append(
            "This does not deny that no structure was found: of many splits that are as good for the images alone, "
            "this one is related to the near-labels."
        )
    return {
        "state": "better" if better else "no_better",
        "warns": not better and (counted or not groups),
        "headline": headline,
        "text": " ".join(text),
        "short": f"{'yes' if better else 'no'}: AMI {_round(verdict['ami'], 2)}, p = {format_p(verdict['p_value'])}",
        "counted": counted,
    }


def format_p(p_value: float) -> str:
    """Return a p-value with three decimals, or one digit that counts where it is smaller."""
    return f"{p_value:.3f}" if p_value >= 0.001 else f"{p_value:.1g}"


def _round(value: float, decimals: int) -> str:
    """Decimals, and no sign before what rounds to 0."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def enriched_groups(evidence: pd.DataFrame) -> list[int]:
    """Return the clusters in which some near-label is enriched, by their q-value."""
    if "q_value" not in evidence:
        return []
    return evidence.loc[evidence["q_value"] <= SIGNIFICANT, "cluster"].astype(int).tolist()


def _describe_null(verdict: dict[str, Any], criterion: str) -> str:
    tries, p = verdict["permutations"], format_p(verdict["p_value"])
    reached = round(verdict["p_value"] * (tries + 1)) - 1
    count = f"in {reached or 'none'} of {tries} random shuffles of the near-labels"
    said = f"Adjusted mutual information {_round(verdict['ami'], 3)} (0 is chance, 1 the same grouping), p = {p}"
    high = _round(verdict["null_high"], 3)
    if verdict["candidates"] == 1:
        return f"{said}: {count} it was as large; 95 % of them stayed below {high}."
    why = (
        "a person chose among them and may have looked at the near-labels"
        if criterion == "chosen"
        else "the near-labels chose among them"
    )
    return (
        f"{said}, counted over all {verdict['candidates']} clusterings, since {why}: {count} the best of them reached "
        f"that; 95 % of these stayed below {high}."
    )


def _describe_groups(groups: list[int], better: bool, counted: bool) -> list[str]:
    """Sentences that keep the verdict and the q-values of the table of evidence from contradicting each other."""
    said = []
    if groups and not better and not counted:
        which = f"group {groups[0]}" if len(groups) == 1 else f"groups {', '.join(map(str, groups[:8]))}"
        more = f" and {len(groups) - 8} more" if len(groups) > 8 else ""
        said.append(f"Worth a look: {which}{more}, with q ≤ {SIGNIFICANT} in the table of evidence below.")
    elif better and not groups:
        said.append(f"No single group stands out: none has q ≤ {SIGNIFICANT} in the table of evidence below.")
    if counted and groups:
        said.append("The q-values in the table of evidence below take the clustering as given and do not count that.")
    return said


def describe_columns(columns: pd.DataFrame) -> str:
    """Say which column of the data set's table the split follows, where that is clearly not the near-labels.

    Parameters
    ----------
    columns : DataFrame
        The node's rows of ``tables/columns.csv``.

    Returns
    -------
    str
        A sentence; '' where no column's AMI is better than chance and clearly larger than the near-labels'.
    """
    known = columns[columns["p_value"] <= SIGNIFICANT]
    if known.empty:
        return ""
    first = known.sort_values("ami", ascending=False, kind="stable").iloc[0]
    own = first["near_label_ami"]
    least = CLEARLY if pd.isna(own) else max(CLEARLY, own + CLEARLY, TIMES * own)
    if first["ami"] < least:
        return ""
    followed = f"The split follows the column {first['column']} (AMI {_round(first['ami'], 2)})"
    if pd.isna(own):
        return f"{followed}."
    return f"{followed}{', not' if own < CLEARLY else ' more than'} the near-labels ({_round(own, 2)})."
