import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from nearlabel.production.bundle.contents import NodeGroups
from nearlabel.production.labeller.lineage import Node, find_lineages


def make_node(name, encoder, centres):
    centres = np.array(centres, float)
    scaler = StandardScaler(with_mean=False, with_std=False).fit(centres)
    groups = NodeGroups(name, encoder, Pipeline([("scale", scaler)]), centres, np.ones(len(centres), int), 1.0)
    return Node(groups)


NODES = {
    "root": make_node("root", "first", [[0, 0], [10, 0], [20, 0]]),
    "root.1": make_node("root.1", "second", [[0], [1]]),
    "root.1.1": make_node("root.1.1", "first", [[10, -1], [10, 1]]),
}
FEATURES = {
    "first": np.array([[1, 0], [9, 0.4], [11, -3], [19, 9], [5, 0]]),
    "second": np.array([[0], [0.9], [0.1], [9], [9.0]]),
}


def test_an_image_goes_down_to_where_no_node_is():
    asked = []

    def features_of(encoder, rows):
        asked.append((encoder, list(rows)))
        return FEATURES[encoder][rows]

    found = find_lineages(NODES, FEATURES["first"], features_of)
    assert found == [
        ("root.0",),
        ("root.1", "root.1.1", "root.1.1.1"),
        ("root.1", "root.1.0"),
        ("root.2",),
        # As near to both: the first.
        ("root.0",),
    ]
    # The other encoder only for those that come to a node of its features.
    assert asked == [("second", [1, 2]), ("first", [1])]


def test_no_image():
    assert find_lineages(NODES, np.empty((0, 2)), lambda *_: 1 / 0) == []
