"""Tables of all clusters of a run: what is known of each, and the enrichment of near-labels in them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from nearlabel.files import read_table
from nearlabel.grouping.scores.enrichment import cluster_evidence, enrich_clusters
from nearlabel.run_files import CLUSTERS, NEAR_LABELS, fields_of


def tabulate_clusters(
    clusters: Sequence[str | Path],
    stability: Sequence[str | Path],
    near_labels: Sequence[str | Path],
    names: Mapping[str, Mapping[str, str]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join every cluster's stability with the near-labels that are enriched in it.

    Parameters
    ----------
    clusters, stability : sequence of path
        ``{dataset}/grouping/{node}/clusters.csv`` and ``stability.csv`` of every node, in the same order.
    near_labels : sequence of path
        ``{dataset}/near_labels.csv`` of every data set.
    names : mapping of str to mapping
        Data set → node → the user's name.

    Returns
    -------
    evidence : DataFrame
        ``tables/clusters.csv``: dataset, node, cluster, name, then the columns of
        `nearlabel.grouping.scores.enrichment.cluster_evidence`.
    enrichment : DataFrame
        ``tables/enrichment.csv``: dataset, node, then the columns of
        `nearlabel.grouping.scores.enrichment.enrich_clusters`.
    """
    labels = {
        fields_of(NEAR_LABELS, path)["dataset"]: read_table(path, ("image_id", "near_label")).set_index("image_id")
        for path in near_labels
    }
    evidence, enrichment = [], []
    for path, own in zip(clusters, stability, strict=True):
        dataset, node = fields_of(CLUSTERS, path).values()
        frame = pd.read_csv(path, dtype={"image_id": str}, keep_default_na=False)
        enriched = enrich_clusters(
            labels[dataset]["near_label"].loc[frame["image_id"]].to_numpy(), frame["cluster"].to_numpy()
        )
        known = cluster_evidence(enriched, pd.read_csv(own))
        called = names.get(dataset, {})
        known.insert(1, "name", [called.get(f"{node}.{cluster}", "") for cluster in known["cluster"]])
        for table, rows in ((evidence, known), (enrichment, enriched)):
            rows.insert(0, "dataset", dataset)
            rows.insert(1, "node", node)
            table.append(rows)
    return pd.concat(evidence, ignore_index=True), pd.concat(enrichment, ignore_index=True)
