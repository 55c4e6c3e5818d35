"""Selecting a node's clustering, from files to files."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nearlabel.files import write_csv
from nearlabel.grouping.clustering.labels import read_labels
from nearlabel.grouping.selection.criteria import select_clustering
from nearlabel.grouping.selection.degenerate import describe_degenerate
from nearlabel.grouping.selection.node_files import labels_of, read_node_scores
from nearlabel.grouping.selection.numbering import cluster_table
from nearlabel.grouping.selection.selected import write_selection

logger = logging.getLogger(__name__)


def select_node(
    scores: Sequence[str | Path],
    reduced: Sequence[str | Path],
    labels: Sequence[str | Path],
    *,
    selection: str | Path,
    clusters: str | Path,
    criterion: str,
    choose: Mapping[str, Any] | None,
) -> None:
    """Select a node's clustering and number its clusters.

    Parameters
    ----------
    scores, reduced : sequence of path
        As for `nearlabel.grouping.selection.node_files.read_node_scores`.
    labels : sequence of path
        Label files of all encoders, ``{encoder}/labels/{algorithm}/k….h5`` beside their ``reduced.h5``.
    selection, clusters : path
        ``selection.json`` and ``clusters.csv``, to write.
    criterion, choose
        As for `nearlabel.grouping.selection.criteria.select_clustering`.

    Raises
    ------
    ValueError
        The node has fewer images than its smallest k, or `select_clustering` refuses.
    """
    tables = read_node_scores(scores, reduced)
    if all(table.empty for table in tables.values()):
        block = next(iter(read_labels(labels[:1]).values()))
        raise ValueError(
            f"{selection}: the node has {len(block.image_id)} images, fewer than its smallest k of {block.cut[0]}; "
            "lower ks or do not expand it"
        )
    chosen = select_clustering(tables, criterion, choose)
    winner = Path(dict(zip(tables, reduced, strict=True))[chosen.encoder])
    blocks = read_labels(labels_of(winner, labels))
    said = describe_degenerate(blocks, chosen.algorithm, chosen.k, winner)
    chosen = chosen._replace(note="; ".join(filter(None, [*said, chosen.note])) or None)
    logger.info("%s, %s, k = %d, by %s", chosen.encoder, chosen.algorithm, chosen.k, chosen.criterion)
    if chosen.note:
        logger.warning("%s", chosen.note)
    block = blocks[chosen.algorithm]
    write_selection(selection, chosen)
    write_csv(clusters, cluster_table(block.labels[chosen.k], block.image_id))
