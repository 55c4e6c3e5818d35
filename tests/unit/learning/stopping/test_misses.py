"""How often rules miss their target on hostile orders; ``tests/benchmarks/stopping.py`` makes 2000 runs of each."""

import importlib.util
import sys

import numpy as np
import pytest

from helpers.places import REPOSITORY
from nearlabel.learning.stopping.rules import build_rule

spec = importlib.util.spec_from_file_location("hostile_orders", REPOSITORY / "tests/benchmarks/hostile_orders.py")
hostile_orders = importlib.util.module_from_spec(spec)
# Its dataclasses look their module up.
sys.modules[spec.name] = hostile_orders
spec.loader.exec_module(hostile_orders)
ORDERS, Kinds, Strategy = hostile_orders.ORDERS, hostile_orders.Kinds, hostile_orders.Strategy

TWO_KINDS = "80 at 20 : 1, 20 at 0.1 : 1"


@pytest.mark.parametrize(
    ("order", "recall"),
    [(f"{TWO_KINDS} until 2 are found", 0.8), ("80 at 20 : 1, 20 never proposed", 0.9), (TWO_KINDS, 0.95)],
)
def test_certify_misses_no_more_than_alpha(order, recall):
    outcome = hostile_orders.replay_kinds(build_rule("certify", {"recall": recall}), recall, ORDERS[order], runs=200)
    assert outcome.missed <= hostile_orders.limit(200, 0.05)
    assert outcome.share > 0.5


def test_certify_is_wrong_sometimes_where_it_is_likeliest():
    """Four defects are one too many to leave, and each stage may take them for three."""
    kinds = Kinds(400, ((60, 1000.0), (4, 0.0)))
    rule = build_rule("certify", {"recall": 0.95, "alpha": 0.3, "quiet": 1})
    outcome = hostile_orders.replay_kinds(rule, 0.95, kinds, runs=200)
    # The first stage has half of alpha.
    assert 10 < outcome.missed <= hostile_orders.limit(200, 0.15)


@pytest.mark.parametrize("order", [TWO_KINDS, "80 at 20 : 1, 20 never proposed"])
def test_the_heuristic_misses_nearly_always_where_a_kind_is_avoided(order):
    outcome = hostile_orders.replay_kinds(build_rule("hypergeometric"), 0.95, ORDERS[order], runs=30)
    assert outcome.missed >= 27


@pytest.mark.parametrize("odds", [1.0, 30.0, 0.002])
def test_the_interval_holds_at_all_rounds_at_once(odds):
    kinds = Kinds(600, ((60, odds),))
    wrong = sum(hostile_orders.is_ever_wrong(kinds, run, rounds=17, alpha=0.1) for run in range(60))
    assert wrong <= hostile_orders.limit(60, 0.1)


def test_a_strategy_proposes_by_its_odds():
    kinds = Kinds(300, ((30, 50.0), (30, 0.0)), learnt=2)
    strategy, seen = Strategy(kinds, np.random.default_rng(0)), np.zeros(300, dtype=bool)
    first = strategy(seen, 30)
    assert np.unique(first).size == 30 and (strategy.kind[first] == 0).sum() > 15
    assert not (strategy.kind[first] == 1).any()
    seen[strategy.kind == 0] = True
    seen[np.flatnonzero(strategy.kind == 1)[:2]] = True
    # Two of the kind that it avoided were found: it is learnt.
    assert (strategy.kind[strategy(seen, 28)] == 1).sum() > 10
    assert strategy(np.ones(300, dtype=bool), 5).size == 0
