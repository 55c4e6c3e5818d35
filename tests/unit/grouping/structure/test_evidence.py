import numpy as np
import pytest
from sklearn.datasets import make_blobs

from nearlabel.grouping.structure.evidence import AGREEMENT_COLUMNS, measure_group, measure_structure
from nearlabel.grouping.structure.null import choose_ks, cluster_by_all, draw_structureless
from nearlabel.grouping.structure.stability import measure_repeats
from nearlabel.grouping.structure.strength import describe_structure, judge_structure

ALGORITHMS = {
    "kmeans": {"name": "kmeans", "parameters": {}},
    "ward": {"name": "agglomerative", "parameters": {}},
    "mini": {"name": "minibatch_kmeans", "parameters": {}},
}
SETTINGS = {"draws": 4, "sample": 400, "seed": 0}


def blobs(count=6, n=240, spread=1.0, dimensions=8, seed=0):
    """Groups all as far from each other, so that no smaller number of them is as good."""
    return make_blobs(n, centers=10 * np.eye(dimensions)[:count], cluster_std=spread, random_state=seed)


def measure(points, ks=(2, 10), algorithms=ALGORITHMS, **settings):
    labels = cluster_by_all(points, algorithms, range(ks[0], ks[1] + 1), 0)
    return measure_structure(points, labels, algorithms, **SETTINGS | settings)


def judge(points, **settings):
    return judge_structure({"net": measure(points, **settings)})


def test_planted_groups_are_clear_and_counted():
    table = measure(blobs()[0], stability=True)
    assert table.columns.tolist() == AGREEMENT_COLUMNS
    found = judge_structure({"net": table})
    assert (found.strength, found.k, found.found) == ("clear", 6, True)
    assert found.excess == pytest.approx(found.agreement - found.null)
    assert table.loc[table["k"] == 6, "stability"].min() > 0.4
    assert "Clear structure" in describe_structure(found)["sentence"]


@pytest.mark.parametrize("kind", ["normal", "uniform", "exponential", "long"])
def test_noise_has_no_structure(kind):
    said = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        points = {
            "normal": lambda rng=rng: rng.normal(size=(120, 10)),
            "uniform": lambda rng=rng: rng.uniform(size=(120, 10)),
            "exponential": lambda rng=rng: rng.exponential(size=(120, 10)),
            "long": lambda rng=rng: rng.normal(size=(120, 10)) * np.arange(1, 11) ** -1.0,
        }[kind]()
        said.append(judge(points, ks=(2, 7), seed=seed).strength)
    assert said == ["none"] * 3


def test_the_encoder_that_shows_groups_is_named():
    noise = measure(np.random.default_rng(0).normal(size=(300, 8)))
    found = judge_structure({"texture": noise, "net": measure(blobs()[0])})
    assert found.encoder == "net"


def test_many_images_are_sampled_and_the_answer_stays():
    points = blobs(n=800)[0]
    whole, sampled = measure(points, ks=(2, 8), sample=800), measure(points, ks=(2, 8), sample=200)
    at = whole["k"] == 6
    np.testing.assert_allclose(whole.loc[at, "mean"], sampled.loc[at, "mean"], atol=0.1)
    assert judge_structure({"net": sampled}).k == 6


def test_the_same_seed_gives_the_same_numbers():
    points = blobs(n=120, spread=3.0)[0]
    first = measure(points, ks=(2, 5))
    assert first.equals(measure(points, ks=(2, 5)))
    assert not first.equals(measure(points, ks=(2, 5), seed=1))


def test_one_algorithm_or_identical_images_tell_nothing():
    alone = {"kmeans": ALGORITHMS["kmeans"]}
    assert measure(blobs()[0], algorithms=alone)["excess"].isna().all()
    assert judge_structure({"net": measure(blobs()[0], algorithms=alone)}) is None
    assert judge_structure({"net": measure(np.ones((20, 3)))}) is None
    assert describe_structure(None) is None


def test_a_group_is_measured_before_it_is_clustered():
    points = blobs(count=4)[0]
    assert judge_structure({"net": measure_group(points, ALGORITHMS, (2, 8), **SETTINGS)}).k == 4
    noise = np.random.default_rng(0).normal(size=(150, 8))
    assert not judge_structure({"net": measure_group(noise, ALGORITHMS, (2, 8), **SETTINGS)}).found
    assert measure_group(points[:2], ALGORITHMS, (2, 8), **SETTINGS).empty


def test_ks_of_the_null_are_dense_at_first():
    assert choose_ks(2, 5) == [2, 3, 4, 5]
    ks = choose_ks(2, 50)
    assert ks[:11] == list(range(2, 13)) and ks[-1] == 50 and len(ks) < 25
    assert choose_ks(7, 7) == [7]


def test_structureless_data_keeps_the_variances_only():
    points = blobs(n=4000)[0]
    centred = points - points.mean(axis=0)
    for uniform in (False, True):
        drawn = draw_structureless(points, np.random.default_rng(0), uniform=uniform)
        np.testing.assert_allclose(drawn.std(axis=0), centred.std(axis=0), rtol=0.1)
        assert abs(np.corrcoef(drawn.T) - np.eye(8)).max() < 0.1
        assert (abs(drawn) <= 1.8 * drawn.std(axis=0)).all() == uniform


def test_groups_are_found_again_without_a_fifth_of_the_images_and_halves_of_noise_are_not():
    points = blobs()[0]
    noise = np.random.default_rng(0).normal(size=(300, 8))
    for data, low, high in ((points, 0.95, 1), (noise, -0.1, 0.8)):
        labels = cluster_by_all(data, ALGORITHMS, [6], 0)
        found = measure_repeats(data, labels, ALGORITHMS, [6], repeats=4, seed=0)
        assert found.loc["ward", 6] >= low and found.loc["ward", 6] <= high
