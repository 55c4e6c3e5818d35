"""Files of a node: scores, clusters, and the reduced features of its selected encoder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nearlabel.grouping.clustering.labels import read_labels
from nearlabel.grouping.reduction.reduced import Reduced, read_reduced
from nearlabel.grouping.selection.selected import read_selection
from nearlabel.hdf5 import opened_hdf5
from nearlabel.run_files import CLUSTERS, LABELS, REDUCED, SELECTION, belongs, fields_of


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


def read_evidence(
    agreement: Sequence[str | Path], reduced: Sequence[str | Path], consensus: str | Path
) -> dict[str, pd.DataFrame]:
    """Read what tells of a node's structure without labels.

    Parameters
    ----------
    agreement, reduced : sequence of path
        ``agreement.csv`` and ``reduced.h5`` of each encoder, in the same order.
    consensus : path
        ``consensus.csv`` of the node.

    Returns
    -------
    dict of str to DataFrame
        By encoder id: the columns of ``agreement.csv`` and across.
    """
    across = pd.read_csv(consensus, dtype={"encoder": str, "algorithm": str}, keep_default_na=False, na_values=[""])
    tables = {}
    for table, file in zip(agreement, reduced, strict=True):
        encoder = encoder_of(file)
        frame = pd.read_csv(table, dtype={"algorithm": str}, keep_default_na=False, na_values=[""])
        own = across.loc[across["encoder"] == encoder, ["algorithm", "k", "across"]]
        tables[encoder] = frame.merge(own, on=["algorithm", "k"], how="left")
    return tables


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
    return {
        fields_of(CLUSTERS, path)["node"]: pd.read_csv(path, dtype={"image_id": str}, keep_default_na=False)
        for path in paths
    }


def labels_of(reduced: str | Path, labels: Sequence[str | Path]) -> list[str | Path]:
    """Pick the label files of the encoder that a ``reduced.h5`` is of, among those of all encoders of its node."""
    encoder = fields_of(REDUCED, reduced)["encoder"]
    return [file for file in labels if belongs(LABELS, file, encoder=encoder)]


def read_labels_by_encoder(
    reduced: Sequence[str | Path], labels: Sequence[str | Path]
) -> dict[str, dict[str, dict[int, np.ndarray]]]:
    """Read every clustering of a node.

    Parameters
    ----------
    reduced, labels : sequence of path
        ``reduced.h5`` of each encoder; label files of all of them.

    Returns
    -------
    dict
        Encoder's id → algorithm's id → k → labels.

    Raises
    ------
    ValueError
        The encoders' labels are of other images.
    """
    found, first = {}, None
    for file in reduced:
        blocks = read_labels(labels_of(file, labels))
        ids = next(iter(blocks.values())).image_id
        first = ids if first is None else first
        if not np.array_equal(ids, first):
            raise ValueError(f"the labels beside {file} are of other images than those of the other encoders")
        found[encoder_of(file)] = {id: block.labels for id, block in blocks.items()}
    return found


def reduced_of_node(selection: str | Path, reduced: Sequence[str | Path]) -> list[str | Path]:
    """Pick the ``reduced.h5`` of the node that a ``selection.json`` is of, among those of several nodes."""
    node = fields_of(SELECTION, selection)
    return [file for file in reduced if belongs(REDUCED, file, **node)]
