import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.grouping.clustering.labels import LabelBlock
from nearlabel.grouping.scores.distance_sums import index_clusters
from nearlabel.grouping.scores.quality import label_entropy, score_clusterings
from nearlabel.grouping.scores.silhouettes import silhouette_scores

LINE = np.array([[0.0], [1.0], [10.0], [12.0]])


@pytest.mark.parametrize(
    ("labels", "bits"),
    [([7], 0), ([1, 1, 1], 0), ([0, 1], 1), ([0, 1, 2, 3], 2), ([0, 0, 1, 2], 1.5), (["b", "a", "b", "a"], 1)],
)
def test_entropy_in_bits(labels, bits):
    assert label_entropy(labels) == bits
    assert str(label_entropy(labels))[0] != "-"


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.permutations(range(7)))
def test_entropy_lies_between_0_and_log_k_and_ignores_names(labels, names):
    entropy = label_entropy(labels)
    assert 0 <= entropy <= np.log2(len(set(labels))) + 1e-12
    assert label_entropy([names[label] for label in labels]) == entropy
    assert label_entropy(labels[::-1]) == entropy


def test_entropy_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no labels"):
        label_entropy([])


def test_silhouette_by_hand():
    # a = 1 and 2; b of 0, 1, 10, 12: 11, 10, 9.5, 11.5
    expected = np.mean([1 - 1 / 11, 1 - 1 / 10, 1 - 2 / 9.5, 1 - 2 / 11.5])
    found = silhouette_scores(LINE, [[0, 0, 1, 1], [5, 5, 3, 3]])
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert found[0] == found[1]


def test_a_point_alone_counts_0():
    # a of 10, 12: 2; b to the pair or the single point, whichever is nearer on average
    expected = np.mean([0, 0, 1 - 2 / 9, 1 - 2 / 11])
    np.testing.assert_allclose(silhouette_scores(LINE, [[0, 1, 2, 2]]), expected, rtol=1e-15)


def test_silhouettes_without_definition_are_nan():
    scores = silhouette_scores(LINE, [[0, 0, 0, 0], [0, 1, 2, 3], [0, 0, 1, 1]])
    assert np.isnan(scores).tolist() == [True, True, False]
    assert silhouette_scores(LINE, []).shape == (0,)


@pytest.mark.parametrize("value", [0.0, 1 / 3, 1e8 / 3])
def test_coinciding_points_score_0(value):
    points = np.full((50, 7), value)
    assert silhouette_scores(points, [np.arange(50) % 3]).tolist() == [0]


def test_far_origin_and_outlier_change_nothing():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 4))
    labels = (points[:, 0] > 0).astype(int)
    exact = silhouette_scores(points, [labels])[0]
    assert silhouette_scores(points + 1e6, [labels])[0] == pytest.approx(exact, abs=1e-8)
    with_outlier = np.concatenate([points, [[1e9] * 4]])
    found = silhouette_scores(with_outlier, [np.append(labels, 2)])[0]
    assert found == pytest.approx(60 / 61 * exact, abs=1e-6)


def test_the_same_partition_has_the_same_score_to_the_bit():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(700, 5))
    labels = rng.integers(0, 9, 700)
    others = [rng.integers(0, k, 700) for k in range(2, 9)]
    names = rng.permutation(9)
    scores = silhouette_scores(points, [labels, *others, names[labels]])
    assert scores[0] == scores[-1] == silhouette_scores(points, [labels])[0]


def test_threads_change_no_bit():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1500, 5))
    labelings = [rng.integers(0, k, 1500) for k in range(2, 9)]
    np.testing.assert_array_equal(
        silhouette_scores(points, labelings, threads=1), silhouette_scores(points, labelings, threads=3)
    )


def test_shared_clusters_are_summed_once():
    finest = np.arange(100) % 20
    nested = [np.minimum(finest, k - 1) for k in range(2, 21)]
    _, members = index_clusters(nested, 100)
    assert members.shape == (2 * 20 - 2, 100)


def test_memory_stays_far_below_n_by_n():
    rng = np.random.default_rng(0)
    n = 5000
    points, labelings = rng.normal(size=(n, 10)), [rng.integers(0, k, n) for k in (2, 10, 40)]
    tracemalloc.start()
    silhouette_scores(points, labelings, device="cpu")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * n * 8 / 10


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="one label for each point"):
        silhouette_scores(LINE, [[0, 1, 1]])
    with pytest.raises(ValueError, match="NaN"):
        silhouette_scores(np.array([[0.0], [np.nan], [1.0]]), [[0, 1, 1]])


def test_quality_table():
    ids = np.array(["a", "b", "c", "d"], dtype=object)
    blocks = {
        "kmeans": LabelBlock("kmeans", {2: np.array([0, 0, 1, 1]), 3: np.array([2, 2, 2, 2])}, {2: [], 3: ["x", "y"]},
                             [5], ids, {}),
        "other": LabelBlock("other", {2: np.array([0, 1, 1, 1])}, {2: []}, [], ids, {}),
    }  # fmt: skip
    quality = score_clusterings(LINE, blocks)
    assert quality.columns.tolist() == ["algorithm", "k", "entropy", "silhouette", "smallest", "largest", "flags"]
    assert quality["algorithm"].tolist() == ["kmeans", "kmeans", "other"]
    assert quality["k"].tolist() == [2, 3, 2]
    assert quality["smallest"].tolist() == [2, 4, 1]
    assert quality["largest"].tolist() == [2, 4, 3]
    assert quality["flags"].tolist() == ["", "x;y", ""]
    assert quality["entropy"].tolist()[:2] == [1, 0]
    assert quality["silhouette"].isna().tolist() == [False, True, False]
