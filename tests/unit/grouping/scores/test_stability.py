import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import jaccard_score, silhouette_samples

from nearlabel.grouping.clustering.algorithms import ALGORITHMS, cluster, sweep
from nearlabel.grouping.scores import stability
from nearlabel.grouping.scores.silhouettes import cluster_silhouettes, silhouette_scores
from nearlabel.grouping.scores.stability import assess_stability, bootstrap_jaccards, bootstrap_stability
from nearlabel.grouping.selection.numbering import cluster_table

DRAWS = {"bootstraps": 12, "seed": 5, "parameters": {}}


@pytest.fixture(scope="module")
def blobs():
    """Two tight groups, and a wide one that k = 4 cuts in two at random."""
    points, truth = make_blobs([40, 40, 80], 3, centers=[[0, 0, 60], [0, 60, 0], [60, 0, 0]],
                               cluster_std=[0.5, 0.5, 4.0], random_state=0)  # fmt: skip
    return points, truth


def test_planted_groups_are_stable_and_the_halves_of_one_are_not(blobs):
    points, truth = blobs
    assert bootstrap_stability(points, truth, "kmeans", 3, **DRAWS).tolist() == [1, 1, 1]
    labels = cluster(points, "kmeans", [4], 0)[4]
    found = bootstrap_stability(points, labels, "kmeans", 4, **DRAWS)
    halves = np.unique(labels[truth == 2])
    whole = np.unique(labels[truth < 2])
    assert len(halves) == len(whole) == 2
    assert found[whole].min() > 0.95
    assert found[halves].max() < 0.8


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_with_images_that_coincide(algorithm):
    rng = np.random.default_rng(0)
    points = np.repeat(np.concatenate([rng.normal(size=(15, 3)), rng.normal(size=(15, 3)) + 20]), 2, axis=0)
    truth = np.repeat([0, 1], 30)
    assert bootstrap_stability(points, truth, algorithm, 2, **DRAWS).tolist() == [1, 1]


def test_an_algorithm_of_its_own_k_is_fitted_anew_with_its_size_scaled(blobs, monkeypatch):
    rng = np.random.default_rng(1)
    points = np.concatenate([blobs[0][blobs[1] < 2], rng.uniform(-900, 900, size=(8, 3))])
    truth = np.concatenate([blobs[1][blobs[1] < 2], np.full(8, 2)])
    calls = []

    def recorded(features, algorithm, ks, seed, **parameters):
        calls.append((len(features), parameters.get("min_cluster_size"), parameters.get("min_samples")))
        return cluster(features, algorithm, ks, seed, **parameters)

    monkeypatch.setattr(stability, "cluster", recorded)
    settings = {**DRAWS, "parameters": {"min_samples": 6}}
    found = bootstrap_stability(points, truth, "hdbscan", 3, **settings)
    assert found[:2].min() > 0.9
    size = sweep(points, "hdbscan", [3], 0, min_samples=6).recorded["fits"]["3"]["min_cluster_size"]
    assert len(calls) == 13
    for drawn, used, samples in calls[1:]:
        assert (used, samples) == (round(size * drawn / 88), round(6 * drawn / 88))
    with pytest.raises(ValueError, match="hdbscan does not find 7 groups in these features"):
        bootstrap_stability(points, truth, "hdbscan", 7, **settings)


def test_a_sample_without_groups_is_one_cluster():
    # Two groups of eight, of which a sample holds too few to be told as groups.
    points = np.concatenate([np.eye(8), np.eye(8) + 100])
    found = bootstrap_jaccards(
        points, np.repeat([0, 1], 8), "hdbscan", 2, **DRAWS | {"parameters": {"min_cluster_size": 8}}
    )
    assert ((found > 0.3) & (found < 0.75)).any()


def test_similarities_are_those_of_the_sets_of_drawn_images(blobs, monkeypatch):
    points, _ = blobs
    labels = cluster(points, "kmeans", [5], 0)[5]
    calls = []

    def recorded(features, algorithm, ks, seed, **parameters):
        found = cluster(features, algorithm, ks, seed, **parameters)
        calls.append((features, found, seed, parameters))
        return found

    monkeypatch.setattr(stability, "cluster", recorded)
    settings = {"bootstraps": 3, "seed": 5, "parameters": {"n_init": 2}}
    jaccards = bootstrap_jaccards(points, labels, "kmeans", 5, **settings)
    assert jaccards.shape == (3, 5)
    assert len({seed for _, _, seed, _ in calls[1:]}) == 3
    row_of = {tuple(point): i for i, point in enumerate(points)}
    for row, (drawn, found, _, parameters) in zip(jaccards, calls[1:], strict=True):
        members = [row_of[tuple(point)] for point in drawn]
        assert len(set(members)) == len(members) == pytest.approx(160 * (1 - np.exp(-1)), rel=0.15)
        assert parameters == {"n_init": 2}
        for number, similarity in enumerate(row):
            each = [jaccard_score(labels[members] == number, found[5] == other) for other in range(5)]
            assert similarity == pytest.approx(max(each))


def test_same_seed_same_numbers_and_earlier_draws_stay(blobs):
    points, truth = blobs
    few = bootstrap_jaccards(points, truth, "kmeans", 4, bootstraps=2, seed=1, parameters={})
    more = bootstrap_jaccards(points, truth, "kmeans", 4, bootstraps=4, seed=1, parameters={})
    np.testing.assert_array_equal(few, more[:2])
    other = bootstrap_jaccards(points, truth, "kmeans", 4, bootstraps=2, seed=2, parameters={})
    assert (few != other).any()


def test_a_cluster_without_a_drawn_image_is_left_out_of_its_mean_alone():
    points = np.concatenate([np.zeros((10, 1)), np.ones((10, 1)), [[50.0]]]) + np.linspace(0, 0.01, 21)[:, np.newaxis]
    clusters = np.repeat([0, 1, 2], [10, 10, 1])
    jaccards = bootstrap_jaccards(points, clusters, "agglomerative", 2, bootstraps=30, seed=0, parameters={})
    absent = np.isnan(jaccards)
    assert not absent[:, :2].any()
    assert 0 < absent[:, 2].sum() < 30
    means = bootstrap_stability(points, clusters, "agglomerative", 2, bootstraps=30, seed=0, parameters={})
    # With the far image the others merge; without it each is found again.
    assert means[2] == 1
    assert means == pytest.approx([np.nanmean(column) for column in jaccards.T])


def test_bootstraps_with_too_few_images_are_left_out_and_logged(caplog):
    points = np.arange(6.0)[:, np.newaxis]
    jaccards = bootstrap_jaccards(points, np.arange(6) // 2, "kmeans", 5, bootstraps=20, seed=0, parameters={})
    out = np.isnan(jaccards).all(axis=1)
    assert 0 < out.sum() < 20
    assert f"{out.sum()} of 20 bootstraps left out: fewer distinct images than the 5 clusters" in caplog.text


def test_bootstraps_that_fail_are_left_out_and_logged(blobs, monkeypatch, caplog):
    points, truth = blobs

    def failing(features, algorithm, ks, seed, **parameters):
        if ks and len(features) % 2:
            raise np.linalg.LinAlgError("no Cholesky factor")
        return cluster(features, algorithm, ks, seed, **parameters)

    monkeypatch.setattr(stability, "cluster", failing)
    jaccards = bootstrap_jaccards(points, truth, "kmeans", 3, **DRAWS)
    out = np.isnan(jaccards).all(axis=1).sum()
    assert 0 < out < 12
    assert f"{out} of 12 bootstraps left out: kmeans failed (no Cholesky factor)" in caplog.text


def test_table(blobs):
    points, truth = blobs
    ids = [f"{i:03d}.png" for i in range(160)]
    clusters = cluster_table(truth, ids)
    frame = assess_stability(points, ids, clusters.sample(frac=1, random_state=0), "kmeans", {}, 3, 12, 5)
    assert frame.columns.tolist() == ["cluster", "size", "silhouette", "stability", "bootstraps"]
    assert frame["cluster"].tolist() == [0, 1, 2]
    assert frame["size"].tolist() == [80, 40, 40]
    assert frame["stability"].tolist() == [1, 1, 1]
    assert frame["bootstraps"].tolist() == [12, 12, 12]
    of_images = silhouette_samples(points, truth)
    expected = [of_images[clusters["cluster"] == number].mean() for number in range(3)]
    assert frame["silhouette"].tolist() == pytest.approx(expected)
    with pytest.raises(ValueError, match="different images"):
        assess_stability(points, ["other", *ids[1:]], clusters, "kmeans", {}, 3, 12, 5)


def test_no_counted_bootstrap_gives_no_stability():
    ids, points = ["a", "b", "c"], np.array([[0.0], [1.0], [9.0]])
    clusters = pd.DataFrame({"image_id": ids, "cluster": [0, 1, 2]})
    frame = assess_stability(points, ids, clusters, "kmeans", {}, 3, 1, 2)
    assert frame["bootstraps"].tolist() == [0, 0, 0]
    assert frame[["silhouette", "stability"]].isna().all(axis=None)


def test_wrong_input_is_named(blobs):
    points, truth = blobs
    with pytest.raises(ValueError, match="bootstraps is 0"):
        bootstrap_stability(points, truth, "kmeans", 3, bootstraps=0, seed=0, parameters={})
    with pytest.raises(ValueError, match="unknown algorithm 'voronoi'"):
        bootstrap_stability(points, truth, "voronoi", 3, **DRAWS)
    with pytest.raises(ValueError, match="no parameter 'linkage'"):
        bootstrap_stability(points, truth, "kmeans", 3, **(DRAWS | {"parameters": {"linkage": "ward"}}))
    with pytest.raises(ValueError, match="160 images"):
        bootstrap_stability(points, truth[1:], "kmeans", 3, **DRAWS)


def test_cluster_silhouettes_average_to_the_clusterings():
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(300, 4)) + 1e4, rng.integers(0, 7, 300)
    found = cluster_silhouettes(points, labels)
    assert found.shape == (7,)
    assert np.average(found, weights=np.bincount(labels)) == pytest.approx(silhouette_scores(points, [labels])[0])


def test_cluster_silhouettes_by_hand_and_where_undefined():
    line = np.array([[0.0], [1.0], [10.0], [12.0]])
    found = cluster_silhouettes(line, [0, 0, 2, 2])
    assert found[[0, 2]] == pytest.approx([(10 / 11 + 9 / 10) / 2, (7.5 / 9.5 + 9.5 / 11.5) / 2])
    assert np.isnan(found[1])
    assert cluster_silhouettes(line, [0, 1, 1, 1])[0] == 0
    assert np.isnan(cluster_silhouettes(line, [0, 0, 0, 0])).tolist() == [True]
    assert np.isnan(cluster_silhouettes(line, [0, 1, 2, 3])).all()
    assert cluster_silhouettes(np.full((50, 7), 1e8 / 3), np.arange(50) % 3).tolist() == [0, 0, 0]
    for labels in ([0, 1], [0.0, 1.0, 1.0, 0.0], [-1, 0, 0, 1]):
        with pytest.raises(ValueError, match="give each point a whole number"):
            cluster_silhouettes(line, labels)
