"""Silhouettes of a sample against exact ones, and what the tables and the page say of them."""

import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import silhouette_samples, silhouette_score

from nearlabel.grouping.clustering.labels import LabelBlock
from nearlabel.grouping.scores import silhouettes
from nearlabel.grouping.scores.distance_sums import index_clusters, sums_on_torch
from nearlabel.grouping.scores.quality import assess_clusterings, score_clusterings
from nearlabel.grouping.scores.silhouettes import cluster_silhouettes, estimate_silhouettes, silhouette_scores
from nearlabel.grouping.scores.strata import draw_strata
from nearlabel.report.grouping.views import _describe_silhouettes

N = 900
POINTS, BLOBS = make_blobs(N, 6, centers=5, cluster_std=3.0, random_state=1)


def clusterings():
    """Blobs, halves of them, noise, and one with clusters of one, two and three points."""
    rng = np.random.default_rng(0)
    rare = np.where(POINTS[:, 0] > 0, 1, 0)
    rare[[3, 400, 700]] = 2
    rare[[5, 800]] = 3
    rare[7] = 4
    return [BLOBS, 2 * BLOBS + (POINTS[:, 0] > 0), rng.integers(0, 7, N), rare]


def blocks(labelings, flags=()):
    ids = np.array([f"{i}" for i in range(N)], dtype=object)
    labels = dict(enumerate(labelings, start=2))
    return {"a": LabelBlock("a", labels, {k: list(flags) for k in labels}, [], ids, {})}


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_estimates_the_exact_score_within_its_error(seed):
    exact = silhouette_scores(POINTS, clusterings())
    found = estimate_silhouettes(POINTS, clusterings(), sample=150, seed=seed)
    assert (found.standard_errors > 0).all()
    assert (found.standard_errors < 0.04).all()
    assert (np.abs(found.scores - exact) < 4 * found.standard_errors).all()


def test_the_stated_error_is_that_of_many_samples():
    exact = silhouette_scores(POINTS, clusterings())
    draws = [estimate_silhouettes(POINTS, clusterings(), sample=150, seed=seed) for seed in range(60)]
    scores = np.array([draw.scores for draw in draws])
    stated = np.sqrt(np.mean([draw.standard_errors**2 for draw in draws], axis=0))
    # 60 draws know a standard deviation to a tenth, a mean to an eighth of one.
    np.testing.assert_allclose(scores.std(axis=0, ddof=1), stated, rtol=0.4)
    assert (np.abs(scores.mean(axis=0) - exact) < 0.5 * stated).all()


def test_the_same_seed_gives_the_same_numbers_for_any_number_of_threads():
    found = [
        estimate_silhouettes(POINTS, clusterings(), sample=600, seed=seed, threads=threads)
        for seed, threads in ((0, 1), (0, 3), (1, 1))
    ]
    for one, same, _ in zip(*found, strict=True):
        np.testing.assert_array_equal(one, same)
    assert (found[0].scores != found[2].scores).all()


def test_a_sample_of_all_points_is_exact_and_has_no_error():
    found = estimate_silhouettes(POINTS, clusterings(), sample=N, seed=0)
    np.testing.assert_allclose(found.scores, silhouette_scores(POINTS, clusterings()), rtol=1e-12)
    assert found.standard_errors.tolist() == [0] * 4
    assert found.samples.tolist() == [N] * 4


def test_every_cluster_is_in_the_sample_and_small_ones_are_whole():
    partitions, _ = index_clusters(clusterings(), N)
    taken = draw_strata(partitions, N, 40, 0, 10)
    for partition, points in zip(partitions, taken, strict=True):
        assert len(np.unique(points)) == len(points)
        counts = np.bincount(partition.own[points], minlength=len(partition.sizes))
        assert (counts >= np.minimum(partition.sizes, 10)).all()
    shared = set(np.random.default_rng(0).permutation(N)[:40].tolist())
    assert all(shared <= set(points.tolist()) for points in taken)


def test_points_added_for_small_clusters_do_not_pull_the_mean():
    # Far away and tight: a plain mean of the sample's points would count their silhouettes of 1 too often.
    points = np.concatenate([POINTS, np.full((4, 6), 500.0) + np.arange(4)[:, np.newaxis] / 100])
    labels = np.concatenate([np.random.default_rng(0).integers(0, 2, N), [2] * 4])
    found = estimate_silhouettes(points, [labels], sample=20, seed=0)
    assert abs(found.scores[0] - silhouette_score(points, labels)) < 4 * found.standard_errors[0]


def test_undefined_silhouettes_stay_undefined():
    found = estimate_silhouettes(POINTS, [np.zeros(N), BLOBS, np.arange(N)], sample=50, seed=0)
    assert np.isnan(found.scores).tolist() == [True, False, True]
    assert np.isnan(found.standard_errors).tolist() == [True, False, True]
    assert found.samples[[0, 2]].tolist() == [0, 0]
    nothing = estimate_silhouettes(POINTS, [], sample=50, seed=0)
    assert [len(values) for values in nothing] == [0, 0, 0]


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="at least 1 point"):
        estimate_silhouettes(POINTS, [BLOBS], sample=0, seed=0)
    with pytest.raises(ValueError, match="one label for each point"):
        estimate_silhouettes(POINTS, [BLOBS[1:]], sample=50, seed=0)
    with pytest.raises(ValueError, match="NaN"):
        estimate_silhouettes(np.full((9, 2), np.nan), [np.arange(9) % 2], sample=5, seed=0)


def test_below_the_limit_nothing_changes():
    quality, errors = assess_clusterings(POINTS, blocks(clusterings(), ["x"]), exact_up_to=N, sample=100, seed=3)
    assert quality["silhouette"].to_numpy().tobytes() == silhouette_scores(POINTS, clusterings()).tobytes()
    assert quality["flags"].tolist() == ["x"] * 4
    pd.testing.assert_frame_equal(quality, score_clusterings(POINTS, blocks(clusterings(), ["x"])))
    assert errors.columns.tolist() == ["algorithm", "k", "sample", "standard_error"]
    assert errors["sample"].tolist() == [N] * 4
    assert errors["standard_error"].tolist() == [0] * 4


def test_above_the_limit_each_clustering_is_flagged_and_has_its_error():
    labelings = [*clusterings(), np.zeros(N)]
    quality, errors = assess_clusterings(POINTS, blocks(labelings, ["x"]), exact_up_to=N - 1, sample=100, seed=3)
    assert quality["flags"].tolist() == ["x;sampled_silhouette"] * 4 + ["x"]
    expected = estimate_silhouettes(POINTS, labelings, sample=100, seed=3)
    np.testing.assert_array_equal(quality["silhouette"], expected.scores)
    np.testing.assert_array_equal(errors["standard_error"], expected.standard_errors)
    assert (errors["sample"][:4] >= 100).all()
    assert errors["k"].tolist() == quality["k"].tolist()


def test_silhouettes_of_single_clusters_from_a_sample(caplog):
    values = silhouette_samples(POINTS, BLOBS)
    exact = np.array([values[c == BLOBS].mean() for c in range(5)])
    np.testing.assert_allclose(cluster_silhouettes(POINTS, BLOBS), exact, rtol=1e-10)
    with caplog.at_level(logging.INFO):
        found = cluster_silhouettes(POINTS, BLOBS, exact_up_to=100, sample=50, seed=1)
    # A hundred of each 180 at least.
    spread = np.array([values[c == BLOBS].std(ddof=1) for c in range(5)]) * np.sqrt((1 - 100 / 180) / 100)
    assert (np.abs(found - exact) < 4 * spread).all()
    assert "500 of 900 images" in caplog.text
    gap = np.where(BLOBS == 4, 6, BLOBS)
    assert np.isnan(cluster_silhouettes(POINTS, gap, exact_up_to=100, sample=50)).tolist() == [False] * 4 + [
        True
    ] * 2 + [False]


def test_the_page_says_what_was_sampled():
    exact = pd.DataFrame({"algorithm": "a", "k": [2, 3], "sample": 900, "standard_error": [0.0, np.nan]})
    assert _describe_silhouettes({"e": exact}, 900) == "Silhouettes are exact: of all 900 images."
    sampled = exact.assign(sample=[100, 104], standard_error=[0.0123, 0.02])
    said = _describe_silhouettes({"e": exact, "f": sampled}, 900)
    assert "of 100 to 104 sampled images" in said
    assert "at most 0.02;" in said
    assert _describe_silhouettes({}, 900) == ""


def test_a_card_is_used_only_where_a_device_asks_for_it(monkeypatch):
    """With a machine that has one: torch on the CPU stands in for it."""
    used = []

    def sums_on_card(points, members, device, targets=None):
        used.append(device)
        return sums_on_torch(points, members, "cpu", targets)

    monkeypatch.setattr(silhouettes, "sums_on_torch", sums_on_card)
    monkeypatch.setattr(silhouettes, "pick_device", lambda device: "cuda" if device == "auto" else device)
    exact, estimated = silhouette_scores(POINTS, [BLOBS]), estimate_silhouettes(POINTS, [BLOBS], sample=150, seed=0)
    cluster_silhouettes(POINTS, BLOBS, exact_up_to=100, sample=150)
    score_clusterings(POINTS, blocks([BLOBS]))
    assert used == []
    for device in ("cuda", "auto"):
        np.testing.assert_allclose(silhouette_scores(POINTS, [BLOBS], device=device), exact, rtol=1e-12)
        again = estimate_silhouettes(POINTS, [BLOBS], sample=150, seed=0, device=device)
        np.testing.assert_allclose(again.scores, estimated.scores, rtol=1e-12)
        score_clusterings(POINTS, blocks([BLOBS]), device=device)
    assert used == ["cuda"] * 6
