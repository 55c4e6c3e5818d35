"""The user's names for groups."""

from pathlib import Path

import pandas as pd


def read_names(path: str | Path | None) -> dict[str, str]:
    """Read the user's names for groups.

    Parameters
    ----------
    path : str, Path or None
        CSV with columns node and name; None for no names.

    Returns
    -------
    dict of str to str
        Node → name, stripped of spaces around it. Two groups may share a name.

    Raises
    ------
    ValueError
        A column is missing, a node comes twice, a name is empty.
    """
    if path is None:
        return {}
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    if missing := {"node", "name"} - set(frame.columns):
        raise ValueError(f"{path} has no column '{sorted(missing)[0]}'; it needs node and name")
    frame = frame.assign(node=frame["node"].str.strip(), name=frame["name"].str.strip())
    if frame["node"].duplicated().any():
        raise ValueError(f"{path} names {frame.loc[frame['node'].duplicated(), 'node'].iloc[0]} twice; keep one line")
    if (frame["name"] == "").any():
        raise ValueError(f"{path} has no name for {frame.loc[frame['name'] == '', 'node'].iloc[0]}; remove the line")
    return dict(zip(frame["node"], frame["name"], strict=True))
