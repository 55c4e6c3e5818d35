import numpy as np
import pandas as pd
import pytest

from nearlabel.grouping.clustering.labels import LabelBlock
from nearlabel.grouping.reduction.reduced import Reduced, Reduction
from nearlabel.report.grouping.figures import algorithms as algorithms_figure
from nearlabel.report.grouping.figures.algorithms import plot_algorithms

SELECTION = {"encoder": "texture", "algorithm": "spectral", "k": 3, "excluded": []}
IDS = np.array([f"{i:02d}" for i in range(12)], dtype=object)


def make_reduced(values=None):
    values = np.random.default_rng(0).normal(size=(12, 3)) if values is None else values
    return Reduced(Reduction(values, "none", values.shape[1], np.empty(0), False), IDS, "texture")


def make_labels(*algorithms, ks=(2, 3, 4)):
    # Raw labels count down: cluster 0 of the figure is the largest, whatever its raw number.
    labels = {k: (k - 1 - np.minimum(np.arange(12) // 4, k - 1)).astype(np.int32) for k in ks}
    return {name: LabelBlock(name, dict(labels), {k: [] for k in ks}, [], IDS, {}) for name in algorithms}


def label_table(near_labels):
    return pd.DataFrame({"image_id": [*IDS, "elsewhere"], "near_label": [*near_labels, "other"]})


@pytest.fixture
def drawn(monkeypatch):
    """Figures instead of files."""
    figures = []
    monkeypatch.setattr(algorithms_figure, "save_figure", lambda figure, stem: figures.append(figure))
    return figures


def test_k_is_the_number_of_near_labels_of_the_node(drawn):
    labels = make_labels("kmeans", "spectral")
    plot_algorithms(make_reduced(), labels, label_table("aaaabbbbbbbb"), SELECTION, "stem")
    assert drawn[0].get_suptitle() == "texture, k = 2, as many as near-labels"
    kmeans, spectral, kmeans_bars, _ = drawn[0].axes
    assert [axis.get_title() for axis in (kmeans, spectral)] == ["kmeans", "spectral"]
    # Cluster 0, the largest, holds the eight images from the fifth on.
    assert {(p.get_x() + 0.4, p.get_height()) for p in kmeans_bars.patches} == {(0, 8), (1, 4)}
    assert kmeans_bars.get_title() == "convergence difference 0.00"


def test_the_nearest_computed_k_is_named(drawn):
    plot_algorithms(make_reduced(), make_labels("kmeans", ks=(2, 5)), label_table("aaaabbbbcccc"), SELECTION, "stem")
    assert drawn[0].get_suptitle() == "texture, k = 2, the nearest computed to the 3 near-labels"


def test_an_algorithm_of_its_own_k_is_shown_at_its_nearest_and_one_that_found_none_not_at_all(drawn):
    labels = make_labels("kmeans", ks=(2, 3, 4, 5)) | make_labels("dense", ks=(2, 5)) | make_labels("none", ks=())
    labels["dense"] = labels["dense"]._replace(missing=[3, 4])
    labels["none"] = labels["none"]._replace(missing=[2, 3, 4, 5])
    selection = SELECTION | {"algorithm": "dense", "k": 2}
    plot_algorithms(make_reduced(), labels, label_table("aaaabbbbcccc"), selection, "stem")
    assert drawn[0].get_suptitle() == "texture, k = 3, as many as near-labels; ★ selected"
    assert [axis.get_title() for axis in drawn[0].axes[:2]] == ["kmeans", "dense, k = 2 ★"]
    del labels["kmeans"]
    plot_algorithms(make_reduced(), labels, label_table("aaaabbbbcccc"), selection, "stem")
    assert drawn[1].get_suptitle() == "texture, k = 2, the nearest computed to the 3 near-labels; ★ selected"


@pytest.mark.parametrize(("near_labels", "why"), [("a" * 12, "one near-label only"), ([""] * 12, "no near-labels")])
def test_with_less_than_two_near_labels_k_is_the_selected(drawn, near_labels, why):
    plot_algorithms(make_reduced(), make_labels("kmeans", "spectral"), label_table(near_labels), SELECTION, "stem")
    assert drawn[0].get_suptitle() == f"texture, k = 3, the selected number ({why}); ★ selected"
    assert drawn[0].axes[1].get_title() == "spectral ★"
    assert [patch.get_height() for patch in drawn[0].axes[2].patches] == [4, 4, 4]


def test_fewer_clusters_than_k_are_counted(drawn):
    labels = make_labels("kmeans")
    labels["kmeans"].labels[2][:] = 0
    plot_algorithms(make_reduced(np.zeros((12, 3))), labels, label_table("ab" * 6), SELECTION, "stem")
    assert "1 of 2 clusters came out" in drawn[0].axes[1].get_title()


def test_more_than_five_algorithms_make_another_row(drawn):
    plot_algorithms(make_reduced(), make_labels(*"abcdefg"), label_table("ab" * 6), SELECTION, "stem")
    axes = drawn[0].axes
    assert len(axes) == 20
    assert [axis.get_title() for axis in axes if axis.get_visible()][10:12] == ["f", "g"]
    assert sum(axis.get_visible() for axis in axes) == 14


def test_labels_of_other_images_are_refused(drawn):
    labels = make_labels("kmeans")
    labels["kmeans"] = labels["kmeans"]._replace(image_id=IDS[::-1])
    with pytest.raises(ValueError, match="labels of kmeans are of other images"):
        plot_algorithms(make_reduced(), labels, label_table("ab" * 6), SELECTION, "stem")


def test_files_repeat_their_bytes(tmp_path):
    names = ["$a_{1$", "_<script>", "x" * 200, "\n"] * 3
    for name in ("one", "two"):
        plot_algorithms(make_reduced(), make_labels("$own_", "kmeans"), label_table(names), SELECTION, tmp_path / name)
    for suffix in (".svg", ".png"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
