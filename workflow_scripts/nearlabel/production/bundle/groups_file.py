"""``groups.skops`` of a bundle: of each node the fitted reduction, centres and counts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nearlabel.grouping.models.trusted import foreign_steps, foreign_value, read_skops, write_skops
from nearlabel.production.bundle.contents import NodeGroups


def write_groups(path: str | Path, nodes: Mapping[str, NodeGroups]) -> None:
    """Write ``groups.skops``; the same groups give the same bytes."""
    write_skops(path, {name: groups._asdict() for name, groups in nodes.items()})


def read_groups(path: str | Path) -> dict[str, NodeGroups]:
    """Read what `write_groups` wrote.

    Parameters
    ----------
    path : str or Path
        It may come from anybody: what is not built of our own steps is refused before it is used, see
        `nearlabel.grouping.models.trusted.read_skops`.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; a damaged or foreign one.
    """
    found = read_skops(path, "groups file", _find_foreign)
    return {name: NodeGroups(**groups) for name, groups in found.items()}


def _find_foreign(nodes: Any) -> str | None:
    if type(nodes) is not dict or "root" not in nodes:
        raise ValueError("it holds no groups of the root")
    for name, groups in nodes.items():
        if type(groups) is not dict or set(groups) != set(NodeGroups._fields) or groups["node"] != name:
            raise ValueError(f"what it holds of {name!r} is no node")
        foreign = foreign_steps(groups["reduction"], model=False)
        foreign = foreign or foreign_value(*(value for key, value in groups.items() if key != "reduction"))
        if foreign:
            return foreign
        centres, counts = groups["centres"], groups["counts"]
        if centres.ndim != 2 or centres.shape[:1] != counts.shape or not np.isfinite(centres).all():
            raise ValueError(f"the centres of {name!r} are no table of finite numbers")
    return None
