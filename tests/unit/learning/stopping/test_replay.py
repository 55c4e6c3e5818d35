import numpy as np
import pytest

from nearlabel.learning.stopping.history import Validation
from nearlabel.learning.stopping.replay import follow
from nearlabel.learning.stopping.rules import build_rule
from nearlabel.learning.stopping.rules.base import Decision, Rule


class Scripted(Rule):
    """Notes what it sees and acts as told."""

    name = "scripted"
    assumes = "Nothing."

    def __init__(self, *actions):
        self.actions, self.seen = list(actions), []

    def _decide(self, history):
        self.seen.append(history)
        action = self.actions.pop(0) if self.actions else "go on"
        return Decision("audit", "Told.", action) if isinstance(action, int) else Decision(action, "Told.")


LABELS = (np.arange(40) % 4 == 0).astype(int)


def test_batches_follow_the_order():
    order = np.random.default_rng(0).permutation(40)
    rule = Scripted("go on", "go on", "stop")
    end = follow(rule, order, LABELS, 7, seed=0)
    assert end.n_labelled == 21 and end.audited == 0 and not end.certified
    assert end.recall == LABELS[order[:21]].sum() / 10
    for i, entry in enumerate(rule.seen[-1].rounds):
        assert entry.labels.tolist() == LABELS[order[7 * i : 7 * (i + 1)]].tolist()


def test_audited_images_are_skipped_and_are_drawn_from_all_that_is_left():
    labels = np.arange(40) >= 30
    rule = Scripted("go on", 8, "go on", "stop")
    end = follow(rule, np.arange(30), labels, 10, seed=3)
    history = rule.seen[-1]
    [audit] = history.audits
    assert (audit.left, audit.size, end.audited) == (20, 8, 8)
    # The order skips the audited: 10 after the audit come from fewer rows than 30.
    assert end.n_labelled == history.labelled <= 38 and audit.defects > 0
    assert sum(entry.size for entry in history.rounds) == 30 - (8 - audit.defects)
    again = follow(Scripted("go on", 8, "go on", "stop"), np.arange(30), labels, 10, seed=3)
    assert again == end


def test_audits_depend_on_the_seed():
    found = {follow(Scripted(6, "stop"), np.arange(40), LABELS, 10, seed=seed).recall for seed in range(20)}
    assert len(found) > 1


def test_audits_are_uniform():
    """Each image left is audited equally often."""
    times = np.zeros(40)
    for seed in range(1500):
        for image in range(10, 40, 7):
            rule = Scripted(6, "stop")
            follow(rule, np.arange(40), (np.arange(40) == image).astype(int), 10, seed=seed)
            times[image] += rule.seen[-1].audits[0].defects
    assert times[10:40:7] / 1500 == pytest.approx(0.2, abs=0.045)


def test_an_end_without_a_stop_is_none():
    assert follow(Scripted(), np.arange(40), LABELS, 16, seed=0) is None
    assert follow(Scripted(), np.arange(20), LABELS, 16, seed=0) is None
    assert follow(Scripted(30), np.arange(40), LABELS, 10, seed=0) is None


def test_a_strategy_that_learns_is_a_function():
    rule = Scripted("go on", "stop")
    end = follow(rule, lambda seen, n: np.flatnonzero(~seen)[-n:], LABELS, 5, seed=0)
    assert end.n_labelled == 10 and rule.seen[-1].rounds[0].labels.tolist() == LABELS[35:].tolist()


def test_what_the_model_said_reaches_the_rule():
    probabilities = [None, np.full(40, 0.25), np.full(40, 0.5)]
    validations = [Validation(0.5, 0.1, 9, "uniform"), None]
    rule = Scripted("go on", "go on", "stop")
    follow(rule, np.arange(40), LABELS, 10, 0, probabilities, validations)
    first, second, third = rule.seen[-1].rounds
    assert first.probabilities is None and first.validation.auc == 0.5 and second.validation is None
    assert second.probabilities[0] == 0.25 and second.seen.sum() == 20 and third.n_seen == 30


def test_hindsight_is_the_whole_order():
    labels = (np.arange(200) < 40).astype(int)
    end = follow(build_rule("knee_hindsight"), np.arange(200), labels, 10, seed=0)
    assert end.n_labelled == 40 and end.recall == 1


def test_no_defects_are_all_found():
    assert follow(Scripted("stop"), np.arange(40), np.zeros(40), 8, seed=0).recall == 1


def test_wrong_input_is_named():
    for order in ([0, 0], [40], [-1]):
        with pytest.raises(ValueError, match="an image twice or beyond the 40"):
            follow(Scripted(), np.array(order), LABELS, 8, seed=0)
    with pytest.raises(ValueError, match="rule 'quant' needs probabilities of the rounds"):
        follow(build_rule("quant"), np.arange(40), LABELS, 8, seed=0)
    with pytest.raises(ValueError, match="rule 'auc_plateau' needs validation"):
        follow(build_rule("auc_plateau"), np.arange(40), LABELS, 8, seed=0)
