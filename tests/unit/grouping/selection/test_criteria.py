import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.grouping.selection.criteria import select_clustering
from nearlabel.grouping.selection.min_max import exclude_dominated
from nearlabel.grouping.selection.numbering import cluster_table, number_clusters
from nearlabel.grouping.selection.selected import read_selection, write_selection

NAN = float("nan")


def scores(rows, first_k=2, **columns):
    """Frame from {algorithm: [(entropy, silhouette) for each k]}."""
    frame = pd.DataFrame(
        [
            (algorithm, k, entropy, silhouette)
            for algorithm, pairs in rows.items()
            for k, (entropy, silhouette) in enumerate(pairs, first_k)
        ],
        columns=["algorithm", "k", "entropy", "silhouette"],
    )
    for column in ("convergence_difference", "ami"):
        frame[column] = columns.get(column, NAN)
    return frame


def ranked(*orders):
    """Scores in which at each k the algorithms are ordered from best (lowest entropy, highest silhouette) to worst."""
    names = sorted(orders[0])
    return scores({name: [(order.index(name), -order.index(name)) for order in orders] for name in names})


def test_an_algorithm_worse_at_most_k_is_excluded_with_its_reason():
    table = scores({"good": [(1.0, 0.5), (1.0, 0.5), (2.0, 0.1)], "bad": [(1.5, 0.4), (1.1, 0.3), (1.0, 0.9)]})
    chosen = select_clustering({"net": table}, "min_max")
    assert (chosen.encoder, chosen.algorithm, chosen.k) == ("net", "good", 2)
    assert chosen.excluded == [
        {
            "encoder": "net",
            "algorithm": "bad",
            "reason": "good has lower entropy and higher silhouette at 2 of 3 k",
        }
    ]
    assert chosen.criterion == "min_max"
    assert chosen.k_range == [2, 4]
    assert chosen.note is None


def test_half_of_the_k_is_not_enough():
    assert exclude_dominated(ranked("ab", "ab", "ba", "ba")) == {}
    assert exclude_dominated(ranked("ab", "ab", "ab", "ba", "ba")) == {"b": ("a", 3, 5)}


def test_both_must_be_strictly_better():
    assert exclude_dominated(scores({"a": [(1.0, 0.5)], "b": [(1.0, 0.4)]})) == {}
    assert exclude_dominated(scores({"a": [(1.0, 0.5)], "b": [(1.1, 0.5)]})) == {}
    assert exclude_dominated(scores({"a": [(1.0, 0.5)], "b": [(0.9, 0.4)]})) == {}


def test_an_algorithm_of_its_own_k_is_judged_by_its_k_and_excludes_nobody_by_them():
    swept = [(1.0, 0.5)] * 5
    # Worse at both of its k: excluded. Better at both of them: that is 2 of the other's 5.
    worse, better = scores({"own": [(1.5, 0.4)] * 2, "swept": swept}), scores({"own": [(0.5, 0.6)] * 2, "swept": swept})
    assert exclude_dominated(worse) == {"own": ("swept", 2, 2)}
    assert exclude_dominated(better) == {}


def test_a_cycle_excludes_nobody():
    assert exclude_dominated(ranked("abc", "bca", "cab")) == {}


def test_a_cycle_with_an_outsider_that_it_dominates_excludes_nobody():
    assert exclude_dominated(ranked("abcd", "bcad", "cabd")) == {}


def test_one_above_a_cycle_excludes_all_of_it():
    assert exclude_dominated(ranked("zabc", "zbca", "zcab")).keys() == {"a", "b", "c"}


def test_an_excluded_algorithm_excludes_nobody():
    # a beats b at k 2 and 3, b beats c at 3 and 4, a beats c at 3 only
    chain = scores(
        {
            "a": [(1.0, 0.9), (1.0, 0.9), (0.0, 0.0)],
            "b": [(2.0, 0.5), (2.0, 0.5), (2.0, 0.5)],
            "c": [(0.5, 0.1), (3.0, 0.1), (3.0, 0.1)],
        }
    )
    assert exclude_dominated(chain) == {"b": ("a", 2, 3)}


def test_what_breaks_open_a_cycle_when_one_of_it_is_excluded():
    # a > b > c > a, and z > a only: a goes, b is then safe and excludes c
    table = scores(
        {
            "z": [(0.5, 0.95), (2.5, 0.75), (0.0, 0.1)],
            "a": [(1.0, 0.9), (3.0, 0.7), (2.0, 0.8)],
            "b": [(2.0, 0.8), (1.0, 0.9), (3.0, 0.7)],
            "c": [(3.0, 0.7), (2.0, 0.8), (1.0, 0.9)],
        }
    )
    assert exclude_dominated(table) == {"a": ("z", 2, 3), "c": ("b", 2, 3)}


@settings(deadline=None)
@given(st.lists(st.permutations("abcde"), min_size=1, max_size=7))
def test_exclusion_is_a_consistent_fixed_point(orders):
    table = ranked(*map("".join, orders))
    excluded = exclude_dominated(table)
    stay = set("abcde") - excluded.keys()
    assert stay
    for other, better, of in excluded.values():
        assert other in stay
        assert 2 * better > of == len(orders)
    order = table.sample(frac=1, random_state=0)
    assert exclude_dominated(order).keys() == excluded.keys()


def test_min_max_takes_the_largest_silhouette_over_all_encoders_survivors():
    one = ranked("ab", "ab")
    one["silhouette"] += [0.0, 0.3, 5, 6]
    other = scores({"a": [(1.0, 0.4), (1.2, 6.5)]})
    chosen = select_clustering({"one": one, "other": other}, "min_max")
    assert (chosen.encoder, chosen.algorithm, chosen.k) == ("other", "a", 3)


def test_an_excluded_algorithm_cannot_win():
    table = scores({"a": [(1.0, 0.5), (1.0, 0.5), (1.0, 0.2)], "b": [(2.0, 0.4), (2.0, 0.4), (2.0, 0.9)]})
    assert select_clustering({"net": table}, "silhouette").algorithm == "b"
    assert select_clustering({"net": table}, "min_max").algorithm == "a"


def test_ties_of_the_silhouette():
    by_entropy = scores({"a": [(1.0, 0.5), (0.9, 0.5)]})
    by_k = scores({"a": [(1.0, 0.5), (1.0, 0.5)]})
    for criterion in ("min_max", "silhouette"):
        assert select_clustering({"net": by_entropy}, criterion).k == 3
        assert select_clustering({"net": by_k}, criterion).k == 2
        assert select_clustering({"first": by_k, "second": by_k}, criterion).encoder == "first"


def test_convergence_difference_and_its_ties():
    rows = {"a": [(1.0, 0.1), (1.0, 0.3), (1.0, 0.3)], "b": [(1.0, 0.2), (1.0, 0.9), (1.0, 0.2)]}
    table = scores(rows, convergence_difference=[0.2, 0.1, 0.1, 0.1 + 1e-15, 0.3, 0.4])
    chosen = select_clustering({"net": table}, "convergence_difference")
    assert (chosen.algorithm, chosen.k, chosen.criterion) == ("a", 3, "convergence_difference")
    assert chosen.excluded == []
    one_near_label = scores(rows, convergence_difference=0.0)
    chosen = select_clustering({"net": one_near_label}, "convergence_difference")
    assert (chosen.algorithm, chosen.k) == ("b", 3)


def test_ami_takes_the_largest():
    table = scores({"a": [(1.0, 0.1), (1.0, 0.3)]}, ami=[0.7, 0.2])
    assert select_clustering({"net": table}, "ami").k == 2


@pytest.mark.parametrize("criterion", ["convergence_difference", "ami"])
def test_without_near_labels_the_silhouette_decides_and_says_so(criterion):
    table = scores({"a": [(1.0, 0.1), (1.0, 0.3)]})
    chosen = select_clustering({"net": table}, criterion)
    assert (chosen.k, chosen.criterion) == (3, "silhouette")
    assert "no image has a near-label" in chosen.note


def test_min_max_needs_no_near_labels():
    chosen = select_clustering({"net": ranked("ab")}, "min_max")
    assert (chosen.criterion, chosen.note) == ("min_max", None)


@pytest.mark.parametrize("criterion", ["min_max", "silhouette", "convergence_difference", "ami"])
def test_an_undefined_silhouette_never_wins(criterion):
    table = scores({"a": [(0.0, NAN), (1.0, -0.3)]}, convergence_difference=[0.0, 0.5], ami=[1.0, 0.0])
    assert select_clustering({"net": table}, criterion).k == 3


@pytest.mark.parametrize("criterion", ["min_max", "silhouette", "convergence_difference", "ami"])
def test_with_no_silhouette_at_all_something_is_still_selected(criterion):
    table = scores({"a": [(1.0, NAN), (1.5, NAN)]}, convergence_difference=0.0, ami=0.0)
    chosen = select_clustering({"net": table}, criterion)
    assert chosen.k == 2
    assert "no clustering has a defined silhouette" in chosen.note


def test_choosing_by_hand():
    one = scores({"a": [(1.0, 0.1), (1.0, 0.3)], "b": [(1.0, 0.9), (1.0, 0.9)]})
    two = scores({"a": [(1.0, 0.2), (1.0, 0.1)], "b": [(1.0, 0.9), (1.0, 0.9)]})
    chosen = select_clustering({"one": one, "two": two}, "min_max", {"algorithm": "a", "k": 2})
    assert (chosen.encoder, chosen.algorithm, chosen.k, chosen.criterion) == ("two", "a", 2, "chosen")
    assert chosen.note.startswith("choose names no encoder, so that the silhouette decided between two (")
    chosen = select_clustering({"one": one, "two": two}, "min_max", {"algorithm": "a", "k": 2, "encoder": "one"})
    assert (chosen.encoder, chosen.note) == ("one", None)
    with pytest.raises(ValueError, match="a with k = 9 on one, which was not computed"):
        select_clustering({"one": one}, "min_max", {"algorithm": "a", "k": 9, "encoder": "one"})


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="unknown criterion 'best'"):
        select_clustering({"net": ranked("ab")}, "best")
    with pytest.raises(ValueError, match="no clustering to select from"):
        select_clustering({"net": ranked("ab").iloc[:0]}, "min_max")


def test_selection_file(tmp_path):
    chosen = select_clustering({"net": ranked("ab", "ab")}, "min_max")
    write_selection(tmp_path / "deep/selection.json", chosen)
    content = json.loads((tmp_path / "deep/selection.json").read_text())
    assert list(content) == [
        "encoder",
        "algorithm",
        "k",
        "criterion",
        "k_range",
        "excluded",
        "note",
        "structure",
        "others",
        "candidates",
    ]
    assert read_selection(tmp_path / "deep/selection.json") == chosen
    (tmp_path / "broken.json").write_text('{"encoder": "net"')
    with pytest.raises(ValueError, match=r"broken.json is no selection"):
        read_selection(tmp_path / "broken.json")


def test_clusters_are_numbered_by_size_then_by_smallest_image():
    labels = [7, 7, 3, 3, 5, 5, 5]
    ids = ["d", "e", "b", "z", "f", "g", "h"]
    assert number_clusters(labels, ids).tolist() == [2, 2, 1, 1, 0, 0, 0]
    table = cluster_table(labels, ids)
    assert table["image_id"].tolist() == ids
    assert table["cluster"].tolist() == [2, 2, 1, 1, 0, 0, 0]


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.permutations(range(6)), st.randoms())
def test_numbers_depend_on_neither_names_nor_order(labels, names, random):
    ids = [f"{i:02d}.png" for i in range(len(labels))]
    numbers = number_clusters(labels, ids)
    assert np.all(np.diff(np.bincount(numbers)) <= 0)
    rows = list(range(len(labels)))
    random.shuffle(rows)
    again = number_clusters([names[labels[i]] for i in rows], [ids[i] for i in rows])
    assert again.tolist() == numbers[rows].tolist()


def test_without_silhouettes_the_labels_still_decide():
    frame = pd.DataFrame(
        {
            "algorithm": ["kmeans", "spectral"],
            "k": [2, 2],
            "entropy": [0.5, 1.0],
            "silhouette": [np.nan, np.nan],
            "convergence_difference": [0.25, 0.0],
            "ami": [0.0, 1.0],
        }
    )
    chosen = select_clustering({"texture": frame}, "convergence_difference")
    assert (chosen.algorithm, chosen.criterion) == ("spectral", "convergence_difference")
    assert "convergence_difference, then the lowest entropy" in chosen.note
    assert select_clustering({"texture": frame}, "min_max").algorithm == "kmeans"
