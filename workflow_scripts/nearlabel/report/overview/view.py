"""Arranging the first screen: findings, the faces of the groups, next steps, for each data set."""

from collections.abc import Mapping, Sequence
from typing import Any

from nearlabel.report.grouping.collect import DatasetReport
from nearlabel.report.grouping.pictures.faces import cut_faces
from nearlabel.report.overview.findings import describe_findings
from nearlabel.report.overview.steps import next_steps

MOST_GROUPS = 12
"""Groups whose faces the first screen shows."""


def view_overview(
    datasets: Sequence[DatasetReport], views: Sequence[Mapping[str, Any]], config: Mapping[str, Any], command: str
) -> list[dict[str, Any]]:
    """Arrange what the first screen says of each grouped data set.

    Parameters
    ----------
    datasets : sequence of DatasetReport
        From `nearlabel.report.grouping.collect.collect_dataset`.
    views : sequence of mapping
        Of the same data sets, from `nearlabel.report.grouping.views.view_dataset`.
    config : mapping
        The run's configuration.
    command : str
        What runs the workflow.

    Returns
    -------
    list of dict
        ``name``, ``anchor``, ``images``, ``findings`` (see `describe_findings`), ``groups`` with their faces,
        ``more`` (groups that are not shown and their images), ``steps``.
    """
    return [_view(data, view, config, command) for data, view in zip(datasets, views, strict=True)]


def _view(data: DatasetReport, view: Mapping[str, Any], config: Mapping[str, Any], command: str) -> dict[str, Any]:
    root, node = view["nodes"][0], data.nodes[0]
    groups = [
        {key: c[key] for key in ("number", "name", "size", "share", "shares", "anchor")}
        | dict(zip(("strip", "faces"), cut_faces(node.sheets, node.sheets_folder, c["number"]), strict=True))
        for c in root["clusters"][:MOST_GROUPS]
    ]
    rest = root["clusters"][MOST_GROUPS:]
    return {
        "name": view["name"],
        "anchor": view["anchor"],
        "root": root["anchor"],
        "images": root["size"],
        "labelled": view["labelled"],
        "shares": view["shares"],
        "doubts": view["doubts"],
        "untrained": view["untrained"],
        "ledger": view["ledger"],
        "findings": describe_findings(root, root["winner_untrained"]),
        "groups": groups,
        "more": {"groups": len(rest), "images": sum(c["size"] for c in rest)} if rest else None,
        "deeper": [n["name"] for n in view["nodes"][1:]],
        "steps": next_steps(view, config, command),
    }
