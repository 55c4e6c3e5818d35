from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from scipy.special import softmax
from scipy.stats import chisquare

from nearlabel.learning.network.outputs import Evaluated
from nearlabel.learning.strategies import build_strategy, typiclust
from nearlabel.learning.strategies.distances import (
    distances_to_point,
    lower_nearest,
    nearest_distances,
    nearest_neighbours,
)
from nearlabel.learning.strategies.views import View


def rng_of(seed):
    return np.random.default_rng(seed)


def view_of(pool, labelled, logits=None):
    pool, labelled = np.asarray(pool, float), np.asarray(labelled, float)
    return View(Evaluated(len(pool), logits, pool), Evaluated(len(labelled), None, labelled), np.zeros(len(labelled)))


def test_distances_with_a_far_origin():
    rng = rng_of(0)
    points, others = rng.normal(size=(300, 5)) + 1e4, rng.normal(size=(40, 5)) + 1e4
    np.testing.assert_allclose(distances_to_point(points, others[0]), cdist(points, others[:1])[:, 0], rtol=1e-12)
    np.testing.assert_allclose(nearest_distances(points, others), cdist(points, others).min(axis=1), rtol=1e-12)
    assert (nearest_distances(points, np.concatenate([others, points])) == 0).all()


def test_chunks_do_not_show(monkeypatch):
    points, others = rng_of(0).normal(size=(100, 5)), rng_of(1).normal(size=(7, 5))
    whole = nearest_distances(points, others), *nearest_neighbours(points, 6)
    monkeypatch.setattr("nearlabel.learning.strategies.distances.CHUNK", 230)
    monkeypatch.setattr("nearlabel.learning.strategies.distances.CACHED", 35)
    for one, other in zip(whole, (nearest_distances(points, others), *nearest_neighbours(points, 6)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("count", [1, 5, 38, 39])
def test_nearest_neighbours(count):
    points = rng_of(0).normal(size=(40, 5)) + 100
    every = cdist(points, points)
    np.fill_diagonal(every, np.inf)
    neighbours, distances = nearest_neighbours(points, count)
    np.testing.assert_array_equal(neighbours, np.argsort(every, axis=1)[:, :count])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :count], rtol=1e-9)
    twice = nearest_neighbours(np.repeat(points, 2, axis=0), 1)
    assert twice[0][:, 0].tolist() == [i ^ 1 for i in range(80)]
    assert (twice[1] == 0).all()


# CoreSet


@pytest.mark.parametrize("d", [1, 2, 3, 64, 517])
@pytest.mark.parametrize(("origin", "scale"), [(0, 1), (1e6, 1e-3), (0, 1e-160), (0, 1e150), (-3e4, 1)])
def test_lowered_distances_are_those_of_all_differences_to_the_last_bit(d, origin, scale):
    rng = rng_of(d)
    # Ties and copies: small whole numbers, each point twice; then points all over.
    for points in (np.repeat(rng.integers(0, 3, size=(60, d)), 2, axis=0), rng.normal(size=(150, d))):
        points = origin + scale * points.astype(np.float64)
        squares = np.einsum("ij,ij->i", points, points)
        plain = distances_to_point(points, points[0])
        lowered = plain.copy()
        for chosen in rng.permutation(len(points))[:25]:
            plain[chosen] = lowered[chosen] = -1
            np.minimum(plain, distances_to_point(points, points[chosen]), out=plain)
            lower_nearest(lowered, points, squares, chosen)
            np.testing.assert_array_equal(lowered, plain)


def k_centre_greedy(pool, labelled, n):
    """Sener & Savarese 2018, Algorithm 1, word for word."""
    centres, chosen, reached = [tuple(x) for x in labelled], [], []
    for _ in range(n):
        reach = {
            i: min(np.linalg.norm(pool[i] - np.array(c)) for c in centres) for i in range(len(pool)) if i not in chosen
        }
        best = max(reach, key=reach.get)
        centres.append(tuple(pool[best]))
        chosen.append(best)
        reached.append(reach[best])
    return chosen, reached


@pytest.mark.parametrize("seed", range(4))
def test_core_set_is_the_literal_loop(seed):
    rng = rng_of(seed)
    pool, labelled = rng.normal(size=(25, 3)), rng.normal(size=(4, 3))
    for n in (1, 6, 25):
        selection = build_strategy("core_set").select(view_of(pool, labelled), n, rng_of(0))
        chosen, reached = k_centre_greedy(pool, labelled, n)
        assert selection.indices.tolist() == chosen
        assert selection.scores == pytest.approx(reached)
    assert selection.info == {"radius": 0}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_core_set_radius_is_at_most_twice_the_best(seed, n):
    rng = rng_of(seed)
    pool, labelled = rng.integers(0, 6, size=(9, 2)).astype(float), rng.integers(0, 6, size=(2, 2)).astype(float)
    selection = build_strategy("core_set").select(view_of(pool, labelled), n, rng)
    assert (np.diff(selection.scores) <= 0).all()

    def radius(chosen):
        return cdist(pool, np.concatenate([labelled, pool[list(chosen)]])).min(axis=1).max()

    assert selection.info["radius"] == pytest.approx(radius(selection.indices))
    assert selection.info["radius"] <= 2 * min(radius(c) for c in combinations(range(9), n)) + 1e-9


def test_core_set_takes_copies_last_and_at_random():
    pool = np.repeat([[0.1, 0.7], [5.3, 1.0], [9.1, 9.1]], [10, 10, 1], axis=0)
    seen = set()
    for seed in range(40):
        selection = build_strategy("core_set").select(view_of(pool, [[0.1, 0.7]]), 5, rng_of(seed))
        assert selection.indices[0] == 20
        assert 10 <= selection.indices[1] < 20
        assert selection.scores[2:].tolist() == [0, 0, 0]
        seen |= set(selection.indices.tolist())
    assert seen == set(range(21))


# BADGE


def gradients(logits, features):
    p = softmax(logits, axis=1)
    errors = p - np.eye(p.shape[1])[p.argmax(axis=1)]
    return (errors[:, :, np.newaxis] * features[:, np.newaxis]).reshape(len(p), -1)


@pytest.mark.parametrize("classes", [2, 5])
def test_badge_scores_are_distances_of_gradient_embeddings(classes):
    rng = rng_of(0)
    logits, features = rng.normal(size=(40, classes)), rng.normal(size=(40, 6))
    embedded = gradients(logits, features)
    if classes == 2:  # ± (1 − max p) h, once for each class
        p = softmax(logits, axis=1)
        sign = np.where(p[:, 0] > p[:, 1], -1, 1)
        half = (sign * (1 - p.max(axis=1)))[:, np.newaxis] * features
        np.testing.assert_allclose(embedded, np.hstack([half, -half]), rtol=1e-9)
    selection = build_strategy("badge").select(view_of(features, features[:1], logits), 40, rng_of(3))
    chosen = selection.indices
    norms = np.linalg.norm(embedded, axis=1)
    assert chosen[0] == norms.argmax()
    assert selection.scores[0] == pytest.approx(norms.max())
    every = cdist(embedded, embedded)
    for i in range(1, 40):
        assert selection.scores[i] == pytest.approx(every[chosen[i], chosen[:i]].min())


def test_badge_draws_in_proportion_to_squared_distances():
    rng = rng_of(1)
    logits, features = rng.normal(size=(8, 3)), rng.normal(size=(8, 4))
    view = view_of(features, features[:1], logits)
    chosen = np.array([build_strategy("badge").select(view, 3, rng_of(seed)).indices for seed in range(3000)])
    first = chosen[0, 0]
    assert (chosen[:, 0] == first).all()
    embedded = gradients(logits, features)
    weights = cdist(embedded, embedded) ** 2
    others = np.arange(8) != first
    second = weights[first] / weights[first].sum()
    assert chisquare(np.bincount(chosen[:, 1], minlength=8)[others], 3000 * second[others]).pvalue > 1e-3
    third = np.zeros(8)
    for i in np.flatnonzero(others):
        both = np.minimum(weights[first], weights[i])
        third += second[i] * both / both.sum()
    assert chisquare(np.bincount(chosen[:, 2], minlength=8)[others], 3000 * third[others]).pvalue > 1e-3


def test_badge_with_a_very_confident_network():
    rng = rng_of(0)
    features, gaps = rng.normal(size=(20, 4)), np.linspace(40, 60, 20)

    def choose(shift):
        logits = np.stack([np.zeros(20), gaps + shift], axis=1)
        return build_strategy("badge").select(view_of(features, features[:1], logits), 20, rng_of(0))

    doubt = np.linalg.norm(features, axis=1) * np.exp(-gaps)
    assert choose(0).indices[0] == doubt.argmax()
    assert choose(0).scores[0] == pytest.approx(np.sqrt(2) * doubt.max())
    # All gradients are smaller by one factor, squares of which underflow.
    assert choose(500).indices.tolist() == choose(0).indices.tolist()
    assert choose(500).scores == pytest.approx(choose(0).scores * np.exp(-500.0), rel=1e-9, abs=0)


def test_badge_takes_copies_last_and_at_random():
    rng = rng_of(0)
    features, logits = rng.normal(size=(3, 200)), rng.normal(size=(3, 2))
    copies = np.arange(30) % 3
    view = view_of(features[copies], features[:1], logits[copies])
    seen = set()
    for seed in range(60):
        selection = build_strategy("badge").select(view, 6, rng_of(seed))
        assert set(copies[selection.indices[:3]].tolist()) == {0, 1, 2}
        assert selection.scores[3:].tolist() == [0, 0, 0]
        seen |= set(selection.indices.tolist())
    assert seen == set(range(30))


# TypiClust


def authors_loop(points, clusters, labelled, n, neighbours, small):
    """Selection of the authors' code in plain loops, with small clusters put last instead of dropped."""
    unlabelled = [i for i in range(len(points)) if i not in labelled]
    numbers = sorted(set(clusters), key=lambda c: (sum(clusters[i] == c for i in labelled), -np.sum(clusters == c)))
    chosen = []
    for tier in (False, True):
        order = [c for c in numbers if (np.sum(clusters == c) <= small) == tier]
        turn = 0
        while len(chosen) < n and any(clusters[i] in order and i not in chosen for i in unlabelled):
            members = [i for i in unlabelled if clusters[i] == order[turn % len(order)] and i not in chosen]
            turn += 1
            if not members:
                continue
            k = min(neighbours, len(members) // 2)
            typicality = []
            for i in members:
                near = sorted(np.linalg.norm(points[i] - points[j]) for j in members if j != i)[:k]
                typicality.append(1 / (np.mean(near) + 1e-5) if near else 0)
            chosen.append(members[int(np.argmax(typicality))])
    return chosen


@pytest.mark.parametrize(("seed", "small"), [(0, 0), (1, 5), (2, 8), (3, 100)])
def test_typiclust_is_the_authors_loop(seed, small, monkeypatch):
    rng = rng_of(seed)
    pool, labelled = rng.normal(size=(70, 3)), rng.normal(size=(9, 3))
    sizes = np.array([24, 19, 13, 8, 6, 5, 3, 1])  # unlike sizes: no ties
    clusters = rng.permutation(np.repeat(np.arange(8), sizes))
    monkeypatch.setattr(typiclust, "_kmeans", lambda *_: clusters)
    points, marked = np.concatenate([pool, labelled]), list(range(70, 79))
    for n in (5, 30, 70):
        strategy = build_strategy("typiclust", {"neighbours": 4, "small_cluster": small, "normalise": "none"})
        selection = strategy.select(view_of(pool, labelled), n, rng_of(0))
        expected = authors_loop(points, clusters, marked, n, 4, small)
        # A cluster's last two images are equally typical.
        same = [(a == b) or clusters[a] == clusters[b] for a, b in zip(selection.indices, expected, strict=True)]
        assert all(same)
        assert np.mean(selection.indices == np.array(expected)) > 0.7
        if n == 5:
            assert selection.indices.tolist() == expected
        assert selection.info["clusters"] == 8
        assert selection.info["from_small"] == sum(sizes[clusters[i]] <= small for i in expected)


def test_typiclust_uses_up_a_pool_of_small_clusters():
    rng = rng_of(0)
    pool = np.repeat(rng.normal(size=(12, 4)) * 50, 3, axis=0) + rng.normal(size=(36, 4)) * 0.01
    view = view_of(pool, rng.normal(size=(6, 4)))
    for n in (12, 36, 99):
        selection = build_strategy("typiclust", {"init": "k-means++"}).select(view, n, rng_of(1))
        assert len(set(selection.indices.tolist())) == min(n, 36)
        assert selection.info["from_small"] == len(selection.indices)


def test_typiclust_takes_the_centre_of_each_uncovered_group():
    rng = rng_of(0)
    corners = np.array([[100.0, 0, 0], [0, 100, 0], [0, 0, 100]])
    # Group 0 is covered; images 0 and 31 are the dense middles of groups 1 and 2.
    spread = rng.normal(size=(61, 3)) * 6
    spread[[0, 31]] = 0
    spread[1:6] *= 0.05
    spread[32:37] *= 0.05
    pool = corners[np.repeat([1, 2], [31, 30])] + spread
    labelled = corners[[0]] + rng.normal(size=(1, 3))
    strategy = build_strategy("typiclust", {"neighbours": 5, "init": "k-means++"})
    selection = strategy.select(view_of(pool, labelled), 2, rng_of(0))
    assert selection.indices[0] < 6
    assert 31 <= selection.indices[1] < 37
    assert selection.info == {"clusters": 3, "from_small": 0}


def test_typiclust_limits_clusters_and_scales_features(monkeypatch):
    asked = []

    def recorded(points, k, init, rng):
        asked.append((k, np.linalg.norm(points, axis=1)))
        return np.zeros(len(points), np.int64)

    monkeypatch.setattr(typiclust, "_kmeans", recorded)
    pool, labelled = rng_of(0).normal(size=(20, 3)), np.zeros((4, 3))
    view = view_of(pool, labelled)
    for parameters, k in [({}, 9), ({"max_clusters": 6}, 6), ({"normalise": "none"}, 9)]:
        build_strategy("typiclust", parameters).select(view, 5, rng_of(0))
        assert asked[-1][0] == k
        expected = np.ones(20) if "normalise" not in parameters else np.linalg.norm(pool, axis=1)
        assert asked[-1][1] == pytest.approx([*expected, 0, 0, 0, 0])
    build_strategy("typiclust").select(view, 20, rng_of(0))
    assert asked[-1][0] == 24


# Cluster-margin


def round_robin(features, margin, n, candidates, cluster_size):
    """Citovsky et al. 2021, Algorithm 2, with the simplifications that the class names."""
    chosen = np.argsort(margin)[: candidates * n]
    tree = linkage(features[chosen], "average")
    labels = fcluster(tree, int(np.ceil(len(chosen) / cluster_size)), "maxclust")
    clusters = sorted(([*chosen[labels == c]] for c in set(labels)), key=len)
    batch = []
    while len(batch) < n:
        for members in clusters:
            if members and len(batch) < n:
                batch.append(members.pop(0))
    return batch, [len(c) for c in clusters]


@pytest.mark.parametrize(("candidates", "cluster_size"), [(10, 10), (2, 1), (3, 12), (1, 1), (100, 5)])
def test_cluster_margin_is_the_literal_round_robin(candidates, cluster_size):
    rng = rng_of(candidates)
    features, logits = rng.normal(size=(90, 3)), rng.normal(size=(90, 2))
    margin = abs(logits[:, 1] - logits[:, 0])
    parameters = {"candidates": candidates, "cluster_size": cluster_size}
    selection = build_strategy("cluster_margin", parameters).select(view_of(features, [[0] * 3], logits), 8, rng_of(0))
    batch, _ = round_robin(features, margin, 8, candidates, cluster_size)
    # Clusters of one size come in random order: within a turn the order is free, and so is who is last.
    assert selection.scores == pytest.approx(-margin[selection.indices])
    sizes_match = len(set(selection.indices.tolist()) & set(batch))
    assert sizes_match >= 8 - selection.info["clusters"] // 2
    if (candidates, cluster_size) in [(10, 10), (1, 1)]:
        assert set(selection.indices.tolist()) == set(batch)


def test_cluster_margin_by_hand():
    # Three groups on a line of 1, 2 and 4 candidates; the eighth image is certain and never a candidate.
    features = np.array([[0.0], [10], [10.1], [20], [20.1], [20.2], [20.3], [50]])
    gaps = np.array([0.7, 0.1, 0.2, 0.6, 0.5, 0.4, 0.3, 9.0])
    view = view_of(features, [[0.0]], np.stack([0 * gaps, gaps], axis=1))
    strategy = build_strategy("cluster_margin", {"candidates": 1, "cluster_size": 3})
    selection = strategy.select(view, 7, rng_of(0))
    assert selection.info == {"clusters": 3}
    assert selection.indices.tolist() == [0, 1, 6, 2, 5, 4, 3]
    assert selection.scores == pytest.approx(-gaps[selection.indices])


def test_cluster_margin_of_one_image():
    view = view_of([[1.0]], [[0.0]], np.array([[0.0, 1.0]]))
    assert build_strategy("cluster_margin").select(view, 5, rng_of(0)).indices.tolist() == [0]
