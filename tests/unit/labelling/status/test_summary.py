import numpy as np
import pandas as pd
import pytest

from helpers.labelling import SETTINGS, Person, parts
from nearlabel.labelling.answers.consensus import LABEL_COLUMNS
from nearlabel.labelling.answers.reading import ANSWER_COLUMNS, PROBLEM_COLUMNS
from nearlabel.labelling.rounds.history import as_history
from nearlabel.labelling.rounds.queue import make_queue
from nearlabel.labelling.status.heuristics import ask_heuristics
from nearlabel.labelling.status.summary import summarise
from nearlabel.learning.stopping.elusion import audits_for_rate


def status_of(someone, certify=None, extra=()):
    """Of a person's labelling, her answers a second each."""
    planned = someone.plan()
    labels = [
        [image, "defect" if value else "good", str(value), 1, "labelled"] for image, value in someone.defective.items()
    ]
    labels += list(extra)
    answers = [[image, "anna", "", label, 2.0, "current"] for image, label, *_ in labels]
    predictions = pd.DataFrame({"image_id": list(someone.truth), "probability": 0.5})
    predictions["judged_without"] = [
        0.3 + 0.4 * value if image in someone.defective else np.nan for image, value in someone.truth.items()
    ]
    return summarise(
        someone.situation,
        make_queue(someone.situation, planned, [], seed=0),
        pd.DataFrame(labels, columns=LABEL_COLUMNS),
        pd.DataFrame(answers, columns=ANSWER_COLUMNS),
        pd.DataFrame(columns=PROBLEM_COLUMNS),
        predictions,
        certify or SETTINGS["certify"],
    )


def person(defects=20, n=200, **options):
    images = parts(defects, n)
    return Person(images, sorted(images), **options)


def test_before_any_label():
    status = status_of(person())
    assert (status["labelled"], status["defects"], status["left"], status["queue"]) == (0, 0, 200, 10)
    for unknown in ("defects_left", "elusion", "validation"):
        assert status[unknown] is None
    assert status["certificate"]["would_take"] is None
    assert status["advice"] == "Label the 10 images of this first batch: they cover the data."


def test_after_some_rounds_the_cost_of_the_certificate_is_said_before_it_begins():
    someone = person()
    for _ in range(2):
        someone.answer(someone.plan().images("audit", "strategy"))
    status = status_of(someone)
    assert status["labelled"] == 20 and status["labels"] == {
        "defect": status["defects"],
        "good": 20 - status["defects"],
    }
    left = status["defects_left"]
    assert left["low"] <= 20 - status["defects"] <= left["high"] and left["audited"] == 4
    assert left["recall_at_least"] == pytest.approx(status["defects"] / (status["defects"] + left["high"]))
    assert status["certificate"]["state"] == "waiting"
    cost = status["certificate"]["would_take"]
    assert 0 < cost <= 180 and f"about {cost} images now" in status["advice"]
    assert status["time"] == {"median_seconds": 2.0, "total_seconds": 40.0, "answers": 20}
    assert [row["labelled"] for row in status["rounds"]] == [0, 10, 20]
    assert status["rounds"][2]["left_high"] == left["high"]


def test_the_end():
    someone = person()
    someone.go_on()
    status = status_of(someone)
    assert status["certificate"]["state"] == "certified" and status["queue"] == 0
    assert status["advice"].startswith("Stop: at least 80% of all defects are found, certified at 95% by ")
    assert status["elusion"]["from"] == "certify"
    true = sum(someone.truth.values()) - status["defects"]
    assert true <= status["elusion"]["at_most"] <= status["left"]
    assert status["defects_left"]["low"] <= true <= status["defects_left"]["high"]
    # A higher recall is not certified by it.
    higher = status_of(someone, {"recall": 0.99, "alpha": 0.05, "quiet": 2, "spare": 0})
    assert higher["certificate"]["state"] == "missed" and higher["certificate"]["would_take"] > 0


def test_while_the_draw_is_open():
    someone = person()
    while not any(one.stage for one in someone.rounds):
        someone.answer(someone.plan().images("audit", "strategy"))
    draw = someone.rounds[-1].picks["certify"]
    someone.answer(draw[:3])
    status = status_of(someone)
    assert status["certificate"]["state"] == "drawn" and status["certificate"]["answered"] == 3
    assert f"Label the {len(draw) - 3} images that are left of {len(draw)} drawn at random" in status["advice"]


def test_without_defects_the_elusion_bound_is_the_only_verdict():
    someone = person(0, 100)
    for _ in range(6):
        someone.answer(someone.plan().images("audit", "strategy"))
    status = status_of(someone)
    assert status["certificate"]["state"] == "waiting" and status["certificate"]["would_take"] is None
    assert 0 < status["elusion"]["rate_at_most"] < 1 and "defect rate of up to" in status["advice"]
    assert status["clean_audit"]["images"] == audits_for_rate(status["left"], 0.01)
    assert f"{status['clean_audit']['images']} images drawn at random without a defect" in status["advice"]
    someone.answer(someone.truth)
    assert status_of(someone)["advice"] == "Every image has a label, and 0 defects found: run finish."


def test_what_needs_a_person_is_said():
    someone = person()
    someone.answer(someone.plan().images("audit", "strategy"))
    extra = [["0100.png", "", "", 2, "disputed"], ["0101.png", "", "", 0, "unsure"], ["0102.png", "", "", 0, "skip"]]
    status = status_of(someone, extra=extra)
    assert (status["disputed"], status["unsure"], status["skipped"]) == (1, 1, 1)
    assert "1 image on which annotators disagree, 1 image that somebody was unsure of" in status["advice"]


def test_validation_weighs_drawn_images_for_what_was_left():
    someone = person(80, 160)
    for _ in range(5):
        someone.answer(someone.plan().images("audit", "strategy"))
    validation = status_of(someone)["validation"]
    assert validation["drawn"] == 10 and validation["auc"] == 1
    assert validation["good"] + validation["defects"] <= len(someone.defective)
    assert 0.5 < validation["low"] < 1


def test_heuristics_name_what_they_assume_and_none_guarantees_anything():
    someone = person()
    someone.go_on()
    rows = ask_heuristics(as_history(someone.situation, lambda one: None), 0.8)
    names = {row["rule"] for row in rows}
    assert "hypergeometric" in names and not {"certify", "knee_hindsight"} & names
    assert all(row["assumes"] and row["reason"] for row in rows)
    assert {row["stop"] for row in rows} == {True, False}
