from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import is_valid_linkage

from nearlabel.grouping.clustering.algorithms import cluster
from nearlabel.grouping.reduction.reduced import Reduced, Reduction
from nearlabel.grouping.selection.numbering import number_clusters
from nearlabel.report.grouping.figures import dendrogram
from nearlabel.report.grouping.figures.dendrogram import MOST_IMAGES, MOST_LEAVES, merge_images, plot_dendrogram


def make_node(values, k, linkage="ward", algorithm="tree", near_labels=("0", "1")):
    ids = [f"{i:05d}" for i in range(len(values))]
    labels = cluster(values, "agglomerative", [k], 0, linkage=linkage)[k]
    reduced = Reduced(
        Reduction(values, "none", values.shape[1], np.empty(0), False), np.array(ids, dtype=object), "texture"
    )
    table = pd.DataFrame({"image_id": ids, "cluster": number_clusters(labels, ids)})
    near_labels = pd.DataFrame(
        {"image_id": ids, "near_label": [near_labels[i % len(near_labels)] for i in range(len(ids))]}
    )
    return reduced, table, near_labels, {"encoder": "texture", "algorithm": algorithm, "k": k, "excluded": []}


def points(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 4))


@pytest.fixture
def drawn(monkeypatch):
    """Figures instead of files."""
    figures = []
    monkeypatch.setattr(dendrogram, "save_figure", lambda figure, stem: figures.append(figure))
    return figures


@pytest.mark.parametrize("linkage", ["ward", "average", "complete", "single"])
@pytest.mark.parametrize("k", [2, 7, 40])
def test_the_tree_is_the_one_that_the_algorithm_cuts(linkage, k):
    values = points(40)
    ids = [f"{i:02d}" for i in range(40)]
    merges = merge_images(values, linkage, k, ids)
    np.testing.assert_array_equal(
        merges.cluster, number_clusters(cluster(values, "agglomerative", [k], 0, linkage=linkage)[k], ids)
    )
    assert is_valid_linkage(merges.linkage)
    assert merges.linkage[-1, 3] == 40
    # Of the nodes that belong to one cluster, each cluster of s images has 2 s - 1.
    sizes = np.bincount(merges.cluster)
    np.testing.assert_array_equal(np.bincount(merges.node_cluster[merges.node_cluster >= 0]), 2 * sizes - 1)


def test_branches_clusters_shares_and_counts_fit_together(drawn):
    reduced, table, near_labels, selection = make_node(points(300), 9)
    plot_dendrogram(
        reduced, table, near_labels, selection, {"tree": "ward"}, "stem", node="root.1", names={"root.1.0": "$_a"}
    )
    tree, strip, shares = drawn[0].axes
    assert tree.get_title() == "texture, tree, cut into k = 9 clusters"
    assert sorted(text.get_text() for text in strip.texts) == [str(n) for n in range(9)]
    counts = [int(text.get_text()) for text in shares.get_xticklabels()]
    assert len(counts) == MOST_LEAVES
    assert sum(counts) == 300
    # From left to right the branches of a cluster hold just its images.
    edges = [round(patch.get_x() / 10) for patch in strip.patches] + [MOST_LEAVES]
    held = [sum(counts[first:last]) for first, last in pairwise(edges)]
    assert held == [int((table["cluster"] == int(text.get_text())).sum()) for text in strip.texts]
    assert tree.get_legend().get_texts()[0].get_text() == f"0 $_a ({(table['cluster'] == 0).sum()})"
    # k horizontal bars cross the cut: k - 1 merges lie above it.
    cut = next(line.get_ydata()[0] for line in tree.lines)
    assert sum(segment[1, 1] > cut for segment in tree.collections[0].get_segments()) == 8


def test_another_algorithm_is_named_and_its_clusters_names_are_not_used(drawn):
    reduced, table, near_labels, selection = make_node(points(30), 3, algorithm="kmeans")
    names = {"root.0": "scratches"}
    plot_dendrogram(reduced, table, near_labels, selection, {"tree": "ward", "b": "single"}, "stem", names=names)
    tree = drawn[0].axes[0]
    assert "tree, cut into k = 3 clusters; the selected clustering is another one, of kmeans" in tree.get_title()
    assert "scratches" not in tree.get_legend().get_texts()[0].get_text()


def test_a_cut_below_the_branches_is_named(drawn):
    plot_dendrogram(*make_node(points(200), 150), {"tree": "ward"}, "stem")
    assert f"drawn to {MOST_LEAVES} branches: the black ones hold several clusters" in drawn[0].axes[0].get_title()


def test_too_many_images_are_refused_in_words_without_a_tree(monkeypatch, tmp_path):
    said = []
    monkeypatch.setattr(dendrogram, "save_words", lambda title, words, stem: said.append(words))
    monkeypatch.setattr(dendrogram, "merge_images", None)
    values = np.zeros((MOST_IMAGES + 1, 2))
    reduced = Reduced(
        Reduction(values, "none", 2, np.empty(0), False), np.arange(len(values)).astype(object), "texture"
    )
    plot_dendrogram(reduced, None, None, {}, {"tree": "ward"}, "stem")
    assert f"{MOST_IMAGES + 1} images" in said[0]


@pytest.mark.parametrize(
    ("values", "k"),
    [(points(2), 2), (points(3), 2), (points(3), 3), (np.ones((9, 3)), 2), (points(70), 60)],
    ids=["two", "three", "singles", "identical", "sixty"],
)
def test_small_and_odd_nodes_are_drawn(tmp_path, values, k):
    plot_dendrogram(*make_node(values, k, near_labels=("",)), {"tree": "ward"}, tmp_path / "figure")
    assert (tmp_path / "figure.svg").stat().st_size > 0


def test_files_repeat_their_bytes(tmp_path):
    node = make_node(points(20), 4, near_labels=("_$a_{1$", "<script>\n" * 30))
    for name in ("one", "two"):
        plot_dendrogram(*node, {"tree": "ward"}, tmp_path / name)
    for suffix in (".svg", ".png"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
