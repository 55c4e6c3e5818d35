import re

import numpy as np
import pandas as pd
import pytest

from helpers import report_pages
from helpers.learning_runs import make_rounds, make_runs
from helpers.stopping_runs import RULES, write_run
from nearlabel.report.learning.stopping.view import view_stopping
from nearlabel.report.page import write_page
from nearlabel.run_files import DATASET_FIGURE, below

HOSTILE = "<script>alert(1)</script>"
STRATEGIES = {"random": "random", "<i>own</i>": "gradcam_avg"}
MAPS = {"maps": "closed form", "map_size": [7, 9], "rounds": [{"round": 1, "degenerate_selected": 4}]}


class Outline(report_pages.Outline):
    """With a space before each cell's text."""

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag, attrs)
        self.text += " " if tag in ("td", "th", "dt", "dd") else ""


def make(folder, name=HOSTILE, folds=3, strategies=tuple(STRATEGIES)):
    figures = {kind: folder / f"{kind}.svg" for kind in ("learning", "strategies")}
    for path in figures.values():
        path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    test = [0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.85, 0.85, 0.9]
    rounds = {s: [make_rounds(np.subtract(test, fold / 100)) for fold in range(folds)] for s in strategies}
    return make_runs(rounds, name=name, figures=figures, choices={"<i>own</i>": MAPS})


def read(folder, runs, **more):
    arguments = {"run": "demo", "config": {"run": "demo"}, "versions": {}, "machine": {}, "stages": pd.DataFrame()}
    arguments |= {"datasets": [], "learning": runs, "strategies": STRATEGIES}
    write_page(folder / "index.html", **(arguments | more))
    return (folder / "index.html").read_text(encoding="utf-8")


def text_of(html):
    return " ".join(Outline(html).text.split())


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learning")
    settings = {"network": "resnet18", "weights": "seeded", "fine_tune": "<b>full</b>"}
    return read(folder, [make(folder), make(folder, "tiles")], settings=settings, kinds={HOSTILE: "kolektor_sdd2"})


def test_hostile_names_stay_text(html):
    outline = Outline(html)
    tags = [tag for tag, _ in outline.elements]
    assert tags.count("script") == 1
    assert "i" not in tags
    for shown in (HOSTILE, "<i>own</i>", "<b>full</b>"):
        assert shown in outline.text


def test_page_needs_nothing_beside_it_and_links_lead_somewhere(html):
    outline = Outline(html)
    assert all(source.startswith("data:image/svg+xml;base64,") for source in outline.attributes("src"))
    assert len(outline.attributes("src")) == 2
    # Two data sets of two strategies, and the signs of the key; each fold can be reached by the keyboard.
    assert [attrs.get("class") for tag, attrs in outline.elements if tag == "svg"].count("curves") == 4
    assert [
        attrs.get("tabindex") for tag, attrs in outline.elements if tag == "g" and "fold" in attrs["class"].split()
    ] == ["0"] * 12
    assert not any(
        "style" in attrs for tag, attrs in outline.elements if tag in ("svg", "g", "line", "polyline", "text")
    )
    ids = outline.attributes("id")
    assert len(ids) == len(set(ids))
    assert {target[1:] for target in outline.attributes("href")} <= set(ids)


def test_page_speaks_of_the_half_that_ran(html):
    text = text_of(html)
    assert "labelling simulated" in text
    for absent in ("All nodes", "Tree of groups", "Better than chance", "encoder's features"):
        assert absent not in text
    assert not re.search(r"<tbody>\s*</tbody>", html.split('id="machine"')[0])


def test_section_says_what_was_done_and_what_it_is_worth(html):
    text = text_of(html)
    assert "Best is chosen on validation, reported on test." in text
    assert "The weights that learning starts from are not trained" in text
    assert "network resnet18" in text
    assert "fine tune <b>full</b>" in text
    assert "<i>own</i> is the strategy gradcam_avg." in text
    assert "Images in folds 200 Defective 90 (45.0 %) Near-duplicates 3 Folds 3" in text
    assert "<i>own</i> closed form 7 × 9 30 12 (40.0 %)" in text
    assert "0.8900 ± 0.0100" in text


def test_a_short_last_batch_is_said_with_what_it_means(html, tmp_path):
    assert "last batch" not in text_of(html)
    runs = make(tmp_path)
    for rounds in runs.rounds.values():
        rounds[0].loc[9, "n_labelled"] = 94
    said = text_of(read(tmp_path, [runs], settings={"training": "newest_batch"}))
    assert "In 1 of 3 folds the last batch, an open circle, holds only 4 of 10 images, and its model learnt" in said
    for rounds in runs.rounds.values():
        for fold in (1, 2):
            rounds[fold].loc[9, "n_labelled"] = 95
    said = text_of(read(tmp_path, [runs], settings={"training": "warm_all"}))
    assert "The last batch, an open circle, holds only 4 to 5 of 10 images, all that the pool had left." in said


def test_section_says_where_the_weights_were_found(html, tmp_path):
    assert "weights seeded geometry" not in text_of(html) and "found in" not in text_of(html)
    runs = make(tmp_path)
    for bound in runs.full_pool.values():
        bound["weights_source"] = "package <b>held</b> 1.0"
    text = text_of(read(tmp_path, [runs], settings={"network": "mobilenet_v2", "weights": "imagenet"}))
    assert "weights imagenet, found in: package <b>held</b> 1.0" in text


def test_published_values_and_their_conflicts_are_shown_for_the_papers_data_alone(html, tmp_path):
    text = text_of(html)
    assert "Incremental, published 0.8967 ± 0.0133 0.8502 ± 0.0310" in text
    assert "Note: 1502 is probably 1504" in text
    assert "Philips (shavers)" in text
    other = text_of(read(tmp_path, [make(tmp_path)]))
    for absent in ("published 0.8967", "1504", "Philips"):
        assert absent not in other
    assert "are not trained" not in other


def test_tables_in_the_papers_shape(html):
    text = text_of(html)
    for shown in (
        "Learning random <i>own</i> Full pool Incremental",
        "Best, if chosen on test",
        "Average precision: incremental and batch",
        "3 of 3",
        "Who beats whom",
        "Area under the budget curve, AUC ROC",
    ):
        assert shown in text


def test_one_fold_and_one_strategy(tmp_path):
    text = text_of(read(tmp_path, [make(tmp_path, folds=1, strategies=["random"])]))
    assert "There is one fold, so nothing here has a spread or a test." in text
    assert "0.9000 ± –" in text
    for absent in ("Strategies compared", "Who beats whom", "All strategies", "Activation maps"):
        assert absent not in text


def test_without_learning_the_page_does_not_speak_of_it(tmp_path):
    text = text_of(read(tmp_path, []))
    assert "learning" not in text.lower()
    assert "strateg" not in text.lower()


def test_same_page_twice(tmp_path):
    runs = [make(tmp_path)]
    assert read(tmp_path, runs) == read(tmp_path, runs)


def test_stopping_rules_are_shown_where_they_were_compared(tmp_path):
    plain = read(tmp_path, [make(tmp_path, "tiles")])
    assert "When to stop" not in plain
    write_run(tmp_path, ["random", "<i>own</i>"])
    figure = below(tmp_path, DATASET_FIGURE, dataset="tiles", kind="stopping", suffix="svg")
    figure.parent.mkdir()
    figure.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    rules = [*RULES[:3], RULES[3] | {"id": "knee"}]
    shown = view_stopping(tmp_path, "tiles", ["random", "<i>own</i>"], 3, rules)
    html = read(tmp_path, [make(tmp_path, "tiles"), make(tmp_path, "other")], stopping={"tiles": shown})
    text = text_of(html)
    assert text.count("When to stop") == 1 and "<i>own</i>" in text and "<i>own" not in html
    assert "Only certify (recall 0.9) guarantees the target recall, whatever the strategy; all others are heu" in text
    assert "knee (knee_hindsight) sensitivity 1.0 no " in text
    assert "early (hypergeometric) recall 0.9, alpha 0.05 no " in text
    assert "random certify 2 of 3 40 ± 0 10 ± 0" in text
    assert "are held to a recall of 0.95" in text
    images = [attrs for tag, attrs in Outline(html).elements if tag == "img"]
    assert len(images) == 3 and all(image["src"].startswith("data:image/svg") and image["alt"] for image in images)
