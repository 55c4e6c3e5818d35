import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax
from skimage.metrics import structural_similarity

from nearlabel.learning.catalogue import STRATEGY_PARAMETERS
from nearlabel.learning.network.logits import confidence, dropout_probabilities, log_odds, margins
from nearlabel.learning.network.outputs import Evaluated
from nearlabel.learning.strategies import STRATEGIES, build_strategy
from nearlabel.learning.strategies.bald import Bald
from nearlabel.learning.strategies.views import View

NAMES = [name for name in STRATEGIES if name != "balanced"]
EVERY = [(name, {}) for name in NAMES] + [("balanced", {"strategy": name}) for name in NAMES]
every_strategy = pytest.mark.parametrize(
    ("name", "parameters"), EVERY, ids=[f"{n}{list(p.values())}" for n, p in EVERY]
)


def evaluated(rng, n, dimensions=6, side=7, classes=2):
    return Evaluated(
        n,
        rng.normal(size=(n, classes)).astype(np.float32),
        np.maximum(rng.normal(size=(n, dimensions)), 0).astype(np.float32),
        rng.random((n, side, side), dtype=np.float32),
    )


def draw_view(pool=60, labelled=12, seed=0, labels=None, classes=2):
    rng = np.random.default_rng(seed)
    images = evaluated(rng, pool, classes=classes)
    mc = softmax(rng.normal(size=(15, pool, classes)), axis=2)
    if labels is None:
        labels = rng.permutation(np.arange(labelled) % classes)
    truth = rng.integers(0, classes, pool)
    return View(images, evaluated(rng, labelled, classes=classes), labels, 1, mc, truth, rng.normal(size=pool))


def uniform_view(pool=40, labelled=5):
    """Every image the same."""
    one, two = (
        Evaluated(n, np.tile([[0.25, 0.5]], (n, 1)), np.full((n, 6), 1 / 3), np.full((n, 7, 7), 0.1))
        for n in (pool, labelled)
    )
    mc = np.full((4, pool, 2), 0.5)
    return View(one, two, np.zeros(labelled, int), 1, mc, np.zeros(pool, int), np.full(pool, 2.5))


def rng_of(seed):
    return np.random.default_rng(seed)


def test_tables_and_classes_agree():
    assert list(STRATEGIES) == list(STRATEGY_PARAMETERS)
    assert list(STRATEGY_PARAMETERS["balanced"]["strategy"].words) == NAMES
    for name, strategy in STRATEGIES.items():
        parameters = inspect.signature(strategy).parameters
        # What is around another strategy takes that, not its name.
        if name != "balanced":
            assert {p.name: p.default for p in parameters.values() if p.name not in ("args", "kwargs")} == {
                p: wanted.default for p, wanted in STRATEGY_PARAMETERS[name].items()
            }
        assert strategy.name == build_strategy(name).name == name


@every_strategy
@pytest.mark.parametrize("n", [1, 7, 59, 60, 200])
def test_as_many_as_asked_or_there_and_none_twice(name, parameters, n):
    view = draw_view()
    selection = build_strategy(name, parameters).select(view, n, rng_of(1))
    assert selection.indices.dtype == np.int64
    assert selection.scores.dtype == np.float64
    assert selection.scores.shape == selection.indices.shape == (min(n, 60),)
    assert len(set(selection.indices.tolist())) == min(n, 60)
    assert set(selection.indices.tolist()) <= set(range(60))
    assert np.isfinite(selection.scores).all()


@every_strategy
def test_same_generator_same_selection_and_the_view_is_left_alone(name, parameters):
    view = draw_view()
    for _, values, _ in [*view.pool.arrays(), *view.labelled.arrays()]:
        values.flags.writeable = False
    view.mc_probabilities.flags.writeable = False
    one, two = (build_strategy(name, parameters).select(view, 9, rng_of(3)) for _ in range(2))
    np.testing.assert_array_equal(one.indices, two.indices)
    np.testing.assert_array_equal(one.scores, two.scores)
    assert one.info == two.info


@every_strategy
def test_rounds_use_up_the_pool(name, parameters):
    view, left = draw_view(pool=45), np.arange(45)
    seen = []
    rng = rng_of(0)
    while len(left):
        indices = build_strategy(name, parameters).select(view.restrict(left), 8, rng).indices
        assert len(indices) == min(8, len(left))
        seen += left[indices].tolist()
        left = np.delete(left, indices)
    assert sorted(seen) == list(range(45))
    empty = build_strategy(name, parameters).select(view.restrict(left), 8, rng)
    assert empty.indices.shape == empty.scores.shape == (0,)


@every_strategy
def test_equal_images_are_drawn_at_random_over_the_whole_pool(name, parameters):
    view, strategy = uniform_view(), build_strategy(name, parameters)
    chosen = [strategy.select(view, 8, rng_of(seed)).indices for seed in range(60)]
    counts = np.bincount(np.concatenate(chosen), minlength=40)
    # 12 expected each, standard deviation 3.1.
    assert counts.min() >= 2
    assert counts.max() <= 26
    assert len({tuple(sorted(c)) for c in map(tuple, chosen)}) == 60


@every_strategy
@pytest.mark.parametrize("only", [0, 1])
def test_labels_of_one_class(name, parameters, only):
    view = draw_view(labels=np.full(12, only))
    assert len(build_strategy(name, parameters).select(view, 32, rng_of(0)).indices) == 32


@every_strategy
def test_more_than_two_classes(name, parameters):
    view = draw_view(classes=4)
    assert len(set(build_strategy(name, parameters).select(view, 32, rng_of(0)).indices.tolist())) == 32


@pytest.mark.parametrize(
    "name", ["uncertainty", "gradcam_avg", "core_set", "cluster_margin", "bald", "most_likely_defect", "balanced"]
)
def test_the_order_of_the_pool_does_not_matter(name):
    view = draw_view()
    order = rng_of(5).permutation(60)
    here = build_strategy(name).select(view, 12, rng_of(0)).indices
    there = build_strategy(name).select(view.restrict(order), 12, rng_of(7)).indices
    assert set(order[there].tolist()) == set(here.tolist())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_needed_is_named_when_missing(name):
    strategy = build_strategy(name)
    bare = View(Evaluated(5), Evaluated(2), np.array([0, 1]))
    if not strategy.needs:
        assert len(strategy.select(bare, 3, rng_of(0)).indices) == 3
        return
    with pytest.raises(ValueError, match=f"'{name}' needs {', '.join(sorted(strategy.needs))}, which"):
        strategy.select(bare, 3, rng_of(0))


def test_what_each_needs():
    needs = {
        "random": [],
        "uncertainty": ["probabilities"],
        "gradcam_avg": ["maps"],
        "core_set": ["features"],
        "badge": ["features", "probabilities"],
        "typiclust": ["features"],
        "cluster_margin": ["features", "probabilities"],
        "bald": ["mc_probabilities"],
        "most_likely_defect": ["probabilities"],
        "novelty": ["novelty"],
        "oracle": ["pool_labels"],
    }
    assert {name: sorted(build_strategy(name).needs) for name in needs} == needs
    assert draw_view().available == {"probabilities", "features", "maps", "mc_probabilities", "pool_labels", "novelty"}


def test_random_takes_every_image_equally_often():
    counts = np.zeros(20)
    for seed in range(400):
        counts[build_strategy("random").select(View(Evaluated(20), Evaluated(1), [0]), 5, rng_of(seed)).indices] += 1
    assert abs(counts - 100).max() < 5 * np.sqrt(400 * 0.25 * 0.75)


def with_logits(logits, **others):
    logits = np.asarray(logits)
    return View(Evaluated(len(logits), logits), Evaluated(1), np.array([0]), **others)


@settings(deadline=None)
@given(arrays(np.float64, (15, 3), elements=st.floats(-8, 8)), st.integers(1, 15))
def test_uncertainty_takes_the_lowest_top_probability(logits, n):
    selection = build_strategy("uncertainty").select(with_logits(logits), n, rng_of(0))
    doubt = 1 - softmax(logits, axis=1).max(axis=1)
    assert selection.scores == pytest.approx(doubt[selection.indices], rel=1e-9)
    assert selection.scores == pytest.approx(np.sort(doubt)[::-1][:n], rel=1e-9)


def test_uncertainty_tells_confident_images_apart():
    gaps = np.array([300, 40, 21, 20, 60], dtype=np.float32)
    p = softmax(np.stack([np.zeros(5, np.float32), gaps], axis=1), axis=1)
    assert (1 - p.max(axis=1) == 0).all()
    for sign in (1, -1):
        selection = build_strategy("uncertainty").select(
            with_logits(np.stack([0 * gaps, sign * gaps], axis=1)), 5, rng_of(0)
        )
        assert selection.indices.tolist() == [3, 2, 1, 4, 0]
        assert selection.scores == pytest.approx(np.exp(-gaps[[3, 2, 1, 4, 0]].astype(float)))


def test_most_likely_defect_and_oracle_by_hand():
    logits = [[0, 1], [0, 30], [5, 0], [0, 50]]
    selection = build_strategy("most_likely_defect").select(with_logits(logits), 4, rng_of(0))
    assert selection.indices.tolist() == [3, 1, 0, 2]
    assert selection.scores == pytest.approx(softmax(np.array(logits, float), axis=1)[[3, 1, 0, 2], 1])
    other = build_strategy("most_likely_defect").select(with_logits(logits, positive=0), 1, rng_of(0))
    assert other.indices.tolist() == [2]
    labels = np.array([0, 1, 0, 1])
    seen = [build_strategy("oracle").select(with_logits(logits, pool_labels=labels), 3, rng_of(s)) for s in range(20)]
    assert all(set(s.indices[:2].tolist()) == {1, 3} and s.scores.tolist() == [1, 1, 0] for s in seen)
    assert {int(s.indices[2]) for s in seen} == {0, 2}


def test_gradcam_avg_is_algorithm_1():
    view = draw_view(pool=30)
    average = view.labelled.maps.astype(float).mean(axis=0)
    similarity = [structural_similarity(m.astype(float), average, data_range=1.0) for m in view.pool.maps]
    selection = build_strategy("gradcam_avg").select(view, 10, rng_of(0))
    assert selection.indices.tolist() == np.argsort(similarity)[:10].tolist()
    assert selection.scores == pytest.approx(1 - np.sort(similarity)[:10], abs=1e-6)
    narrow = [structural_similarity(m.astype(float), average, data_range=1.0, win_size=3) for m in view.pool.maps]
    assert build_strategy("gradcam_avg", {"window": 3}).select(view, 10, rng_of(0)).indices.tolist() == (
        np.argsort(narrow)[:10].tolist()
    )


def test_gradcam_avg_counts_maps_that_say_nothing():
    view = draw_view(pool=30)
    view.pool.maps[[3, 4]] = 0
    view.pool.maps[8] = 0.3 + 1e-8 * view.pool.maps[8]
    view.labelled.maps[1] = 0
    selection = build_strategy("gradcam_avg").select(view, 5, rng_of(0))
    counted = {"degenerate_pool": 3, "degenerate_labelled": 1}
    assert selection.info == counted | {"degenerate_selected": len({3, 4, 8} & set(selection.indices.tolist()))}
    assert build_strategy("gradcam_avg").select(view, 30, rng_of(0)).info["degenerate_selected"] == 3


def test_bald_by_hand():
    agree, differ, unsure = [[0.9, 0.1], [0.9, 0.1]], [[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]
    mc = np.array([agree, differ, unsure]).swapaxes(0, 1)
    view = View(Evaluated(3), Evaluated(1), np.array([0]), mc_probabilities=mc)
    selection = build_strategy("bald").select(view, 3, rng_of(0))
    assert selection.indices[0] == 1
    assert selection.scores == pytest.approx([np.log(2), 0, 0])
    assert {int(Bald().select(view, 2, rng_of(s)).indices[1]) for s in range(20)} == {0, 2}


@settings(deadline=None)
@given(arrays(np.float64, (6, 4), elements=st.floats(-30, 30)), st.integers(0, 3))
def test_log_odds(logits, number):
    p = softmax(logits, axis=1)
    others = np.delete(p, number, axis=1).sum(axis=1)
    assert log_odds(logits, number) == pytest.approx(np.log(p[:, number]) - np.log(others), abs=1e-9)
    assert (log_odds(logits[:, :2], 1) == logits[:, 1] - logits[:, 0]).all()
    assert (confidence(logits[:, :2]) == abs(logits[:, 1] - logits[:, 0])).all()
    assert (margins(logits[:, :2]) == confidence(logits[:, :2])).all()
    two = np.sort(p, axis=1)[:, -2:]
    assert margins(logits) == pytest.approx(np.log(two[:, 1]) - np.log(two[:, 0]), abs=1e-9)


def test_dropout_probabilities_are_those_of_networks_with_masked_weights():
    rng = rng_of(0)
    features, weight, bias = rng.normal(size=(50, 8)), rng.normal(size=(3, 8)), rng.normal(size=3)
    found = dropout_probabilities(features, weight, bias, passes=4, dropout=0.25, rng=rng_of(9))
    kept = rng_of(9).random((4, 8)) >= 0.25
    assert found.shape == (4, 50, 3)
    for of_pass, mask in zip(found, kept, strict=True):
        np.testing.assert_allclose(of_pass, softmax((features * mask / 0.75) @ weight.T + bias, axis=1), rtol=1e-12)
    order = rng.permutation(50)
    again = dropout_probabilities(features[order], weight, bias, passes=4, dropout=0.25, rng=rng_of(9))
    np.testing.assert_allclose(again, found[:, order], rtol=1e-12)


def test_dropout_keeps_the_mean_logit():
    rng = rng_of(0)
    features, weight = rng.normal(size=(5, 20)), rng.normal(size=(2, 20))
    found = dropout_probabilities(features, weight, np.zeros(2), passes=40_000, dropout=0.5, rng=rng_of(1))
    logits = np.log(found[..., 1]) - np.log(found[..., 0])
    expected = features @ (weight[1] - weight[0])
    assert logits.mean(axis=0) == pytest.approx(expected, abs=5 * logits.std(axis=0).max() / 200)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("voronoi", {}, "unknown strategy 'voronoi'; choose from random, "),
        ("random", {"seed": 1}, "random has no parameter 'seed'; it has none"),
        ("bald", {"p": 1}, "bald has no parameter 'p'; it has passes, dropout"),
        ("bald", {"passes": 1}, "parameter 'passes' of bald must be a whole number from 2, not 1"),
        ("bald", {"passes": 2.0}, "whole number"),
        ("bald", {"dropout": 1}, "must be a number from 0.01 to 0.99"),
        ("bald", {"dropout": True}, "must be a number"),
        ("gradcam_avg", {"window": 8}, "parameter 'window' of gradcam_avg must be odd, not 8"),
        ("typiclust", {"init": "best"}, "must be one of random, k-means"),
        ("cluster_margin", {"candidates": 0}, "whole number from 1"),
        ("balanced", {"strategy": "balanced"}, "must be one of random"),
    ],
)
def test_wrong_parameters(name, parameters, message):
    with pytest.raises(ValueError, match=message):
        build_strategy(name, parameters)


def test_none_asked_for():
    with pytest.raises(ValueError, match="0 images were asked of strategy 'random'"):
        build_strategy("random").select(draw_view(), 0, rng_of(0))


def test_wrong_views():
    fine = {"pool": Evaluated(3, np.zeros((3, 2))), "labelled": Evaluated(2, np.zeros((2, 2))), "labels": [0, 1]}
    View(**fine)
    for change, message in [
        ({"labelled": Evaluated(0), "labels": []}, "no image is labelled"),
        ({"labels": [0]}, r"labels have shape \(1,\) for 2"),
        ({"labels": [0, 2]}, "labels go from 0 to 2, beyond the logits"),
        ({"pool": Evaluated(3, np.zeros((2, 2)))}, r"logits of the pool have shape \(2, 2\)"),
        ({"pool": Evaluated(3, np.zeros((3, 3)))}, "logits of pool and labelled images differ"),
        ({"pool": Evaluated(3, np.zeros((3, 1))), "labelled": Evaluated(2)}, "logits have 1 columns"),
        ({"pool": Evaluated(3, np.array([[0, 1], [np.nan, 0], [0, 0]]))}, r"NaN or infinity for 1 images \(first: 1\)"),
        ({"pool": Evaluated(3, features=np.full((3, 4), np.inf))}, "features of the pool hold NaN or infinity for 3"),
        ({"pool": Evaluated(3, maps=np.full((3, 7, 7), 2.0))}, r"go from 2 to 2; scale them to \[0, 1\]"),
        ({"mc_probabilities": np.zeros((5, 4, 2))}, "MC probabilities of the pool have shape"),
        ({"pool_labels": [0, 1]}, r"labels of the pool have shape \(2,\) for 3"),
    ]:
        with pytest.raises(ValueError, match=message):
            View(**(fine | change))


def test_some_of_a_view():
    view = draw_view()
    some = view.restrict(np.array([5, 2]))
    assert some.pool.size == 2
    np.testing.assert_array_equal(some.pool.features, view.pool.features[[5, 2]])
    np.testing.assert_array_equal(some.mc_probabilities, view.mc_probabilities[:, [5, 2]])
    np.testing.assert_array_equal(some.pool_labels, view.pool_labels[[5, 2]])
    assert some.labelled is view.labelled
    assert some.available == view.available


def test_novelty_takes_the_most_novel_first_and_breaks_ties_at_random():
    view = View(Evaluated(6), Evaluated(1), np.array([0]), novelty=np.array([1, 5, 3, 5, 0, 4], np.float32))
    strategy = build_strategy("novelty")
    chosen = strategy.select(view, 4, rng_of(0))
    assert sorted(chosen.indices[:2]) == [1, 3] and chosen.indices[2:].tolist() == [5, 2]
    assert chosen.scores.tolist() == [5, 5, 4, 3]
    assert len({tuple(strategy.select(view, 2, rng_of(seed)).indices) for seed in range(20)}) == 2
    with pytest.raises(ValueError, match="'novelty' needs novelty, which the view"):
        strategy.select(View(Evaluated(6), Evaluated(1), np.array([0])), 2, rng_of(0))
    with pytest.raises(ValueError, match="novelty of the pool hold NaN"):
        View(Evaluated(2), Evaluated(1), np.array([0]), novelty=np.array([1, np.nan]))
