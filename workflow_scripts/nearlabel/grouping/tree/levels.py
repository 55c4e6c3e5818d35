"""The table of all groups of a tree, level by level: what ``levels/{level}.csv`` holds."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

LEVEL_COLUMNS = ["node", "parent", "cluster", "size", "near_label_share", "split", "reason", "near_label"]


def list_groups(clusters: Mapping[str, pd.DataFrame], near_labels: pd.DataFrame) -> pd.DataFrame:
    """List every group of a tree: the whole data set, then each cluster of each clustered node.

    Parameters
    ----------
    clusters : mapping of str to DataFrame
        Clustered node → its ``clusters.csv``, parents before children.
    near_labels : DataFrame
        ``near_labels.csv``: image_id, near_label ('' where there is none).

    Returns
    -------
    DataFrame
        node, parent and cluster (empty for the root), size (images), near_label_share (share of the most frequent
        near-label among the group's labelled images, NaN without any), labelled (images with a near-label), split
        (whether the group is a clustered node), near_label (that most frequent one, of equals the first; '' without).
    """
    near_label = near_labels.set_index("image_id")["near_label"]
    rows = [("root", "", pd.NA, near_label)]
    for node, frame in clusters.items():
        for cluster, members in frame.groupby("cluster")["image_id"]:
            rows.append((f"{node}.{cluster}", node, int(cluster), near_label.loc[members]))
    table = []
    for node, parent, cluster, labels in rows:
        shares = labels[labels != ""].value_counts(normalize=True).sort_index()
        row = {"node": node, "parent": parent, "cluster": cluster, "size": len(labels)}
        row |= {"near_label_share": shares.max(), "labelled": int((labels != "").sum())}
        row |= {"split": node in clusters, "reason": "", "near_label": shares.idxmax() if len(shares) else ""}
        table.append(row)
    return pd.DataFrame(table).astype({"cluster": "Int64", "near_label_share": float})


def list_expanded(clusters: Mapping[str, pd.DataFrame], near_labels: pd.DataFrame, level: int) -> pd.DataFrame:
    """Make ``levels/{level}.csv`` of a tree whose nodes the user has named: all groups down to that level.

    Parameters
    ----------
    clusters, near_labels
        As for `list_groups`.
    level : int
        Level of the deepest clusterings whose groups are listed; 0 is the root's.
    """
    table = list_groups({node: frame for node, frame in clusters.items() if node.count(".") <= level}, near_labels)
    table["split"] = table["node"].isin(list(clusters))
    table["reason"] = table["split"].map({True: "named in expand", False: "not named in expand"})
    table.loc[0, "reason"] = "the whole data set"
    return table[LEVEL_COLUMNS]


def read_level(path: str | Path) -> pd.DataFrame:
    """Read ``levels/{level}.csv``: cluster as Int64 (missing for the root), split as bool."""
    frame = pd.read_csv(
        path,
        dtype={"node": str, "parent": str, "cluster": "Int64", "reason": str, "near_label": str},
        keep_default_na=False,
        na_values={"cluster": [""], "near_label_share": [""]},
    )
    return frame.astype({"split": bool})
