import math
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import seaborn
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from nearlabel.grouping.maps.plane import principal_plane
from nearlabel.grouping.reduction.reduced import Reduced, Reduction
from nearlabel.report.base.figures import (
    algorithm_colors,
    category_colors,
    cluster_colors,
    count_near_labels,
    draw_group_legend,
    name_cluster,
    near_label_colors,
    save_words,
)
from nearlabel.report.grouping.figures import quality as quality_figure
from nearlabel.report.grouping.figures.clusters import number_clusters, plot_clusters
from nearlabel.report.grouping.figures.quality import plot_quality

SELECTION = {"encoder": "texture", "algorithm": "kmeans", "k": 3, "excluded": []}


def make_scores(silhouettes=(0.2, 0.5, 0.3)):
    rows = [
        {"algorithm": name, "k": k, "entropy": math.log2(k), "silhouette": value, "flags": ""}
        for name in ("kmeans", "spectral", "$own_")
        for k, value in zip((2, 3, 4), silhouettes, strict=True)
    ]
    return pd.DataFrame(rows)


def make_reduced(count, clusters, method="pca", columns=3):
    values = np.random.default_rng(0).normal(size=(count, columns))
    ids = [f"image {i}.png" for i in range(count)]
    ratio = np.array([0.5, 0.3, 0.2])[:columns] if method == "pca" else np.empty(0)
    table = pd.DataFrame({"image_id": ids, "cluster": np.arange(count) % clusters})
    return Reduced(Reduction(values, method, columns, ratio, False), np.array(ids, dtype=object), "texture"), table


def bytes_of(stem):
    return [stem.with_name(f"{stem.name}{suffix}").read_bytes() for suffix in (".svg", ".png")]


def test_the_palette_is_seaborns():
    assert category_colors(10) == list(seaborn.color_palette("colorblind", 10))


def test_quality_figure_repeats_its_bytes_and_leaves_pyplot_alone(tmp_path):
    excluded = [{"encoder": "resnet18", "algorithm": "spectral", "reason": "dominated"}]
    scores = {"texture": make_scores(), "resnet18": make_scores((math.nan, 0.1, math.nan))}
    for name in ("one", "two"):
        plot_quality(scores, SELECTION | {"excluded": excluded}, tmp_path / name)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    assert b"<dc:date>" not in (tmp_path / "one.svg").read_bytes()
    assert plt.get_fignums() == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.png", "one.svg", "two.png", "two.svg"]


def test_quality_figure_has_a_column_per_encoder(tmp_path):
    plot_quality({"texture": make_scores()}, SELECTION, tmp_path / "one")
    plot_quality({name: make_scores() for name in ("texture", "a", "b", "c")}, SELECTION, tmp_path / "four")
    assert Image.open(tmp_path / "four.png").width > 2 * Image.open(tmp_path / "one.png").width


def test_quality_figure_has_gaps_where_an_algorithm_has_no_clustering(monkeypatch):
    figures = []
    monkeypatch.setattr(quality_figure, "save_figure", lambda figure, stem: figures.append(figure))
    scores = make_scores()
    lacks = scores[(scores["algorithm"] != "spectral") | (scores["k"] != 3)]
    plot_quality({"texture": lacks, "none": scores[:0]}, SELECTION, "stem")
    lines = {line.get_color(): line for line in figures[0].axes[0].lines if len(line.get_xdata()) == 3}
    spectral = lines[algorithm_colors(["kmeans", "spectral", "$own_"])["spectral"]]
    np.testing.assert_array_equal(spectral.get_xdata(), [2, 3, 4])
    np.testing.assert_array_equal(spectral.get_ydata(), [1, np.nan, 2])
    # A lone point has no line: its marker shows it.
    assert spectral.get_markevery() == (0, 1)


def test_quality_figure_without_any_silhouette_still_appears(tmp_path):
    scores = {"texture": make_scores((math.nan,) * 3), "resnet18": make_scores((math.nan,) * 3)}
    plot_quality(scores, SELECTION, tmp_path / "figure")
    assert (tmp_path / "figure.svg").stat().st_size > 0


@pytest.mark.parametrize("clusters", [2, 50])
def test_clusters_figure_repeats_its_bytes(tmp_path, clusters):
    reduced, table = make_reduced(120, clusters)
    labels = table.assign(near_label=np.where(table.index % 3 == 0, "a$_{1$", "_<b>\n"))[["image_id", "near_label"]]
    for name in ("one", "two"):
        plot_clusters(reduced, table, labels, SELECTION, tmp_path / name)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    assert plt.get_fignums() == []


def test_clusters_figure_without_near_labels_has_one_panel(tmp_path):
    reduced, table = make_reduced(30, 3)
    labelled = table[["image_id"]].assign(near_label="1")
    plot_clusters(reduced, table, labelled, SELECTION, tmp_path / "two")
    plot_clusters(reduced, table, labelled.assign(near_label=""), SELECTION, tmp_path / "one")
    assert Image.open(tmp_path / "two.png").width == pytest.approx(2 * Image.open(tmp_path / "one.png").width, abs=2)


def test_clusters_figure_refuses_clusters_of_other_images(tmp_path):
    reduced, table = make_reduced(30, 3)
    labels = table[["image_id"]].assign(near_label="")
    with pytest.raises(ValueError, match=r"clusters.csv lacks 1 images .* 'image 0.png'"):
        plot_clusters(reduced, table[1:], labels, SELECTION, tmp_path / "figure")


def test_svg_stays_small_for_many_images(tmp_path):
    reduced, table = make_reduced(12_568, 3)
    plot_clusters(reduced, table, table[["image_id"]].assign(near_label="1"), SELECTION, tmp_path / "figure")
    assert (tmp_path / "figure.svg").stat().st_size < 1_500_000


def test_principal_plane_takes_the_components_of_pca_as_they_are():
    values = np.arange(12.0).reshape(4, 3)
    points, shares = principal_plane(values, "pca", [0.5, 0.3, 0.2])
    np.testing.assert_array_equal(points, values[:, :2])
    np.testing.assert_array_equal(shares, [0.5, 0.3])


def test_principal_plane_of_other_features_is_their_pca():
    values = np.zeros((5, 4))
    values[:, 3] = [-4, -2, 0, 2, 4]
    values[:, 1] = [1, -1, 0, -1, 1]
    points, shares = principal_plane(values, "none", [])
    np.testing.assert_allclose(np.abs(points[:, 0]), [4, 2, 0, 2, 4], atol=1e-12)
    np.testing.assert_allclose(shares, [40 / 44, 4 / 44])


@pytest.mark.parametrize("method", ["pca", "none"])
def test_principal_plane_of_one_dimension_is_a_line(method):
    points, shares = principal_plane(np.array([[0.0], [1.0], [2.0]]), method, [1.0])
    np.testing.assert_array_equal(points[:, 1], 0)
    np.testing.assert_allclose(shares, [1, 0])


def test_colours_are_distinct_and_belong_to_names():
    assert len(set(category_colors(50))) == 50
    assert algorithm_colors(["spectral", "own"])["spectral"] == algorithm_colors(["kmeans", "spectral"])["spectral"]
    assert near_label_colors(["1", "0", ""]) == near_label_colors(["0", "1", "1"])


def test_clusters_have_other_colours_than_near_labels_while_the_palette_lasts():
    label_colors = near_label_colors(["0", "1"])
    colors = [to_hex(color) for color in cluster_colors(7, label_colors)]
    assert len(set(colors)) == 7
    assert not set(colors) & set(label_colors.values())
    assert len({to_hex(color) for color in cluster_colors(60, label_colors)}) == 60


def test_a_clusters_name_is_the_users():
    names = {"root.1.3": "long\n" * 9}
    assert name_cluster("root.1", 2, names) == "2"
    assert name_cluster("root.1", 3, names, 10) == r"3 long\…ng\n"


def test_near_labels_are_counted_with_those_that_have_none_last():
    counts = count_near_labels([1, 0, 1, 1], ["", "b", "a", ""])
    assert counts.columns.tolist() == ["a", "b", ""]
    assert counts.to_numpy().tolist() == [[0, 1, 0], [1, 0, 2]]


def test_a_legend_names_the_largest_groups_in_the_order_given():
    groups = [(f"_{i}", 1 if i < 5 else i, "C0") for i in range(20)]
    legend = draw_group_legend(Figure(), groups, width=5)
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == [f"_{i} ({i})" for i in range(8, 20)] + ["and 8 smaller"]


def test_numbers_stand_at_the_largest_of_many_clusters():
    axis = Figure().subplots()
    cluster = np.append(np.arange(100), np.arange(70, 100))
    number_clusters(axis, np.zeros((130, 2)), cluster, dict.fromkeys(range(100), "C0"))
    assert {int(text.get_text()) for text in axis.texts} == {*range(70, 100), *range(30)}


def test_words_are_saved_as_a_figure(tmp_path):
    save_words("$Title_", "Nothing to draw. " * 20, tmp_path / "words")
    assert Image.open(tmp_path / "words.png").height > 200
    assert (tmp_path / "words.svg").stat().st_size > 0


# Machado, Oliveira and Fernandes 2009: what a person without green cones sees, in linear RGB.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)


def as_lab(colors, seen=None):
    rgb = np.array([[int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)] for color in colors])
    if seen is not None:
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ seen.T
        linear = np.clip(linear, 0, 1)
        rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(rgb[None])[0]


@pytest.mark.parametrize("count", range(2, 7))
def test_near_labels_differ_in_grey_print_and_for_the_colour_blind(count):
    colors = near_label_colors([str(i) for i in range(count)])
    colors = [colors[str(i)] for i in range(count)]
    for seen in (None, DEUTERANOPIA):
        lab = as_lab(colors, seen)
        assert min(deltaE_ciede2000(a, b) for a, b in combinations(lab, 2)) > 15
    lightness = np.sort(as_lab(colors)[:, 0])
    assert np.diff(lightness).min() > 8


def test_many_near_labels_have_colours_of_their_own():
    colors = near_label_colors([f"{i:02d}" for i in range(40)])
    assert len(set(colors.values())) == 41
