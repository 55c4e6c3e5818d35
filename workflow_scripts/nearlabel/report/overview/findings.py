"""What was found in a data set's groups, in two sentences: what there is, and how sure that is."""

from collections.abc import Mapping, Sequence
from typing import Any

from nearlabel.grouping.scores.limits import LARGEST_SHARE
from nearlabel.report.base.text import shorten
from nearlabel.report.grouping.verdicts import SIGNIFICANT, format_p

TELLING_SHARE = 0.8
"""From this share of one near-label on a group is said to be of it."""
SAID = 3
"""Near-labels of which the sentence says which groups hold them."""


def describe_findings(node: Mapping[str, Any], untrained: bool = False) -> dict[str, str]:
    """Say what the groups of a data set are, and how sure that is.

    Parameters
    ----------
    node : mapping
        Its root, from `nearlabel.report.grouping.views.view_dataset`: size, clusters, shares, structure, verdict,
        evidence, selection.
    untrained : bool
        Whether the groups rest on weights that are not trained.

    Returns
    -------
    dict of str to str
        ``found`` and ``sure``, a sentence or two each; ``state``: ``none`` where there is no structure, ``weak``,
        ``clear``, or ``unknown`` where nothing tells.
    """
    structure = node["structure"] or {}
    state = structure.get("strength", "unknown")
    return {
        "state": "none" if untrained else state,
        "found": f"{_describe_groups(node, state)} {_describe_telling(node)}".strip(),
        "sure": " ".join(filter(None, [_describe_structure(structure, untrained), _describe_agreement(node)])),
    }


def telling_groups(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Find the groups that hold more of a near-label than chance gives, by near-label.

    Returns
    -------
    list of dict
        ``near_label``, ``groups`` (numbers), ``images`` in them, ``labelled``: how many of these have a near-label,
        ``share`` of this one among them, ``overall`` share in the node, ``pure``: whether the share is large; the most
        telling first.
    """
    overall = {share["label"]: share["count"] for share in node["near_label_counts"]}
    labelled = sum(overall.values())
    found: dict[tuple[str, bool], list[dict]] = {}
    for row in node["evidence"]:
        if row.get("near_label", "") and row.get("q_value", 1) <= SIGNIFICANT and row["fold_enrichment"] > 1:
            found.setdefault((row["near_label"], row["share"] >= TELLING_SHARE), []).append(row)
    told = []
    for (label, pure), rows in found.items():
        # Of a share of 0.3 the labelled images of a group are its count divided by it.
        known = sum(row["count"] / row["share"] for row in rows)
        told.append(
            {
                "near_label": label,
                "groups": sorted(int(row["cluster"]) for row in rows),
                "images": sum(int(row["size"]) for row in rows),
                "labelled": round(known),
                "share": sum(row["count"] for row in rows) / known,
                "overall": overall.get(label, 0) / labelled,
                "pure": pure,
            }
        )
    # A near-label that is rare says more than the one that nearly all images have.
    return sorted(told, key=lambda entry: (not entry["pure"], entry["overall"], entry["near_label"]))


def _describe_groups(node: Mapping[str, Any], state: str) -> str:
    clusters, size = node["clusters"], node["size"]
    largest = clusters[0]
    if largest["share"] > LARGEST_SHARE:
        others = size - largest["size"]
        return (
            f"One group holds {_percent(largest['share'])} of the {size} images; {_count(others, 'image')} "
            f"{'are' if others != 1 else 'is'} set apart. That sorts out what is odd, and groups nothing."
        )
    sizes = f"the largest has {largest['size']}, the smallest {clusters[-1]['size']}"
    if state == "none":
        groups = _count(len(clusters), "group")
        return f"No structure was found in these {size} images; they are split into {groups} all the same ({sizes})."
    return f"{_count(len(clusters), 'group')} of images: of {size}, {sizes}."


def _describe_telling(node: Mapping[str, Any]) -> str:
    told = [entry for entry in telling_groups(node) if entry["pure"]][:SAID]
    told = told or telling_groups(node)[:1]
    said = []
    for entry in told:
        groups = entry["groups"]
        which = f"group {groups[0]}" if len(groups) == 1 else f"groups {join_numbers(groups)}"
        share = "All" if entry["share"] == 1 else f"{_percent(entry['share'])} of the"
        # A share is of labelled images alone.
        kind = "image" if entry["labelled"] == entry["images"] else "labelled image"
        said.append(
            f"{share} {_count(entry['labelled'], kind)} in {which} are “{shorten(entry['near_label'], 30)}”; of all "
            f"{kind}s {_percent(entry['overall'])} are."
        )
    return " ".join(said)


def _describe_structure(structure: Mapping[str, Any], untrained: bool) -> str:
    if untrained:
        return "The weights are not trained, so that these groups are no evidence of anything."
    if not structure:
        return "How clear the groups are cannot be told: there is a single algorithm, or a single image repeated."
    numbers = []
    if structure.get("agreement") is not None:
        numbers.append(
            f"algorithms agree on them by {structure['agreement']:.2f} of 1, and by {structure['null']:.2f} where "
            "there is nothing to find"
        )
    if structure.get("across") is not None:
        numbers.append(f"encoders by {structure['across']:.2f}")
    opening = {
        "none": "Do not build on them",
        "weak": "The groups pass into each other: take them as a first sorting",
        "clear": "The groups are clear",
    }[structure["strength"]]
    return f"{opening} ({'; '.join(numbers)})." if numbers else f"{opening}."


def _describe_agreement(node: Mapping[str, Any]) -> str:
    verdict = node["verdict"]
    if verdict["state"] in ("better", "no_better"):
        return f"{verdict['headline']} (AMI {node['ami']:.2f} of 1, p = {format_p(node['p_value'])})."
    return f"{verdict['headline']}." if verdict["state"] else ""


def join_numbers(numbers: Sequence[int], most: int = 6) -> str:
    """Join numbers as a sentence does: ``1, 2 and 3``; of many the first, and how many more."""
    if len(numbers) > most:
        return f"{', '.join(map(str, numbers[:most]))} and {len(numbers) - most} more"
    return " and ".join(filter(None, [", ".join(map(str, numbers[:-1])), str(numbers[-1])]))


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"


def _percent(share: float) -> str:
    """Per cent without decimals; not 100 or 0 where something is missing or there."""
    if 0.99 < share < 1 or 0 < share < 0.01:
        return f"{min(99.9, max(0.1, 100 * share)):.1f} %"
    return f"{100 * share:.0f} %"
