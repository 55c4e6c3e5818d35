"""What operators have made of the groups in use, carried over into the next bundle of the same clustering."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.production.bundle.contents import USED, NodeGroups, Reference
from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.bundle.numbering import find_doubles, read_note


class Carried(NamedTuple):
    """What is taken over from the bundle in use.

    Attributes
    ----------
    root : NodeGroups
        With centres that confirmed images have moved, and with groups that were accepted.
    names : dict of str to str
        Of accepted groups.
    accepted : list of str
        Accepted groups.
    reference : Reference or None
        Images of accepted groups, but those of groups that are too small.
    notes : list of str
        What was taken over, or could not be.
    followed : dict of str to int
        The bundle's fact: which words the centres come from.
    """

    root: NodeGroups
    names: dict[str, str]
    accepted: list[str]
    reference: Reference | None
    notes: list[str]
    followed: dict[str, int]


def describe_clustering(
    members: Mapping[str, pd.DataFrame], encoders: Mapping[str, Any], reductions: list[Any]
) -> dict[str, Any]:
    """Say what ids of groups stand for: equal in two bundles whose groups are the same.

    Parameters
    ----------
    members : mapping of str to DataFrame
        ``clusters.csv`` by node.
    encoders : mapping of str to mapping
        By node: what a bundle keeps of its encoder.
    reductions : list
        Of each level.

    Returns
    -------
    dict
        sha256; root, how many clusters it has.
    """
    digest = hashlib.sha256(json.dumps([encoders, reductions], sort_keys=True).encode())
    for node, table in sorted(members.items()):
        digest.update(f"\n{node}\n".encode() + table.to_csv(index=False).encode())
    return {"sha256": digest.hexdigest(), "root": int(members["root"]["cluster"].max()) + 1}


def carry_over(
    bundles: str | Path, root: NodeGroups, clustering: Mapping[str, Any], known: set[str], neighbors: int
) -> Carried:
    """Take over from the bundle in use what was adopted there: new groups keep their ids over all later bundles.

    Of a group with as many images as novelty has neighbours, or fewer, none is carried over: the nearest others of each
    would lie in other groups, far away, and no image near it would be novel.

    Parameters
    ----------
    bundles : path
        Folder of bundles.
    root : NodeGroups
        As the run has clustered.
    clustering : mapping
        From `describe_clustering`.
    known : set of str
        Contents (sha256) of the images that the new bundle has by itself.
    neighbors : int
        Training images that the new bundle measures novelty by.

    Returns
    -------
    Carried
        The root as it is where nothing was adopted, or the run was clustered anew since.
    """
    nothing = Carried(root, {}, [], None, [], {})
    try:
        if read_note(bundles, USED) is None:
            return nothing
        if problems := find_doubles(bundles, [USED]):
            return nothing._replace(notes=[f"nothing is carried over from the bundle in use: {problems[0]}"])
        used = read_bundle(bundles)
    except (OSError, ValueError) as error:
        return nothing._replace(notes=[f"nothing is carried over from the bundle in use: {error}"])
    then, adopted = used.facts.get("clustering", clustering), used.nodes["root"]
    new = [f"root.{number}" for number in range(then["root"], len(adopted.centres)) if adopted.counts[number]]
    if then != clustering:
        if not new:
            return nothing
        return nothing._replace(
            notes=[
                f"{', '.join(new)} of bundle {used.number} were accepted as groups and are none here: the data set was "
                "clustered anew"
            ]
        )
    if np.array_equal(adopted.centres, root.centres):
        return nothing
    reference = used.reference
    nodes = reference.node.astype(str)
    rows = np.isin(nodes, new) & ~np.isin(reference.sha256.astype(str), list(known))
    counts = {node: int((nodes == node).sum()) for node in new if rows[nodes == node].any()}
    few = {node: count for node, count in counts.items() if count <= neighbors}
    rows &= ~np.isin(nodes, list(few))
    thumbnails = [reference.thumbnails[row] for row in np.flatnonzero(rows)]
    kept = Reference(*(part[rows] for part in reference[:-1]), thumbnails)
    moved = root._replace(centres=adopted.centres, counts=adopted.counts, returned=adopted.returned)
    names = {node: used.names[node] for node in new if node in used.names}
    notes = [f"centres of the root's groups are those of bundle {used.number}, which followed operators' words"]
    notes += [f"{node} was accepted as a group in bundle {used.number} or before" for node in new]
    notes += [
        f"{node}: new images are held against none of its {count}, and are novel again where they are like them: by "
        f"{neighbors} neighbours novelty takes {neighbors + 1} of a group; set production.neighbors lower to keep them"
        for node, count in few.items()
    ]
    return Carried(moved, names, new, kept if rows.any() else None, notes, used.facts.get("followed", {}))
