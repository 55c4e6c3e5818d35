import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.report.labelling.final_figure import plot_final
from nearlabel.report.labelling.final_page import write_final_page
from nearlabel.report.labelling.progress_figure import plot_progress
from nearlabel.report.labelling.view import RULES, view_labelling
from nearlabel.report.page import write_page

HOSTILE = "<script>alert(1)</script>"
CERTIFICATE = {"recall": 0.9, "alpha": 0.05, "state": "waiting", "would_take": 77, "stage": None, "size": None,
               "answered": None, "defects": None}  # fmt: skip


def row(number, labelled, **changes):
    known = {"round": number, "chosen_by": "uncertainty", "labelled": labelled, "defects": labelled // 4}
    drawn = {"strategy": 8, "start": 0, "audit": 2, "certify": 0}
    return known | dict.fromkeys(("left", "left_low", "left_high")) | drawn | changes


def status(**changes):
    known = {"left": 20, "left_low": 3, "left_high": 60}
    return {
        "round": 3, "chosen_by": "uncertainty", "images": 200, "labelled": 30, "left": 170, "defects": 7,
        "labels": {"good": 23, HOSTILE: 7}, "unsure": 1, "skipped": 0, "disputed": 2, "queue": 10,
        "defects_left": {"estimate": 20, "low": 2, "high": 55, "recall_at_least": 0.11, "alpha": 0.05, "audited": 6},
        "elusion": {"rate_at_most": 0.32, "at_most": 55, "from": "audit"}, "certificate": CERTIFICATE,
        "validation": {"auc": 0.8, "low": 0.6, "high": 0.9, "good": 4, "defects": 2, "drawn": 6},
        "agreement": [{"annotators": ["anna", HOSTILE], "images": 4, "alike": 3, "kappa": None}],
        "time": {"median_seconds": 1.25, "total_seconds": 40.0, "answers": 31}, "problems": 0,
        "rounds": [row(1, 0), row(2, 20, **known), row(3, 30, **known, certify=40)],
        "advice": "Label the next 10 images.",
        "heuristics": [{"rule": "budget", "stop": True, "reason": "Enough.", "assumes": "A heuristic: luck."}],
    } | changes  # fmt: skip


@pytest.fixture
def shown(tmp_path):
    def make(**changes):
        (tmp_path / "status.json").write_text(json.dumps(status(**changes)), encoding="utf-8")
        plot_progress(tmp_path / "status.json", tmp_path / "progress")
        view = view_labelling("parts", tmp_path / "status.json", tmp_path / "progress.svg")
        write_page(
            tmp_path / "index.html", run="r", config={"run": "r"}, versions={}, machine={}, stages=pd.DataFrame(),
            datasets=[], labelling=view,
        )  # fmt: skip
        return (tmp_path / "index.html").read_text(encoding="utf-8")

    return make


def test_the_page_says_what_to_do_first_and_the_evidence_after_it(shown):
    page = shown()
    assert page.index("Label the next 10 images.") < page.index("Defects left, estimate") < page.index("Certificate")
    assert "20 (2 to 55)" in page and "77 images" in page and "11.0 %" in page and "0.800 (0.60 to 0.90)" in page
    assert "It is the only rule here that guarantees anything." in page and RULES["budget"] in page
    assert HOSTILE not in page and "&lt;script&gt;" in page


def test_the_page_of_a_first_round_says_that_little_is_known(shown):
    nothing = {"defects_left": None, "elusion": None, "validation": None, "agreement": [], "labels": {}, "unsure": 0,
               "disputed": 0, "rounds": [row(1, 0)], "labelled": 0, "defects": 0,
               "certificate": CERTIFICATE | {"would_take": None},
               "time": {"median_seconds": None, "total_seconds": None, "answers": 0}}  # fmt: skip
    page = shown(**nothing)
    assert "is not known before the first images that are drawn at random have labels" in page
    assert "None" not in page.split('id="labelling"')[1].split("</section>")[0]


def test_a_certificate_is_shown_with_its_draw(shown):
    certified = CERTIFICATE | {
        "state": "certified", "would_take": None, "stage": 2, "size": 50, "answered": 50, "defects": 0
    }  # fmt: skip
    page = shown(certificate=certified)
    assert "draw 2: 50 of 50 images labelled, 0 defective" in page


def test_figures_have_the_same_bytes_again(tmp_path):
    (tmp_path / "status.json").write_text(json.dumps(status()), encoding="utf-8")
    for name in ("a", "b"):
        plot_progress(tmp_path / "status.json", tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").stat().st_size > 5000


def final_files(tmp_path, **changes):
    curve = {
        "threshold": [0.9, 0.5, 0.1],
        "recall": [0.5, 1, 1],
        "precision": [1, 0.8, 0.4],
        "false_alarms": [0, 0.1, 1],
    }
    report = {
        "aim": "recall", "value": 0.9, "threshold": 0.5, "reached": True, "recall": 1.0, "precision": 0.8,
        "false_alarms": 0.1, "labelled": 30, "defects": 7, "images": 200, "judged": 28, "auc": 0.97,
        "average_precision": 0.9, "drawn": 6, "doubtful": 1,
        "auc_interval": [0.7, 0.99],
        "confusion": {"defective_called_defective": 40.2, "defective_called_good": 0.0, "good_called_defective": 16.0,
                      "good_called_good": 143.8},
        "by_label": {"good": {"judged": 21, "images": 160.0, "called_defective": 16.0},
                     HOSTILE: {"judged": 7, "images": 40.0, "called_defective": 40.0}},
        "curve": curve, "sentence": "An image is called defective from a probability of 0.500 on.",
    } | changes  # fmt: skip
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    (tmp_path / "status.json").write_text(json.dumps(status()), encoding="utf-8")
    ids = [f"{HOSTILE}{i}.png" for i in range(4)]
    paths = []
    for i in range(4):
        paths.append(str(tmp_path / f"{i}.png"))
        Image.fromarray(np.full((20, 30), 60 * i, np.uint8)).save(paths[-1])
    images = {
        "image_id": ids,
        "path": paths,
        "full_range": "",
        "mode": "L",
        "sha256": "0",
        "width": "30",
        "height": "20",
    }
    pd.DataFrame(images).to_csv(tmp_path / "images.csv", index=False)
    pd.DataFrame(
        {"image_id": ids, "label": ["good", "x", "good", ""], "defective": [0, 1, 0, None], "probability": 0.4,
         "called_defective": 0, "judged_without": [0.2, 0.9, 0.4, None], "weight": [1.0, 1.0, 5.5, 0.0]}
    ).to_csv(tmp_path / "predictions.csv", index=False)  # fmt: skip
    pd.DataFrame(
        {"image_id": ids[:1], "label": "good", "disagreement": 0.9, "probability": [None], "neighbour": ids[1]}
    ).to_csv(tmp_path / "doubtful.csv", index=False)
    plot_final(tmp_path / "report.json", tmp_path / "predictions.csv", tmp_path / "final")
    return {
        "images": tmp_path / "images.csv", "report": tmp_path / "report.json", "doubtful": tmp_path / "doubtful.csv",
        "status": tmp_path / "status.json", "figure": tmp_path / "final.svg",
    }  # fmt: skip


def test_final_page(tmp_path):
    write_final_page(tmp_path / "index.html", run="r", dataset="parts", **final_files(tmp_path))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "An image is called defective from a probability of 0.500 on." in page
    assert "It is not certified that at least 90% of all defects of the data set are found" in page
    assert "2 to 55 defects are left" in page and "Estimated in all" in page
    assert HOSTILE not in page and page.count("data:image/jpeg") == 2
    assert "90 % of its neighbours are labelled otherwise." in page


def test_final_page_without_a_draw_and_of_images_that_are_gone(tmp_path):
    files = final_files(tmp_path, drawn=0, reached=False)
    (tmp_path / "0.png").unlink()
    write_final_page(tmp_path / "index.html", run="r", dataset="parts", **files)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "No draw is complete" in page and 'class="box warning"' in page and page.count("data:image/jpeg") == 1
