"""What the page shows of stopping rules, as its templates take it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nearlabel.report.base.embedding import embed_file
from nearlabel.report.learning.stopping.stops import REFERENCE_RECALL, collect_stops, compared_rules
from nearlabel.report.learning.stopping.table import guarantee_sentence, stopping_frame, stopping_table
from nearlabel.report.learning.view import view_table
from nearlabel.run_files import DATASET_FIGURE, below


def view_stopping(
    run_folder, dataset: str, strategies: Iterable[str], folds: int, rules: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Arrange what the page shows of the stopping rules of one data set.

    Parameters
    ----------
    run_folder : str or Path
        ``results/{run}``.
    dataset, strategies, folds
        As for `nearlabel.report.learning.stopping.stops.collect_stops`.
    rules : sequence of mapping
        ``id``, ``name`` and ``parameters`` of each rule.

    Returns
    -------
    dict
        guarantee, figure, reference, rules, table; frame, the table's numbers.
    """
    described = compared_rules(rules)
    stops = collect_stops(run_folder, dataset, strategies, folds, described)
    return {
        "frame": stopping_frame(stops, described),
        "guarantee": guarantee_sentence(described.values()),
        "figure": embed_file(below(run_folder, DATASET_FIGURE, dataset=dataset, kind="stopping", suffix="svg")),
        "reference": f"{REFERENCE_RECALL:g}",
        "rules": [
            {
                "id": rule["id"] if rule["id"] == rule["name"] else f"{rule['id']} ({rule['name']})",
                "parameters": ", ".join(f"{name} {value}" for name, value in rule["parameters"].items()),
                "guarantees": described[rule["id"]].guarantees,
                "assumes": described[rule["id"]].assumes,
            }
            for rule in rules
        ],
        "table": view_table(
            stopping_table(stops, described), "Stopping rules", hide=["Data set", "Assumes"], sortable=True
        ),
    }
