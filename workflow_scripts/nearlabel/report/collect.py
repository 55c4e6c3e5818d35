"""Gather a run's files into what the page shows."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from nearlabel.grouping.files import opened_hdf5
from nearlabel.grouping.node import read_node_scores
from nearlabel.grouping.selection import read_selection


@dataclass(frozen=True)
class EncoderReport:
    """One encoder as its feature file describes it; ``dimension`` counts the features of an image."""

    id: str
    network: str
    weights: str
    weights_sha256: str
    geometry: str
    image_size: str
    dimension: int
    library_versions: dict[str, str]

    @property
    def untrained(self) -> bool:
        """True where the weights are random numbers from a seed."""
        return self.weights == "seeded"


@dataclass(frozen=True)
class NodeReport:
    """One clustered node: tables as frames, figures and contact sheets as paths."""

    name: str
    scores: dict[str, pd.DataFrame]
    selection: dict
    clusters: pd.DataFrame
    quality_figure: Path
    clusters_figure: Path
    sheets: pd.DataFrame
    sheets_folder: Path


@dataclass(frozen=True)
class DatasetReport:
    """One data set: its images, what was rejected, near-labels, encoders and nodes."""

    name: str
    images: pd.DataFrame
    rejected: pd.DataFrame
    near_labels: pd.DataFrame
    encoders: list[EncoderReport] = field(default_factory=list)
    nodes: list[NodeReport] = field(default_factory=list)


def collect_dataset(run_folder, dataset: str, *, nodes, scores, features) -> DatasetReport:
    """Read what a run holds about one data set.

    Parameters
    ----------
    run_folder : str or Path
        ``results/{run}``.
    dataset : str
        Name of the data set.
    nodes : iterable of str
        Nodes to show, in this order.
    scores, features : iterable of str or Path
        All ``scores.csv`` and ``features/{encoder}.h5`` of the run, in the order to show them; those of other data
        sets are left alone. Lists, not folders, so that an encoder no longer in the config is not shown.

    Returns
    -------
    DatasetReport
    """
    run_folder = Path(run_folder)
    folder = run_folder / dataset
    return DatasetReport(
        name=dataset,
        images=read_text_table(folder / "images.csv"),
        rejected=read_text_table(folder / "rejected.csv"),
        near_labels=read_text_table(folder / "manifest.csv"),
        encoders=[read_encoder(path) for path in map(Path, features) if path.parents[1] == folder],
        nodes=[collect_node(run_folder, dataset, node, scores=scores) for node in nodes],
    )


def collect_node(run_folder, dataset: str, node: str, *, scores) -> NodeReport:
    """Read one node's scores, selection and contact-sheet index, and name its figures; see `collect_dataset`."""
    folder = Path(run_folder) / dataset / "grouping" / node
    figures = Path(run_folder) / "figures"
    sheets = pd.read_csv(
        figures / f"{dataset}_{node}_sheets.csv",
        dtype={"image_id": str, "side": str, "file": str, "problem": str},
        keep_default_na=False,
    )
    [(_, _, tables, selection)] = collect_scores(scores, [folder / "selection.json"])
    return NodeReport(
        name=node,
        scores=tables,
        selection=selection,
        clusters=pd.read_csv(folder / "clusters.csv", dtype={"image_id": str}, keep_default_na=False),
        quality_figure=figures / f"{dataset}_{node}_quality.svg",
        clusters_figure=figures / f"{dataset}_{node}_clusters.svg",
        sheets=sheets,
        sheets_folder=figures / f"{dataset}_{node}_sheets",
    )


def collect_scores(scores, selections) -> list[tuple[str, str, dict[str, pd.DataFrame], dict]]:
    """Read the scores and the selection of nodes, as `tables.grouping_table` takes them.

    Parameters
    ----------
    scores : iterable of str or Path
        ``{dataset}/grouping/{node}/{encoder}/scores.csv`` of all nodes, in the order to show them; the ``reduced.h5``
        beside each names the encoder.
    selections : iterable of str or Path
        ``{dataset}/grouping/{node}/selection.json`` of the nodes wanted.

    Returns
    -------
    list of (str, str, dict of str to DataFrame, dict)
        Data set, node, scores by encoder id, selection.
    """
    scores = [Path(path) for path in scores]
    nodes = []
    for path in map(Path, selections):
        own = [table for table in scores if table.parents[1] == path.parent]
        tables = read_node_scores(own, [table.with_name("reduced.h5") for table in own])
        nodes.append((path.parents[2].name, path.parent.name, tables, read_selection(path)._asdict()))
    return nodes


def read_text_table(path) -> pd.DataFrame:
    """Read a CSV whose columns are all text; '' where a cell is empty."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def read_encoder(path) -> EncoderReport:
    """Read the attributes of a feature file and its dimension, not its features."""
    path = Path(path)
    with opened_hdf5(path) as file:
        attributes, dimension = dict(file.attrs), int(file["features"].shape[1])
    try:
        versions = json.loads(attributes.get("library_versions", "{}"))
    except ValueError:
        versions = {"libraries": str(attributes["library_versions"])}
    texts = {key: str(attributes.get(key, "")) for key in ("network", "weights", "weights_sha256", "geometry")}
    return EncoderReport(
        id=path.stem,
        **texts,
        image_size=_describe_size(attributes.get("image_size", "null")),
        dimension=dimension,
        library_versions=versions,
    )


def _describe_size(text) -> str:
    """Height and width as a person writes them, from JSON: ``[224, 224]``, ``224``, or null for images as they are."""
    size = json.loads(str(text))
    if size is None:
        return "as the image"
    return " × ".join(str(side) for side in size) if isinstance(size, list) else str(size)
