"""The page of a run: one HTML file that needs nothing beside it, neither network nor other files."""

import base64
import hashlib
import itertools
from collections import Counter
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from nearlabel.images.files import written_whole
from nearlabel.report.collect import DatasetReport, NodeReport
from nearlabel.report.figures import near_label_colors
from nearlabel.report.tables import format_number, grouping_table, winning_row
from nearlabel.report.text import shorten, visible

TEMPLATES = Path(__file__).parent / "templates"
REJECTED_SHOWN = 200
OPEN_CLUSTERS = 6
BAR_PARTS = 8

CRITERIA = {
    "min_max": (
        "Min-Max: within each encoder, an algorithm is excluded when another one, itself not excluded, has lower "
        "entropy and higher silhouette at more than half of the k. Among all that are left, the highest silhouette "
        "wins; ties go to lower entropy, then to fewer clusters."
    ),
    "convergence_difference": (
        "Convergence difference: the smallest (min(k, m) − C-Score) / (k·m) wins; ties go to the higher silhouette, "
        "then to fewer clusters. By construction this measure favours many clusters."
    ),
    "ami": "Adjusted mutual information: the clustering that agrees best with the near-labels, corrected for chance.",
    "chosen": "Chosen by hand: the configuration names this clustering.",
    "silhouette": "Silhouette: the clustering whose clusters are tightest and best separated.",
}
FLAGS = {
    "degenerate": "a mixture component has fewer members than the features have dimensions: its shape is a guess",
    "reg_covar_raised": "a mixture's covariance was ill-defined; its regularisation was raised until it fitted",
    "fewer_clusters": "fewer clusters than k came out",
    "not_converged": "the iteration limit ended the fit before it settled",
    "disconnected_graph": "the neighbourhood graph falls into separate parts, which spectral clustering cannot weigh",
}
SCORE_HEADERS = {
    "encoder": ("Encoder", ""),
    "algorithm": ("Algorithm", ""),
    "k": ("k", "number of clusters asked for"),
    "entropy": ("Entropy", "entropy of the cluster sizes in bits; lower is more uneven"),
    "silhouette": ("Silhouette", "from −1 to 1; higher means tighter, better separated clusters"),
    "c_score": ("C-Score", "sum of the Jaccard overlaps of all near-labels and clusters; from 1 to min(k, m)"),
    "normalized_c_score": ("Normalised C-Score", "C-Score / (k·m)"),
    "convergence_difference": ("Convergence difference", "(min(k, m) − C-Score) / (k·m); lower is better"),
    "null_ratio": ("Null ratio", "convergence difference divided by its mean over shuffled near-labels"),
    "null_p": ("Null p", "share of shuffled near-labels that do at least as well"),
    "ami": ("AMI", "adjusted mutual information with the near-labels; 0 is chance, 1 is identity"),
    "ari": ("ARI", "adjusted Rand index with the near-labels; 0 is chance, 1 is identity"),
    "homogeneity": ("Homogeneity", "1 where every cluster holds one near-label only"),
    "completeness": ("Completeness", "1 where every near-label lies in one cluster only"),
    "best_match_jaccard": ("Best-match Jaccard", "mean overlap of near-labels and clusters with their best partners"),
    "smallest": ("Smallest", "images in the smallest cluster"),
    "largest": ("Largest", "images in the largest cluster"),
    "flags": ("Flags", ""),
}


def write_page(
    output,
    *,
    run: str,
    config: str,
    versions: dict[str, str],
    machine: dict[str, str],
    stages: pd.DataFrame,
    datasets: list[DatasetReport],
    kinds: dict[str, str] | None = None,
) -> None:
    """Write the report of a run as one HTML file.

    Every text from files or config is escaped; the page's policy forbids any network access and any script but its
    own.

    Parameters
    ----------
    output : str or Path
        ``report/index.html``.
    run : str
        Name of the run.
    config : str
        The configuration as YAML text.
    versions, machine : dict of str to str
        From `provenance.library_versions` and `provenance.describe_machine`.
    stages : DataFrame
        From `provenance.read_benchmarks`.
    datasets : list of DatasetReport
        From `collect.collect_dataset`.
    kinds : dict of str to str, optional
        See `tables.grouping_table`.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, finalize=_finalize, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shorten"] = shorten
    environment.filters["score"] = format_score
    environment.filters["number"] = format_number
    environment.filters["fixed"] = format_fixed
    script = (TEMPLATES / "tables.js").read_text(encoding="utf-8")
    summary = grouping_table(
        ((data.name, node.name, node.scores, node.selection) for data in datasets for node in data.nodes), kinds
    )
    counter = itertools.count()
    html = environment.get_template("page.html").render(
        run=run,
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        config=config.splitlines(),
        versions=versions,
        machine=machine,
        stages=stages,
        datasets=[_view_dataset(data, summary, counter) for data in datasets],
        criteria=CRITERIA,
        headers=SCORE_HEADERS,
        rejected_shown=REJECTED_SHOWN,
        open_clusters=OPEN_CLUSTERS,
    )
    with written_whole(output) as partial:
        partial.write_text(html, encoding="utf-8", newline="\n")


def format_score(value, column: str = "") -> str:
    """Return a score with four decimals (the convergence difference, which is small, with six), integers whole."""
    if isinstance(value, float) and not pd.isna(value):
        return f"{value:.6f}" if column == "convergence_difference" else f"{value:.4f}"
    return format_number(value)


def format_fixed(value, decimals: int = 0) -> str:
    """Return a number with a fixed count of decimals, a dash where it is missing."""
    return "–" if pd.isna(value) else f"{value:.{decimals}f}"


def embed_file(path) -> Markup:
    """Return a picture file as a data URI."""
    kinds = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
    data = base64.b64encode(Path(path).read_bytes()).decode()
    return Markup("data:{};base64,{}").format(kinds[Path(path).suffix], Markup(data))


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
        ``label``, ``count``, ``share`` (0 to 1), ``color``.
    """
    counts = sorted(Counter(near_labels).items(), key=lambda item: (-item[1], item[0]))
    total = sum(count for _, count in counts)
    parts = [(label or "none", count, colors[label]) for label, count in counts]
    if len(parts) > BAR_PARTS:
        rest = parts[BAR_PARTS - 1 :]
        parts = [*parts[: BAR_PARTS - 1], (f"{len(rest)} others", sum(part[1] for part in rest), "#d0d0d0")]
    return [{"label": label, "count": n, "share": n / total, "color": color} for label, n, color in parts]


def _finalize(value):
    # Applies to every expression of the template; what is already markup is ours.
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _view_dataset(data: DatasetReport, summary: pd.DataFrame, counter) -> dict:
    near_label = data.near_labels.set_index("image_id")["near_label"]
    colors = near_label_colors(near_label)
    classes = data.images["class"].value_counts().sort_index() if "class" in data.images else pd.Series(dtype=int)
    return {
        "anchor": f"d{next(counter)}",
        "name": data.name,
        "accepted": len(data.images),
        "duplicates": int(data.images["sha256"].duplicated().sum()),
        "classes": [(name or "none", count) for name, count in classes.items()],
        "shares": near_label_shares(near_label, colors),
        "labelled": bool((near_label != "").any()),
        "rejected": data.rejected,
        "reasons": data.rejected["reason"].value_counts(),
        "encoders": data.encoders,
        "untrained": [e for e in data.encoders if e.untrained],
        "nodes": [_view_node(data, node, near_label, colors, summary, counter) for node in data.nodes],
    }


def _view_node(data, node: NodeReport, near_label: pd.Series, colors, summary, counter) -> dict:
    rows = summary[(summary["dataset"] == data.name) & (summary["node"] == node.name)]
    winner = winning_row(node.scores, node.selection)
    scores = pd.concat([frame.assign(encoder=name) for name, frame in node.scores.items()], ignore_index=True)
    columns = [c for c in SCORE_HEADERS if c == "flags" or (c in scores and scores[c].notna().any())]
    flags = sorted({flag for text in scores["flags"] for flag in str(text).split(";") if flag})
    published = rows.loc[rows["winner"].astype(bool), "published"]
    return {
        "anchor": f"n{next(counter)}",
        "name": node.name,
        "size": len(node.clusters),
        "shares": near_label_shares(near_label.reindex(node.clusters["image_id"]).fillna(""), colors),
        "selection": node.selection,
        "winner": winner,
        "winner_flags": [f for f in str(winner["flags"]).split(";") if f],
        "winner_untrained": any(e.id == node.selection["encoder"] and e.untrained for e in data.encoders),
        "published": published.iloc[0] if len(published) else "",
        "best": rows.to_dict("records"),
        "quality_figure": embed_file(node.quality_figure),
        "clusters_figure": embed_file(node.clusters_figure),
        "clusters": _view_clusters(node, near_label, colors),
        "columns": columns,
        "absent": [SCORE_HEADERS[c][0] for c in SCORE_HEADERS if c not in columns],
        "scores": scores[columns].to_dict("records"),
        "flags": {flag: FLAGS.get(flag, "see the log of cluster_images") for flag in flags},
    }


def _view_clusters(node: NodeReport, near_label: pd.Series, colors) -> list[dict]:
    views = []
    sheets = {key: rows for key, rows in node.sheets.groupby(["cluster", "side"])}
    for cluster, members in node.clusters.groupby("cluster")["image_id"]:
        shown = [sheets[cluster, side] for side in ("nearest", "farthest") if (cluster, side) in sheets]
        views.append(
            {
                "number": int(cluster),
                "size": len(members),
                "share": len(members) / len(node.clusters),
                "shares": near_label_shares(near_label.reindex(members).fillna(""), colors),
                "sheets": [_view_sheet(rows, node.sheets_folder, near_label, colors) for rows in shown],
            }
        )
    return views


def _view_sheet(rows: pd.DataFrame, folder: Path, near_label: pd.Series, colors) -> dict:
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
        "cells": [
            {"name": name, "distance": distance, "problem": problem, "label": label, "color": colors[label]}
            for name, distance, problem, label in zip(
                rows["image_id"], rows["distance"], rows["problem"], labels, strict=True
            )
        ],
    }
