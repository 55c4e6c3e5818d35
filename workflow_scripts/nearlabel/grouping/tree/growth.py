"""Growing the tree of groups by itself: which groups of a level are clustered again, and why the others are not."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from nearlabel.grouping.selection.node_files import read_winner, reduced_of_node
from nearlabel.grouping.structure.evidence import Algorithms, measure_group
from nearlabel.grouping.structure.strength import Strength, judge_structure
from nearlabel.grouping.tree.levels import LEVEL_COLUMNS, list_groups
from nearlabel.run_files import SELECTION, fields_of
from nearlabel.seeds import derive_seed


class Limits(NamedTuple):
    """Where growth stops.

    Attributes
    ----------
    min_size : int
        A group with fewer images is not split.
    purity : float
        A group whose most frequent near-label has at least this share of its labelled images is not split.
    max_children : int
        At most so many groups of one node are split, the neediest first.
    """

    min_size: int
    purity: float
    max_children: int


def plan_level(
    level: int,
    clusters: Mapping[str, pd.DataFrame],
    near_labels: pd.DataFrame,
    structure: Mapping[str, Strength | None],
    limits: Limits,
    *,
    previous: pd.DataFrame | None = None,
    deepest: bool = False,
    wanted: Collection[str] = (),
    smallest_k: int = 2,
) -> pd.DataFrame:
    """Decide which groups of one level are clustered again.

    The neediest group is the one with the most images outside its most frequent near-label, as its labelled images let
    expect. A group with too few labelled images to tell is split only where its own images have structure beyond that
    of structureless data; such groups come after, the clearest structure first. What the paper leaves to the user's
    eye (Mathias et al. 2025, sections 3.3 and 5.2) is so put into numbers; ours.

    Parameters
    ----------
    level : int
        Level of the clusterings whose groups are judged; 0 is the root's.
    clusters : mapping of str to DataFrame
        ``clusters.csv`` of every node that was clustered at this level.
    near_labels : DataFrame
        ``near_labels.csv``.
    structure : mapping of str to Strength or None
        From `measure_groups`: group → its structure, None where nothing tells; of the groups that have too few labelled
        images.
    limits : Limits
        Where growth stops.
    previous : DataFrame, optional
        Table of the level above; none at level 0.
    deepest : bool
        Whether no deeper level is clustered.
    wanted : collection of str
        Nodes of the next level that are split whatever the limits say, as the user has named them; they do not count
        among ``max_children``.
    smallest_k : int
        Smallest number of clusters that the next level tries.

    Returns
    -------
    DataFrame
        ``levels/{level}.csv``: the rows of `previous`, then one for each group of this level (see
        `nearlabel.grouping.tree.levels.list_groups`), with split and reason.

    Raises
    ------
    ValueError
        A wanted node does not exist.
    """
    tables = [list_groups({}, near_labels) if previous is None else previous]
    for node, members in clusters.items():
        groups = list_groups({node: members}, near_labels).iloc[1:]
        tables.append(_decide(groups, structure, limits, deepest, wanted, smallest_k))
    table = pd.concat([frame[LEVEL_COLUMNS] for frame in tables], ignore_index=True)
    if previous is None:
        table.loc[0, ["split", "reason"]] = True, "the whole data set"
    for node in sorted(wanted):
        if node not in set(table["node"]):
            siblings = table.loc[table["parent"] == node.rpartition(".")[0], "node"]
            raise ValueError(f"node {node}, which the config names, does not exist; there are {', '.join(siblings)}")
    return table


def _decide(
    groups: pd.DataFrame,
    structure: Mapping[str, Strength | None],
    limits: Limits,
    deepest: bool,
    wanted: Collection[str],
    smallest_k: int,
) -> pd.DataFrame:
    judged = groups["labelled"] >= limits.min_size
    groups = groups.assign(
        structure=[structure.get(node) for node in groups["node"]],
        # Unlabelled images are taken to be as mixed as the labelled ones.
        outside=(groups["size"] * (1 - groups["near_label_share"])).where(judged),
    )
    stops = [_stop(group, limits, deepest, smallest_k, len(groups)) for group in groups.itertuples()]
    named = groups["node"].isin(list(wanted)).to_numpy()
    candidates = groups[[stop is None and not own for stop, own in zip(stops, named, strict=True)]]
    excess = [0.0 if found is None else found.excess for found in candidates["structure"]]
    ranked = candidates.assign(excess=excess).sort_values(
        ["outside", "excess"], ascending=[False, False], kind="stable", na_position="last"
    )
    rank = {index: place for place, index in enumerate(ranked.index, start=1)}
    split, reasons = [], []
    for group, stop, own in zip(groups.itertuples(), stops, named, strict=True):
        place = rank.get(group.Index)
        split.append(bool(own or (stop is None and place <= limits.max_children)))
        if own:
            reasons.append("named in the config")
        elif stop is not None:
            reasons.append(stop)
        else:
            beyond = "" if split[-1] else f", beyond max_children {limits.max_children}"
            reasons.append(f"{_describe_need(group)}; number {place} of {len(rank)} in need{beyond}")
    return groups.assign(split=split, reason=reasons)


def _stop(group, limits: Limits, deepest: bool, smallest_k: int, siblings: int) -> str | None:
    """Say why a group cannot or need not be split, None where it may be."""
    judged = group.labelled >= limits.min_size
    if siblings == 1:
        return "the same images as its parent"
    if deepest:
        return "max_level reached"
    if group.size < limits.min_size:
        return f"{group.size} images, fewer than min_size {limits.min_size}"
    if group.size <= smallest_k:
        return f"{group.size} images, not more than the smallest k of the next level, {smallest_k}"
    if judged and group.near_label_share >= limits.purity:
        return f"{group.near_label_share:.3f} are {group.near_label}, at least purity {limits.purity:g}"
    if not judged and group.structure is None:
        return f"{_count_labelled(group)}; its structure takes two algorithms and images that differ to tell"
    if not judged and not group.structure.found:
        return f"{_describe_structure(group)}: no structure found"
    return None


def _describe_need(group) -> str:
    if pd.isna(group.outside):
        return f"{_describe_structure(group)}: {group.structure.strength} structure"
    about = "" if group.labelled == group.size else f"by its {group.labelled} labelled images, about "
    return f"{about}{round(group.outside)} of {group.size} images outside the most frequent near-label"


def _describe_structure(group) -> str:
    return f"{_count_labelled(group)}; agreement {group.structure.excess:.2f} above that on structureless data"


def _count_labelled(group) -> str:
    return (
        f"{group.labelled} labelled image{'' if group.labelled == 1 else 's'}" if group.labelled else "no near-labels"
    )


def measure_groups(
    reduced: Sequence[str | Path],
    selections: Sequence[str | Path],
    clusters: Mapping[str, pd.DataFrame],
    near_labels: pd.DataFrame,
    limits: Limits,
    algorithms: Algorithms,
    ks: Sequence[int],
    *,
    draws: int,
    sample: int,
    seed: int,
) -> dict[str, Strength | None]:
    """Measure the structure of the groups that near-labels cannot judge, in the features that were clustered.

    Parameters
    ----------
    reduced : sequence of path
        ``{node}/{encoder}/reduced.h5`` of all encoders of some nodes.
    selections : sequence of path
        ``{node}/selection.json`` of those nodes.
    clusters : mapping of str to DataFrame
        From `nearlabel.grouping.selection.node_files.read_clusters`, of the same nodes.
    near_labels : DataFrame
        ``near_labels.csv``.
    limits : Limits
        Groups with fewer images than its `min_size` are left out, as are those with as many labelled ones.
    algorithms, ks
        Of the next level: what would cluster the groups, and the first and last number of clusters.
    draws, sample, seed
        As for `nearlabel.grouping.structure.evidence.measure_structure`.

    Returns
    -------
    dict of str to Strength or None
        By group; None where nothing tells, see `nearlabel.grouping.structure.strength.judge_structure`.
    """
    found = {}
    for selection in selections:
        winner = read_winner(reduced_of_node(selection, reduced), selection)
        node = fields_of(SELECTION, selection)["node"]
        rows = pd.Series(range(len(winner.image_id)), index=winner.image_id)
        for group in list_groups({node: clusters[node]}, near_labels).iloc[1:].itertuples():
            if group.size < limits.min_size or group.labelled >= limits.min_size or group.size == len(rows):
                continue
            members = clusters[node].loc[clusters[node]["cluster"] == group.cluster, "image_id"]
            values = winner.reduction.values[rows.loc[members].sort_values()]
            own_seed = derive_seed(seed, group.node)
            table = measure_group(values, algorithms, ks, draws=draws, sample=sample, seed=own_seed)
            found[group.node] = judge_structure({winner.encoder: table})
    return found
