import numpy as np
import pandas as pd
import pytest

from nearlabel.grouping.reduction.reduced import Reduced, Reduction
from nearlabel.report.grouping.figures import near_labels as near_labels_figure
from nearlabel.report.grouping.figures.near_labels import MOST_BARS, plot_near_labels

SELECTION = {"encoder": "texture", "algorithm": "kmeans", "k": 3, "excluded": []}


def make_node(count, clusters, labels=("0", "1", "")):
    values = np.random.default_rng(0).normal(size=(count, 3))
    ids = [f"image {i}.png" for i in range(count)]
    reduced = Reduced(
        Reduction(values, "pca", 3, np.array([0.5, 0.3, 0.2]), False), np.array(ids, dtype=object), "texture"
    )
    table = pd.DataFrame({"image_id": ids, "cluster": np.arange(count) % clusters})
    near_labels = pd.DataFrame({"image_id": ids, "near_label": [labels[i % len(labels)] for i in range(count)]})
    return reduced, table, near_labels


@pytest.fixture
def drawn(monkeypatch):
    """Figures instead of files."""
    figures = []
    monkeypatch.setattr(near_labels_figure, "save_figure", lambda figure, stem: figures.append(figure))
    return figures


def test_bars_are_the_near_label_counts(drawn):
    reduced, table, near_labels = make_node(50, 4)
    plot_near_labels(*(reduced, table, near_labels, SELECTION, "stem"), node="root.1", names={"root.1.2": "$_a\nb"})
    bars = drawn[0].axes[0]
    counts = pd.crosstab(table["cluster"], near_labels["near_label"])[["0", "1", ""]]
    widths = np.array([patch.get_width() for patch in bars.patches]).reshape(3, 4).T
    np.testing.assert_array_equal(widths, counts)
    starts = np.array([patch.get_x() for patch in bars.patches]).reshape(3, 4).T
    np.testing.assert_array_equal(starts, counts.cumsum(axis=1) - counts)
    assert [text.get_text() for text in bars.get_yticklabels()] == ["0", "1", r"2 $_a\nb", "3"]
    legend = drawn[0].legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["0 (17)", "1 (17)", "no near-label (16)"]


def test_smaller_clusters_are_summed_up_in_words(drawn):
    reduced, table, near_labels = make_node(400, 300)
    plot_near_labels(reduced, table, near_labels, SELECTION, "stem")
    bars, plane = drawn[0].axes
    assert len(bars.get_yticks()) == MOST_BARS
    # The first 100 clusters have two images, the others one.
    assert f"and {300 - MOST_BARS} smaller clusters, not drawn, with {400 - 2 * MOST_BARS} images" in bars.get_xlabel()
    assert len(plane.texts) == MOST_BARS
    assert f"the {MOST_BARS} largest clusters numbered" in plane.get_title()


def test_without_near_labels_bars_are_sizes(drawn):
    reduced, table, near_labels = make_node(30, 4, labels=("",))
    plot_near_labels(reduced, table, near_labels, SELECTION, "stem")
    assert [patch.get_width() for patch in drawn[0].axes[0].patches] == [8, 8, 7, 7]
    assert "no image has a near-label" in drawn[0].get_suptitle()
    assert not drawn[0].legends


@pytest.mark.parametrize(("count", "clusters"), [(2, 2), (3, 2), (20, 5)])
def test_files_repeat_their_bytes(tmp_path, count, clusters):
    reduced, table, near_labels = make_node(count, clusters, labels=("_<script>", "$a_{1$", "x" * 300))
    for name in ("one", "two"):
        plot_near_labels(reduced, table, near_labels, SELECTION, tmp_path / name, names={"root.0": "_\n" * 90})
    for suffix in (".svg", ".png"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
