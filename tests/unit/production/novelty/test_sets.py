import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nearlabel.production.novelty.sets import (
    always_in,
    class_p_values,
    error_rate,
    label_sets,
    least_calibration,
    nonconformity,
)


@given(
    st.tuples(st.integers(1, 6), st.integers(2, 5)).flatmap(
        lambda shape: arrays(np.float64, shape, elements=st.integers(-3, 3))
    )
)
def test_nonconformity_is_the_margin_to_the_best_other_label(scores):
    found = nonconformity(scores)
    for row, column in np.ndindex(scores.shape):
        assert found[row, column] == np.delete(scores[row], column).max() - scores[row, column]


def test_of_one_label_the_score_itself():
    assert nonconformity(np.array([[2.0], [-1.0]])).tolist() == [[-2], [1]]


def test_a_label_is_held_against_its_own_held_out_images_alone():
    held_out = {"a": np.array([-3.0, -2, -1]), "b": np.arange(9.0)}
    p = class_p_values(np.array([[-2.0, 8.5, 0]]), ["a", "b", "c"], held_out)
    assert p.tolist() == [[3 / 4, 1 / 10, 1]]


def test_at_the_error_rate_itself_a_label_is_out():
    # In floats 1 - 0.9 is less than 1 / 10.
    assert label_sets(np.array([[0.1, 0.11, 0.09]]), 0.9).tolist() == [[False, True, False]]
    assert error_rate(0.9) == 0.1


@pytest.mark.parametrize(("coverage", "least"), [(0.9, 9), (0.95, 19), (0.99, 99), (0.5, 1)])
def test_a_label_with_too_few_held_out_images_is_in_every_set(coverage, least):
    assert least_calibration(coverage) == least
    counts = {"few": np.zeros(least - 1), "enough": np.zeros(least)}
    assert always_in(["few", "enough", "none"], counts, coverage) == {"few": least - 1, "none": 0}
    strange = np.full((1, 3), 1e9)
    p = class_p_values(strange, ["few", "enough", "none"], counts)
    assert label_sets(p, coverage).tolist() == [[True, False, True]]


def test_sets_hold_the_right_label_as_often_as_stated_in_every_class():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 30_000)
    scores = rng.normal(size=(len(truth), 3))
    scores[np.arange(len(truth)), truth] += np.array([0.5, 1, 3])[truth]
    strange = nonconformity(scores)
    labels, held = ["a", "b", "c"], np.arange(len(truth)) < 6000
    held_out = {label: np.sort(strange[held & (truth == column), column]) for column, label in enumerate(labels)}
    inside = label_sets(class_p_values(strange[~held], labels, held_out), 0.9)
    for column in range(3):
        own = truth[~held] == column
        # Of about 2000 held out, the realised share has a deviation of .007.
        assert inside[own, column].mean() == pytest.approx(0.9, abs=0.025)


def test_a_new_image_counts_as_the_held_out_one_that_stands_for_the_most():
    held_out, weights = {"a": np.arange(20.0), "b": np.arange(2.0)}, {"a": np.ones(20), "b": np.array([1.0, 10])}
    p = class_p_values(np.array([[19.5, 0.5, 9.0]]), ["a", "b", "c"], held_out, weights)
    assert p.tolist() == [[pytest.approx(10 / 30), pytest.approx(20 / 21), 1]]
    assert always_in(["a", "b", "c"], held_out, 0.9, weights) == {"a": 20, "b": 2, "c": 0}
    assert always_in(["a", "b", "c"], held_out, 0.6, weights) == {"b": 2, "c": 0}


def test_of_images_that_stand_for_equally_many_it_takes_as_many_as_ever():
    held_out, weights = {"a": np.zeros(9), "b": np.zeros(8)}, {"a": np.full(9, 4511 / 400), "b": np.full(8, 4511 / 400)}
    assert always_in(["a", "b"], held_out, 0.9, weights) == {"b": 8}


@pytest.mark.parametrize("coverage", [0, 1, 90])
def test_no_coverage(coverage):
    with pytest.raises(ValueError, match="between 0 and 1"):
        label_sets(np.zeros((1, 1)), coverage)
