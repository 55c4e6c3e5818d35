"""Curves as inline SVG: where lines lie, what a fold says, that the keyboard reaches it, that names stay text."""

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.learning_runs import STRAIGHT, make_rounds, make_runs
from nearlabel.report.learning.curves_svg import (
    LEFT,
    PLOTS,
    RIGHT,
    describe_fold,
    draw_curves,
    nice_ticks,
    spread_labels,
)

TEST = [0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.85, 0.85, 0.86]
NAN = np.nan


def make(folds=3, strategies=("random",), test=TEST, **more):
    return make_runs(
        {s: [make_rounds(np.subtract(test, fold / 100), **more) for fold in range(folds)] for s in strategies}
    )


def parse(svg):
    return ElementTree.fromstring(svg)


def of_class(root, kind):
    return [element for element in root.iter() if kind in (element.get("class") or "").split()]


def points(element):
    return np.array([pair.split(",") for pair in element.get("points").split()], dtype=float)


def test_each_fold_is_a_group_that_the_keyboard_reaches_and_its_title_says_what_it_shows():
    runs = make(strategies=("random", "own"))
    drawn = draw_curves(runs)
    assert list(drawn) == ["random", "own"]
    folds = of_class(parse(drawn["own"]), "fold")
    assert [fold.get("tabindex") for fold in folds] == ["0"] * 3
    titles = [fold.find("title").text for fold in folds]
    assert titles[1] == "own. Fold 1: best 0.850 at 100 images, knee 0.790 at 50 images"
    assert [number.text for number in of_class(parse(drawn["own"]), "number")] == ["0", "1", "2"]
    assert [said.text for said in of_class(folds[2], "said")] == ["Fold 2: best 0.840 at 100, knee 0.780 at 50"]


def test_lines_lie_where_their_values_say():
    root = parse(draw_curves(make(folds=1))["random"])
    upper, lower = of_class(of_class(root, "fold")[0], "line")
    top, bottom = PLOTS["test_auc"]
    # Images go from 0 to 100; scores from 0.5, the lowest, to 1.
    np.testing.assert_allclose(points(upper)[:, 0], LEFT + np.arange(1, 11) / 10 * (RIGHT - LEFT), atol=0.06)
    np.testing.assert_allclose(points(upper)[:, 1], bottom - (np.array(TEST) - 0.5) / 0.5 * (bottom - top), atol=0.06)
    top, bottom = PLOTS["defects_left"]
    assert points(lower)[0, 1] == pytest.approx(top) and points(lower)[-1, 1] == pytest.approx(
        bottom - 1 / 80 * (bottom - top), abs=0.06
    )
    [full] = of_class(root, "full")
    assert float(full.get("y1")) == float(full.get("y2")) == PLOTS["test_auc"][0]
    assert not of_class(root, "mean") and not of_class(root, "number")


def test_the_mean_runs_between_the_folds_and_all_strategies_share_their_axes():
    rounds = {"low": [make_rounds(np.subtract(TEST, 0.2))] * 2, "high": [make_rounds(TEST)] * 2}
    low, high = (parse(svg) for svg in draw_curves(make_runs(rounds)).values())
    assert [tick.text for tick in of_class(low, "tick")] == [tick.text for tick in of_class(high, "tick")]
    mean, line = of_class(low, "mean")[0], of_class(low, "line")[0]
    np.testing.assert_array_equal(points(mean), points(line))


def test_a_short_last_batch_is_an_open_circle_and_a_knee_a_diamond():
    whole = make_rounds(TEST)
    short = whole.assign(n_labelled=[*range(10, 100, 10), 95])
    root = parse(draw_curves(make_runs({"random": [whole, short]}))["random"])
    first, second = of_class(root, "fold")
    assert not of_class(first, "short") and len(of_class(second, "short")) == 1
    assert len(of_class(first, "knee")) == 1
    straight = parse(draw_curves(make(left=STRAIGHT))["random"])
    assert not of_class(straight, "knee") and not of_class(straight, "knees")
    assert of_class(straight, "summary")[0].text == "Best 0.850 at 100 (means), a knee in 0 of 3 folds"


def test_of_many_folds_the_numbers_have_no_room():
    assert not of_class(parse(draw_curves(make(20))["random"]), "number")
    assert len(of_class(parse(draw_curves(make(13))["random"]), "number")) == 13


def test_rounds_that_were_not_evaluated_leave_no_line():
    runs = make(test=[NAN] * 10)
    root = parse(draw_curves(runs)["random"])
    assert describe_fold(runs, "random", 0)["last"] is None
    assert of_class(root, "summary")[0].text == "No round was evaluated" and not of_class(root, "number")
    # Defects left are known all the same.
    assert len(of_class(of_class(root, "fold")[0], "line")) == 1


def test_names_stay_text_and_nothing_is_styled_inline():
    name = "<script>\x07&\"'"
    svg = draw_curves(make(strategies=(name,)))[name]
    assert "<script" not in svg and "\\x07" in svg and " style=" not in svg
    assert of_class(parse(svg), "fold")[0].find("title").text.startswith("<script>\\x07&\"'. Fold 0")


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e4), st.integers(2, 8))
def test_ticks_are_few_round_and_within(low, span, most):
    ticks = nice_ticks(low, low + span, most)
    assert len(ticks) <= most
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in ticks)
    assert np.allclose(np.diff(ticks, 2), 0, atol=1e-6)


def test_known_ticks():
    assert nice_ticks(0.5, 1, 6) == [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert nice_ticks(0, 1073, 6) == [0, 200, 400, 600, 800, 1000]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=9))
def test_labels_are_spread_in_their_order_without_leaving_the_plot(wanted):
    placed = spread_labels(wanted, 0, 100, 11)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(np.array(placed)[order]) >= 11 - 1e-9).all()
    assert min(placed) >= -1e-9 and max(placed) <= 100 + 1e-9


def test_labels_with_room_stay_and_two_of_a_kind_part_evenly():
    assert spread_labels([10, 50, 90], 0, 100, 11) == [10, 50, 90]
    assert spread_labels([50, 50], 0, 100, 10) == [45, 55]
    with pytest.raises(ValueError, match="11 labels 11 apart do not fit"):
        spread_labels([0] * 11, 0, 100, 11)
