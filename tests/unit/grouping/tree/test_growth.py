import numpy as np
import pandas as pd
import pytest

from nearlabel.files import write_csv
from nearlabel.grouping.tree.growth import Limits, plan_level
from nearlabel.grouping.tree.levels import LEVEL_COLUMNS, list_expanded, read_level

LIMITS = Limits(min_size=4, purity=0.9, silhouette=0.5, max_children=2)


def data_set(*groups):
    """A near_labels and the clusters of its root: one text of near-labels for each cluster, '.' where there is none."""
    rows = [(f"{c}-{i}.png", label, c) for c, labels in enumerate(groups) for i, label in enumerate(labels)]
    frame = pd.DataFrame(rows, columns=["image_id", "near_label", "cluster"])
    near_labels = frame[["image_id", "near_label"]].replace({"near_label": {".": ""}})
    return near_labels, frame[["image_id", "cluster"]]


def plan(*groups, silhouettes=None, limits=LIMITS, **options):
    near_labels, clusters = data_set(*groups)
    silhouettes = np.full(len(groups), 0.1) if silhouettes is None else np.array(silhouettes)
    return plan_level(0, {"root": clusters}, near_labels, {"root": silhouettes}, limits, **options)


def split(table):
    return table.loc[table["split"] & (table["node"] != "root"), "node"].tolist()


def test_the_neediest_groups_are_split_and_every_group_says_why():
    table = plan("aaaaaaabbb", "aaabbb", "aaaaaaaaab", "aabb", "ab")
    assert table.columns.tolist() == LEVEL_COLUMNS
    assert table["node"].tolist() == ["root", "root.0", "root.1", "root.2", "root.3", "root.4"]
    assert table["size"].tolist() == [32, 10, 6, 10, 4, 2]
    assert table["near_label_share"].tolist() == pytest.approx([22 / 32, 0.7, 0.5, 0.9, 0.5, 0.5])
    # 3 images outside the most frequent near-label in root.0 and in root.1, 2 in root.3
    assert split(table) == ["root.0", "root.1"]
    reasons = table.set_index("node")["reason"]
    assert reasons["root"] == "the whole data set"
    assert reasons["root.0"] == "3 of 10 images outside the most frequent near-label; number 1 of 3 in need"
    assert reasons["root.3"].endswith("number 3 of 3 in need, beyond max_children 2")
    assert reasons["root.2"] == "near-label share 0.900, at least purity 0.9"
    assert reasons["root.4"] == "2 images, fewer than min_size 4"


def test_without_near_labels_the_lowest_silhouettes_are_split():
    table = plan("....", "....", "....", "....", silhouettes=[0.4, 0.6, -0.1, np.nan])
    assert split(table) == ["root.0", "root.2"]
    assert table["near_label_share"].isna().all()
    reasons = table.set_index("node")["reason"]
    assert reasons["root.2"] == "no near-labels; silhouette -0.100; number 1 of 2 in need"
    assert reasons["root.1"] == "no near-labels; silhouette 0.600, at least 0.5"
    assert "no defined silhouette" in reasons["root.3"]


def test_few_labelled_images_do_not_decide():
    # 3 of 4 labelled images let expect 2 of 8 outside; 1 and 0 labelled images tell nothing, their silhouette does.
    table = plan("a.......", "aaab....", "........", "aaaa....", silhouettes=[0.4, 0.9, 0.2, 0.9])
    assert table["near_label_share"].tolist()[1:] == pytest.approx([1, 0.75, np.nan, 1], nan_ok=True)
    assert split(table) == ["root.1", "root.2"]
    assert table["reason"].tolist()[1:] == [
        "1 labelled image; silhouette 0.400; number 3 of 3 in need, beyond max_children 2",
        "by its 4 labelled images, about 2 of 8 images outside the most frequent near-label; number 1 of 3 in need",
        "no near-labels; silhouette 0.200; number 2 of 3 in need",
        "near-label share 1.000, at least purity 0.9",
    ]


def test_the_deepest_level_splits_nothing():
    table = plan("aabb", "aabb", deepest=True)
    assert split(table) == []
    assert set(table["reason"][1:]) == {"max_level reached"}


def test_nodes_of_the_config_are_split_whatever_the_limits_say():
    table = plan("aaaaa", "aabb", "abab", "ab", wanted=["root.3"])
    assert split(table) == ["root.1", "root.2", "root.3"]  # beside the two that max_children allows
    assert table.set_index("node").loc["root.3", "reason"] == "named in the config"
    with pytest.raises(ValueError, match=r"node root\.7, which the config names, does not exist; there are root\.0, "):
        plan("aabb", "aabb", wanted=["root.7"])


def test_a_group_as_large_as_its_parent_or_too_small_for_the_next_k_is_left():
    assert plan("aabb")["reason"][1] == "the same images as its parent"
    assert "not more than the smallest k" in plan("aabb", "aabbab", smallest_k=4)["reason"][1]


def test_levels_are_cumulative_and_survive_their_file(tmp_path):
    near_labels, clusters = data_set("aaaaabbbbb", "aabb")
    above = plan_level(0, {"root": clusters}, near_labels, {"root": np.zeros(2)}, LIMITS)
    write_csv(tmp_path / "0.csv", above)
    read = read_level(tmp_path / "0.csv")
    pd.testing.assert_frame_equal(read, above, check_dtype=False)
    child = pd.DataFrame({"image_id": [f"0-{i}.png" for i in range(10)], "cluster": [0] * 6 + [1] * 4})
    below = plan_level(1, {"root.0": child}, near_labels, {"root.0": np.zeros(2)}, LIMITS, previous=read)
    pd.testing.assert_frame_equal(below.iloc[:3], above, check_dtype=False)
    assert below["node"].tolist()[3:] == ["root.0.0", "root.0.1"]
    assert below["parent"].tolist()[3:] == ["root.0", "root.0"]
    assert below["near_label_share"].tolist()[3:] == pytest.approx([5 / 6, 1])
    # A level at which nothing was clustered repeats the one above.
    pd.testing.assert_frame_equal(plan_level(2, {}, near_labels, {}, LIMITS, previous=below), below, check_dtype=False)


def test_a_tree_that_the_user_expands_lists_the_same_groups():
    near_labels, clusters = data_set("aaaaabbbbb", "aabb")
    child = pd.DataFrame({"image_id": [f"0-{i}.png" for i in range(10)], "cluster": [0] * 6 + [1] * 4})
    tables = {"root": clusters, "root.0": child}
    whole = list_expanded(tables, near_labels, 1)
    assert whole.columns.tolist() == LEVEL_COLUMNS
    assert whole["node"].tolist() == ["root", "root.0", "root.1", "root.0.0", "root.0.1"]
    assert whole["split"].tolist() == [True, True, False, False, False]
    assert whole["reason"].tolist()[1:3] == ["named in expand", "not named in expand"]
    pd.testing.assert_frame_equal(list_expanded(tables, near_labels, 0), whole.iloc[:3])
