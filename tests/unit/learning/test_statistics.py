import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.learning.statistics import (
    PAIR_COLUMNS,
    area_under_budget_curve,
    compare_strategies,
    corrected_t_test,
    holm,
    images_to_reach,
    wilcoxon_test,
    win_matrix,
)


def by_fold(**values):
    rows = [(name, fold, value) for name, given in values.items() for fold, value in enumerate(given)]
    return pd.DataFrame(rows, columns=["strategy", "fold", "value"])


def test_area_by_hand():
    # Trapezoids 32 * 0.6 + 64 * 0.8, over 96 images.
    assert area_under_budget_curve([32, 64, 128], [0.5, 0.7, 0.9]) == pytest.approx((32 * 0.6 + 64 * 0.8) / 96)
    assert area_under_budget_curve([10, 20], [0.4, 0.8]) == pytest.approx(0.6)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.data())
def test_area_lies_among_the_scores_and_ignores_the_unit_of_cost(scores, data):
    steps = data.draw(st.lists(st.integers(1, 50), min_size=len(scores), max_size=len(scores)))
    labelled = np.cumsum(steps)
    area = area_under_budget_curve(labelled, scores)
    assert min(scores) - 1e-12 <= area <= max(scores) + 1e-12
    assert area == pytest.approx(area_under_budget_curve(5 + 3 * labelled, scores))


def test_images_to_reach_by_hand():
    labelled, scores = [32, 64, 96, 128], [0.5, 0.86, 0.8, 0.9]
    assert images_to_reach(labelled, scores, 0.9) == 64
    assert images_to_reach(labelled, scores, 0.9, share=1) == 128
    assert images_to_reach(labelled, scores, 0.5) == 32
    assert images_to_reach(labelled, scores, 0.99) is None


def test_wrong_curves_are_named():
    for labelled, scores, text in [
        ([1, 2], [0.5], "shapes"),
        ([1, 2], [0.5, np.nan], "not evaluated"),
        ([2, 2], [0.5, 0.5], "do not rise"),
    ]:
        for measure in (area_under_budget_curve, lambda x, y: images_to_reach(x, y, 0.9)):
            with pytest.raises(ValueError, match=text):
                measure(labelled, scores)
    with pytest.raises(ValueError, match="fewer than two rounds"):
        area_under_budget_curve([32], [0.5])
    with pytest.raises(ValueError, match="bound is nan"):
        images_to_reach([32], [0.5], np.nan)


def test_corrected_t_test_by_hand():
    # Mean 2, variance 2.5; (1/5 + 1/8) * 2.5 = 0.8125.
    statistic, p_value = corrected_t_test([0, 1, 2, 3, 4], n_test=100, n_train=800)
    assert statistic == pytest.approx(2 / np.sqrt(0.8125))
    # Student's t with 4 degrees of freedom has a closed form.
    x = statistic / np.sqrt(statistic**2 + 4)
    assert p_value == pytest.approx(1 - x * (3 - x**2) / 2)
    assert corrected_t_test([0, -1, -2, -3, -4], 100, 800) == pytest.approx((-statistic, p_value))


def test_equal_differences():
    assert corrected_t_test([0, 0, 0], 1, 8) == (0, 1)
    assert corrected_t_test([0.1] * 7, 1, 8) == (np.inf, 0)
    assert corrected_t_test([-0.1] * 7, 1, 8) == (-np.inf, 0)
    assert wilcoxon_test([0, 0, 0]) == (0, 1)


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=15), st.floats(0.01, 1))
def test_the_correction_makes_the_test_more_cautious(differences, share):
    assert corrected_t_test(differences, share, 1)[1] >= corrected_t_test(differences, 0, 1)[1]


def test_wilcoxon_by_hand():
    # All of 6 signs alike: 2 of 64 assignments are as extreme.
    assert wilcoxon_test([1, 2, 3, 4, 5, 6]) == (0, pytest.approx(2 / 64))
    # Rank sums 1 and 9 + ...: the smallest difference alone is negative, 4 of 64.
    assert wilcoxon_test([-1, 2, 3, 4, 5, 6]) == (1, pytest.approx(4 / 64))


def test_wrong_differences_are_named():
    for test in (wilcoxon_test, lambda values: corrected_t_test(values, 1, 8)):
        for values in ([], [0.1, np.nan], [np.inf, 1]):
            with pytest.raises(ValueError, match="differences of the folds are missing or not all finite"):
                test(values)
    with pytest.raises(ValueError, match="1 fold cannot be tested"):
        corrected_t_test([0.1], 1, 8)
    for n_test, n_train in ((-1, 8), (1, 0), (np.nan, 8)):
        with pytest.raises(ValueError, match="n_test is"):
            corrected_t_test([0.1, 0.2], n_test, n_train)


def test_holm_by_hand():
    # Sorted .005 .01 .03 .04: times 4 3 2 1 gives .02 .03 .06 .04, and the last is raised to .06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == pytest.approx([1, 1])
    assert holm([0.02, 0.02, 0.02]) == pytest.approx([0.06] * 3)
    assert holm([]).tolist() == []
    for wrong in ([0.1, np.nan], [-0.1], [1.1]):
        with pytest.raises(ValueError, match="NaN or outside"):
            holm(wrong)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0.001, 0.5))
def test_holm_rejects_as_the_step_down_procedure(p_values, alpha):
    rejected = set()
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for step, i in enumerate(order):
        if p_values[i] * (len(p_values) - step) >= alpha:
            break
        rejected.add(i)
    assert set(np.flatnonzero(holm(p_values) < alpha)) == rejected


def test_pairs_of_strategies():
    rng = np.random.default_rng(0)
    base = rng.uniform(0.7, 0.9, 10)
    values = by_fold(
        uncertainty=base + 0.05 + rng.normal(0, 0.01, 10), random=base, gradcam=base + rng.normal(0, 0.05, 10)
    )
    shuffled = values.sample(frac=1, random_state=1).sort_values("strategy", ascending=False, kind="stable")
    pairs = compare_strategies(shuffled, n_test=100, n_train=800)
    assert pairs.columns.tolist() == PAIR_COLUMNS
    assert pairs[["first", "second"]].to_numpy().tolist() == [
        ["uncertainty", "random"], ["uncertainty", "gradcam"], ["random", "gradcam"]]  # fmt: skip
    assert pairs["folds"].tolist() == [10, 10, 10]
    first = pairs.iloc[0]
    value = values.set_index(["strategy", "fold"])["value"]
    differences = (value["uncertainty"] - value["random"]).to_numpy()
    assert first["mean_difference"] == pytest.approx(differences.mean())
    assert (first["t"], first["t_p"]) == pytest.approx(corrected_t_test(differences, 100, 800))
    assert (first["wilcoxon"], first["wilcoxon_p"]) == pytest.approx(wilcoxon_test(differences))
    for test in ("t_p", "wilcoxon_p"):
        assert pairs[f"{test}_holm"].to_numpy() == pytest.approx(holm(pairs[test]))
    assert first["t_p_holm"] < 0.001
    assert pairs["t_p_holm"].iloc[2] > 0.05


def test_one_strategy_has_no_pairs():
    pairs = compare_strategies(by_fold(random=[0.8, 0.9, 0.7]), n_test=1, n_train=8)
    assert pairs.empty
    assert pairs.columns.tolist() == PAIR_COLUMNS
    assert win_matrix([pairs], ["random"]).to_numpy().tolist() == [[0]]


def test_wrong_values_are_named():
    settings = {"n_test": 1, "n_train": 8}
    with pytest.raises(ValueError, match="values of the folds are missing or not all finite"):
        compare_strategies(by_fold(random=[0.8, np.nan], badge=[0.7, 0.9]), **settings)
    with pytest.raises(ValueError, match="values of the folds are missing"):
        compare_strategies(by_fold(), **settings)
    with pytest.raises(ValueError, match="'random' has no value for fold 2, which another strategy has"):
        compare_strategies(by_fold(random=[0.8, 0.9], badge=[0.7, 0.9, 0.8]), **settings)
    twice = pd.concat([by_fold(random=[0.8, 0.9]), by_fold(random=[0.8])])
    with pytest.raises(ValueError, match="'random' has more than one value for fold 0"):
        compare_strategies(twice, **settings)
    with pytest.raises(ValueError, match="1 fold cannot be tested"):
        compare_strategies(by_fold(random=[0.8], badge=[0.7]), **settings)


def test_wins_are_counted_over_experiments():
    names = ["a", "b", "c"]
    better = {"a": [0.9, 0.91, 0.92], "b": [0.8, 0.812, 0.821]}
    first = compare_strategies(by_fold(**better, c=[0.9, 0.7, 0.95]), n_test=1, n_train=8)
    second = compare_strategies(by_fold(b=better["a"], a=better["b"]), n_test=1, n_train=8)
    wins = win_matrix([first, first, second], names, alpha=0.05)
    assert wins.to_numpy().tolist() == [[0, 2, 0], [1, 0, 0], [0, 0, 0]]
    assert wins.index.tolist() == wins.columns.tolist() == names
    # Three folds can never be significant by ranks.
    assert not win_matrix([first, second], names, test="wilcoxon_p").to_numpy().any()
