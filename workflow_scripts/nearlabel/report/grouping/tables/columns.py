"""Second labels of a table held against the groups: how much they share, and which values each group holds more of."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from nearlabel.files import read_table
from nearlabel.grouping.scores.enrichment import ENRICHMENT_COLUMNS, enrich_clusters
from nearlabel.grouping.scores.verdict import judge_clusterings
from nearlabel.run_files import CLUSTERS, COLUMNS, VERDICT, fields_of
from nearlabel.seeds import derive_seed

# Numbers of more different values than this are a measurement, of which quarters are compared; fewer are codes.
MOST_CODES = 12
# Different texts that groups can be held against; a name or a time stamp has more.
MOST_VALUES = 50

COLUMNS_COLUMNS = {
    "dataset": str,
    "node": str,
    "column": str,
    "values": int,
    "labelled": int,
    "ami": float,
    "p_value": float,
    "null_mean": float,
    "null_high": float,
    "near_label_ami": float,
    "note": str,
}
COLUMN_ENRICHMENT_COLUMNS = [
    "dataset",
    "node",
    "column",
    *("value" if name == "near_label" else name for name in ENRICHMENT_COLUMNS),
]


def tabulate_columns(
    clusters: Sequence[str | Path],
    verdicts: Sequence[str | Path],
    columns: Sequence[str | Path],
    *,
    permutations: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold the groups of nodes against the columns of their data sets.

    The choice of a clustering looks at no column, so its p-value counts that clustering alone; see
    `nearlabel.grouping.scores.verdict`. Of numbers with more than 12 different values the data set's quarters are
    compared; other columns with more than 50, or with more than half as many values as images, are left out.

    Parameters
    ----------
    clusters, verdicts : sequence of path
        ``{dataset}/grouping/{node}/clusters.csv`` and ``verdict.json`` of every node, in the same order.
    columns : sequence of path
        ``{dataset}/columns.csv`` of their data sets.
    permutations : int
        Shuffles of a column's values.
    seed : int
        Each node's and column's shuffles have a seed derived from this.

    Returns
    -------
    agreement : DataFrame
        ``tables/columns.csv``: dataset, node, column, values (different ones among the node's images, quarters where
        such are compared), labelled (images with a value), ami, p_value, null_mean, null_high (as in
        `nearlabel.grouping.scores.verdict.Verdict`), near_label_ami (the near-labels' own), note (how it was compared,
        or why not).
    enrichment : DataFrame
        ``tables/column_enrichment.csv``: dataset, node, column, then the columns of
        `nearlabel.grouping.scores.enrichment.enrich_clusters`, value in place of near_label; q-values are adjusted
        within a node's column.
    """
    tables = {fields_of(COLUMNS, path)["dataset"]: read_table(path, ("image_id",)) for path in columns}
    prepared = {
        dataset: {name: _comparable(table[name]) for name in table if name != "image_id"}
        for dataset, table in tables.items()
    }
    rows, enrichment = [], []
    for path, judged in zip(clusters, verdicts, strict=True):
        dataset, node = fields_of(CLUSTERS, path).values()
        if fields_of(VERDICT, judged) != {"dataset": dataset, "node": node}:
            raise ValueError(f"{judged} is not the verdict of {path}; give both in the same order")
        near_label_ami = json.loads(Path(judged).read_text(encoding="utf-8"))["ami"]
        members = read_table(path, ("image_id", "cluster"))
        own = members["cluster"].astype(int).to_numpy()
        place = pd.Index(tables[dataset]["image_id"]).get_indexer(members["image_id"])
        for column, (values, note, usable) in prepared[dataset].items():
            held = values[place]
            row = {"dataset": dataset, "node": node, "column": column, "near_label_ami": near_label_ami, "note": note}
            row |= {"values": len(set(held) - {""}), "labelled": int((held != "").sum())}
            if usable:
                verdict = judge_clusterings(
                    held, [own], 0, permutations, derive_seed(seed, f"{dataset}/{node}/{column}")
                )
                row |= {name: getattr(verdict, name) for name in ("ami", "p_value", "null_mean", "null_high")}
                if verdict.ami is None:
                    row["note"] = "one value at most among the node's images: nothing to compare"
                else:
                    found = enrich_clusters(held, own).rename(columns={"near_label": "value"})
                    enrichment.append(found.assign(dataset=dataset, node=node, column=column))
            rows.append(row)
    agreement = pd.DataFrame(rows, columns=list(COLUMNS_COLUMNS)).astype(COLUMNS_COLUMNS)
    if not enrichment:
        return agreement, pd.DataFrame(columns=COLUMN_ENRICHMENT_COLUMNS)
    return agreement, pd.concat(enrichment, ignore_index=True)[COLUMN_ENRICHMENT_COLUMNS]


def _comparable(column: pd.Series) -> tuple[np.ndarray, str, bool]:
    """Values of a data set's column as groups can be held against them, how they came about, and whether they can."""
    known = column[column != ""]
    different = known.nunique()
    numbers = pd.to_numeric(known, errors="coerce")
    if different > MOST_CODES and np.isfinite(numbers).all():
        return _quarters(column, numbers), "numbers: compared by quarters of the data set", True
    if different > MOST_VALUES or different > max(2, len(known) / 2):
        return column.to_numpy(), f"left out: {different} different values are too many to compare groups with", False
    return column.to_numpy(), "", True


def _quarters(column: pd.Series, numbers: pd.Series) -> np.ndarray:
    """Name of the quarter that each number lies in, '' where there is none; fewer where many numbers are the same."""
    edges = np.unique(np.quantile(numbers, [0.25, 0.5, 0.75]))
    # The last edge may be the largest number, above which there is nothing.
    edges = edges[edges < numbers.max()]
    texts = [f"{edge:.4g}" for edge in edges]
    names = [f"up to {texts[0]}" if texts else "all"]
    names += [f"{low} to {high}" for low, high in pairwise(texts)]
    names += [f"above {texts[-1]}"] if texts else []
    quarter = pd.Series("", index=column.index)
    quarter[numbers.index] = [f"{i + 1}: {names[i]}" for i in np.searchsorted(edges, numbers, side="left")]
    return quarter.to_numpy()
