import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from nearlabel.grouping.structure.across import compare_encoders, rand_indices
from nearlabel.grouping.structure.agreement import mean_agreement, measure_agreement

RNG = np.random.default_rng(0)
NETWORKS = {"net": "resnet50", "texture": "texture"}


def test_agreement_is_the_mean_over_the_other_algorithms_at_the_same_k():
    labels = {name: {k: RNG.integers(0, k, 40) for k in (2, 3)} for name in "abc"}
    table = measure_agreement(labels).set_index(["algorithm", "k"])
    pairs = {(x, y): adjusted_rand_score(labels[x][3], labels[y][3]) for x, y in ("ab", "ac", "bc")}
    assert table.loc[("a", 3), "agreement"] == pytest.approx((pairs["a", "b"] + pairs["a", "c"]) / 2)
    assert table.loc[("c", 3), "mean"] == pytest.approx(np.mean(list(pairs.values())))
    assert mean_agreement(labels).index.tolist() == [2, 3]


def test_without_another_algorithm_at_this_k_there_is_no_agreement():
    table = measure_agreement({"a": {2: np.array([0, 0, 1]), 3: np.arange(3)}, "b": {2: np.array([1, 1, 0])}})
    assert table.set_index(["algorithm", "k"])["agreement"].to_dict() == pytest.approx(
        {("a", 2): 1, ("a", 3): np.nan, ("b", 2): 1}, nan_ok=True
    )


def test_many_rand_indices_are_those_of_scikit_learn():
    one = [RNG.integers(0, k, 200) for k in (1, 2, 7, 30)] + [np.arange(200)]
    other = [RNG.integers(0, k, 200) * 3 - 1 for k in (1, 3, 11)] + [one[2], np.arange(200)]
    found = rand_indices(one, other)
    expected = [[adjusted_rand_score(a, b) for b in other] for a in one]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_clustering_that_another_encoder_has_at_another_k_is_found_there():
    truth = np.repeat([0, 1, 2], 20)
    labels = {
        "net": {"kmeans": {3: truth, 4: RNG.integers(0, 4, 60)}},
        # The same three groups and a stray image of its own.
        "texture": {"kmeans": {4: np.where(np.arange(60) == 0, 3, truth)}, "ward": {3: (truth + 1) % 3}},
    }
    table = compare_encoders(labels, NETWORKS, 0).set_index(["encoder", "algorithm", "k"])["across"]
    assert table["net", "kmeans", 3] == pytest.approx(
        (1 + adjusted_rand_score(truth, labels["texture"]["kmeans"][4])) / 2
    )
    assert abs(table["net", "kmeans", 4]) < 0.15
    assert table["texture", "ward", 3] == 1
    assert compare_encoders({"net": labels["net"]}, NETWORKS, 0)["across"].isna().all()
    same = compare_encoders(labels, {"net": "vgg16", "texture": "vgg16"}, 0)
    assert same["across"].isna().all() and len(same) == 4


def test_an_encoder_in_which_no_group_was_found_is_no_witness():
    labels = {"a": {"x": {2: np.array([0, 0, 1, 1])}}, "b": {"own": {}}, "c": {"x": {2: np.array([1, 1, 0, 0])}}}
    table = compare_encoders(labels, {name: name for name in labels}, 0)
    assert table[["encoder", "across"]].to_numpy().tolist() == [["a", 1.0], ["c", 1.0]]


def test_of_many_images_a_sample_is_compared(monkeypatch):
    monkeypatch.setattr("nearlabel.grouping.structure.across.SAMPLE", 100)
    truth = RNG.integers(0, 3, 1000)
    labels = {"a": {"x": {3: truth}}, "b": {"x": {3: truth}}}
    table = compare_encoders(labels, {"a": "a", "b": "b"}, 0)
    assert table["across"].tolist() == [1, 1]
