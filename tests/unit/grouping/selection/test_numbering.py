"""Numbers of clusters that the user has named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.grouping.selection.numbering import keep_numbers, number_clusters
from nearlabel.grouping.tree.remembered import named_clusters, remember

IDS = [f"{i:02d}" for i in range(20)]
NUMBERS = np.repeat([0, 1, 2, 3], [8, 6, 4, 2])


def images(numbers, cluster):
    return [image for image, number in zip(IDS, numbers, strict=True) if number == cluster]


def test_a_named_cluster_keeps_the_number_that_it_had():
    before = np.repeat([1, 0, 2, 3], [8, 6, 4, 2])  # was the second largest
    kept, moved = keep_numbers(NUMBERS, IDS, {1: images(before, 1)}, 0.5)
    assert moved == {1: 0} and kept.tolist() == before.tolist()


def test_what_nobody_has_named_shares_the_other_numbers_by_size():
    kept, moved = keep_numbers(NUMBERS, IDS, {2: IDS[:7]}, 0.5)
    assert moved == {2: 0}
    assert [set(kept[cluster == NUMBERS].tolist()) for cluster in range(4)] == [{2}, {0}, {1}, {3}]


def test_four_of_five_find_their_new_home():
    ids = [f"{i:03d}" for i in range(100)]
    now = np.repeat([0, 1, 2, 3, 4], [30, 25, 20, 15, 10])
    of = {cluster: [ids[i] for i in np.flatnonzero(now == cluster)] for cluster in range(5)}
    # The fifth was spread over all of the others.
    lost = ids[::9]
    then = {0: of[1][:-2], 1: of[0], 2: of[3], 3: of[2] + of[4][:1], 4: lost}
    kept, moved = keep_numbers(now, ids, then, 0.5)
    assert moved == {0: 1, 1: 0, 2: 3, 3: 2}
    assert [int(kept[now == cluster][0]) for cluster in range(5)] == [1, 0, 3, 2, 4]


@pytest.mark.parametrize(
    ("then", "min_overlap"),
    [
        ({}, 0.5),
        ({0: IDS[:5]}, 0.5),  # still its own
        ({3: IDS[:8]}, 0),  # any images will do
        ({7: IDS[:8]}, 0.5),  # there is no such number any more
        ({3: IDS[5:11]}, 0.5),  # half of two clusters, and so like neither
        ({1: ["x", "y"]}, 0.01),
        ({1: IDS[:8], 0: IDS[:7]}, 0.8),  # the home of another
    ],
)
def test_numbers_stay_where_nothing_has_moved(then, min_overlap):
    kept, moved = keep_numbers(NUMBERS, IDS, then, min_overlap)
    assert moved == {} and kept is NUMBERS


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=30), st.lists(st.integers(0, 6), min_size=2, max_size=30))
def test_the_partition_is_the_same_and_numbers_are_dense(now, then):
    size = min(len(now), len(then))
    ids = [str(i) for i in range(size)]
    by_size, earlier = (number_clusters(labels[:size], ids) for labels in (now, then))
    named = {int(c): [ids[i] for i in np.flatnonzero(earlier == c)] for c in set(earlier.tolist())}
    kept, _ = keep_numbers(by_size, ids, named, 0.5)
    assert set(kept.tolist()) == set(range(by_size.max() + 1))
    assert number_clusters(kept, ids).tolist() == by_size.tolist()
    # Once more, with what is remembered unchanged: the same numbers.
    again, _ = keep_numbers(by_size, ids, named, 0.5)
    assert again.tolist() == kept.tolist()


def test_named_clusters_are_those_of_config_and_list_and_those_above(tmp_path):
    grouping = tmp_path / "steel/grouping"
    for folder, node, members, min_overlap in [
        ("nodes", "root.1", "abc", None),  # clustered, and a node below it named
        ("nodes", "root.2", "de", None),  # clustered, not named
        ("nodes", "root.3", "fg", 0.5),  # named in the config
        ("names", "root.4", "hi", 0.5),
        ("nodes", "root.4", "hij", None),
        ("names", "root.1.0", "a", 0.5),
        ("names", "root", "abcdefghij", 0.5),
    ]:
        remember(grouping / f"remembered/{folder}/{node}.json", node, node, members, min_overlap=min_overlap)
    assert named_clusters(grouping / "root/clusters.csv") == {1: list("abc"), 3: list("fg"), 4: list("hi")}
    assert named_clusters(grouping / "root.1/clusters.csv") == {0: ["a"]}
    assert named_clusters(grouping / "root.10/clusters.csv") == {}
