"""Reducing the features of a node's own images, from files to files."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from nearlabel.features.catalogue import complete_reduction
from nearlabel.features.store import read_features
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.grouping.reduction.reduced import write_reduced
from nearlabel.grouping.selection.selected import read_selection
from nearlabel.grouping.tree.node_names import node_members, parse_node
from nearlabel.grouping.tree.remembered import node_memory, remember

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
    power: str | None = None,
    standardise: bool | None = None,
    normalise: str | None = None,
    whiten: bool | None = None,
    seed: int,
    min_overlap: float | None = None,
) -> None:
    """Reduce the features of a node's own images; below the root the reduction is fitted anew, on them alone.

    Below the root the node's images are remembered beside the results, see `nearlabel.grouping.tree.remembered`.

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
        As for `nearlabel.grouping.reduction.reduce.reduce_features`.
    power, standardise, normalise, whiten
        As for it; None: the encoder's own, see `nearlabel.features.catalogue.complete_reduction`.
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
        table = pd.read_csv(clusters, dtype=str, keep_default_na=False)
        try:
            members = node_members(table, cluster)
        except ValueError as error:
            raise ValueError(f"node {node} does not exist: {error} of {parent}; name one of them") from None
        inside = image_id.isin(members)
        values, image_id = values[inside.to_numpy()], image_id[inside]
    if len(values) < 2:
        raise ValueError(f"node {node} has {len(values)} image, which cannot be clustered; do not expand it")
    wanted = {"method": method, "components": components, "power": power, "standardise": standardise}
    wanted |= {"normalise": normalise, "whiten": whiten}
    reduction = reduce_features(values, **complete_reduction(wanted, store.attributes["network"]), seed=seed)
    logger.info("%d images, %d features of %s, %d components", *values.shape, encoder, reduction.components)
    if clusters is not None:
        others = {f"{parent}.{number}": rows.tolist() for number, rows in table.groupby("cluster")["image_id"]}
        remember(node_memory(output), node, node, members, min_overlap=min_overlap, others=others)
    write_reduced(output, reduction, image_id.tolist(), encoder)
