import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from nearlabel.learning.stopping.history import Audit, History, Round
from nearlabel.learning.stopping.rules.certify import Certify, audit_size, is_certified, least_missed


def history(population, batches, audits=()):
    return History(population, tuple(Round(np.array(batch)) for batch in batches), tuple(audits))


@pytest.mark.parametrize(
    ("found", "recall", "size"),
    [(246, 0.95, 205), (50, 0.95, 631), (15, 0.95, 950), (50, 0.8, 205), (15, 0.8, 527)],
)
def test_what_an_audit_of_1000_images_costs(found, recall, size):
    assert audit_size(1000, found, recall, 0.05) == audit_size(1000, found, str(recall), "0.05") == size


@settings(deadline=None)
@given(st.integers(0, 3000), st.sampled_from([0.8, 0.85, 0.9, 0.95, 0.99, 1.0]))
def test_the_fewest_missed_miss_the_target_and_one_less_does_not(found, recall):
    missed, percent = least_missed(found, recall), round(100 * recall)
    assert missed >= 1
    assert 100 * found < percent * (found + missed)
    assert 100 * found >= percent * (found + missed - 1)


def test_the_recall_is_the_decimal_that_it_is_written_as():
    # In binary 0.07 * 100 is above 7: 7 of 100 would miss a recall of 7 %.
    assert least_missed(7, 0.07) == 94
    assert int(7 / 0.07) - 7 + 1 == 93


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 60), st.sampled_from([0.8, 0.95]), st.sampled_from([0.05, 0.025]))
def test_the_audit_is_the_smallest_that_certifies_when_clean(left, found, recall, alpha):
    size = audit_size(left, found, recall, alpha)
    missed = least_missed(found, recall)
    if size == 0:
        assert missed > left
        return
    assert is_certified(Audit(left, found, size, 0), recall, alpha)
    assert size == 1 or not is_certified(Audit(left, found, size - 1, 0), recall, alpha)


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(0, 80), st.data())
def test_the_verdict_is_the_formulas(left, found, data):
    size = data.draw(st.integers(1, left))
    defects = data.draw(st.integers(0, min(size, 20)))
    if found + defects == 0:
        assert not is_certified(Audit(left, 0, size, 0), 0.9, 0.05)
        return
    missed = least_missed(found + defects, 0.9) + defects
    tail = hypergeom.cdf(defects, left, missed, size) if missed <= left else 0
    if abs(tail - 0.05) > 1e-9:
        assert is_certified(Audit(left, found, size, defects), 0.9, 0.05) == (tail <= 0.05)


@pytest.mark.parametrize("total", [21, 25, 40, 90])
def test_one_stage_errs_at_most_alpha_whatever_is_left(total):
    """The chance of certifying while the target is missed, summed over all outcomes of the audit."""
    left, found, size = 300, 20, audit_size(300, 20, 0.95, 0.05)
    defects = total - found
    wrong = sum(
        hypergeom.pmf(k, left, defects, size)
        for k in range(min(defects, size) + 1)
        if (found + k) / total < 0.95 and is_certified(Audit(left, found, size, k), 0.95, 0.05)
    )
    assert wrong <= 0.05 + 1e-12


def test_a_whole_audit_always_certifies():
    for defects in (0, 3, 50):
        assert is_certified(Audit(50, 1, 50, defects), 0.95, 0.0001)


@pytest.mark.parametrize(("left", "found", "recall", "alpha"), [(224, 384, 0.95, "0.025"), (300, 20, 0.8, 0.05)])
def test_an_audit_that_spares_some_defects_certifies_with_as_many_and_no_smaller_one_would(left, found, recall, alpha):
    sizes = [audit_size(left, found, recall, alpha, spare) for spare in range(4)]
    assert sizes == sorted(sizes) and sizes[0] == audit_size(left, found, recall, alpha) < sizes[1]
    for spare, size in enumerate(sizes):
        for defects in range(spare + 1):
            assert is_certified(Audit(left, found, size, defects), recall, alpha)
        assert not is_certified(Audit(left, found, size - 1, spare), recall, alpha)
    # Nothing is left to draw for where nothing can be missed.
    assert audit_size(10, 500, 0.95, 0.05, 3) == 0


def test_quiet_batches_then_an_audit_then_a_verdict():
    rule = Certify(recall=0.8, alpha=0.05, quiet=2)
    found = [[1] * 20, [0] * 20]
    assert rule.decide(history(400, found)).action == "go on"
    decision = rule.decide(history(400, [*found, [0] * 20]))
    # Half of alpha belongs to the first stage.
    assert decision.action == "audit" and decision.audit == audit_size(340, 20, 0.8, 0.025)
    assert decision.evidence["stage"] == 1 and decision.evidence["least_missed"] == 6
    clean = Audit(340, 20, decision.audit, 0)
    assert rule.decide(history(400, [*found, [0] * 20], [clean])).action == "stop"
    # A certificate stays, whatever is labelled later.
    assert rule.decide(history(400, [*found, [0] * 20, [1]], [clean])).action == "stop"


def test_a_failed_audit_asks_for_quiet_batches_anew_and_for_a_stricter_one():
    rule = Certify(recall=0.8, alpha=0.05, quiet=2)
    batches = [[1] * 20, [0] * 20, [0] * 20]
    failed = Audit(340, 20, 160, 9)
    assert not is_certified(failed, 0.8, 0.025)
    after = rule.decide(history(400, batches, [failed]))
    assert after.action == "go on" and after.reason == "The audit did not certify the recall."
    assert rule.decide(history(400, [*batches, [0] * 5], [failed])).action == "go on"
    decision = rule.decide(history(400, [*batches, [0] * 5, [0] * 5], [failed]))
    assert decision.action == "audit" and decision.evidence["stage"] == 2
    assert decision.evidence["alpha_stage"] == pytest.approx(0.05 / 6)
    assert decision.audit == audit_size(170, 29, 0.8, rule.level(2))


def test_stages_share_alpha():
    rule = Certify(alpha=0.05)
    assert float(sum(rule.level(stage) for stage in range(1, 1000))) == pytest.approx(0.05, rel=2e-3)
    assert sum(rule.level(stage) for stage in range(1, 1000)) < rule.level(1) * 2


def test_no_defect_found_is_no_verdict():
    decision = Certify().decide(history(200, [[0] * 50] * 3))
    assert decision.action == "go on" and "no meaning" in decision.reason
    assert audit_size(1000, 0, 0.95, 0.05) is None


def test_few_images_left_need_no_audit():
    # 100 found: 5 more would be allowed to be missed, and 5 are left.
    assert Certify(recall=0.95).decide(history(105, [[1] * 100])).action == "stop"
    assert Certify(recall=0.95).decide(history(106, [[1] * 100])).action == "go on"
