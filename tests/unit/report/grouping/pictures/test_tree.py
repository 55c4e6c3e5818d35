from collections import Counter
from itertools import pairwise

import pandas as pd
import pytest

from nearlabel.report.grouping.pictures.tree import ROW, STEP, arrange_picture

NODES = [("root", "", 10), ("root.0", "root", 7), ("root.0.0", "root.0", 4), ("root.0.1", "root.0", 3)]
LEVELS = pd.DataFrame([*NODES, ("root.1", "root", 3)], columns=["node", "parent", "size"])
LABELS = {"root": Counter(good=6, bad=3, **{"": 1}), "root.1": Counter(bad=3)}
COLORS = {"good": "#0173b2", "bad": "#de8f05", "": "#b0b0b0"}


@pytest.fixture
def picture():
    anchors = {"root": "n0", "root.0": "n1", "root.1": "n0-c1"}
    return arrange_picture(LEVELS, {"root.1": "holes"}, LABELS, anchors, {"root.1": "data:x"}, COLORS)


def test_every_group_has_a_box_of_its_level_and_leads_where_it_is_shown(picture):
    boxes = {box["whole"].split()[0]: box for box in picture["boxes"]}
    assert list(boxes) == ["root", "root.0", "root.0.0", "root.0.1", "root.1"]
    assert [box["x"] for box in boxes.values()] == [10, 10 + STEP, 10 + 2 * STEP, 10 + 2 * STEP, 10 + STEP]
    assert [box["anchor"] for box in boxes.values()] == ["n0", "n1", None, None, "n0-c1"]
    assert [box["size"] for box in boxes.values()] == [10, 7, 4, 3, 3]
    assert boxes["root.1"]["whole"] == "root.1 holes" and boxes["root.1"]["face"] == "data:x"
    assert [box["clustered"] for box in boxes.values()] == [True, True, False, False, False]


def test_boxes_do_not_cover_each_other_and_parents_stand_in_the_middle(picture):
    tops = {box["whole"].split()[0]: box["y"] for box in picture["boxes"]}
    leaves = sorted(tops[node] for node in ("root.0.0", "root.0.1", "root.1"))
    assert min(b - a for a, b in pairwise(leaves)) >= ROW
    assert tops["root.0"] == (tops["root.0.0"] + tops["root.0.1"]) / 2
    assert tops["root"] == (tops["root.0"] + tops["root.1"]) / 2
    assert picture["height"] > max(tops.values()) + ROW - 1


def test_bars_show_shares_and_edges_grow_with_images(picture):
    parts = picture["boxes"][0]["parts"]
    assert [(part["color"], part["width"]) for part in parts] == [
        ("#0173b2", "60.00"), ("#de8f05", "30.00"), ("#b0b0b0", "10.00")
    ]  # fmt: skip
    assert [part["x"] for part in parts] == ["0.00", "60.00", "90.00"]
    assert [edge["width"] for edge in picture["edges"]] == ["9.8", "5.6", "4.2", "4.2"]


def test_many_groups_are_summed_up_and_lead_nowhere():
    rows = [("root", "", 200), *((f"root.{i}", "root", 2) for i in range(100))]
    levels = pd.DataFrame(rows, columns=["node", "parent", "size"])
    anchors = {node: "n0" for node, *_ in rows}
    boxes = arrange_picture(levels, {}, {}, anchors, {}, COLORS)["boxes"]
    assert len(boxes) < 70
    [rest] = [box for box in boxes if "more groups" in box["title"]]
    assert rest["anchor"] is None and rest["size"] == 200 - 2 * (len(boxes) - 2)
