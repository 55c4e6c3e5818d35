import pandas as pd
import pytest

from nearlabel.grouping.tree.node_names import node_members, parse_node

CLUSTERS = pd.DataFrame({"image_id": ["b.png", "a.png", "c.png"], "cluster": [0, 1, 0]})


def test_node_names():
    assert parse_node("root.1") == ("root", 1)
    assert parse_node("root.1.25") == ("root.1", 25)


@pytest.mark.parametrize("name", ["", "1", "root.", "root.x", "root.-1", "root.01", "root.1.", "Root.1", "root.1\n"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="is not a node"):
        parse_node(name)


def test_the_root_has_no_parent():
    with pytest.raises(ValueError, match="root has no parent"):
        parse_node("root")


def test_members_in_order():
    assert node_members(CLUSTERS, 0) == ["b.png", "c.png"]
    assert node_members(CLUSTERS.astype(str), 1) == ["a.png"]


def test_a_missing_cluster_lists_those_that_exist():
    with pytest.raises(ValueError, match=r"no cluster 7; clusters are 0 \(2 images\), 1 \(1 images\)"):
        node_members(CLUSTERS, 7)
