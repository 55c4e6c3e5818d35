"""Selecting a node's clustering, from files to files."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.files import write_csv
from nearlabel.grouping.clustering.hierarchy import find_largest_step
from nearlabel.grouping.clustering.labels import LabelBlock, read_labels
from nearlabel.grouping.reduction.reduced import read_reduced
from nearlabel.grouping.selection.candidates import list_candidates, list_others
from nearlabel.grouping.selection.criteria import select_clustering
from nearlabel.grouping.selection.degenerate import describe_degenerate, describe_outliers
from nearlabel.grouping.selection.node_files import labels_of, read_evidence, read_node_scores
from nearlabel.grouping.selection.numbering import cluster_table, keep_numbers
from nearlabel.grouping.selection.selected import write_selection
from nearlabel.grouping.structure.strength import describe_structure, judge_structure
from nearlabel.grouping.tree.remembered import named_clusters
from nearlabel.run_files import CLUSTERS, fields_of

logger = logging.getLogger(__name__)

_MERGING = "agglomerative"
# The tree holds the distances of all pairs: 200 MB and seconds at this number of images.
_MOST_IN_TREE = 5_000


def select_node(
    scores: Sequence[str | Path],
    reduced: Sequence[str | Path],
    labels: Sequence[str | Path],
    agreement: Sequence[str | Path],
    consensus: str | Path,
    *,
    selection: str | Path,
    clusters: str | Path,
    criterion: str,
    choose: Mapping[str, Any] | None,
    min_overlap: float = 0.0,
) -> None:
    """Select a node's clustering and number its clusters.

    Parameters
    ----------
    scores, reduced : sequence of path
        As for `nearlabel.grouping.selection.node_files.read_node_scores`.
    labels : sequence of path
        Label files of all encoders, ``{encoder}/labels/{algorithm}/k….h5`` beside their ``reduced.h5``.
    agreement : sequence of path
        ``agreement.csv`` of each encoder, in the order of `reduced`.
    consensus : path
        ``consensus.csv`` of the node.
    selection, clusters : path
        ``selection.json`` and ``clusters.csv``, to write.
    criterion, choose
        As for `nearlabel.grouping.selection.criteria.select_clustering`.
    min_overlap : float
        As for `nearlabel.grouping.selection.numbering.keep_numbers`: what the user has named keeps its number.

    Raises
    ------
    ValueError
        The node has fewer images than its smallest k, no algorithm found a group, or `select_clustering` refuses.
    """
    tables = read_node_scores(scores, reduced)
    if all(table.empty for table in tables.values()):
        block = next(iter(read_labels(labels[:1]).values()))
        if block.missing:
            raise ValueError(
                f"{selection}: {block.algorithm} found no groups among the node's {len(block.image_id)} images, or not "
                "as many as ks names; widen ks, name a smaller min_cluster_size, or add an algorithm such as kmeans"
            )
        raise ValueError(
            f"{selection}: the node has {len(block.image_id)} images, fewer than its smallest k of {block.cut[0]}; "
            "lower ks or do not expand it"
        )
    evidence = read_evidence(agreement, reduced, consensus)
    chosen = select_clustering(tables, criterion, choose, evidence)
    winner = Path(dict(zip(tables, reduced, strict=True))[chosen.encoder])
    blocks = read_labels(labels_of(winner, labels))
    block = blocks[chosen.algorithm]
    table = _number(block, chosen.k, clusters, min_overlap)
    said = describe_degenerate(blocks, chosen.algorithm, chosen.k, winner)
    said += describe_outliers(block, chosen.k, table["cluster"].to_numpy())
    others = list_others(tables, evidence)
    cut = _cut_tree(read_reduced(winner).reduction.values, chosen.k_range) if _MERGING in blocks else None
    chosen = chosen._replace(
        note="; ".join(filter(None, [*said, chosen.note])) or None,
        structure=describe_structure(judge_structure(evidence)),
        others=others,
        candidates=list_candidates(tables, evidence, chosen, others, cut),
    )
    logger.info("%s, %s, k = %d, by %s", chosen.encoder, chosen.algorithm, chosen.k, chosen.criterion)
    if chosen.structure:
        logger.info("%s", chosen.structure["sentence"])
    if chosen.note:
        logger.warning("%s", chosen.note)
    write_selection(selection, chosen)
    write_csv(clusters, table)


def _number(block: LabelBlock, k: int, clusters: str | Path, min_overlap: float) -> pd.DataFrame:
    """Make ``clusters.csv``: image_id, cluster; rows as in the label file."""
    table = cluster_table(block.labels[k], block.image_id)
    then = named_clusters(clusters)
    numbers, moved = keep_numbers(table["cluster"].to_numpy(), block.image_id, then, min_overlap)
    node = fields_of(CLUSTERS, clusters)["node"]
    for number, cluster in moved.items():
        logger.warning(
            "node %s.%d follows its images: by size it would be cluster %d, and keeps the number that you named",
            node, number, cluster,
        )  # fmt: skip
    return table.assign(cluster=numbers)


def _cut_tree(values: np.ndarray, k_range: Sequence[int]) -> int | None:
    """Number of clusters at the tree's largest step; None of many images, or where no k is left to compare."""
    last = min(k_range[1], len(values) - 2)
    return find_largest_step(values, k_range[0], last) if k_range[0] <= last and len(values) <= _MOST_IN_TREE else None
