import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nearlabel.grouping.tree.groups import collect_groups
from nearlabel.grouping.tree.levels import list_expanded
from nearlabel.report.grouping.figures import tree as tree_figure
from nearlabel.report.grouping.figures.tree import arrange_tree, plot_tree


def make_tree(sizes, expanded=(), near_labels=("0", "1")):
    """A root with clusters of these sizes; each expanded one is split into its images."""
    ids = [f"{i:05d}" for i in range(sum(sizes))]
    clusters = {"root": pd.DataFrame({"image_id": ids, "cluster": np.repeat(np.arange(len(sizes)), sizes)})}
    for number in expanded:
        members = clusters["root"].loc[clusters["root"]["cluster"] == number, "image_id"].tolist()
        clusters[f"root.{number}"] = pd.DataFrame({"image_id": members, "cluster": range(len(members))})
    near_labels = pd.DataFrame(
        {"image_id": ids, "near_label": [near_labels[i % len(near_labels)] for i in range(len(ids))]}
    )
    return list_expanded(clusters, near_labels, 1), collect_groups(clusters, near_labels)


@pytest.fixture
def drawn(monkeypatch):
    """Figures instead of files."""
    figures = []
    monkeypatch.setattr(tree_figure, "save_figure", lambda figure, stem: figures.append(figure))
    return figures


def test_boxes_of_a_small_tree_from_top_to_bottom():
    levels, _ = make_tree([5, 3, 2], expanded=[1])
    boxes = arrange_tree(levels, {"root.1": "scratches"})
    assert [box.label for box in boxes] == [
        "root (10)",
        "root.0 (5)",
        "root.1 scratches (3)",
        "root.1.0 (1)",
        "root.1.1 (1)",
        "root.1.2 (1)",
        "root.2 (2)",
    ]
    assert [box.clustered for box in boxes] == [True, False, True, False, False, False, False]


def test_the_smallest_leaves_of_a_parent_are_summed_up_but_those_with_names():
    levels, _ = make_tree([6, 5, 4, 3, 2, 1], expanded=[1])
    boxes = arrange_tree(levels, {"root.5": "kept"}, most_leaves=6)
    assert [box.label for box in boxes if box.parent == "root"] == [
        "root.0 (6)",
        "root.1 (5)",
        "root.5 kept (1)",
        "and 3 more groups (9 images)",
    ]
    assert boxes[-1].members == ["root.2", "root.3", "root.4"]
    assert [box.label for box in boxes if box.parent == "root.1"][-1] == "and 3 more groups (3 images)"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=40), st.integers(1, 60))
def test_no_group_is_lost_and_the_number_of_leaves_is_kept(sizes, most):
    levels, _ = make_tree(sizes, expanded=[0] if sizes[0] > 1 else [])
    boxes = arrange_tree(levels, {}, most)
    shown = [node for box in boxes for node in box.members]
    assert sorted(shown) == sorted(levels["node"])
    leaves = [box for box in boxes if not box.clustered]
    assert sum(box.size for box in leaves) == sum(sizes)
    # One leaf and one sum for each parent is the least.
    assert len(leaves) <= max(most, 4)


def test_bars_are_near_label_shares(drawn):
    levels, groups = make_tree([4, 2], near_labels=("0", "1", "1", ""))
    plot_tree(levels, groups, {}, "stem")
    axis = drawn[0].axes[0]
    root, below = axis.child_axes
    assert [patch.get_width() for patch in root.patches[:3]] == pytest.approx([2 / 6, 3 / 6, 1 / 6])
    widths = {(round(patch.get_y(), 3), round(patch.get_x(), 3)): patch.get_width() for patch in below.patches}
    assert list(widths.values()) == pytest.approx([0.25, 0.5, 0.5, 0.5, 0.25])
    assert [text.get_text() for text in axis.texts] == ["root (6)", "root.0 (4)", "root.1 (2)"]


def test_edges_are_as_wide_as_their_groups_have_images(drawn):
    levels, groups = make_tree([60, 30])
    plot_tree(levels, groups, {}, "stem")
    trunk, *edges = drawn[0].axes[0].patches
    assert [edge.get_linewidth() / trunk.get_linewidth() for edge in edges] == pytest.approx([2 / 3, 1 / 3])


def test_height_grows_with_the_leaves(tmp_path):
    for count in (3, 30):
        plot_tree(*make_tree([2] * count), {}, tmp_path / str(count))
    assert Image.open(tmp_path / "30.png").height > 3 * Image.open(tmp_path / "3.png").height


@pytest.mark.parametrize(
    ("sizes", "expanded", "near_labels"),
    [([2], [], ("",)), ([1, 1], [], ("1",)), ([9, 5], [0, 1], ("_$a_{1$", "<script>\n" * 30, ""))],
)
def test_odd_trees_repeat_their_bytes(tmp_path, sizes, expanded, near_labels):
    levels, groups = make_tree(sizes, expanded, near_labels)
    names = {"root": "_all", "root.0": "$x_{\n<b>" * 40}
    for name in ("one", "two"):
        plot_tree(levels, groups, names, tmp_path / name)
    for suffix in (".svg", ".png"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
