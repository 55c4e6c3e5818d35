"""What the page shows of data sets, nodes and models, as its templates take it."""

from collections import Counter
from itertools import groupby
from pathlib import Path

import pandas as pd

from nearlabel.report.base.embedding import embed_file
from nearlabel.report.base.figures import near_label_colors
from nearlabel.report.base.fonts import explain_codes
from nearlabel.report.base.ledger import Ledger
from nearlabel.report.grouping.candidate_views import view_candidates, view_others
from nearlabel.report.grouping.collect import ClassificationReport, DatasetReport, NodeReport
from nearlabel.report.grouping.members import draw_profile, view_suspects
from nearlabel.report.grouping.pictures.faces import cut_faces
from nearlabel.report.grouping.pictures.tree import arrange_picture
from nearlabel.report.grouping.tables.clusterings import winning_row
from nearlabel.report.grouping.verdicts import SIGNIFICANT, describe_columns, describe_verdict
from nearlabel.report.grouping.wording import EVIDENCE_HEADERS, FLAGS, SCORE_HEADERS

BAR_PARTS = 8


def near_label_shares(near_labels, colors: dict[str, str]) -> list[dict]:
    """Return the shares of the near-labels of some images, the largest first; beyond eight they are summed up.

    Parameters
    ----------
    near_labels : iterable of str
        One per image, '' where an image has none.
    colors : dict of str to str
        Colour of each near-label.

    Returns
    -------
    list of dict
        ``label``, ``count``, ``share`` (0 to 1), ``start`` (the sum of the shares before), ``color``.
    """
    counts = sorted(Counter(near_labels).items(), key=lambda item: (-item[1], item[0]))
    total = sum(count for _, count in counts)
    parts = [(label or "no near-label", count, colors[label]) for label, count in counts]
    if len(parts) > BAR_PARTS:
        rest = parts[BAR_PARTS - 1 :]
        parts = [*parts[: BAR_PARTS - 1], (f"{len(rest)} others", sum(part[1] for part in rest), "#d0d0d0")]
    shares, before = [], 0
    for label, count, color in parts:
        shares.append({"label": label, "count": count, "share": count / total, "start": before / total, "color": color})
        before += count
    return shares


def view_dataset(data: DatasetReport, summary: pd.DataFrame, ledger: Ledger, counter) -> dict:
    """Arrange what the page shows of a data set.

    Parameters
    ----------
    data : DatasetReport
        From `nearlabel.report.grouping.collect.collect_dataset`.
    summary : DataFrame
        From `nearlabel.report.grouping.tables.clusterings.grouping_table`.
    ledger : Ledger
        What became of its files.
    counter : iterator of int
        Numbers that no other part of the page has, for anchors.
    """
    near_label = data.near_labels.set_index("image_id")["near_label"]
    colors = near_label_colors(near_label)
    classes = data.images["class"].value_counts().sort_index() if "class" in data.images else pd.Series(dtype=int)
    nodes = [_view_node(data, node, near_label, colors, summary, counter) for node in data.nodes]
    return {
        "anchor": f"d{next(counter)}",
        "name": data.name,
        "accepted": len(data.images),
        "duplicates": int(data.images["sha256"].duplicated().sum()),
        "classes": [(name or "none", count) for name, count in classes.items()],
        "shares": near_label_shares(near_label, colors),
        "codes": explain_codes([*near_label, *data.names.values()]),
        "doubts": data.doubts,
        "labelled": int((near_label != "").sum()),
        "rejected": data.rejected,
        "ledger": ledger,
        "encoders": data.encoders,
        "untrained": [e for e in data.encoders if e.untrained],
        "suspects": view_suspects(data.suspects, data.images.set_index("image_id"), data.thumbnails),
        "tree": _view_tree(data, nodes, near_label, colors),
        "groups": _view_groups(data, nodes),
        "named": bool(data.names),
        "nodes": nodes,
        "levels": [list(group) for _, group in groupby(sorted(nodes, key=_level), key=_level)],
        "classifications": [_view_classification(entry, data.names, counter) for entry in data.classifications],
    }


def _level(node: dict) -> int:
    return node["level"]


def _view_tree(data: DatasetReport, nodes: list[dict], near_label: pd.Series, colors) -> dict:
    counts, faces = {"root": Counter(near_label)}, {}
    for node, report in zip(nodes, data.nodes, strict=True):
        for cluster, members in report.clusters.groupby("cluster")["image_id"]:
            group = f"{node['name']}.{cluster}"
            counts[group] = Counter(near_label.reindex(members).fillna(""))
            faces[group] = cut_faces(report.sheets, report.sheets_folder, int(cluster), 1)[0]
    return arrange_picture(data.levels, data.names, counts, _anchors(nodes), faces, colors)


def _anchors(nodes: list[dict]) -> dict[str, str]:
    """Where the page shows each group: its own section where it was clustered again, else its sheets."""
    clusters = {f"{node['name']}.{c['number']}": c["anchor"] for node in nodes for c in node["clusters"]}
    return clusters | {node["name"]: node["anchor"] for node in nodes}


def _view_groups(data: DatasetReport, nodes: list[dict]) -> list[dict]:
    anchor = _anchors(nodes)
    return [
        {**row, "anchor": anchor.get(row["node"]), "user_name": data.names.get(row["node"], "")}
        for row in data.levels.to_dict("records")
    ]


def _view_node(data, node: NodeReport, near_label: pd.Series, colors, summary, counter) -> dict:
    rows = summary[(summary["dataset"] == data.name) & (summary["node"] == node.name)]
    winner = winning_row(node.scores, node.selection)
    structure = node.selection.get("structure")
    scores = pd.concat([frame.assign(encoder=name) for name, frame in node.scores.items()], ignore_index=True)
    columns = [c for c in SCORE_HEADERS if c == "flags" or (c in scores and scores[c].notna().any())]
    # A flag may have a number behind it.
    flags = sorted({flag.partition(":")[0] for text in scores["flags"] for flag in str(text).split(";") if flag})
    published = rows.loc[rows["winner"].astype(bool), "published"]
    own = near_label.reindex(node.clusters["image_id"]).fillna("")
    evidence = [c for c in EVIDENCE_HEADERS if c in node.evidence and (node.evidence[c].fillna("") != "").any()]
    anchor = f"n{next(counter)}"
    links = data.images.set_index("image_id")["link"]
    clusters = _view_clusters(node, anchor, data, near_label, colors, links)
    shown = _tell_most_first(clusters, node.evidence)
    return {
        "anchor": anchor,
        "name": node.name,
        "user_name": data.names.get(node.name, ""),
        "level": node.name.count("."),
        "size": len(node.clusters),
        "doubts": data.doubts,
        "labelled": int((own != "").sum()),
        "shares": near_label_shares(own, colors),
        "selection": node.selection,
        "winner": winner,
        "silhouettes": _describe_silhouettes(node.silhouette_errors, len(node.clusters)),
        "verdict": describe_verdict(node.verdict, node.selection["criterion"], node.evidence, structure),
        "structure": structure,
        "candidates": view_candidates(node.candidates, node.candidates_folder, node.name, node.scores),
        "others": view_others(node.selection, node.scores),
        **_view_columns(node),
        "winner_flags": [f for f in str(winner["flags"]).split(";") if f],
        "winner_untrained": any(e.id == node.selection["encoder"] and e.untrained for e in data.encoders),
        "published": published.iloc[0] if len(published) else "",
        "remembered": node.remembered,
        "best": rows.to_dict("records"),
        "figures": {kind: embed_file(path) for kind, path in node.figures.items()},
        "clusters": clusters,
        "clusters_shown": shown,
        "telling_first": shown != clusters,
        "near_label_counts": _count(own),
        "ami": node.verdict["ami"],
        "p_value": node.verdict["p_value"],
        "evidence_columns": evidence,
        "evidence": node.evidence[evidence].to_dict("records"),
        "columns": columns,
        "absent": [SCORE_HEADERS[c][0] for c in SCORE_HEADERS if c not in columns],
        "scores": scores[columns].to_dict("records"),
        "flags": {flag: FLAGS.get(flag, "see the log of cluster_images") for flag in flags},
    }


def _describe_silhouettes(errors: dict[str, pd.DataFrame], size: int) -> str:
    """Say whether a node's silhouettes are exact; '' where nothing is known of their errors."""
    if not errors:
        return ""
    table = pd.concat(errors.values(), ignore_index=True).dropna(subset=["standard_error"])
    sampled = table[table["sample"] < size]
    if sampled.empty:
        return f"Silhouettes are exact: of all {size} images."
    fewest, most = int(sampled["sample"].min()), int(sampled["sample"].max())
    count = f"{fewest} to {most}" if most > fewest else str(most)
    return (
        f"Silhouettes, those of single clusters too, are estimates: of {count} sampled images, some of "
        f"every cluster, each against all {size}. The standard error is at most "
        f"{sampled['standard_error'].max():.2g}; clusterings share the sample, so that their differences err less."
    )


def _view_columns(node: NodeReport) -> dict:
    """Arrange what the groups share with other columns, and the values that a cluster holds more of than chance gives.

    Nothing in a run without such columns.
    """
    if node.columns is None:
        return {"follows": "", "second_labels": []}
    told = node.column_enrichment
    told = told[(told["q_value"] <= SIGNIFICANT) & (told["fold_enrichment"] > 1)]
    return {
        "follows": describe_columns(node.columns),
        "second_labels": node.columns.to_dict("records"),
        "second_enrichment": told.sort_values(["column", "cluster", "p_value"], kind="stable").to_dict("records"),
    }


def _guesses(summary: dict) -> bool:
    """Whether the saved model is no better than a label drawn at random."""
    [saved] = [model for model in summary["models"] if model["id"] == summary["chosen"]]
    classes = 2 if saved["kind"] == "detector" else len(summary["classes"])
    return saved["balanced_accuracy"] - saved["balanced_accuracy_std"] <= 1 / classes


def _view_classification(entry: ClassificationReport, names: dict[str, str], counter) -> dict:
    return {
        "anchor": f"m{next(counter)}",
        "node": entry.node,
        "user_name": names.get(entry.node, ""),
        "target": entry.target,
        "summary": entry.summary,
        "detects": any(model["kind"] == "detector" for model in entry.summary["models"]),
        "guesses": _guesses(entry.summary),
        "rules": entry.rules,
        "figure": embed_file(entry.figure),
        "tree_figure": embed_file(entry.tree_figure),
    }


def _count(near_labels: pd.Series) -> list[dict]:
    counts = sorted(Counter(near_labels[near_labels != ""]).items(), key=lambda item: (-item[1], item[0]))
    return [{"label": label, "count": count} for label, count in counts]


def _tell_most_first(clusters: list[dict], evidence: pd.DataFrame) -> list[dict]:
    """Sort clusters: those where a near-label is enriched by its share, however small they are; the others by size."""
    if "q_value" not in evidence:
        return clusters
    told = evidence[(evidence["q_value"] <= SIGNIFICANT) & (evidence["fold_enrichment"] > 1)]
    share = dict(zip(told["cluster"].astype(int), told["share"], strict=True))
    return sorted(clusters, key=lambda c: (-share.get(c["number"], 0), -c["size"], c["number"]))


def _view_clusters(
    node: NodeReport, anchor: str, data: DatasetReport, near_label: pd.Series, colors, links: pd.Series
) -> list[dict]:
    views = []
    sheets = {key: rows for key, rows in node.sheets.groupby(["cluster", "side"])}
    stability = dict(zip(node.evidence["cluster"], node.evidence.get("stability", ()), strict=False))
    silhouette = node.measures.set_index("image_id")["silhouette"]
    wrong = set(data.suspects.loc[data.suspects["issue"], "image_id"])
    for cluster, members in node.clusters.groupby("cluster")["image_id"]:
        shown = [sheets[cluster, side] for side in ("nearest", "farthest") if (cluster, side) in sheets]
        views.append(
            {
                "number": int(cluster),
                "anchor": f"{anchor}-c{cluster}",
                "name": data.names.get(f"{node.name}.{cluster}", ""),
                "stability": stability.get(cluster),
                "profile": draw_profile(silhouette.reindex(members).to_numpy(float)),
                "copies": sum(name in data.copies for name in members),
                "suspects": sum(name in wrong for name in members),
                "size": len(members),
                "share": len(members) / len(node.clusters),
                "shares": near_label_shares(near_label.reindex(members).fillna(""), colors),
                "sheets": [_view_sheet(rows, node.sheets_folder, near_label, colors, links) for rows in shown],
            }
        )
    return views


def _view_sheet(rows: pd.DataFrame, folder: Path, near_label: pd.Series, colors, links: pd.Series) -> dict:
    rows = rows.sort_values("position")
    first = rows.iloc[0]
    labels = near_label.reindex(rows["image_id"]).fillna("")
    return {
        "side": first["side"],
        "columns": int(first["columns"]),
        "rows": int(first["rows"]),
        "count": len(rows),
        "whole": len(rows) == first["size"],
        "picture": embed_file(folder / first["file"]),
        "maps": embed_file(folder / first["map_file"]) if first["map_file"] else "",
        "cells": [
            {"name": name, "distance": distance, "problem": problem, "label": label, "color": colors[label]}
            | {"link": links[name]}
            for name, distance, problem, label in zip(
                rows["image_id"], rows["distance"], rows["problem"], labels, strict=True
            )
        ],
    }
