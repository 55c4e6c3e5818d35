"""Files of the user's own that a run reads: what can be known of them when the workflow is parsed is said then."""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from nearlabel.config.datasets import Csv, Dataset
from nearlabel.grouping.tree.names import NAME_COLUMNS, read_names
from nearlabel.grouping.tree.node_names import parse_node
from nearlabel.images.label_list import read_near_labels
from nearlabel.images.listing import csv_root
from nearlabel.images.paths import ListedPaths
from nearlabel.plan.networks import all_encoders, encoder_files, network_files
from nearlabel.plan.resolve import Plan
from nearlabel.run_files import CLUSTERS, fill
from nearlabel.tables import read_user_table


class Findings(NamedTuple):
    """What is wrong with the user's own files, a sentence each.

    Attributes
    ----------
    wrong : list of str
        What no run can go on with.
    warnings : list of str
        Images and weights that are not there, without which a run can be planned, and one that is finished needs none;
        names that are read in another encoding than UTF-8.
    """

    wrong: list[str]
    warnings: list[str]


def check_own_files(plan: Plan) -> Findings:
    """Look at tables, folders of images, modules and weights of the user's own.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    Findings
    """
    findings = Findings([], [])
    used = [*plan.grouping.datasets, *(plan.learning.datasets if plan.learning else []), *plan.labelled]
    for name in dict.fromkeys(used):
        labels = _check_dataset(findings, f"datasets.{name}", plan.config.datasets[name])
        if plan.learning and name in plan.learning.datasets and labels and plan.learning.positive not in labels:
            told = ", ".join(map(repr, sorted(labels)[:5])) + (", ..." if len(labels) > 5 else "")
            findings.wrong.append(
                f"learning.positive is {plan.learning.positive!r}, but the near-labels of datasets.{name} are {told}"
            )
    for name, file in plan.grouping.names.items():
        key = f"grouping.names.{name}"
        names = _attempt(findings.wrong, key, read_names, file)
        if names and (remark := read_user_table(file, NAME_COLUMNS).remark):
            findings.warnings.append(f"{key}: {file} {remark}")
        for node in names or ():
            if problem := _node_problem(plan, name, node):
                findings.wrong.append(f"{key}: {file} names {node}, but {problem}")
    files = {file: f"encoder {id}" for id in all_encoders(plan) for file in encoder_files(plan, id)}
    section = "learning.encoder" if plan.learning else "labelling.encoder"
    files |= {file: section for file in (network_files(plan) if plan.network else [])}
    if plan.labelling and os.path.lexists(plan.labelling.folder) and not Path(plan.labelling.folder).is_dir():
        findings.wrong.append(
            f"labelling.folder: {plan.labelling.folder} is no folder; name one for the files of labels"
        )
    findings.warnings.extend(f"{key}: {file} does not exist" for file, key in files.items() if not Path(file).is_file())
    folder = plan.config.features.weights_dir
    if folder and not Path(folder).is_dir():
        findings.warnings.append(f"features.weights_dir: {folder} is no folder")
    return findings


def _check_dataset(findings: Findings, key: str, chosen: Dataset) -> set[str]:
    """Check a data set's files; return the near-labels that they give, where that is known."""
    labels: Iterable[str] = ()
    if isinstance(chosen.near_labels, str):
        given = _attempt(findings.wrong, f"{key}.near_labels", read_near_labels, chosen.near_labels)
        labels = given.values() if given else ()
    if chosen.kind == "csv":
        classes = _check_list(findings, key, chosen)
        labels = classes if chosen.near_labels is None else labels
    elif chosen.kind != "synthetic" and not Path(chosen.root).is_dir():
        findings.warnings.append(f"{key}.root: {chosen.root} is no folder")
    elif chosen.kind == "severstal":
        _attempt(findings.wrong, f"{key}.root", read_user_table, Path(chosen.root) / "train.csv", ["EncodedPixels"])
    return {unicodedata.normalize("NFC", label) for label in labels if label}


def _check_list(findings: Findings, key: str, chosen: Csv) -> list[str]:
    """Check the list of a data set; return the classes that it gives."""
    if not Path(chosen.file).is_file():
        findings.warnings.append(f"{key}.file: {chosen.file} does not exist")
        return []
    columns = dict.fromkeys([chosen.path_column, chosen.label_column, chosen.part_column, *chosen.extra_columns])
    table = _attempt(findings.wrong, f"{key}.file", read_user_table, chosen.file, list(filter(None, columns)))
    if table is None:
        return []
    root = csv_root(chosen.model_dump())
    if not root.is_dir():
        findings.warnings.append(f"{key}.root: {root} is no folder")
    elif problem := _list_problem(chosen.file, table.cells[chosen.path_column], root):
        findings.warnings.append(f"{key}.file: {problem}")
    return table.cells.get(chosen.label_column, [])


def _list_problem(file: str, paths: list[str], root: Path) -> str:
    """Say that a list names no file that is there; empty where it names one."""
    if not any(paths):
        return f"{file} lists no image"
    listed = ListedPaths(root)
    if any(os.path.lexists(root / listed.locate(path)[0]) for path in paths if path):
        return ""
    first = next(filter(None, paths))
    reason = listed.locate(first)[1]
    return f"none of the {len(paths)} files that {file} lists is in {root}, the first: {first!r}" + (
        f" ({reason})" if reason else ""
    )


def _node_problem(plan: Plan, dataset: str, node: str) -> str:
    """Say why there is no such group, or will be none; empty where that cannot be known yet."""
    if node == "root":
        return ""
    parent, cluster = parse_node(node)
    if not plan.grows and parent not in plan.named:
        return f"{parent} is not clustered; correct the node, or add {parent} to grouping.expand"
    chosen = plan.grouping.choose.get(parent)
    most = chosen.k if chosen else plan.level(parent).ks[1]
    if cluster >= most:
        return f"{parent} has at most {most} clusters, from 0"
    found = Path(fill(CLUSTERS, run=plan.config.run, dataset=dataset, node=parent))
    if chosen or not found.is_file():
        return ""
    numbers = {int(number) for number in read_user_table(found, ["cluster"]).cells["cluster"]}
    if cluster in numbers:
        return ""
    return f"{parent} has the clusters 0 to {max(numbers)}; correct the node, or name it when a run has made it"


def _attempt(problems: list[str], key: str, function, *arguments):
    """Call a function; None where it says that a file is wrong, which is kept with its key."""
    try:
        return function(*arguments)
    except FileNotFoundError:
        problems.append(f"{key}: {arguments[0]} does not exist; write it or correct its path")
    except ValueError as error:
        problems.append(f"{key}: {str(error).removesuffix('.')}")
    return None
