"""Gather a run's files into what the page shows."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from nearlabel.grouping.selection.node_files import read_node_scores
from nearlabel.grouping.selection.selected import read_selection
from nearlabel.grouping.tree.levels import read_level
from nearlabel.grouping.tree.names import read_names
from nearlabel.images.near_labels import list_doubts
from nearlabel.report.base.links import link_to
from nearlabel.report.base.thumbnails import ThumbnailSheets
from nearlabel.report.catalogue import MERGE_FIGURES, NODE_FIGURES
from nearlabel.report.grouping.encoders import EncoderReport, read_encoder
from nearlabel.run_files import (
    CANDIDATE_INDEX,
    CANDIDATES,
    CLUSTERS,
    FEATURES,
    IMAGES,
    MEASURES,
    MODEL_FIGURE,
    MODEL_RULES,
    MODEL_SUMMARY,
    NEAR_DUPLICATES,
    NEAR_LABELS,
    NODE_FIGURE,
    PAGE,
    REJECTED,
    REMEMBERED,
    SCORES,
    SELECTION,
    SHEET_INDEX,
    SHEETS,
    SILHOUETTE_ERRORS,
    SUSPECTS,
    THUMBNAIL_INDEX,
    VERDICT,
    belongs,
    below,
    fields_of,
)


@dataclass(frozen=True)
class NodeReport:
    """One clustered node: tables as frames, figures (by what they show) and contact sheets as paths.

    ``evidence`` holds the node's rows of ``tables/clusters.csv``, ``columns`` and ``column_enrichment`` those of the
    tables of these names, None in a run without them, ``candidates`` the index of the strips in ``candidates_folder``;
    ``remembered`` how many images it had when the user named it and their overlap with those now, where it was named;
    ``measures`` is ``images.csv`` of the node; ``silhouette_errors`` holds ``silhouette_error.csv`` of every encoder.
    """

    name: str
    scores: dict[str, pd.DataFrame]
    selection: dict
    clusters: pd.DataFrame
    evidence: pd.DataFrame
    remembered: dict | None
    figures: dict[str, Path]
    sheets: pd.DataFrame
    sheets_folder: Path
    verdict: dict
    candidates: pd.DataFrame
    candidates_folder: Path
    columns: pd.DataFrame | None
    column_enrichment: pd.DataFrame | None
    measures: pd.DataFrame
    silhouette_errors: dict[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassificationReport:
    """Models that tell a node's clusters or near-labels: their summary, the tree's rules as text, two figures."""

    node: str
    target: str
    summary: dict
    rules: str
    figure: Path
    tree_figure: Path


@dataclass(frozen=True)
class DatasetReport:
    """One data set: its images, what was rejected, near-labels, encoders, groups, nodes and models.

    ``images`` is ``images.csv`` with a last column ``link``, the address of each file from the page; ``levels`` is the
    table of all groups, ``suspects`` ``suspects.csv``, ``copies`` the earlier image that each near-duplicate looks
    like, ``names`` what the user calls them, ``doubts`` what is odd of near-labels.
    """

    name: str
    images: pd.DataFrame
    rejected: pd.DataFrame
    near_labels: pd.DataFrame
    levels: pd.DataFrame
    suspects: pd.DataFrame
    thumbnails: ThumbnailSheets
    copies: dict[str, str]
    encoders: list[EncoderReport] = field(default_factory=list)
    nodes: list[NodeReport] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    classifications: list[ClassificationReport] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def collect_dataset(
    run_folder, dataset: str, *, nodes, scores, features, figures, levels, tables, names, classifications, assigned
) -> DatasetReport:
    """Read what a run holds about one data set.

    Parameters
    ----------
    run_folder : str or Path
        ``results/{run}``.
    dataset : str
        Name of the data set.
    nodes : iterable of str
        Nodes to show, in this order.
    scores, features, figures : iterable of str or Path
        All ``scores.csv``, ``features/{encoder}.h5`` and figures of nodes of the run, in the order to show them; those
        of other data sets are left alone. Lists, not folders, so that an encoder no longer in the config is not shown.
    levels : str or Path
        ``levels/{level}.csv`` of the deepest level.
    tables : dict of str to DataFrame
        ``tables/{name}.csv`` by name: clusters, and of a run with extra columns columns and column_enrichment.
    names : str, Path or None
        The user's names for the groups.
    classifications : iterable of (str, str)
        Node and target of every classification, in the order to show them.
    assigned : None, mapping or path
        Where near-labels come from, as for `nearlabel.images.near_labels.assign_near_labels`.
    """
    images, labels = (read_text_table(below(run_folder, table, dataset=dataset)) for table in (IMAGES, NEAR_LABELS))
    own = {name: table[table["dataset"] == dataset] for name, table in tables.items()}
    copies = read_text_table(below(run_folder, NEAR_DUPLICATES, dataset=dataset))[["image_id", "duplicate_of"]]
    page_folder = Path(run_folder) / Path(PAGE).parent.name
    return DatasetReport(
        name=dataset,
        images=images.assign(link=[link_to(path, page_folder) for path in images["path"]]),
        rejected=read_text_table(below(run_folder, REJECTED, dataset=dataset)),
        near_labels=labels,
        levels=read_level(levels),
        suspects=_read_suspects(below(run_folder, SUSPECTS, dataset=dataset)),
        thumbnails=ThumbnailSheets(below(run_folder, THUMBNAIL_INDEX, dataset=dataset), images["image_id"].tolist()),
        copies=dict(copies[copies["duplicate_of"] != ""].itertuples(index=False)),
        encoders=[read_encoder(path) for path in features if belongs(FEATURES, path, dataset=dataset)],
        nodes=[collect_node(run_folder, dataset, node, scores=scores, figures=figures, tables=own) for node in nodes],
        names=read_names(names),
        classifications=[collect_classification(run_folder, dataset, *key) for key in classifications],
        doubts=list_doubts(images["class"], labels["near_label"], assigned),
    )


def collect_node(run_folder, dataset: str, node: str, *, scores, figures, tables: dict) -> NodeReport:
    """Read one node's scores, selection, verdict and indices of pictures, and pick its figures and rows of tables.

    See `collect_dataset`.
    """
    place = {"dataset": dataset, "node": node}
    sheets, candidates = (_read_index(below(run_folder, index, **place)) for index in (SHEET_INDEX, CANDIDATE_INDEX))
    own = {name: table[table["node"] == node] for name, table in tables.items()}
    then = pd.read_csv(below(run_folder, REMEMBERED, dataset=dataset), dtype={"node": str, "name": str})
    then = then[then["node"] == node]
    [(_, _, score_tables, selection)] = collect_scores(scores, [below(run_folder, SELECTION, **place)])
    errors = {
        encoder: below(run_folder, SILHOUETTE_ERRORS, **place, encoder=encoder)
        for encoder in (fields_of(SCORES, path)["encoder"] for path in own_scores(scores, dataset, node))
    }
    kinds = (*NODE_FIGURES, *MERGE_FIGURES)
    named = {below(run_folder, NODE_FIGURE, **place, kind=kind, suffix="svg"): kind for kind in kinds}
    return NodeReport(
        name=node,
        scores=score_tables,
        selection=selection,
        clusters=pd.read_csv(below(run_folder, CLUSTERS, **place), dtype={"image_id": str}, keep_default_na=False),
        evidence=own["clusters"],
        remembered=None if then.empty else then.iloc[0].to_dict(),
        figures={named[path]: path for path in map(Path, figures) if path in named},
        sheets=sheets,
        sheets_folder=below(run_folder, SHEETS, **place),
        verdict=json.loads(below(run_folder, VERDICT, **place).read_text(encoding="utf-8")),
        candidates=candidates,
        candidates_folder=below(run_folder, CANDIDATES, **place),
        columns=own.get("columns"),
        column_enrichment=own.get("column_enrichment"),
        measures=pd.read_csv(
            below(run_folder, MEASURES, **place),
            dtype={"image_id": str},
            keep_default_na=False,
            na_values={"silhouette": ""},
        ),
        silhouette_errors={name: pd.read_csv(path) for name, path in errors.items() if path.is_file()},
    )


def _read_suspects(path: Path) -> pd.DataFrame:
    texts = ("image_id", "near_label", "suggested", "nearest")
    frame = pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=False, na_values={"self_confidence": ""})
    return frame.astype({"issue": bool})


def _read_index(path: Path) -> pd.DataFrame:
    """Read the index of contact sheets or of candidates."""
    texts = ("image_id", "side", "file", "map_file", "problem", "encoder", "algorithm", "reason")
    return pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=False)


def collect_classification(run_folder, dataset: str, node: str, target: str) -> ClassificationReport:
    """Read the summary and the rules of one classification, and name its figures; see `collect_dataset`."""
    place = {"dataset": dataset, "node": node, "target": target}
    return ClassificationReport(
        node=node,
        target=target,
        summary=json.loads(below(run_folder, MODEL_SUMMARY, **place).read_text(encoding="utf-8")),
        rules=below(run_folder, MODEL_RULES, **place).read_text(encoding="utf-8"),
        figure=below(run_folder, MODEL_FIGURE, **place, kind="models", suffix="svg"),
        tree_figure=below(run_folder, MODEL_FIGURE, **place, kind="decision_tree", suffix="svg"),
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
        dataset, node = fields_of(SELECTION, path).values()
        own = own_scores(scores, dataset, node)
        tables = read_node_scores(own, [table.with_name("reduced.h5") for table in own])
        nodes.append((dataset, node, tables, read_selection(path)._asdict()))
    return nodes


def own_scores(scores, dataset: str, node: str) -> list[Path]:
    """Pick those of a node's encoders among ``scores.csv`` of many nodes."""
    return [Path(path) for path in scores if belongs(SCORES, path, dataset=dataset, node=node)]


def read_evidence(path) -> pd.DataFrame:
    """Read one of ``tables/*.csv`` on groups: names, near-labels, values and notes as text, '' where there is none."""
    texts = ("dataset", "node", "name", "near_label", "column", "value", "note")
    frame = pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=False, na_values=[""])
    return frame.fillna(dict.fromkeys(set(texts) & set(frame), ""))


def read_text_table(path) -> pd.DataFrame:
    """Read a CSV whose columns are all text; '' where a cell is empty."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)
