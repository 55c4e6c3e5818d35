"""One node of the tree from files to files: the features of its images, reduced, and its selected clustering."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nearlabel.features.store import read_features
from nearlabel.grouping.degenerate import describe_degenerate
from nearlabel.grouping.files import opened_hdf5
from nearlabel.grouping.labels import read_labels
from nearlabel.grouping.memory import remember
from nearlabel.grouping.reduce import Reduced, read_reduced, reduce_features, write_reduced
from nearlabel.grouping.selection import cluster_table, read_selection, select_clustering, write_selection
from nearlabel.grouping.tree import node_members, parse_node
from nearlabel.images.files import write_csv

logger = logging.getLogger(__name__)


def reduce_node(
    features: Sequence[str | Path],
    output: str | Path,
    *,
    node: str,
    clusters: str | Path | None,
    selection: str | Path | None,
    method: str,
    components: int | float | str,
    standardise: bool | None,
    seed: int,
    min_overlap: float | None = None,
) -> None:
    """Reduce the features of a node's own images; below the root the reduction is fitted anew, on them alone.

    Below the root the node's images are remembered beside the results, see `nearlabel.grouping.memory`.

    Parameters
    ----------
    features : sequence of path
        ``features/{encoder}.h5`` of the node's encoder or, where that is the parent's winner, of all that it may be.
    output : path
        ``reduced.h5``.
    node : str
        Name of the node.
    clusters, selection : path or None
        ``clusters.csv`` and ``selection.json`` of the parent; None for the root.
    method, components, seed
        As for `nearlabel.grouping.reduce.reduce_features`.
    standardise : bool or None
        None: only for the texture encoder, whose features have different units.
    min_overlap : float or None
        Of a node that the user has named: the smallest Jaccard overlap with the images that it had then.

    Raises
    ------
    ValueError
        The node does not exist, has fewer than two images, or others than when it was named.
    """
    files = {Path(file).stem: file for file in features}
    encoder = next(iter(files)) if len(files) == 1 else read_selection(selection).encoder
    store = read_features(files[encoder])
    values, image_id = store.features, pd.Series(store.image_id)
    if clusters is not None:
        parent, cluster = parse_node(node)
        try:
            members = node_members(pd.read_csv(clusters, dtype=str, keep_default_na=False), cluster)
        except ValueError as error:
            raise ValueError(f"node {node} does not exist: {error} of {parent}; name one of them") from None
        inside = image_id.isin(members)
        values, image_id = values[inside.to_numpy()], image_id[inside]
        remember(node_memory(output), node, node, members, min_overlap=min_overlap)
    if len(values) < 2:
        raise ValueError(f"node {node} has {len(values)} image, which cannot be clustered; do not expand it")
    if standardise is None:
        standardise = store.attributes["network"] == "texture"
    reduction = reduce_features(values, method, components, standardise=standardise, seed=seed)
    logger.info("%d images, %d features of %s, %d components", *values.shape, encoder, reduction.components)
    write_reduced(output, reduction, image_id.tolist(), encoder)


def node_memory(reduced: str | Path) -> Path:
    """File that remembers a node's images, by the path of one of its ``reduced.h5``."""
    node = Path(reduced).parents[1]
    return node.parent / "remembered" / "nodes" / f"{node.name}.json"


def encoder_of(reduced: str | Path) -> str:
    """Id of the encoder whose features a ``reduced.h5`` holds."""
    with opened_hdf5(reduced) as file:
        return file.attrs["encoder"]


def read_scores(path: str | Path) -> pd.DataFrame:
    """Read ``scores.csv`` or ``quality.csv``: numbers as numbers, NaN where empty; `algorithm` and `flags` as text."""
    frame = pd.read_csv(path, dtype={"algorithm": str, "flags": str}, keep_default_na=False, na_values=[""])
    return frame.fillna({"flags": ""})


def read_node_scores(scores: Sequence[str | Path], reduced: Sequence[str | Path]) -> dict[str, pd.DataFrame]:
    """Read the scores of all encoders of a node.

    Parameters
    ----------
    scores, reduced : sequence of path
        ``scores.csv`` and ``reduced.h5`` of each encoder, in the same order.

    Returns
    -------
    dict of str to DataFrame
        By encoder id.
    """
    return {encoder_of(file): read_scores(table) for table, file in zip(scores, reduced, strict=True)}


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
        As for `read_node_scores`.
    labels : sequence of path
        Label files of all encoders, ``{encoder}/labels/{algorithm}/k….h5`` beside their ``reduced.h5``.
    selection, clusters : path
        ``selection.json`` and ``clusters.csv``, to write.
    criterion, choose
        As for `nearlabel.grouping.selection.select_clustering`.

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
    blocks = read_labels([file for file in labels if Path(file).parents[2] == winner.parent])
    said = describe_degenerate(blocks, chosen.algorithm, chosen.k, winner)
    chosen = chosen._replace(note="; ".join(filter(None, [*said, chosen.note])) or None)
    logger.info("%s, %s, k = %d, by %s", chosen.encoder, chosen.algorithm, chosen.k, chosen.criterion)
    if chosen.note:
        logger.warning("%s", chosen.note)
    block = blocks[chosen.algorithm]
    write_selection(selection, chosen)
    write_csv(clusters, cluster_table(block.labels[chosen.k], block.image_id))


def read_winner(reduced: Sequence[str | Path], selection: str | Path) -> Reduced:
    """Read the reduced features of a node's selected encoder.

    Parameters
    ----------
    reduced : sequence of path
        ``reduced.h5`` of each encoder.
    selection : path
        ``selection.json``.
    """
    encoder = read_selection(selection).encoder
    return read_reduced(next(file for file in reduced if encoder_of(file) == encoder))


def read_clusters(paths: Sequence[str | Path]) -> dict[str, pd.DataFrame]:
    """Read ``{node}/clusters.csv`` of several nodes of one data set: image_id, cluster (int), by node."""
    return {Path(path).parent.name: pd.read_csv(path, dtype={"image_id": str}, keep_default_na=False) for path in paths}
