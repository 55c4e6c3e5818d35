"""What the user has named, remembered with its images: a rerun that changes them is noticed, or refused.

The files lie beside the results and are no result themselves: they hold what was there when the user looked.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from nearlabel.files import written_whole
from nearlabel.run_files import (
    CLUSTERS,
    REDUCED,
    REMEMBERED_NAMES,
    REMEMBERED_NODE,
    REMEMBERED_NODES,
    below,
    fields_of,
    run_folder,
)

logger = logging.getLogger(__name__)


class Memory(NamedTuple):
    """Images that a node or group had when the user named it.

    Attributes
    ----------
    name : str
        What the user called it: the node itself, or a name of the user's own.
    sha256 : str
        Of the sorted ids.
    members : list of str
        Ids of the images, sorted.
    overlap : float
        Jaccard overlap with the images that it has now: 1 unless they have changed.
    named : bool
        Whether the user had named it, in the configuration or in a list.
    """

    name: str
    sha256: str
    members: list[str]
    overlap: float
    named: bool = False


def hash_members(members: Iterable[str]) -> str:
    """SHA-256 of a set of image ids, whatever their order."""
    return hashlib.sha256(json.dumps(sorted(members)).encode()).hexdigest()


def member_overlap(one: Iterable[str], other: Iterable[str]) -> float:
    """Jaccard overlap of two sets of image ids, 1 for equal ones."""
    one, other = set(one), set(other)
    return len(one & other) / len(one | other) if one | other else 1.0


def remember(path: str | Path, node: str, name: str, members: Iterable[str], **limits: Any) -> Memory:
    """Compare a node's images with those remembered and keep what comes of it; all else is as of `compare`."""
    memory = compare(path, node, name, members, **limits)
    keep(path, memory)
    return memory


def compare(
    path: str | Path,
    node: str,
    name: str,
    members: Iterable[str],
    *,
    min_overlap: float | None,
    others: Mapping[str, Collection[str]] | None = None,
) -> Memory:
    """Compare a node's images with those remembered, for `keep`; those of now where there is nothing to compare with.

    Parameters
    ----------
    path : str or Path
        The node's own file of memory.
    node : str
        Name of the node.
    name : str
        What the user calls it. Another name than the remembered one means that the user has looked again.
    members : iterable of str
        Ids of its images now.
    min_overlap : float or None
        Smallest Jaccard overlap accepted. None where the user has not named the node: what it holds now replaces what
        was remembered, so that a later naming means this.
    others : mapping of str to collection of str, optional
        The nodes beside it and their images, to say which of them is most like what is remembered.

    Returns
    -------
    Memory

    Raises
    ------
    ValueError
        The overlap is below `min_overlap`.
    """
    path, members = Path(path), sorted(members)
    memory = read_memory(path)
    if memory is None or memory.name != name or min_overlap is None:
        memory = Memory(name, hash_members(members), members, 1.0)
    elif (overlap := member_overlap(memory.members, members)) < min_overlap:
        called = "" if name == node else f", called '{name}',"
        raise ValueError(
            f"node {node}{called} had {len(memory.members)} images when it was named and has {len(members)} now, with "
            f"an overlap of {overlap:.2f}, below grouping.min_overlap {min_overlap:g}"
            f"{_describe_nearest(memory, others or {})}; look at the clusters of its parent and name the node that you "
            f"mean, or move {path} away to mean this one"
        )
    else:
        memory = memory._replace(overlap=overlap)
    memory = memory._replace(named=min_overlap is not None)
    if memory.overlap < 1:
        logger.warning(
            "the images of node %s have changed since it was named: %d then, %d now, overlap %.2f",
            node, len(memory.members), len(members), memory.overlap,
        )  # fmt: skip
    return memory


def keep(path: str | Path, memory: Memory) -> None:
    """Write a file of memory."""
    with written_whole(path) as partial:
        partial.write_text(json.dumps(memory._asdict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _describe_nearest(memory: Memory, others: Mapping[str, Collection[str]]) -> str:
    overlaps = {node: member_overlap(memory.members, members) for node, members in others.items()}
    nearest = max(overlaps, key=overlaps.__getitem__, default=None)
    if nearest is None or not overlaps[nearest]:
        return ""
    return f"; most like it is {nearest} now, with an overlap of {overlaps[nearest]:.2f}"


def named_clusters(clusters: str | Path) -> dict[int, list[str]]:
    """Find what is remembered of a node's clusters that the user has named, or below which the user has named a node.

    Parameters
    ----------
    clusters : str or Path
        ``clusters.csv`` of the node; need not exist.

    Returns
    -------
    dict of int to list of str
        Number of each such cluster → the images that it had when it was named; where only a node below it was named,
        those that it had when it was clustered last.
    """
    fields = fields_of(CLUSTERS, clusters)
    node, dataset, run = fields["node"], fields["dataset"], run_folder(CLUSTERS, clusters)
    names, nodes = (below(run, pattern, dataset=dataset) for pattern in (REMEMBERED_NAMES, REMEMBERED_NODES))
    within = {
        file.stem: read_memory(file) for folder in (nodes, names) for file in sorted(folder.glob(f"{node}.*.json"))
    }
    named = [other for other, memory in within.items() if memory.named]
    numbers = sorted({int(other.split(".")[node.count(".") + 1]) for other in named})
    return {number: within[f"{node}.{number}"].members for number in numbers if f"{node}.{number}" in within}


def read_memory(path: str | Path) -> Memory | None:
    """Read a file that `remember` wrote, None where there is none.

    Raises
    ------
    ValueError
        Not such a file.
    """
    path = Path(path)
    if not path.exists():
        return None
    try:
        return Memory(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged ({error}); move it away to take the node as it is now") from error


def node_memory(reduced: str | Path) -> Path:
    """File that remembers a node's images, by the path of one of its ``reduced.h5``."""
    fields = fields_of(REDUCED, reduced)
    return below(run_folder(REDUCED, reduced), REMEMBERED_NODE, dataset=fields["dataset"], node=fields["node"])


def memory_table(memories: Mapping[str, Memory]) -> pd.DataFrame:
    """Table of what is remembered, by node: ``remembered.csv``: node, name, images (then), overlap (with those now)."""
    rows = [(node, memory.name, len(memory.members), memory.overlap) for node, memory in memories.items()]
    return pd.DataFrame(rows, columns=["node", "name", "images", "overlap"])


def tidy_memory(folder: str | Path, named: Collection[str], min_overlap: float) -> dict[str, Memory]:
    """Forget what is named no longer, so that a later naming means what the user sees then, and check the rest.

    Parameters
    ----------
    folder : str or Path
        Where the files of memory lie.
    named : collection of str
        Nodes to keep.
    min_overlap : float
        As for `remember`.

    Returns
    -------
    dict of str to Memory
        What is kept, by node.

    Raises
    ------
    ValueError
        A node that is kept has changed too much.
    """
    kept, forgotten = {}, []
    for path in sorted(Path(folder).glob("*.json")):
        if path.stem not in named:
            forgotten.append(path)
            continue
        kept[path.stem] = memory = read_memory(path)
        if memory.overlap < min_overlap:
            raise ValueError(
                f"the images of node {path.stem} overlap by {memory.overlap:.2f} with those that it had when it was "
                f"named, below grouping.min_overlap {min_overlap:g}; name the node that you mean, or move {path} "
                "away to mean this one"
            )
    # Only now: a mistake in the names must cost nothing that is remembered.
    for path in forgotten:
        path.unlink()
    return kept
