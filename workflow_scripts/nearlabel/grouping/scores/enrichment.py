"""Which near-labels a cluster holds more of than chance would give, and the evidence on each cluster in one table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nearlabel.grouping.scores.contingency import labelled_images

ENRICHMENT_COLUMNS = [
    "cluster",
    "near_label",
    "count",
    "size",
    "share",
    "expected",
    "fold_enrichment",
    "p_value",
    "q_value",
]


def enrich_clusters(near_labels: Sequence | np.ndarray, clusters: Sequence | np.ndarray) -> pd.DataFrame:
    """Test each pair of a cluster and a near-label for enrichment.

    The p-value is that of Fisher's exact test, one-sided: with N labelled images, K of them of the near-label and
    `size` of them in the cluster, P(X ≥ count) for X hypergeometric (N, K, size). The q-value is the p-value adjusted
    by Benjamini and Hochberg (1995) over all pairs: calling those with q ≤ 0.05 enriched expects at most 5 % of them to
    be so by chance. Clusters made by looking at the near-labels make both too small.

    Parameters
    ----------
    near_labels : array_like of str, shape (n,)
        Near-label of each image; images without one (empty text, None, NaN) are left out of every number.
    clusters : array_like of int, shape (n,)
        Number of each image's cluster.

    Returns
    -------
    DataFrame
        A row for each cluster and near-label, ascending; none for clusters without labelled images. cluster,
        near_label, count (images of both), size (labelled images of the cluster), share (count / size), expected
        (size · K / N), fold_enrichment (count / expected), p_value, q_value.

    Raises
    ------
    ValueError
        Different lengths.
    """
    near_labels, clusters = pd.Series(near_labels, dtype=object), np.asarray(clusters)
    if near_labels.shape != clusters.shape:
        raise ValueError(f"there are {len(near_labels)} near-labels and {clusters.size} clusters; give one per image")
    labelled = labelled_images(near_labels)
    if not labelled.any():
        types = {"cluster": np.int64, "near_label": str, "count": np.int64, "size": np.int64}
        return pd.DataFrame({name: pd.Series(dtype=types.get(name, float)) for name in ENRICHMENT_COLUMNS})
    from scipy.stats import false_discovery_control, hypergeom

    table = pd.crosstab(clusters[labelled].astype(np.int64), near_labels[labelled].astype(str).to_numpy())
    sizes, totals = np.broadcast_arrays(table.sum(axis=1).to_numpy()[:, np.newaxis], table.sum(axis=0).to_numpy())
    count, size, total = table.to_numpy().ravel(), sizes.ravel(), totals.ravel()
    expected = size * total / labelled.sum()
    p_values = np.clip(hypergeom.sf(count - 1, labelled.sum(), total, size), 0, 1)
    return pd.DataFrame(
        {
            "cluster": np.repeat(table.index.to_numpy(), table.shape[1]),
            "near_label": np.tile(table.columns.to_numpy(), table.shape[0]),
            "count": count,
            "size": size,
            "share": count / size,
            "expected": expected,
            "fold_enrichment": count / expected,
            "p_value": p_values,
            "q_value": false_discovery_control(p_values, method="bh"),
        }
    )


def cluster_evidence(enrichment: pd.DataFrame, stability: pd.DataFrame) -> pd.DataFrame:
    """Put what speaks for each cluster of a node in one row.

    Parameters
    ----------
    enrichment : DataFrame
        From `enrich_clusters`; may be empty.
    stability : DataFrame
        ``stability.csv`` (`nearlabel.grouping.scores.stability.assess_stability`): a row for each cluster.

    Returns
    -------
    DataFrame
        Rows as in `stability`: cluster, size (all its images), near_label, count, share, fold_enrichment, p_value,
        q_value of the most enriched near-label (smallest p, then largest fold, then by name; shares are of the labelled
        images), silhouette, stability. A cluster without labelled images has an empty near_label and no numbers there.
    """
    order = enrichment.sort_values(
        ["cluster", "p_value", "fold_enrichment", "near_label"], ascending=[True, True, False, True], kind="stable"
    )
    most = order.drop_duplicates("cluster")[
        ["cluster", "near_label", "count", "share", "fold_enrichment", "p_value", "q_value"]
    ]
    evidence = stability[["cluster", "size"]].merge(most.astype({"count": "Int64"}), on="cluster", how="left")
    evidence["near_label"] = evidence["near_label"].fillna("").astype(str)
    return evidence.assign(silhouette=stability["silhouette"].to_numpy(), stability=stability["stability"].to_numpy())
