"""Tables of all clusters of a run: what is known of each, and the enrichment of near-labels in them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from nearlabel.grouping.enrichment import cluster_evidence, enrich_clusters


def tabulate_clusters(
    clusters: Sequence[str | Path],
    stability: Sequence[str | Path],
    manifests: Sequence[str | Path],
    names: Mapping[str, Mapping[str, str]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join every cluster's stability with the near-labels that are enriched in it.

    Parameters
    ----------
    clusters, stability : sequence of path
        ``{dataset}/grouping/{node}/clusters.csv`` and ``stability.csv`` of every node, in the same order.
    manifests : sequence of path
        ``{dataset}/manifest.csv`` of every data set.
    names : mapping of str to mapping
        Data set → node → the user's name.

    Returns
    -------
    evidence : DataFrame
        ``tables/clusters.csv``: dataset, node, cluster, name, then the columns of
        `nearlabel.grouping.enrichment.cluster_evidence`.
    enrichment : DataFrame
        ``tables/enrichment.csv``: dataset, node, then the columns of `nearlabel.grouping.enrichment.enrich_clusters`.
    """
    near_labels = {
        Path(path).parent.name: pd.read_csv(path, dtype=str, keep_default_na=False).set_index("image_id")["near_label"]
        for path in manifests
    }
    evidence, enrichment = [], []
    for path, own in zip(map(Path, clusters), stability, strict=True):
        dataset, node = path.parents[2].name, path.parent.name
        frame = pd.read_csv(path, dtype={"image_id": str}, keep_default_na=False)
        enriched = enrich_clusters(near_labels[dataset].loc[frame["image_id"]].to_numpy(), frame["cluster"].to_numpy())
        known = cluster_evidence(enriched, pd.read_csv(own))
        called = names.get(dataset, {})
        known.insert(1, "name", [called.get(f"{node}.{cluster}", "") for cluster in known["cluster"]])
        for table, rows in ((evidence, known), (enrichment, enriched)):
            rows.insert(0, "dataset", dataset)
            rows.insert(1, "node", node)
            table.append(rows)
    return pd.concat(evidence, ignore_index=True), pd.concat(enrichment, ignore_index=True)
