"""The clustering that was selected at a node, and ``selection.json``, which keeps it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from nearlabel.files import how_to_remake, write_json


class Selection(NamedTuple):
    """A chosen clustering.

    Attributes
    ----------
    encoder, algorithm : str
        Ids.
    k : int
        Number of clusters.
    criterion : str
        What decided: a name of `nearlabel.grouping.selection.catalogue` or ``chosen``. Not always what was asked for,
        see `note`.
    k_range : list of int
        First and last k among the clusterings.
    excluded : list of dict
        Algorithms that Min-Max excluded: encoder, algorithm, reason.
    note : str or None
        What a reader should know about the decision, sentences joined by ``; ``.
    structure : dict or None
        How strong the node's structure is, see `nearlabel.grouping.structure.strength.describe_structure`; None where
        nothing tells.
    others : dict of str to dict
        Label-free criterion → encoder, algorithm, k: what each of them chooses, the one that decided too.
    candidates : list of dict
        Clusterings that are worth a look beside this one: encoder, algorithm, k, reason.
    """

    encoder: str
    algorithm: str
    k: int
    criterion: str
    k_range: list[int]
    excluded: list[dict[str, str]]
    note: str | None
    structure: dict[str, Any] | None = None
    others: dict[str, dict[str, Any]] | None = None
    candidates: list[dict[str, Any]] | None = None


def write_selection(path: str | Path, selection: Selection) -> None:
    """Write ``selection.json``, its keys those of `Selection`.

    Parameters
    ----------
    path : str or Path
        The file.
    selection : Selection
        What `nearlabel.grouping.selection.criteria.select_clustering` gave.
    """
    write_json(path, selection._asdict())


def read_selection(path: str | Path) -> Selection:
    """Read ``selection.json``.

    Parameters
    ----------
    path : str or Path
        A file that `write_selection` wrote.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        Not such a file.
    """
    try:
        return Selection(**json.loads(Path(path).read_text(encoding="utf-8")))
    except (TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is no selection ({error}); {how_to_remake(path)}") from error
