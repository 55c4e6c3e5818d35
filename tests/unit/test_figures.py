import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.grouping.reduce import Reduced, Reduction
from nearlabel.report.clusters_figure import plot_clusters, principal_plane
from nearlabel.report.figures import algorithm_colors, category_colors, near_label_colors
from nearlabel.report.quality_figure import plot_quality

SELECTION = {"encoder": "texture", "algorithm": "kmeans", "k": 3, "excluded": []}


def make_scores(silhouettes=(0.2, 0.5, 0.3)):
    rows = [
        {"algorithm": name, "k": k, "entropy": math.log2(k), "silhouette": value}
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
