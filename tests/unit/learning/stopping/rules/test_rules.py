"""What every rule keeps to, and the decisions of those that are not certified."""

import ast
import inspect
from fractions import Fraction

import numpy as np
import pytest

from nearlabel.learning.stopping import catalogue
from nearlabel.learning.stopping.catalogue import RULE_PARAMETERS
from nearlabel.learning.stopping.history import Audit, History, Round, Validation
from nearlabel.learning.stopping.knee import knee_point
from nearlabel.learning.stopping.rules import RULES, build_rule
from nearlabel.learning.stopping.rules.base import NEEDS
from nearlabel.learning.stopping.rules.hypergeometric import missed_p_value
from nearlabel.learning.stopping.rules.knees import estimated_defects_left
from nearlabel.learning.stopping.rules.quant import estimate_recall
from nearlabel.learning.stopping.rules.slopes import slope_ratios


def run(*, drawn="uniform", population=400, rounds=12, seed=0):
    """A run whose strategy finds most defects early, evaluated after every round."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(population) < population // 8).astype(int)
    order = np.argsort(rng.normal(size=population) - 2 * labels)
    seen, made = np.zeros(population, dtype=bool), []
    for i in range(rounds):
        batch = order[20 * i : 20 * (i + 1)]
        seen[batch] = True
        p = np.where(labels, 0.9, 0.1) + rng.uniform(-0.1, 0.1, population) / (1 + i)
        made.append(Round(labels[batch], p, seen.copy(), Validation(0.9 + 0.001 * i, 0.02, 50, drawn)))
    curve = np.arange(20, population + 1, 20)
    left = labels.sum() - np.array([labels[order[:n]].sum() for n in curve])
    return History(population, tuple(made), whole_curve=(curve, left))


def prefix(history, n):
    return History(history.population, history.rounds[:n], history.audits, history.whole_curve)


def test_the_catalogue_is_the_registry_and_imports_nothing_heavy():
    assert list(RULES) == list(RULE_PARAMETERS)
    for name, rule in RULES.items():
        signature = inspect.signature(rule).parameters
        given = RULE_PARAMETERS[name]
        assert {key: value.default for key, value in signature.items()} == {k: p.default for k, p in given.items()}
    imported = [node.module for node in ast.walk(ast.parse(inspect.getsource(catalogue))) if hasattr(node, "module")]
    assert imported == ["nearlabel.parameters"]


def test_rules_say_what_they_are():
    assert [name for name, rule in RULES.items() if rule.guarantees] == ["certify"]
    for name, rule in RULES.items():
        assert rule.name == name and rule.needs <= NEEDS
        assert rule.assumes.endswith(".") and rule.assumes.count(". ") == 0
        if not rule.guarantees and name != "knee_hindsight":
            assert rule.assumes.startswith("A heuristic")


def test_rules_are_built_by_name():
    assert build_rule("certify", {"recall": "0.9", "quiet": 3}).recall == 0.9
    assert build_rule("hypergeometric").alpha == 0.05
    for name, parameters, text in [
        ("recall", {}, "unknown stopping rule 'recall'; choose from certify"),
        ("quant", {"z": 2}, "quant has no parameter 'z'; it has recall"),
        ("certify", {"recall": 1.2}, "must be a number from 0.01 to 1"),
        ("certify", {"quiet": 0}, "must be a whole number from 1"),
    ]:
        with pytest.raises(ValueError, match=text):
            build_rule(name, parameters)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_decides_on_every_prefix_and_remembers_nothing(name):
    whole, rule = run(), build_rule(name)
    first = [rule.decide(prefix(whole, n)) for n in range(13)]
    assert first[0].action == "go on"
    assert [build_rule(name).decide(prefix(whole, n)) for n in reversed(range(13))] == first[::-1]
    for decision in first:
        assert decision.action in ("go on", "audit", "stop") and decision.reason.endswith(".")
        assert (decision.audit > 0) == (decision.action == "audit")
        assert all(type(value) in (int, float) for value in decision.evidence.values())


@pytest.mark.parametrize("name", RULES)
def test_nothing_left_is_a_stop(name):
    assert build_rule(name).decide(History(2, (Round(np.array([0, 1])),))).action == "stop"


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if "validation" not in rule.needs])
def test_a_stratified_validation_never_enters_a_rule(name):
    rule = build_rule(name)
    for n in range(1, 13):
        uniform, stratified = (prefix(run(drawn=drawn), n) for drawn in ("uniform", "stratified"))
        assert rule.decide(uniform) == rule.decide(stratified)


@pytest.mark.parametrize("drawn", ["stratified", "chosen"])
@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if "validation" in rule.needs])
def test_rules_on_validation_refuse_one_that_is_not_uniform(name, drawn):
    with pytest.raises(ValueError, match=f"validation set that is {drawn}"):
        build_rule(name).decide(run(drawn=drawn))
    # One such round is enough, however long ago.
    rounds = run().rounds
    planted = Round(rounds[0].labels, validation=Validation(0.7, 0.1, 30, drawn))
    for later in (rounds[1:], [Round(entry.labels) for entry in rounds[1:]]):
        with pytest.raises(ValueError, match=f"validation set that is {drawn}"):
            build_rule(name).decide(History(400, (planted, *later)))


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.needs - {"hindsight"}])
def test_a_round_that_was_not_evaluated_decides_nothing(name):
    whole = run()
    decision = build_rule(name).decide(History(400, (*whole.rounds[:-1], Round(whole.rounds[-1].labels))))
    assert decision.action == "go on" and "The last round has no" in decision.reason


def test_hindsight_exists_in_simulations_only():
    with pytest.raises(ValueError, match="in simulations only"):
        build_rule("knee_hindsight").decide(History(10, (Round(np.array([0, 1])),)))


def test_hindsight_stops_at_the_knee_of_the_whole_curve():
    whole = run()
    knee = knee_point(*whole.whole_curve)
    actions = [build_rule("knee_hindsight").decide(prefix(whole, n)).action for n in range(13)]
    assert actions.index("stop") * 20 == knee


def test_the_prefixs_knee_comes_at_the_first_flattening():
    batches = [[1, 1, 1, 1]] * 3 + [[0, 0, 0, 1]] * 3 + [[1, 1, 1, 1]] * 3
    rule = build_rule("knee_prefix")
    decisions = [rule.decide(History(99, tuple(Round(np.array(b)) for b in batches[:n]))) for n in range(1, 10)]
    assert [d.action for d in decisions][:5] == ["go on"] * 3 + ["go on", "stop"]
    assert decisions[4].evidence["knee"] == 12


def test_defects_left_are_the_sum_of_the_unseen():
    seen = np.array([True, False, False, False])
    history = History(4, (Round(np.array([1]), np.array([0.9, 0.5, 0.25, 0]), seen),))
    labelled, left = estimated_defects_left(history)
    assert (labelled.tolist(), left.tolist()) == ([1], [0.75])


def test_the_knee_of_estimated_defects_stops_where_they_stop_falling():
    rounds = []
    for i, estimate in enumerate([60, 40, 20, 10, 9, 8, 7, 6]):
        seen = np.arange(200) < 10 * (i + 1)
        rounds.append(Round(np.zeros(10), np.where(seen, 0.5, estimate / (~seen).sum()), seen))
    rule = build_rule("defects_left_knee")
    decisions = [rule.decide(History(200, tuple(rounds[:n]))) for n in range(1, 9)]
    stops = [d.action for d in decisions]
    assert stops == ["go on"] * 4 + ["stop"] * 4 and decisions[4].evidence["knee"] == 30
    assert decisions[4].evidence["estimated_left"] == pytest.approx(9, rel=1e-5)


def test_slope_ratio_by_hand():
    # 30 of 40, then 2 of 60: 0.75 over (1 + 2) / 60.
    assert slope_ratios(np.array([40, 100]), np.array([30, 32])).tolist() == [pytest.approx(15)]
    history = History(1000, (Round(np.array([1] * 30 + [0] * 10)), Round(np.array([1, 1] + [0] * 58))))
    assert build_rule("slope_ratio").decide(history).evidence["slope_ratio"] == pytest.approx(15)
    assert build_rule("slope_ratio").decide(history).evidence["limit"] == 124
    # 100 labelled: 10 N / F is 312.
    assert build_rule("budget").decide(history).action == "go on"
    longer = History(1000, (*history.rounds, Round(np.zeros(213))))
    assert build_rule("budget").decide(longer).action == "stop"


def test_the_budget_ends_at_three_quarters():
    assert build_rule("budget").decide(History(100, (Round(np.zeros(74)),))).action == "go on"
    assert build_rule("budget").decide(History(100, (Round(np.zeros(75)),))).action == "stop"


def test_recall_estimated_from_probabilities_by_hand():
    estimate = estimate_recall(np.array([1, 0.5, 0.5, 0]), np.array([True, True, False, False]))
    # S 1.5, U 0.5: 2.25 / 16 * 0.5 + 0.25 / 4.
    assert estimate.recall == 0.75 and estimate.error == pytest.approx(np.sqrt(2.25 / 16 * 0.5 + 0.25 / 4))
    assert estimate_recall(np.zeros(3), np.ones(3, dtype=bool)) == (0, 0)


def test_an_auc_that_rises_by_less_than_its_error_is_a_plateau():
    def decide(*aucs, window=2):
        rounds = tuple(Round(np.zeros(5), validation=Validation(auc, 0.02, 50, "uniform")) for auc in aucs)
        return build_rule("auc_plateau", {"window": window}).decide(History(500, rounds)).action

    assert decide(0.8, 0.81) == "go on"
    assert decide(0.8, 0.81, 0.82) == "stop"
    assert decide(0.8, 0.81, 0.83) == decide(0.8, 0.83, 0.7) == "go on"
    assert decide(0.8, 0.83, 0.7, 0.84) == "stop"
    assert decide(0.9, 0.5, 0.6, 0.7) == "stop"


def test_audits_stand_together_in_the_hypergeometric_order():
    # An audit of 6 with 2 defects: its suffixes are those of the same labels in their worst and best order.
    first = Round(np.array([1, 1, 0, 0, 0]))
    audited = missed_p_value(History(40, (first,), (Audit(35, 2, 6, 2),)), 0.8)
    orders = [[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1]]
    spread = [missed_p_value(History(40, (first, Round(np.array(order)))), 0.8) for order in orders]
    assert min(spread) <= audited
    assert missed_p_value(History(40), 0.8) == 1


def test_no_defect_found_is_no_verdict_of_the_heuristic():
    decision = build_rule("hypergeometric").decide(History(60, (Round(np.zeros(58)),)))
    assert decision.action == "go on" and "no meaning" in decision.reason


def test_stages_levels_are_exact():
    assert build_rule("certify", {"alpha": 0.1}).level(3) == Fraction(1, 120)
