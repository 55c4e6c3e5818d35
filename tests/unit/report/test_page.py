import base64
import hashlib
import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from helpers.report_pages import EXCLUDED, Outline, escape, make_run, read_page, reject
from nearlabel.report.base.ledger import Ledger, LedgerRow
from nearlabel.report.catalogue import MERGE_FIGURES, NODE_FIGURES
from nearlabel.report.grouping import collect
from nearlabel.report.grouping.collect import collect_scores
from nearlabel.report.grouping.views import near_label_shares
from nearlabel.report.outdated import mark_outdated
from nearlabel.report.page import TEMPLATES


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
        assert f"<title>{escape(shown)} · " in html
    for shown in ("kmeans <b>leads</b> at 2 of 2 k", r"bad/0\n<img src=x onerror=alert(2)>", "truncated <b>"):
        assert shown in outline.text
    assert "\na: </pre><script>alert(3)</script>\n" in outline.text


def test_page_needs_nothing_beside_it_and_allows_no_other_script(run, html):
    outline = Outline(html)
    assert not {"link", "iframe", "object", "base"} & {tag for tag, _ in outline.elements}
    assert all(source.startswith("data:image/") for source in outline.attributes("src"))
    files = {f"file://{run}/source/{number}.png" for number in range(5)}
    elsewhere = {target for target in outline.attributes("href") if not target.startswith(("#", "data:image/"))}
    assert elsewhere == files
    assert not outline.attributes("style")
    script = re.search(r"<script>(.*)</script>\n</body>", html, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = [attrs["content"] for tag, attrs in outline.elements if attrs.get("http-equiv")]
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in policy
    style = re.search(r"<style>(.*)</style>", html, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy and "unsafe" not in policy


def test_links_lead_to_places_on_the_page(html):
    outline = Outline(html)
    ids = outline.attributes("id")
    assert len(ids) == len(set(ids))
    assert {target[1:] for target in outline.attributes("href") if target.startswith("#")} <= set(ids)


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
    assert "Group 1 · <i>holes</i>" in text
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
    assert '<h2 id="warnings">2 warnings</h2>' in html
    assert html.index('id="warnings"') < html.index('class="finding"')
    assert "&lt;b&gt;: 3 images are alike" in html and "(check/a, check/b, check/c and 2 more)" in html
    assert 'id="warnings"' not in read_page(run)


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
    assert text.index("3 of 100 images (3.0 %) were rejected") < text.rindex("What to do next")
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
    text = "".join((TEMPLATES / f"{name}.html").read_text(encoding="utf-8") for name in ("node", "scores"))
    assert [kind for kind in (*NODE_FIGURES, *MERGE_FIGURES) if f"node.figures.{kind} " not in text] == []


def test_near_labels_to_check_are_shown_with_what_contradicts_them(run, html):
    text = " ".join(Outline(html).text.split())
    assert "1 near-label is in doubt" in text
    assert "<b>1</b>, or 0? 0 % of the images like it have its label." in text
    assert "1 near-label to check" in text and "1 near-duplicate of an earlier image." in text
    assert "Silhouette 0.17 on average; 1 image nearer to another group." in text


def test_the_first_screen_says_what_was_found_and_what_to_do(html):
    text = " ".join(Outline(html).text.split())
    order = ["2 groups of images: of 5, the largest has 3", "What to do next", "Tree of groups", "Behind it"]
    places = [text.index(words, text.index("Run demo")) for words in order]
    assert places == sorted(places)
    assert "names.csv" in text and "root.0," in text
