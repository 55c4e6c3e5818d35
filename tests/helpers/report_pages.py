"""A run of one data set and one node, written by the library's own writers, and its page."""

import json
from html import escape as escape_html
from html.parser import HTMLParser

import numpy as np
import pandas as pd
from PIL import Image

from nearlabel.features.store import write_features
from nearlabel.files import write_csv, write_json
from nearlabel.grouping.clustering.labels import Sweep, write_labels
from nearlabel.grouping.maps.suspects import SUSPECT_COLUMNS
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.grouping.reduction.reduced import Reduced, write_reduced
from nearlabel.grouping.tree.levels import list_expanded
from nearlabel.grouping.tree.remembered import memory_table, remember
from nearlabel.images.thumbnails import draw_thumbnails
from nearlabel.report.catalogue import NODE_FIGURES
from nearlabel.report.grouping.collect import collect_dataset
from nearlabel.report.grouping.figures.clusters import plot_clusters
from nearlabel.report.grouping.figures.quality import plot_quality
from nearlabel.report.grouping.pictures.candidates import draw_candidates
from nearlabel.report.grouping.pictures.sheets import draw_contact_sheets
from nearlabel.report.page import write_page

HOSTILE = [
    "<script>alert(1)</script>.png",
    "\" onload='x' &amp;.png",
    "new\nline.png",
    "äöü 漢字 \u202e.png",
    "$x$ {{ 7*7 }}.png",
]
ENCODERS = {"texture": "none", "resnet18": "seeded"}
SELECTION = {
    "encoder": "resnet18",
    "algorithm": "kmeans",
    "k": 2,
    "criterion": "min_max",
    "k_range": [2, 3],
    "note": None,
}
VERDICT = {"ami": 0.0004, "p_value": 51 / 201, "candidates": 1, "permutations": 200, "null_mean": 0.0}
VERDICT |= {"null_high": 0.01, "labelled": 4}
UNLABELLED = VERDICT | dict.fromkeys(("ami", "p_value", "null_mean", "null_high")) | {"labelled": 0}
EXCLUDED = [{"encoder": "texture", "algorithm": "<i>spectral</i>", "reason": "kmeans <b>leads</b> at 2 of 2 k"}]


def escape(text):
    return escape_html(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


class Outline(HTMLParser):
    """Elements with their attributes, and the text outside scripts and styles."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text, self.inside = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside.append(tag)

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.inside):
            self.text += data

    def attributes(self, name):
        return [attrs[name] for _, attrs in self.elements if name in attrs]


def make_scores(offset, labelled):
    scores = pd.DataFrame(
        [
            {"algorithm": name, "k": k, "entropy": 1.0 + k / 10, "silhouette": offset + k / 100}
            | {"smallest": 2, "largest": 3, "flags": "degenerate;not_converged" if k == 3 else ""}
            for name in ("kmeans", "<i>spectral</i>")
            for k in (2, 3)
        ]
    )
    for column in ("c_score", "normalized_c_score", "convergence_difference", "ami", "ari"):
        scores[column] = 0.0004 if labelled else np.nan
    return scores.assign(null_ratio=0.95 if labelled else np.nan, null_p=0.25 if labelled else np.nan)


SUMMARY = {
    "dataset": "tiles", "node": "root", "target": "clusters", "images": 5, "classes": {"0": 3, "1": 2}, "folds": 2,
    "chosen": "svm", "why": "best <b>accuracy</b>", "tree": {}, "normal": "<b>0</b>", "notes": ["few <i>images</i>"],
    "models": [
        {"id": name, "name": name, "kind": "classifier", "balanced_accuracy": 0.75, "balanced_accuracy_std": 0.125,
         "macro_f1": 0.5, "macro_f1_std": 0.0, "roc_auc": np.nan, "roc_auc_std": np.nan}
        for name in ("svm", "mlp")
    ],
}  # fmt: skip


COLUMNS = {
    "columns": pd.DataFrame(
        [("tiles", "root", "<b>type</b>", 2, 5, 0.593, 0.005, 0.02, ""),
         ("tiles", "root", "serial", 5, 5, np.nan, np.nan, 0.02, "left out: <i>5</i> different values"),
         ("other", "root", "elsewhere", 2, 5, 0.9, 0.005, 0.02, "")],
        columns=["dataset", "node", "column", "values", "labelled", "ami", "p_value", "near_label_ami", "note"],
    ),
    "column_enrichment": pd.DataFrame(
        [("tiles", "root", "<b>type</b>", 1, "<i>poly</i>", 2, 2, 1.0, 2.5, 0.001, 0.002),
         ("tiles", "root", "<b>type</b>", 0, "dull", 1, 3, 0.33, 0.8, 0.7, 0.8)],
        columns=["dataset", "node", "column", "cluster", "value", "count", "size", "share", "fold_enrichment",
                 "p_value", "q_value"],
    ),
}  # fmt: skip


CONFIG = {
    "run": "demo",
    "a": "</pre><script>alert(3)</script>",
    "features": {"weights": "imagenet", "weights_dir": None, "image_size": None},
    "grouping": {"levels": [{"encoders": list(ENCODERS)}], "expand": [], "names": {}},
    "learning": None,
    "labelling": None,
}


def reject(run, count):
    reasons = [(f"bad/{i}\n<img src=x onerror=alert(2)>", "truncated <b>") for i in range(count)]
    write_csv(run / "tiles" / "rejected.csv", pd.DataFrame(reasons, columns=["path", "reason"]))


def make_run(run, labelled=True, rejected=3):
    """Write the files of a run with one data set and one node, by the library's own writers."""
    data, node, figures = run / "tiles", run / "tiles" / "grouping" / "root", run / "figures"
    (run / "source").mkdir(parents=True)
    rows = []
    for number, name in enumerate(HOSTILE):
        Image.new("L", (32, 16), 40 * number).save(run / "source" / f"{number}.png")
        rows.append((name, str(run / "source" / f"{number}.png"), "<u>class</u>", "", "32", "16", "L", f"{number % 4}"))
    images = pd.DataFrame(rows, columns=["image_id", "path", "class", "part", "width", "height", "mode", "sha256"])
    labels = images[["image_id"]].assign(near_label=["<b>1</b>", "0", "0", "0", ""] if labelled else "")
    data.mkdir()
    write_csv(data / "images.csv", images)
    write_csv(data / "near_labels.csv", labels)
    reject(run, rejected)
    features = np.random.default_rng(0).normal(size=(len(images), 4)).astype(np.float32)
    scores, selection = {}, SELECTION | {"excluded": EXCLUDED, "note": "no <b>label</b>"}
    for offset, (encoder, weights) in enumerate(ENCODERS.items()):
        attributes = {"encoder": encoder, "weights": weights, "weights_sha256": "ab" * 32, "geometry": "squash"}
        attributes |= {
            "weights_source": "<b>package</b> held 1.0" if encoder == "resnet18" else "",
            "image_size": json.dumps([64, 96] if encoder == "texture" else None),
            "library_versions": json.dumps({"torch": "2.0"}),
        }
        write_features(data / "features" / f"{encoder}.h5", features, images["image_id"].tolist(), attributes)
        reduction = reduce_features(features, "pca", 3, standardise=False, seed=0)
        # The folder of an encoder that the workflow did not know beforehand has another name than the encoder.
        folder = node / ("winner" if encoder == "resnet18" else encoder)
        write_reduced(folder / "reduced.h5", reduction, images["image_id"].tolist(), encoder)
        scores[encoder] = make_scores(0.1 + offset / 10, labelled)
        write_csv(folder / "scores.csv", scores[encoder])
    (node / "selection.json").write_text(json.dumps(selection), encoding="utf-8")
    (node / "verdict.json").write_text(json.dumps(VERDICT if labelled else UNLABELLED), encoding="utf-8")
    clusters = images[["image_id"]].assign(cluster=[0, 0, 0, 1, 1])
    write_csv(node / "clusters.csv", clusters)
    reduced = Reduced(reduction, images["image_id"].to_numpy(), "resnet18")
    plot_quality(scores, selection, figures / "tiles_root_quality")
    plot_clusters(reduced, clusters, labels, selection, figures / "tiles_root_clusters")
    index = draw_contact_sheets(images, reduction.values, reduced.image_id, clusters, figures / "tiles_root_sheets")
    write_csv(figures / "tiles_root_sheets.csv", index)
    write_json(data / "thumbnails.json", draw_thumbnails(images.assign(full_range=""), data / "thumbnails", seed=0))
    write_csv(data / "near_duplicates.csv", images[["image_id"]].assign(duplicate_of=["", "", HOSTILE[0], "", ""]))
    measures = clusters.assign(silhouette=[0.5, 0.25, -0.25, np.nan, 0.75], distance=1.0, nearest_prototype=0)
    write_csv(node / "images.csv", measures)
    suspects = [(HOSTILE[0], "<b>1</b>", 0.0, "0", True, HOSTILE[1]), (HOSTILE[1], "0", 1.0, "0", False, "")]
    suspects = pd.DataFrame(suspects if labelled else [], columns=SUSPECT_COLUMNS)
    write_csv(data / "grouping/suspects.csv", suspects)
    labels_file = node / "winner/labels/kmeans/k002-002.h5"
    write_labels(labels_file, HOSTILE, Sweep({2: clusters["cluster"].to_numpy()}, {2: []}, [], {}), "kmeans")
    candidates = [{"encoder": "resnet18", "algorithm": "kmeans", "k": 2, "reason": "the <b>finest</b> stable"}]
    strips = draw_candidates(
        candidates, images, [node / "winner/reduced.h5"], [labels_file], figures / "tiles_root_candidates"
    )
    write_csv(figures / "tiles_root_candidates.csv", strips)
    drawn = [f"root_{kind}" for kind in NODE_FIGURES[2:]]
    for name in ("tree", "root_clusters_models", "root_clusters_decision_tree", *drawn):
        (figures / f"tiles_{name}.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    write_csv(data / "grouping/levels/0.csv", list_expanded({"root": clusters}, labels, 0))
    remember(data / "grouping/remembered/nodes/root.json", "root", "root", HOSTILE[:4], min_overlap=0)
    memory = remember(data / "grouping/remembered/nodes/root.json", "root", "root", HOSTILE, min_overlap=0)
    write_csv(data / "grouping/remembered.csv", memory_table({"root": memory}))
    (data / "names.csv").write_text("node,name\nroot.1,<i>holes</i>\n", encoding="utf-8")
    models = node / "models/clusters"
    models.mkdir(parents=True)
    (models / "summary.json").write_text(json.dumps(SUMMARY), encoding="utf-8")
    (models / "rules.txt").write_text("|--- component 1 <= 0.5 </pre><script>", encoding="utf-8")
    return run


def read_page(run, columns=False, **more):
    tables = [run / "tiles/grouping/root" / name / "scores.csv" for name in ("texture", "winner")]
    stores = [run / "tiles/features" / f"{name}.h5" for name in ENCODERS] + [run / "other/features/x.h5"]
    evidence = pd.DataFrame(
        {"dataset": ["tiles", "other"], "node": "root", "cluster": 0, "name": ["<i>holes</i>", "x"], "size": [3, 77],
         "near_label": ["<b>1</b>", "x"], "stability": [0.625, 0.1]}
    )  # fmt: skip
    data = collect_dataset(
        run,
        "tiles",
        nodes=["root"],
        scores=tables,
        features=stores,
        figures=[*(run / "figures").glob("*.svg"), run / "figures/other_root_quality.svg"],
        levels=run / "tiles/grouping/levels/0.csv",
        tables={"clusters": evidence} | (COLUMNS if columns else {}),
        names=run / "tiles/names.csv",
        classifications=[("root", "clusters")],
        assigned={"<i>rust</i>": "1", "default": "0"},
    )
    arguments = {
        "run": "demo",
        "config": CONFIG,
        "versions": {"python": "3"},
    }
    arguments |= {"machine": {"gpu": "<none>"}, "stages": pd.DataFrame(), "datasets": [data]}
    write_page(run / "report/index.html", **(arguments | more))
    return (run / "report/index.html").read_text(encoding="utf-8")
