import math

import numpy as np
import pandas as pd
import pytest

from nearlabel.report.grouping.figures import convergence as convergence_figure
from nearlabel.report.grouping.figures.convergence import plot_convergence

SELECTION = {"encoder": "texture", "algorithm": "kmeans", "k": 3, "excluded": []}
KS = [2, 3, 4, 5]


def make_tables(differences=(0.2, 0.05, 0.03, 0.02), mean=0.1, algorithms=("kmeans", "$own_")):
    rows = [(name, k, d) for name in algorithms for k, d in zip(KS, differences, strict=True)]
    scores = pd.DataFrame(rows, columns=["algorithm", "k", "convergence_difference"])
    null = scores[["algorithm", "k"]].assign(mean=mean, low=mean * 0.9, high=mean * 1.1)
    return scores, null


@pytest.fixture
def drawn(monkeypatch):
    """Figures instead of files."""
    figures = []
    monkeypatch.setattr(convergence_figure, "save_figure", lambda figure, stem: figures.append(figure))
    return figures


@pytest.fixture
def said(monkeypatch):
    words = []
    monkeypatch.setattr(convergence_figure, "save_words", lambda title, text, stem: words.append(text))
    return words


def test_differences_above_and_each_algorithm_beside_its_null_below(drawn):
    scores, null = make_tables()
    plot_convergence({"texture": scores}, {"texture": null}, SELECTION, "stem")
    above, *below = drawn[0].axes
    np.testing.assert_array_equal(above.lines[0].get_ydata(), [0.2, 0.05, 0.03, 0.02])
    assert [axis.get_title("right") for axis in below] == ["kmeans", "$own_"]
    ratios = [line.get_ydata() for line in below[0].lines if len(line.get_xdata()) == len(KS)]
    np.testing.assert_allclose(ratios, [[2, 0.5, 0.3, 0.2]])
    band = below[0].collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == (pytest.approx(0.9), pytest.approx(1.1))


def test_lines_have_gaps_where_an_algorithm_has_no_clustering(drawn):
    scores, null = make_tables()
    scores = scores[(scores["algorithm"] == "kmeans") | scores["k"].isin([2, 4])]
    plot_convergence({"texture": scores}, {"texture": null}, SELECTION, "stem")
    above, _, own = drawn[0].axes
    np.testing.assert_array_equal(above.lines[1].get_ydata(), [0.2, np.nan, 0.03, np.nan])
    # The band has no width at a lone k: a bar stands for it.
    bars = [segment for collection in own.collections for segment in getattr(collection, "get_segments", list)()]
    drawn_at = [bar[0][0] for bar in bars if np.isfinite(bar).all() and len(bar)]
    assert drawn_at == [2, 4]


def test_star_at_the_selection_and_ring_at_the_smallest(drawn):
    scores, null = make_tables()
    plot_convergence({"a": scores, "texture": scores}, {"a": null, "texture": null}, SELECTION, "stem")
    marks = [
        {
            line.get_marker(): (line.get_xdata()[0], line.get_ydata()[0])
            for line in axis.lines
            if len(line.get_xdata()) == 1
        }
        for axis in drawn[0].axes[:2]
    ]
    assert marks == [{"o": (5, 0.02)}, {"*": (3, 0.05), "o": (5, 0.02)}]


def test_a_difference_of_0_is_shown(drawn):
    scores, null = make_tables((0.2, 0.01, 0.0, 0.0))
    plot_convergence({"texture": scores}, {"texture": null}, SELECTION, "stem")
    axis = drawn[0].axes[0]
    assert axis.get_yscale() == "symlog"
    assert axis.get_ylim()[0] < 0
    assert 0 in axis.get_yticks()


def test_a_null_of_0_is_named(drawn):
    scores, null = make_tables()
    null.loc[null["algorithm"] == "kmeans", ["mean", "low", "high"]] = 0
    plot_convergence({"texture": scores}, {"texture": null}, SELECTION, "stem")
    assert "its null is 0" in drawn[0].axes[1].texts[0].get_text()


def test_words_where_there_is_nothing_to_draw(said):
    scores, null = make_tables((math.nan,) * 4, mean=math.nan)
    plot_convergence({"texture": scores}, {"texture": null}, SELECTION, "stem")
    scores, null = make_tables((0.0,) * 4, mean=0.0)
    plot_convergence({"texture": scores}, {"texture": null}, SELECTION, "stem")
    assert "No image of this node has a near-label" in said[0]
    assert "a single near-label" in said[1]


def test_selection_of_another_run_is_refused(drawn):
    scores, null = make_tables()
    with pytest.raises(ValueError, match="run select_clustering again"):
        plot_convergence({"texture": scores}, {"texture": null}, SELECTION | {"k": 9}, "stem")


@pytest.mark.parametrize("differences", [(0.2, 0.01, 0.0, 0.0), (math.nan,) * 4])
def test_files_repeat_their_bytes(tmp_path, differences):
    scores, null = make_tables(differences)
    for name in ("one", "two"):
        plot_convergence(
            {"$_texture": scores, "texture": scores}, {"$_texture": null, "texture": null}, SELECTION, tmp_path / name
        )
    for suffix in (".svg", ".png"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_one_k_and_one_algorithm(tmp_path):
    scores, null = make_tables(algorithms=("kmeans",))
    one = scores["k"] == 3
    plot_convergence({"texture": scores[one]}, {"texture": null[one]}, SELECTION, tmp_path / "figure")
    assert (tmp_path / "figure.svg").stat().st_size > 0


def test_a_node_of_pure_clusterings_is_drawn(tmp_path):
    scores, null = make_tables(differences=(0, 0, 0, 0))
    plot_convergence({"texture": scores}, {"texture": null}, SELECTION, tmp_path / "pure")
    assert (tmp_path / "pure.svg").stat().st_size > 0
