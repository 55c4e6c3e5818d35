"""The table of clusterings: the best of every encoder at every node."""

import pandas as pd

GROUPING_COLUMNS = [
    "dataset",
    "node",
    "encoder",
    "algorithm",
    "k",
    "silhouette",
    "entropy",
    "c_score",
    "ami",
    "chosen_by",
    "winner",
    "published",
]


# What the paper took on Severstal at each level, sections 5.1 and 5.2. It prints no score, so there is none to stand
# beside ours, and its deeper levels start from its own cluster numbers.
PUBLISHED_CHOICES = {
    "severstal": [
        "vgg16, agglomerative, k = 3",
        "spectral, k = 48, of its cluster 1",
        "gaussian_mixture, k = 2, by eye, of its cluster 25",
    ]
}


def best_clustering(scores: pd.DataFrame, excluded=()) -> pd.Series | None:
    """Return the row of ``scores`` with the highest silhouette; ties: lower entropy, then smaller k.

    A clustering that tears identical images apart (flag ``identical_points``) comes in only where there is no other.

    Parameters
    ----------
    scores : DataFrame
        One encoder's ``scores.csv``.
    excluded : iterable of str
        Algorithms left out.

    Returns
    -------
    Series or None
        None where no silhouette is defined.
    """
    left = scores[~scores["algorithm"].isin(list(excluded)) & scores["silhouette"].notna()]
    if left.empty:
        return None
    whole = left[~left["flags"].astype(str).str.contains("identical_points", regex=False)]
    left = left if whole.empty else whole
    return left.sort_values(["silhouette", "entropy", "k"], ascending=[False, True, True], kind="stable").iloc[0]


def winning_row(scores: dict[str, pd.DataFrame], selection: dict) -> pd.Series:
    """Return the row of ``scores`` that ``selection`` names.

    Raises
    ------
    ValueError
        Where the scores hold no such row: the files belong to different runs.
    """
    frame = scores.get(selection["encoder"], pd.DataFrame(columns=["algorithm", "k"]))
    rows = frame[(frame["algorithm"] == selection["algorithm"]) & (frame["k"] == selection["k"])]
    if rows.empty:
        raise ValueError(
            f"the selection names {selection['encoder']}, {selection['algorithm']}, k = {selection['k']}, which the "
            "scores do not hold; run select_clustering again"
        )
    return rows.iloc[0]


def grouping_table(nodes, kinds: dict[str, str] | None = None) -> pd.DataFrame:
    """Return the best clustering of every encoder at every node.

    Parameters
    ----------
    nodes : iterable of (str, str, dict of str to DataFrame, dict)
        Data set, node, ``scores.csv`` by encoder, and the content of the node's ``selection.json``.
    kinds : dict of str to str, optional
        Kind of each data set as the config gives it; a kind that the paper clustered gets the paper's choice beside
        it.

    Returns
    -------
    DataFrame
        ``GROUPING_COLUMNS``, one row per data set, node and encoder. The winner's row is the selected clustering,
        ``chosen_by`` the node's criterion; another encoder's row is its highest silhouette among the algorithms that
        were not excluded.
    """
    kinds = kinds or {}
    rows = []
    for dataset, node, scores, selection in nodes:
        for encoder, frame in scores.items():
            winner = encoder == selection["encoder"]
            excluded = [e["algorithm"] for e in selection["excluded"] if e["encoder"] == encoder]
            best = winning_row(scores, selection) if winner else best_clustering(frame, excluded)
            row = {} if best is None else best.to_dict()
            row |= {"dataset": dataset, "node": node, "encoder": encoder, "winner": winner}
            row["chosen_by"] = selection["criterion"] if winner else "silhouette"
            published = PUBLISHED_CHOICES.get(kinds.get(dataset, ""), [])
            row["published"] = published[node.count(".")] if node.count(".") < len(published) else ""
            rows.append({column: row.get(column) for column in GROUPING_COLUMNS})
    return pd.DataFrame(rows, columns=GROUPING_COLUMNS).astype({"k": "Int64"})
