import numpy as np
import pytest

from helpers.learning_runs import make_rounds, make_runs
from nearlabel.report.learning import strategies_figure
from nearlabel.report.learning.strategies_figure import confidence_band, plot_strategies


def make(strategies=("random", "_own$"), folds=3):
    return make_runs({s: [make_rounds([0.5, 0.6 + fold / 50, 0.8, 0.8]) for fold in range(folds)] for s in strategies})


@pytest.fixture
def drawn(monkeypatch):
    """Figures instead of files."""
    figures = []
    monkeypatch.setattr(strategies_figure, "save_figure", lambda figure, stem: figures.append(figure))
    return figures


def test_band_is_the_t_interval_of_the_mean():
    # Mean 2, std 1, t(0.975, 2) = 4.302653.
    low, high = confidence_band(np.array([[1.0], [2.0], [3.0]]))
    assert (low[0], high[0]) == (pytest.approx(2 - 4.302653 / np.sqrt(3)), pytest.approx(2 + 4.302653 / np.sqrt(3)))
    with pytest.raises(ValueError, match="1 fold has no confidence interval"):
        confidence_band(np.array([[1.0]]))


def test_means_of_all_strategies_with_bands_in_each_panel(drawn):
    plot_strategies(make(), "stem")
    [figure] = drawn
    for axis in figure.axes:
        assert len([line for line in axis.lines if len(line.get_xdata()) == 4]) == 2
        assert len(axis.collections) == 2
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), [0.5, 0.62, 0.8, 0.8])
    band = figure.axes[0].collections[0].get_paths()[0].get_extents()
    assert band.y0 == pytest.approx(0.5)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["random", "_own$", "trained on the full pool (1.000)"]
    assert legend.get_title().get_text() == "Means of 3 folds; bands: 95 % t-confidence intervals of the mean"


def test_strategies_differ_in_more_than_colour(drawn):
    plot_strategies(make([f"s{number}" for number in range(11)]), "stem")
    lines = [line for line in drawn[0].axes[0].lines if len(line.get_xdata()) == 4]
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 11
    assert len({line.get_color() for line in lines}) == 11


def test_one_fold_has_no_band(drawn):
    plot_strategies(make(folds=1), "stem")
    assert not any(axis.collections for axis in drawn[0].axes)
    assert drawn[0].legends[0].get_title().get_text() == "One fold: there are no bands"


def test_bands_stay_within_what_is_possible(drawn):
    runs = make_runs({"a": [make_rounds([0.9, 0.5]), make_rounds([1.0, 1.0])]})
    plot_strategies(runs, "stem")
    band = drawn[0].axes[0].collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == (0, 1)


def test_same_bytes_twice(tmp_path):
    for name in ("one", "two"):
        plot_strategies(make(), tmp_path / name)
    for suffix in ("svg", "png"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()
