import base64
import hashlib
import json
import os
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.features.store import write_features
from nearlabel.files import write_csv
from nearlabel.grouping.clustering.labels import Sweep, write_labels
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.grouping.reduction.reduced import Reduced, write_reduced
from nearlabel.grouping.tree.levels import list_expanded
from nearlabel.grouping.tree.remembered import memory_table, remember
from nearlabel.report.base.ledger import Ledger, LedgerRow
from nearlabel.report.catalogue import MERGE_FIGURES, NODE_FIGURES
from nearlabel.report.grouping import collect
from nearlabel.report.grouping.candidates import draw_candidates
from nearlabel.report.grouping.collect import collect_dataset, collect_scores
from nearlabel.report.grouping.figures.clusters import plot_clusters
from nearlabel.report.grouping.figures.quality import plot_quality
from nearlabel.report.grouping.sheets import draw_contact_sheets
from nearlabel.report.grouping.views import near_label_shares
from nearlabel.report.outdated import mark_outdated
from nearlabel.report.page import TEMPLATES, write_page

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
        "config": "run: demo\n  a: </pre><script>alert(3)</script>\n",
        "versions": {"python": "3"},
    }
    arguments |= {"machine": {"gpu": "<none>"}, "stages": pd.DataFrame(), "datasets": [data]}
    write_page(run / "report/index.html", **(arguments | more))
    return (run / "report/index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run") / "demo")


@pytest.fixture(scope="module")
def html(run):
    return read_page(run)


def test_hostile_text_stays_text(html):
    outline = Outline(html)
    tags = [tag for tag, _ in outline.elements]
    assert tags.count("script") == 1
    assert not {"i", "u"} & {tag for tag, attrs in outline.elements if not attrs}
    assert not [name for _, attrs in outline.elements for name in attrs if name.startswith("on")]
    for shown in ("<script>alert(1)</script>.png", r"new\nline.png", r"äöü 漢字 \u202e.png", "$x$ {{ 7*7 }}.png"):
        assert shown in outline.text
        assert any(title.startswith(shown) for title in outline.attributes("title"))
    for shown in ("kmeans <b>leads</b> at 2 of 2 k", r"bad/0\n<img src=x onerror=alert(2)>", "truncated <b>"):
        assert shown in outline.text
    assert "  a: </pre><script>alert(3)</script>\n" in outline.text


def test_page_needs_nothing_beside_it_and_allows_no_other_script(html):
    outline = Outline(html)
    assert not {"link", "iframe", "object", "base"} & {tag for tag, _ in outline.elements}
    assert all(source.startswith("data:image/") for source in outline.attributes("src"))
    assert all(target.startswith("#") for target in outline.attributes("href"))
    script = re.search(r"<script>(.*)</script>\n</body>", html, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = [attrs["content"] for tag, attrs in outline.elements if attrs.get("http-equiv")]
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in policy


def test_links_lead_to_places_on_the_page(html):
    outline = Outline(html)
    ids = outline.attributes("id")
    assert len(ids) == len(set(ids))
    assert {target[1:] for target in outline.attributes("href")} <= set(ids)


def test_page_says_what_was_selected_and_what_it_is_worth(html):
    text = " ".join(Outline(html).text.split())
    assert "resnet18, kmeans, k = 2" in text
    assert "Silhouette 0.2200, entropy 1.2000 bits, clusters of 2 to 3 images" in text
    assert "The weights of resnet18 are not trained: its features are random projections of the image" in text
    assert "The weights of texture are not trained" not in text
    assert "Warning: near_labels names classes that no image has, '<i>rust</i>'; the images have " in text
    assert "Weights found in" in text
    assert "<b>package</b> held 1.0" in text
    assert "degenerate: a mixture component has fewer members" in text
    assert "Every clustering of the node: 8 rows" in text
    assert "not shown: Homogeneity, Completeness, Best-match Jaccard" in text
    assert "0.000400" in text
    assert "64 × 96" in text
    assert "as the image" in text
    assert "Note: no <b>label</b>." in text
    assert "There are no benchmark files." in text


def test_selected_rows_are_marked(html):
    chosen = [attrs for tag, attrs in Outline(html).elements if tag == "tr" and attrs.get("class") == "chosen"]
    assert len(chosen) == 3  # the best of each encoder, the scores, the models


def test_page_says_whether_chance_does_as_well(html):
    text = " ".join(Outline(html).text.split())
    assert "No better than chance: there is no evidence that the groups know anything of the near-labels." in text
    assert "in 50 of 200 random shuffles of the near-labels it was as large; 95 % of them stayed below 0.010." in text
    assert "a convergence difference of 0.000400, 0.9500 of what permuted near-labels give on average" in text
    assert "no: AMI 0.00, p = 0.254" in text
    assert "4 of 5 images have a near-label; the C-Scores" in text
    assert "Measures with near-labels are over the 4 of 5 images" in text


def test_page_shows_candidates_with_lines_to_paste(html):
    outline = Outline(html)
    text = " ".join(outline.text.split())
    assert "the <b>finest</b> stable · AMI with the near-labels 0.000" in text
    assert "choose:\n  root: {encoder: resnet18, algorithm: kmeans, k: 2}\n" in outline.text
    assert "3 images, 60.0 %" in text and "2 images, 40.0 %" in text
    assert any("<script>alert(1)</script>.png" in alt for alt in outline.attributes("alt"))


def test_page_shows_what_the_choice_says_of_itself(run, html, tmp_path, monkeypatch):
    told = {
        "structure": {"found": False, "sentence": "No <b>structure</b> was found."},
        "others": {"silhouette": {"encoder": "texture", "algorithm": "kmeans", "k": 3}},
    }
    read = collect.collect_scores
    monkeypatch.setattr(
        collect, "collect_scores", lambda *args: [(*node, chosen | told) for *node, chosen in read(*args)]
    )
    shutil.copytree(run, tmp_path / "run")
    page = read_page(tmp_path / "run")
    text = " ".join(Outline(page).text.split())
    assert "No <b>structure</b> was found.resnet18, kmeans, k = 2" in text
    assert "tightest and best separated groups (silhouette)texturekmeans30.0004" in text
    assert '<div class="box winner">' not in page
    assert '<div class="box winner">' in html and "What other criteria would have chosen" not in html


def test_page_holds_groups_against_other_columns(run, html, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    text = " ".join(Outline(read_page(tmp_path / "run", columns=True)).text.split())
    assert "The split follows the column <b>type</b> (AMI 0.59), not the near-labels (0.02)." in text
    assert "<b>type</b>0.59300.00525" in text
    assert "serial––55left out: <i>5</i> different values" in text
    assert "<b>type</b>1<i>poly</i>2 of 2100.0 %" in text
    assert "dull" not in text and "elsewhere" not in text
    assert "Held against other columns" not in html and "The split follows" not in html


def test_page_shows_groups_names_evidence_and_models(html):
    text = " ".join(Outline(html).text.split())
    assert "Cluster 1 · <i>holes</i>" in text
    assert "not named in expand" in text
    assert "root had 4 images when it was named and has 5 now, with an overlap of 0.8000" in text
    assert "0.6250" in text
    assert "77" not in [cell.strip() for cell in re.findall(r"<td[^>]*>([^<]*)</td>", html)]
    assert "Saved for new images: svm (best <b>accuracy</b>)" in text
    assert "0.750 ± 0.125" in text
    assert "Note: few <i>images</i>." in text
    assert "|--- component 1 <= 0.5 </pre><script>" in Outline(html).text


def test_same_files_make_the_same_page(run, html):
    assert read_page(run) == html


def test_warnings_of_jobs_are_on_the_page(run):
    html = read_page(run, warnings={"<b>: 3 images are alike": [f"check/{name}" for name in "abcde"], "x": ["y"]})
    assert '<a class="caution" href="#warnings">2 warnings of jobs</a>' in html
    assert "&lt;b&gt;: 3 images are alike" in html and "(check/a, check/b, check/c and 2 more)" in html
    assert "warnings of jobs" not in read_page(run)


def test_an_outdated_page_says_so_once_and_keeps_its_time(run):
    html, page = read_page(run), run / "report/index.html"
    os.utime(page, (5, 5))
    mark_outdated(page)
    mark_outdated(page)
    marked = page.read_text(encoding="utf-8")
    assert marked.count('role="alert"') == 1 and page.stat().st_mtime == 5
    assert re.sub('<p role="alert".*\n', "", marked) == html
    mark_outdated(run / "report/none.html")
    assert not (run / "report/none.html").exists()


def test_stages_and_the_papers_choice(run):
    stages = pd.DataFrame(
        [{"rule": "cluster_images", "jobs": 4, "total_seconds": 12.34, "longest_seconds": 4.0, "cpu_seconds": np.nan}]
    ).assign(peak_memory_mib=300.2)
    html = read_page(run, stages=stages, kinds={"tiles": "severstal"})
    text = " ".join(Outline(html).text.split())
    [row] = [row for row in re.findall("<tr>.*</tr>", html) if "<td>cluster_images</td>" in row]
    assert re.findall("<td[^>]*>([^<]*)</td>", row) == ["cluster_images", "4", "12.3", "4.0", "–", "300"]
    assert "What the paper took of this data at this level: vgg16, agglomerative, k = 3" in text


def test_many_rejected_images_are_counted_and_the_file_is_named(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    reject(tmp_path / "run", 205)
    text = " ".join(Outline(read_page(tmp_path / "run")).text.split())
    assert "205 of 210 files were not used, one by one The first 200 are shown; all are in tiles/rejected.csv." in text
    assert r"bad/199\n" in text
    assert r"bad/200\n" not in text


def test_what_became_of_the_files_is_said_at_the_top(run):
    ledger = Ledger(
        [
            LedgerRow("accepted", "images", 97, ["a"]),
            LedgerRow("rejected", "empty <b>", 3, ["x\n<img src=x onerror=alert(3)>.png", "y", "z"]),
            LedgerRow("left out", "hidden", 7, ["h", "i", "j"]),
            LedgerRow("warned", "classes test say nothing", 5, ["a", "b", "c"]),
            LedgerRow("noted", "grey", 1, ["g"]),
        ]
    )
    html = read_page(run, ledgers={"tiles": ledger})
    assert "onerror=alert(3)>" not in html and "empty <b>" not in html
    text = " ".join(Outline(html).text.split())
    assert "Rejected3 Other files, left out7" in text
    assert text.index("3 of 100 images (3.0 %) were rejected: empty <b> (3).") < text.index("5 images: classes test")
    assert text.index("5 images: classes test") < text.index("Near-labels: ")
    assert r"rejected3empty <b>x\n<img src=x onerror=alert(3)>.png, y, z left out7hiddenh, i, j, … " in text


def test_without_near_labels_and_rejected_images(tmp_path):
    html = read_page(make_run(tmp_path / "run", labelled=False, rejected=0))
    outline = Outline(html)
    assert "The images have no near-labels" in outline.text
    assert "Every file that the data set names was read, and none is odd." in outline.text
    assert "were not used" not in outline.text
    assert "near-label <b>" not in html
    assert "AMI" not in {t.strip() for t in re.findall(r"<th[^>]*>([^<]*)</th>", html)}


def test_collect_scores_names_encoders_by_their_features_not_their_folders(run):
    tables = [run / "tiles/grouping/root" / name / "scores.csv" for name in ("texture", "winner")]
    [(dataset, node, scores, selection)] = collect_scores(tables, [run / "tiles/grouping/root/selection.json"])
    assert (dataset, node) == ("tiles", "root")
    assert list(scores) == ["texture", "resnet18"]
    assert selection["excluded"] == EXCLUDED
    assert scores["texture"]["flags"].tolist() == ["", "degenerate;not_converged"] * 2


def test_shares_of_near_labels_sum_to_one_and_stay_few():
    labels = [f"{i % 20:02d}" for i in range(200)] + ["00", ""]
    shares = near_label_shares(labels, dict.fromkeys([*labels], "#000000"))
    assert len(shares) == 8
    assert shares[0]["label"] == "00"
    assert shares[-1]["label"] == "14 others"
    assert sum(share["share"] for share in shares) == pytest.approx(1)
    assert near_label_shares([""], {"": "#b0b0b0"})[0]["label"] == "no near-label"


def test_the_page_has_a_place_for_every_figure_of_a_node():
    text = (TEMPLATES / "node.html").read_text(encoding="utf-8")
    assert [kind for kind in (*NODE_FIGURES, *MERGE_FIGURES) if f"node.figures.{kind} " not in text] == []
