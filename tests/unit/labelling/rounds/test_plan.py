from dataclasses import replace

import numpy as np
import pytest

from helpers.labelling import SETTINGS, Person, parts
from nearlabel.labelling.rounds.evidence import is_quiet, judge_certificate, weigh_draws
from nearlabel.labelling.rounds.history import as_history
from nearlabel.labelling.rounds.opinions import Opinions, read_opinions, record_opinions
from nearlabel.labelling.rounds.queue import make_queue
from nearlabel.labelling.rounds.record import labelled_at, read_rounds, record_round
from nearlabel.learning.stopping.rules import build_rule
from nearlabel.learning.stopping.rules.certify import audit_size


def person(defects=20, n=200, **options):
    images = parts(defects, n)
    return Person(images, sorted(images), **options)


def test_the_same_labels_give_the_same_round():
    one, other = person(), person()
    assert one.plan() == other.plan() == one.plan()
    assert len(one.rounds) == 1
    one.answer(one.rounds[0].images("audit", "strategy"))
    assert one.plan().number == 2
    # In another order, and all at once.
    other.answer(sorted(one.defective, reverse=True))
    assert other.plan() == one.rounds[1]


def test_a_batch_has_its_audits_drawn_from_all_that_is_left():
    found = person().plan()
    assert len(found.picks["audit"]) == 2 and len(found.picks["strategy"]) == 8
    assert not set(found.picks["audit"]) & set(found.picks["strategy"])
    # Uniformly: over seeds every image about as often, also those that the strategy would have chosen.
    counts = dict.fromkeys(parts(), 0)
    for seed in range(600):
        for image in person(seed=seed).plan().picks["audit"]:
            counts[image] += 1
    first, others = list(counts.values())[:8], list(counts.values())[8:]
    assert np.mean(first) == pytest.approx(6, abs=2.5) and np.mean(others) == pytest.approx(6, abs=0.5)


def test_images_that_were_drawn_are_owed_until_they_have_a_label():
    someone = person()
    first = someone.plan()
    someone.answer(first.images("strategy"))
    second = someone.plan()
    assert "audit" not in second.picks and len(second.picks["strategy"]) == 8
    queue = make_queue(someone.situation, second, [], seed=0)
    assert set(queue.loc[queue["purpose"] == "audit", "image_id"]) == set(first.picks["audit"])
    assert [draw.audit for draw in weigh_draws(someone.rounds, someone.defective, list(someone.truth))] == [None]
    someone.answer(first.picks["audit"])
    [draw] = weigh_draws(someone.rounds, someone.defective, list(someone.truth))
    assert (draw.audit.left, draw.audit.found, draw.audit.size) == (200, 0, 2)
    # Of what was found when it was drawn, not of what is found now.
    assert someone.plan().picks["audit"]


def test_set_aside_images_are_not_chosen_again_but_may_be_drawn():
    someone = person(4, 30)
    someone.aside = set(list(someone.truth)[:10])
    assert not set(someone.plan().images("strategy")) & someone.aside
    drawn = set()
    for seed in range(60):
        other = person(4, 30, seed=seed)
        other.aside = set(someone.aside)
        drawn |= set(other.plan().images("audit")) & someone.aside
    assert drawn == someone.aside


def test_labelling_ends_with_a_certificate_that_holds():
    someone = person()
    someone.go_on()
    certificate = judge_certificate(someone.rounds, someone.defective, list(someone.truth))
    draw = certificate.certified(SETTINGS["certify"])
    assert draw is not None and draw.audit.defects == 0
    assert draw.audit.size == audit_size(draw.audit.left, draw.audit.found, 0.8, "0.025")
    assert len(someone.defective) < len(someone.truth)
    assert sum(someone.defective.values()) / sum(someone.truth.values()) >= 0.8
    assert someone.plan().picks == {}
    # Said before it was drawn: target and size are on record.
    planned = someone.rounds[draw.round - 1]
    assert planned.stage == 1 and planned.target == {"recall": 0.8, "alpha": 0.05}


def test_while_the_certificates_draw_is_open_nothing_else_is_asked_for_and_nothing_is_drawn_anew():
    someone = person()
    while not any(one.stage for one in someone.rounds):
        someone.answer(someone.plan().images("audit", "strategy"))
    draw = someone.rounds[-1].picks["certify"]
    someone.answer(draw[:5])
    later = someone.plan()
    assert later.picks == {} and later.stage == 0
    queue = make_queue(someone.situation, later, [], seed=0)
    assert set(queue["image_id"]) == set(draw[5:]) and set(queue["purpose"]) == {"certify"}
    assert judge_certificate(someone.rounds, someone.defective, list(someone.truth)).open
    someone.answer(draw)
    assert not judge_certificate(someone.rounds, someone.defective, list(someone.truth)).open


def test_a_draw_with_too_many_defects_sends_the_strategy_on_and_the_next_stage_asks_for_more():
    """The strategy proposes the first kind of defects alone; half of all are of a kind that it comes to last."""
    images = {f"{i:04d}.png": int(i < 10 or i >= 190) for i in range(200)}
    someone = Person(images, sorted(images))
    someone.go_on()
    stages = [one for one in someone.rounds if one.stage]
    first = judge_certificate(someone.rounds, someone.defective, list(images)).draws[0]
    assert first.audit.defects > 0
    assert [one.stage for one in stages] == list(range(1, len(stages) + 1)) and len(stages) > 1
    assert sum(someone.defective.values()) >= 16


def test_quiet_counts_whole_batches_of_a_trained_strategy():
    someone = person(3)
    someone.answer(someone.plan("start: given").images("audit", "start", "strategy"))
    for _ in range(2):
        someone.answer(someone.plan().images("audit", "strategy"))
        assert not is_quiet(someone.rounds, someone.defective, 3)
    assert is_quiet(someone.rounds, someone.defective, 2)
    # Of a batch that was answered in part, only that part counts.
    partly = person(3)
    for _ in range(4):
        partly.answer(partly.plan().images("strategy")[:3])
    assert not is_quiet(partly.rounds, partly.defective, 2)
    # A defect that an audit finds breaks the quiet.
    audited = someone.rounds[-1].images("audit")[0]
    assert not is_quiet(someone.rounds, someone.defective | {audited: 1}, 2)


def test_images_that_come_later_make_earlier_draws_void():
    someone = person()
    someone.answer(someone.plan().images("audit", "strategy"))
    assert len(weigh_draws(someone.rounds, someone.defective, list(someone.truth))) == 1
    assert weigh_draws(someone.rounds, someone.defective, [*someone.truth, "new.png"]) == []


def test_a_label_taken_back_opens_what_rested_on_it():
    someone = person()
    for _ in range(3):
        someone.answer(someone.plan().images("audit", "strategy"))
    kept = someone.rounds[0].images("strategy")[0]
    del someone.defective[kept]
    someone.plan()
    assert someone.rounds[-1].unlabelled == [kept]
    assert kept not in labelled_at(someone.rounds)[-1] and kept in labelled_at(someone.rounds)[-2]
    draws = weigh_draws(someone.rounds, someone.defective, list(someone.truth))
    assert [draw.audit is None for draw in draws[:3]] == [False, True, True]


def test_nothing_is_drawn_once_the_recall_cannot_be_missed():
    someone = person(50, 60)
    someone.answer(list(someone.truth)[:58])
    assert someone.plan().picks == {}


def test_the_queue_hides_what_was_drawn():
    places = []
    for seed in range(200):
        someone = person(seed=seed)
        planned = someone.plan()
        queue = make_queue(someone.situation, planned, ["0199.png"], seed=seed)
        assert list(queue["rank"]) == list(range(len(queue)))
        chosen = queue.loc[queue["purpose"] == "strategy", "image_id"]
        assert list(chosen) == planned.picks["strategy"]
        assert queue["image_id"].is_unique
        places += list(queue.index[queue["purpose"] == "audit"])
    assert np.bincount(places, minlength=10)[:10].min() > 15


def test_disputed_images_come_last_and_once():
    someone = person()
    planned = someone.plan()
    drawn = planned.picks["audit"][0]
    queue = make_queue(someone.situation, planned, [drawn, "0150.png"], seed=0)
    assert queue["image_id"].is_unique and queue.iloc[-1].tolist()[::2] == ["0150.png", "again"]


def test_record_and_what_is_wrong_with_it(tmp_path):
    someone = person()
    for _ in range(3):
        someone.answer(someone.plan().images("audit", "strategy"))
    for one in someone.rounds:
        record_round(tmp_path / "rounds", one)
    assert read_rounds(tmp_path / "rounds") == someone.rounds
    with pytest.raises(ValueError, match=r"0003\.json was written by another call"):
        record_round(tmp_path / "rounds", someone.rounds[2])
    kept = (tmp_path / "rounds/0002.json").read_bytes()
    (tmp_path / "rounds/0002.json").write_bytes(kept[:40])
    with pytest.raises(ValueError, match=r"0002\.json cannot be read"):
        read_rounds(tmp_path / "rounds")
    (tmp_path / "rounds/0002.json").unlink()
    with pytest.raises(ValueError, match=r"lacks 0002\.json, though 0003\.json is there"):
        read_rounds(tmp_path / "rounds")
    assert read_rounds(tmp_path / "none") == []


def test_history_is_what_the_rules_of_the_simulation_take():
    someone = person()
    someone.go_on()
    history = as_history(someone.situation, lambda one: None)
    assert history.labelled == len(someone.defective) and history.found == sum(someone.defective.values())
    assert len(history.audits) == sum(bool(one.stage) for one in someone.rounds)
    # The rule of the simulation comes to the same end.
    assert build_rule("certify", {"recall": 0.8}).decide(history).action == "stop"


def test_history_with_opinions(tmp_path):
    someone = person()
    for _ in range(3):
        planned = someone.plan()
        said = np.linspace(0.9, 0.1, 200, dtype=np.float32)
        record_opinions(tmp_path, planned, Opinions(said, np.where(np.arange(200) < 60, said, np.nan)))
        someone.answer(planned.images("audit", "strategy"))
    someone.plan()
    history = as_history(someone.situation, lambda one: read_opinions(tmp_path, one))
    # The last round's were never written.
    assert [batch.probabilities is None for batch in history.rounds] == [False, False, True]
    assert [batch.n_seen for batch in history.rounds[:2]] == [10, 20]
    assert build_rule("quant").decide(history).action == "go on"
    other = replace(someone.rounds[1], key="of other labels")
    assert read_opinions(tmp_path, other) is None
    (tmp_path / "0002.h5").write_bytes(b"cut")
    assert read_opinions(tmp_path, someone.rounds[1]) is None


def test_history_after_a_label_was_taken_back():
    someone = person()
    for _ in range(3):
        someone.answer(someone.plan().images("audit", "strategy"))
    kept = someone.rounds[1].images("strategy")[0]
    del someone.defective[kept]
    someone.plan()
    history = as_history(someone.situation, lambda one: None)
    assert history.labelled == len(someone.defective)
