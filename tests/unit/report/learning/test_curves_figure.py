import numpy as np
import pytest

from helpers.learning_runs import BEND, STRAIGHT, make_rounds, make_runs
from nearlabel.report.learning import curves_figure
from nearlabel.report.learning.curves import common_curves, legend_columns, short_batch
from nearlabel.report.learning.curves_figure import plot_learning

TEST = [0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.85, 0.85, 0.86]
NAN = np.nan


def make(strategies=("random", "$x_"), folds=3, left=BEND, test=TEST):
    return make_runs(
        {s: [make_rounds(np.add(test, fold / 100), left=left) for fold in range(folds)] for s in strategies}
    )


@pytest.fixture
def drawn(monkeypatch):
    """Figures instead of files."""
    figures = []
    monkeypatch.setattr(curves_figure, "save_figure", lambda figure, stem: figures.append(figure))
    return figures


def words(axis):
    return [text.get_text() for text in axis.texts]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_curves_of_pools_that_differ_by_a_few_images_meet_on_a_common_grid():
    long, short = make_rounds([0.5, 0.7, 0.9]), make_rounds([0.1, 0.3, 0.5])
    short.loc[2, "n_labelled"] = 28
    labelled, values = common_curves([long, short], "test_auc")
    assert labelled.tolist() == [10, 20, 28]
    np.testing.assert_allclose(values, [[0.5, 0.7, 0.86], [0.1, 0.3, 0.5]])


def test_rounds_that_were_not_evaluated_are_left_out():
    labelled, values = common_curves([make_rounds([NAN, 0.5, NAN, 0.9])], "test_auc")
    assert labelled.tolist() == [20, 40]
    np.testing.assert_allclose(values, [[0.5, 0.9]])
    assert common_curves([make_rounds([NAN, NAN])], "test_auc")[0].size == 0
    apart = [make_rounds([NAN, 0.5]), make_rounds([NAN, 0.7]).assign(n_labelled=[10, 24])]
    labelled, values = common_curves(apart, "test_auc")
    assert (labelled.tolist(), values.tolist()) == ([22], [[0.5], [0.7]])


def test_every_fold_and_their_mean_in_a_column_for_each_strategy(drawn):
    plot_learning(make(), "stem")
    first, second, *below = drawn[0].axes
    assert [first.get_title(), second.get_title()] == ["random", "$x_"]
    curves = [line.get_ydata() for line in first.lines if len(line.get_xdata()) == 10]
    assert len(curves) == 4
    np.testing.assert_allclose(curves[-1], np.add(TEST, 0.01))
    [bound] = [line for line in first.lines if line.get_linestyle() == "--"]
    assert set(bound.get_ydata()) == {1.0}
    assert [axis.get_xlabel() for axis in below] == ["Images labelled"] * 2


def test_a_short_last_batch_is_marked_where_the_auc_is(drawn):
    runs = make(("random",))
    assert [short_batch(rounds) for rounds in runs.rounds["random"].values()] == [None] * 3
    runs.rounds["random"][1].loc[9, "n_labelled"] = 94
    assert short_batch(runs.rounds["random"][1]) == (4, 10)
    plot_learning(runs, "stem")
    above, below = drawn[0].axes
    marks = [line for line in above.lines if line.get_markerfacecolor() == "white"]
    assert [(mark.get_xdata().tolist(), mark.get_ydata().tolist()) for mark in marks] == [([94], [0.87])]
    assert not any(line.get_marker() == "o" and line.get_markerfacecolor() == "white" for line in below.lines)
    assert "last batch, a short one" in legend(drawn[0])
    plot_learning(make(), "stem")
    assert "last batch, a short one" not in legend(drawn[1])


def test_knees_are_marked_and_counted_in_words(drawn):
    runs = make_runs({"a": [make_rounds(TEST), make_rounds(TEST, left=STRAIGHT), make_rounds(TEST)]})
    plot_learning(runs, "stem")
    above, below = drawn[0].axes
    marks = [line for line in below.lines if line.get_marker() == "D"]
    assert [(mark.get_xdata()[0], mark.get_ydata()[0]) for mark in marks] == [(50, 4), (50, 4)]
    assert words(below) == ["a knee in 2 of 3 folds"]
    assert [line.get_xdata()[0] for line in above.lines if line.get_linestyle() == ":"] == [50]
    plot_learning(make(["a"]), "stem")
    assert words(drawn[1].axes[1]) == ["a knee in every fold"]


def test_without_any_knee_the_legend_has_none(drawn):
    plot_learning(make(["a"], left=STRAIGHT), "stem")
    assert words(drawn[0].axes[1]) == ["no fold has a knee"]
    assert not any("knee" in text for text in legend(drawn[0]))


def test_one_fold_is_drawn_once(drawn):
    plot_learning(make(["a"], folds=1), "stem")
    above, below = drawn[0].axes
    assert len([line for line in above.lines if len(line.get_xdata()) == 10]) == 1
    assert words(below) == ["a knee"]
    assert legend(drawn[0])[0] == "the fold"


def test_no_evaluated_round_is_said(drawn):
    rounds = make_rounds([NAN] * 10)
    plot_learning(make_runs({"a": [rounds] * 3}), "stem")
    assert "no round was evaluated" in words(drawn[0].axes[0])


def test_many_strategies_wrap_without_empty_panels(drawn):
    plot_learning(make([f"s{number}" for number in range(11)]), "stem")
    axes = drawn[0].axes
    assert len(axes) == 22
    assert {axis.get_gridspec().ncols for axis in axes} == {4}
    assert len({axis.get_ylim() for axis in axes if axis.get_title()}) == 1


def test_legend_takes_one_row_where_it_fits():
    assert legend_columns(["abc"] * 4, 10) == 4
    assert legend_columns(["a" * 40] * 4, 10) == 2
    assert legend_columns(["a" * 400], 10) == 1


def test_same_bytes_twice(tmp_path):
    for name in ("one", "two"):
        plot_learning(make(["a"]), tmp_path / name)
    for suffix in ("svg", "png"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()
