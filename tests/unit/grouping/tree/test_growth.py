import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs

from nearlabel.files import write_csv
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.grouping.reduction.reduced import write_reduced
from nearlabel.grouping.structure.strength import Strength
from nearlabel.grouping.tree.growth import Limits, measure_groups, plan_level
from nearlabel.grouping.tree.levels import LEVEL_COLUMNS, list_expanded, read_level

LIMITS = Limits(min_size=4, purity=0.9, max_children=2)


def data_set(*groups):
    """A near_labels and the clusters of its root: one text of near-labels for each cluster, '.' where there is none."""
    rows = [(f"{c}-{i}.png", label, c) for c, labels in enumerate(groups) for i, label in enumerate(labels)]
    frame = pd.DataFrame(rows, columns=["image_id", "near_label", "cluster"])
    near_labels = frame[["image_id", "near_label"]].replace({"near_label": {".": ""}})
    return near_labels, frame[["image_id", "cluster"]]


def plan(*groups, excess=(), limits=LIMITS, **options):
    """Plan the groups of the root; `excess`: agreement of each beyond structureless data, None where undefined."""
    near_labels, clusters = data_set(*groups)
    structure = {
        f"root.{i}": value
        and Strength("weak" if value >= 0.3 else "none", "net", 3, 0.4 + value, 0.4, value, float("nan"))
        for i, value in enumerate(excess)
    }
    return plan_level(0, {"root": clusters}, near_labels, structure, limits, **options)


def split(table):
    return table.loc[table["split"] & (table["node"] != "root"), "node"].tolist()


def test_the_neediest_groups_are_split_and_every_group_says_why():
    table = plan("aaaaaaabbb", "aaabbb", "aaaaaaaaab", "aabb", "ab")
    assert table.columns.tolist() == LEVEL_COLUMNS
    assert table["node"].tolist() == ["root", "root.0", "root.1", "root.2", "root.3", "root.4"]
    assert table["size"].tolist() == [32, 10, 6, 10, 4, 2]
    assert table["near_label_share"].tolist() == pytest.approx([22 / 32, 0.7, 0.5, 0.9, 0.5, 0.5])
    assert table["near_label"].tolist() == list("aaaaaa")
    # 3 images outside the most frequent near-label in root.0 and in root.1, 2 in root.3
    assert split(table) == ["root.0", "root.1"]
    reasons = table.set_index("node")["reason"]
    assert reasons["root"] == "the whole data set"
    assert reasons["root.0"] == "3 of 10 images outside the most frequent near-label; number 1 of 3 in need"
    assert reasons["root.3"].endswith("number 3 of 3 in need, beyond max_children 2")
    assert reasons["root.2"] == "0.900 are a, at least purity 0.9"
    assert reasons["root.4"] == "2 images, fewer than min_size 4"


def test_without_near_labels_what_has_structure_is_split_the_clearest_first():
    table = plan("....", "....", "....", "....", "....", excess=[0.35, 0.1, 0.5, None, 0.4])
    assert split(table) == ["root.2", "root.4"]
    assert table["near_label_share"].isna().all() and set(table["near_label"]) == {""}
    reasons = table.set_index("node")["reason"]
    beyond = "above that on structureless data"
    assert reasons["root.2"] == f"no near-labels; agreement 0.50 {beyond}: weak structure; number 1 of 3 in need"
    assert reasons["root.0"].endswith("number 3 of 3 in need, beyond max_children 2")
    assert reasons["root.1"] == f"no near-labels; agreement 0.10 {beyond}: no structure found"
    assert reasons["root.3"] == "no near-labels; its structure takes two algorithms and images that differ to tell"


def test_few_labelled_images_do_not_decide():
    # 3 of 4 labelled images let expect 2 of 8 outside; 1 and 0 labelled images tell nothing, their structure does.
    table = plan("a.......", "aaab....", "........", "aaaa....", excess=[0.35, None, 0.5, None])
    assert table["near_label_share"].tolist()[1:] == pytest.approx([1, 0.75, np.nan, 1], nan_ok=True)
    assert split(table) == ["root.1", "root.2"]
    beyond = "above that on structureless data: weak structure"
    assert table["reason"].tolist()[1:] == [
        f"1 labelled image; agreement 0.35 {beyond}; number 3 of 3 in need, beyond max_children 2",
        "by its 4 labelled images, about 2 of 8 images outside the most frequent near-label; number 1 of 3 in need",
        f"no near-labels; agreement 0.50 {beyond}; number 2 of 3 in need",
        "1.000 are a, at least purity 0.9",
    ]


def test_a_group_of_noise_is_not_split_and_one_of_groups_is(tmp_path):
    """By the features themselves: cluster 0 is four blobs far away, cluster 1 one cloud, cluster 2 has labels."""
    rng = np.random.default_rng(0)
    blobs = make_blobs(200, 6, centers=4, random_state=0)[0] + 100
    points = np.concatenate([blobs, rng.normal(size=(150, 6)), rng.normal(size=(40, 6)) - 100])
    ids = [f"{i:03d}.png" for i in range(len(points))]
    clusters = pd.DataFrame({"image_id": ids, "cluster": [0] * 200 + [1] * 150 + [2] * 40})
    near_labels = pd.DataFrame({"image_id": ids, "near_label": [""] * 350 + ["a", "b"] * 20})
    folder = tmp_path / "results/run/steel/grouping/root"
    reduction = reduce_features(points, "pca", 6, standardise=False, seed=0)
    write_reduced(folder / "net/reduced.h5", reduction, ids, "net")
    selection = {"encoder": "net", "algorithm": "kmeans", "k": 3, "criterion": "silhouette", "k_range": [2, 5]}
    (folder / "selection.json").write_text(json.dumps({**selection, "excluded": [], "note": None}))
    algorithms = {name: {"name": name, "parameters": {}} for name in ("kmeans", "agglomerative", "minibatch_kmeans")}
    limits = Limits(min_size=30, purity=0.9, max_children=3)
    files = [folder / "net/reduced.h5"], [folder / "selection.json"]
    structure = measure_groups(
        *files, {"root": clusters}, near_labels, limits, algorithms, (2, 8), draws=4, sample=300, seed=0
    )
    assert structure.keys() == {"root.0", "root.1"}
    assert (structure["root.0"].found, structure["root.1"].found) == (True, False)
    table = plan_level(0, {"root": clusters}, near_labels, structure, limits)
    assert split(table) == ["root.0", "root.2"]


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
    above = plan_level(0, {"root": clusters}, near_labels, {}, LIMITS)
    write_csv(tmp_path / "0.csv", above)
    read = read_level(tmp_path / "0.csv")
    pd.testing.assert_frame_equal(read, above, check_dtype=False)
    child = pd.DataFrame({"image_id": [f"0-{i}.png" for i in range(10)], "cluster": [0] * 6 + [1] * 4})
    below = plan_level(1, {"root.0": child}, near_labels, {}, LIMITS, previous=read)
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
