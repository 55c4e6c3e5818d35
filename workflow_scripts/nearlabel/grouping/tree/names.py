"""The user's names for groups."""

from os import PathLike

from nearlabel.grouping.tree.node_names import parse_node
from nearlabel.tables import read_user_table

NAME_COLUMNS = ("node", "name")


def read_names(path: str | PathLike | None) -> dict[str, str]:
    """Read the user's names for groups; standard library only, for the workflow's parsing checks them.

    Parameters
    ----------
    path : str, path-like or None
        CSV with columns node and name; None for no names.

    Returns
    -------
    dict of str to str
        Node → name. Two groups may share a name.

    Raises
    ------
    FileNotFoundError, ValueError
        It cannot be read, or a row names no node, one that comes twice, or has no name.
    """
    if path is None:
        return {}
    cells, lines, _ = read_user_table(path, NAME_COLUMNS)
    names: dict[str, str] = {}
    for line, node, name in zip(lines, cells["node"], (name.strip() for name in cells["name"]), strict=True):
        try:
            if node != "root":
                parse_node(node)
        except ValueError as error:
            raise ValueError(f"{path}, line {line}: {error}.") from None
        if not name:
            raise ValueError(f"{path}, line {line} has no name for {node}; write one or remove the line.")
        if names.setdefault(node, name) != name:
            raise ValueError(f"{path}, line {line} names {node} a second time; keep one line.")
    return names
