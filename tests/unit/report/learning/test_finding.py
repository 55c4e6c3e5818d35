"""What learning found, in sentences: no more than the tests say."""

import numpy as np
import pandas as pd
import pytest

from helpers.learning_runs import STRAIGHT, make_rounds, make_runs
from nearlabel.report.learning.finding import describe_learning, images_to_find
from nearlabel.report.learning.statistics import COMPARISON_COLUMNS, comparison_notes, comparison_table
from nearlabel.report.learning.tables import make_learning_tables

TEST = np.array([0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.85, 0.85, 0.86])
FAST = [80, 30, 4, 3, 2, 1, 1, 1, 1, 0]
SLOW = [80, 70, 60, 50, 40, 30, 20, 10, 9, 0]


def make(folds=10, seed=0, **strategies):
    """Strategy → defects left, and by how much its test AUC is higher; folds differ by a little noise."""
    rng = np.random.default_rng(seed)
    rounds = {
        name: [make_rounds(TEST + more + rng.normal(0, 0.004), left=left) for _ in range(folds)]
        for name, (left, more) in strategies.items()
    }
    return make_runs(rounds)


def tell(runs, **more):
    return describe_learning(runs, names={name: name for name in runs.strategies}, **more)


def test_images_until_the_defects_are_found():
    # 95 % of 80 defects: 4 are left after 30 images.
    found = images_to_find(make(2, fast=(FAST, 0), slow=(SLOW, 0)))
    assert found["value"].tolist() == [30, 30, 100, 100]
    assert images_to_find(make(1, never=([80] * 10, 0)))["value"].isna().all()


def test_a_clear_difference_is_told_with_its_test_and_random_beside_it():
    told = tell(make(random=(SLOW, 0), fast=(FAST, 0.1)))
    finds, learns, stop = told["sentences"]
    assert finds == (
        "fast finds the defects fastest: 95 % of the pool's after 30 of 100 images, where random needs 100; sooner "
        "than random (corrected t-test over 10 folds, adjusted for the number of pairs)."
    )
    assert learns.startswith("The network learns fastest with fast: its mean test AUC along the curve is 0.8")
    assert learns.endswith("(the full pool's model has 1.000), higher than with random.")
    assert stop.startswith(
        "With fast one could have stopped at the knee, a heuristic that 10 of 10 folds have: after 30 of"
    )
    assert {"text": "Have a person label images in the order of fast"}.items() <= told["next"][-1].items()
    assert told["next"][-1]["command_or_config"] == "labelling: {dataset: tiles, strategy: fast}"


def test_without_a_difference_one_sentence_says_so_and_names_no_best():
    told = tell(make(3, a=(STRAIGHT, 0), b=(STRAIGHT, 0)))
    assert told["sentences"][0].startswith(
        "No strategy is better than another beyond chance (3 folds, too few to show any but large differences): "
        "95 % of the pool's defects were found after 100 of 100 images, and the mean test AUC along the curve is 0."
    )
    assert "nothing here says where one could have stopped" in told["sentences"][1]
    assert len(told["sentences"]) == 2
    assert "learning: {folds: 10}" in [step["command_or_config"] for step in told["next"]]
    assert not any("labelling" in step["command_or_config"] for step in told["next"])


def test_one_kind_of_difference_does_not_stand_for_the_other():
    finds, learns, _ = tell(make(a=(FAST, 0), b=(SLOW, 0)))["sentences"]
    assert finds.startswith("a finds the defects fastest") and learns.startswith(
        "The network learns no faster with one"
    )
    finds, learns, _ = tell(make(a=(SLOW, 0.1), b=(SLOW, 0)))["sentences"]
    assert finds.startswith("No strategy finds the defects sooner") and "learns fastest with a" in learns


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (
            make(a=(SLOW, 0)),
            "a found 95 % of the pool's defects after 100 of 100 images; one strategy is compared with",
        ),
        (make(1, a=(SLOW, 0), b=(FAST, 0)), "The 2 strategies found 95 % of the pool's defects after 30 to 100 of 100"),
    ],
)
def test_what_cannot_be_tested_is_not(runs, said):
    assert tell(runs)["sentences"][0].startswith(said)


def test_the_oracle_is_no_strategy():
    runs = make(oracle=(FAST, 0.1), a=(SLOW, 0), b=(SLOW, 0))
    assert "oracle" not in " ".join(tell(runs)["sentences"])
    assert tell(make(oracle=(FAST, 0))) == {"sentences": [], "next": []}


def test_a_rule_that_guarantees_comes_before_the_knee():
    stopping = pd.DataFrame(
        {
            "strategy": ["fast", "fast", "slow"],
            "rule": ["certify", "knee_prefix", "certify"],
            "guarantees": [True, False, True],
            "folds": 10,
            "folds_stopped": [10, 10, 10],
            "n_labelled_mean": [61.4, 30.0, 90.0],
            "target": [0.9, np.nan, 0.9],
        }
    )
    runs = make(slow=(SLOW, 0), fast=(FAST, 0))
    assert tell(runs, stopping=stopping)["sentences"][-1] == (
        "With fast, the rule certify would have ended labelling after 61 of 100 images on average; it guarantees a "
        "recall of 0.9, but for the share of runs that its alpha allows."
    )
    heuristics = stopping.assign(guarantees=False)
    assert "a heuristic that" in tell(runs, stopping=heuristics)["sentences"][-1]


def test_untrained_weights_are_the_first_thing_to_change():
    assert tell(make(a=(SLOW, 0)), untrained=True)["next"][0]["command_or_config"] == "features: {weights: imagenet}"


def test_comparisons_say_what_few_folds_cannot_show():
    few = comparison_notes(comparison_table([make(3, a=(SLOW, 0), b=(SLOW, 0))]))
    assert few == [
        "tiles: no strategy differs significantly from another by the corrected t-test",
        "with 3 folds Wilcoxon's p cannot be smaller than 0.25, whatever the differences: it shows none",
    ]
    assert comparison_notes(comparison_table([make(10, a=(SLOW, 0.1), b=(SLOW, 0))])) == []
    assert comparison_notes(pd.DataFrame(columns=COMPARISON_COLUMNS)) == []


def test_rows_of_a_knee_that_no_fold_has_are_left_out_with_the_reason():
    tables = make_learning_tables([make(3, a=(STRAIGHT, 0), b=(STRAIGHT, 0))], {}, {})
    assert tables["table2"].shown["Cut-off"].tolist() == ["Best"]
    assert tables["table2"].notes == [
        "tiles: no fold has a knee, as the defective images left fall without a bend; its rows are left out"
    ]
    assert "knee" in tables["table2"].frame["cutoff"].tolist()
    assert not [name for name in tables["table3"].shown["Cut-off"] if "nee" in name]


def test_a_guarantee_that_some_folds_do_not_get_is_not_promised():
    columns = {"strategy": ["a"], "rule": ["certify"], "guarantees": [True], "folds": [10], "folds_stopped": [9]}
    stopping = pd.DataFrame(columns | {"n_labelled_mean": [30.0], "target": [0.9]})
    said = tell(make(a=(FAST, 0), b=(SLOW, 0)), stopping=stopping)["sentences"][-1]
    assert said == (
        "With a, no rule that guarantees its recall would have ended labelling before the pool's end in every fold: "
        "certify would have in 9 of 10."
    )


def test_rounds_that_were_not_evaluated_are_said_to_be_unknown():
    rounds = {name: [make_rounds([np.nan] * 10, left=SLOW)] * 3 for name in "ab"}
    first, *_ = tell(make_runs(rounds))["sentences"]
    assert "after 100 of 100 images" in first and first.endswith("the mean test AUC along the curve is not known.")
