"""Stopping rules beside buscarpy 0.0.2, tarexp 0.1.4 and small-text 1.4.1: numbers that their code gave, kept here."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from nearlabel.learning.stopping.history import History, Round
from nearlabel.learning.stopping.replay import follow
from nearlabel.learning.stopping.rules.agreement import ClassificationChange, Kappa, cohen_kappa
from nearlabel.learning.stopping.rules.hypergeometric import Hypergeometric, missed_p_value
from nearlabel.learning.stopping.rules.quant import QuantCI, estimate_recall
from nearlabel.learning.stopping.rules.slopes import Budget, SlopeRatio, slope_ratios

# N, prevalence, bias, seed, batch.
RUNS = {"a": (2000, 0.05, 10, 0, 32), "b": (2000, 0.05, 10, 1, 32), "c": (5000, 0.01, 10, 0, 100)}


def generate_dataset(images, prevalence, bias, seed):
    """buscarpy's: labels in an order that draws each defect `bias` times as likely as a good image."""
    labels = (np.arange(images) < round(images * prevalence)).astype(np.int8)
    weights = np.where(labels, float(bias), 1.0)
    return np.random.default_rng(seed=seed).choice(labels, labels.shape, replace=False, p=weights / weights.sum())


def labelled(labels, population, batch=None):
    starts = range(0, len(labels), batch or max(1, len(labels)))
    return History(population, tuple(Round(labels[i : i + (batch or len(labels))]) for i in starts))


@pytest.mark.parametrize(
    ("run", "recall", "stop", "p"),
    [
        ("a", 0.8, 960, 0.046182523593764006),
        ("a", 0.9, 1120, 0.03250150321585425),
        ("a", 0.95, 1312, 0.04118423485478315),
        ("b", 0.8, 768, 0.037650760223260374),
        ("b", 0.9, 1088, 0.04289861078653009),
        ("b", 0.95, 1312, 0.03814494862612978),
        ("c", 0.8, 2500, 0.03995122903009555),
        ("c", 0.9, 3100, 0.04359251173199527),
        ("c", 0.95, 3900, 0.04050818877033093),
    ],
)
def test_buscarpys_first_stops(run, recall, stop, p):
    images, prevalence, bias, seed, batch = RUNS[run]
    labels = generate_dataset(images, prevalence, bias, seed)
    end = follow(Hypergeometric(recall), np.arange(images), labels, batch, seed=0)
    assert end.n_labelled == stop and end.evidence["p"] == pytest.approx(p, abs=1e-9)
    assert not end.certified


@pytest.mark.parametrize(("seen", "p"), [(50, 5 / 9), (90, 1 / 9), (99, 0.1 / 9)])
def test_buscarpys_own_cases(seen, p):
    labels = (np.arange(100) < 10).astype(int)
    assert missed_p_value(labelled(labels[:seen], 100), 0.95) == pytest.approx(p, abs=1e-9)


def all_suffixes(labels, population, recall):
    """`calculate_h0` of buscarpy, without the urns that hold more defects than images (there NaN)."""
    found, sizes = labels[::-1].cumsum(), np.arange(1, len(labels) + 1)
    urns, defects = population - (len(labels) - sizes), np.floor(labels.sum() / recall + 1 - (labels.sum() - found))
    tails = np.where(defects > urns, 0, hypergeom.cdf(found, urns, np.minimum(defects, urns), sizes))
    return tails.min()


@pytest.mark.parametrize("recall", [0.8, 0.95])
def test_only_the_longest_suffixes_matter(recall):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        population = int(rng.integers(5, 200))
        labels = (rng.random(rng.integers(1, population)) < rng.choice([0.02, 0.2, 0.7])).astype(int)
        ours = missed_p_value(labelled(labels, population), recall)
        assert ours == pytest.approx(all_suffixes(labels, population, recall), abs=1e-9)


@pytest.mark.parametrize(
    ("run", "theirs", "ours"),
    [("a", (992, 1120, 1376), (960, 1120, 1312)), ("c", (2600, 3300, 4300), (2500, 3100, 3900))],
)
def test_tarexps_hypergeometric_rule_stops_later(run, theirs, ours):
    """It takes int(F / τ - f), one defect fewer than misses the target, and suffixes of whole rounds."""
    images, prevalence, bias, seed, batch = RUNS[run]
    labels = generate_dataset(images, prevalence, bias, seed)

    def tarexp_p(n, recall):
        found = labels[:n].cumsum()[batch - 1 :: batch].astype(int)
        annotated = np.arange(batch, n + 1, batch)
        defects = (found[-1] / recall - found).astype(int)
        tails = hypergeom.cdf(found[-1] - found, images - annotated, defects, n - annotated)
        return tails[1:].min()

    for recall, their_stop, our_stop in zip((0.8, 0.9, 0.95), theirs, ours, strict=True):
        assert tarexp_p(their_stop, recall) < 0.05 <= tarexp_p(their_stop - batch, recall)
        end = follow(Hypergeometric(recall), np.arange(images), labels, batch, seed=0)
        assert end.n_labelled == our_stop <= their_stop


@pytest.mark.parametrize(
    ("n", "largest", "at"), [(320, 7.0, 9), (960, 19.23076923076923, 25), (1312, 61.53846153846154, 25)]
)
def test_tarexps_slope_ratios_are_ours_with_its_off_by_one(n, largest, at):
    labels = generate_dataset(*RUNS["a"][:4])
    curve = labelled(labels[:n], 2000, 32).curve
    rounds = n // 32
    after = rounds - np.arange(rounds - 1)
    # s - i for s - (i + 1); and a ratio at the end, where the slope after it is 1 / 1.
    theirs = np.append(slope_ratios(*curve) * after / (after - 1), curve[1][-1] / rounds)
    assert theirs.max() == pytest.approx(largest, abs=1e-9) and theirs.argmax() == at


def first_stops(labels, batch, *, tarexp):
    """Where the knee and the budget rule stop, from plain loops, with what tarexp does otherwise or without."""
    images, stops = len(labels), [None, None]
    for s in range(1, images // batch + 1):
        found = [labels[: batch * (i + 1)].sum() for i in range(s)]
        if tarexp:
            ratios = [found[i] / (i + 1) / ((1 + found[-1] - found[i]) / (s - i)) for i in range(s)]
        else:
            ratios = [found[i] / (i + 1) / ((1 + found[-1] - found[i]) / (s - i - 1)) for i in range(s - 1)]
        n = batch * (s - 1) + 1 if tarexp else batch * s
        steep = max(ratios, default=0)
        knee = steep >= 156 - min(found[-1], 150)
        budget = (steep >= 6 and n >= 10 * images / found[-1]) or batch * s >= 0.75 * images
        stops = [stop or (batch * s if now else None) for stop, now in zip(stops, (knee, budget), strict=True)]
    return stops


@pytest.mark.parametrize(
    ("run", "theirs", "ours"),
    [("a", [1280, 320], [1312, 640]), ("b", [1280, 320], [1312, 480]), ("c", [None, 1400], [None, 2000])],
)
def test_tarexps_slope_rules_stop_earlier_by_their_off_by_one(run, theirs, ours):
    """Knee, budget. tarexp's ratio at the very end lets its budget rule stop in the middle of a rise."""
    images, prevalence, bias, seed, batch = RUNS[run]
    labels = generate_dataset(images, prevalence, bias, seed).astype(int)
    assert first_stops(labels, batch, tarexp=True) == theirs
    assert first_stops(labels, batch, tarexp=False) == ours
    ends = [follow(rule, np.arange(images), labels, batch, seed=0) for rule in (SlopeRatio(), Budget())]
    assert [end and end.n_labelled for end in ends] == ours


@pytest.mark.parametrize(("z", "limit"), [(0, 0.5258447018454597), (1, 0.48108556007211284), (2, 0.43632641829876595)])
def test_tarexps_estimated_recall(z, limit):
    """The largest target at which its QUANT (z = 0) and QUANT_CI rules stop."""
    rng = np.random.default_rng(0)
    p = rng.random(400) ** 3
    seen = rng.random(400) < 0.4
    p = np.where(seen, np.sqrt(p), p)
    estimate = estimate_recall(p, seen)
    assert estimate.recall - z * estimate.error == pytest.approx(limit, abs=1e-9)
    history = History(400, (Round(np.zeros(seen.sum()), p, seen),))
    assert QuantCI(limit - 1e-6, z).decide(history).action == "stop"
    assert QuantCI(limit + 1e-6, z).decide(history).action == "go on"


def models():
    """Predictions of eight models, ever closer to the truth."""
    rng = np.random.default_rng(3)
    truth = rng.random(200) < 0.1
    return [truth ^ (rng.random(200) < 0.16 * 0.5**i) for i in range(8)]


def stops(rule, predictions):
    """Whether the rule stops after each model."""
    rounds, found = [], []
    for predicted in predictions:
        seen = np.arange(200) <= len(rounds)
        rounds.append(Round(np.array([0]), predicted.astype(float), seen))
        found.append(rule.decide(History(200, tuple(rounds))).action == "stop")
    return found


def test_small_texts_kappas():
    kappas = [
        0.2119901112484549,
        0.40521872601688413,
        0.6892655367231638,
        0.9279279279279279,
        0.9279279279279279,
        0.8641765704584041,
        0.9009247027741083,
    ]
    predictions = models()
    ours = [cohen_kappa(a, b) for a, b in zip(predictions[1:], predictions, strict=False)]
    assert ours == pytest.approx(kappas, abs=1e-9)
    # Window 3: three kappas, of four models, where its documentation says three predictions.
    assert stops(Kappa(3, 0.9), predictions) == [False] * 6 + [True, False]
    assert stops(Kappa(3, 0.95), predictions) == [False] * 8
    same = [predictions[-1]] * 5
    assert stops(Kappa(), same) == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(0.0, [False] * 8), (0.01, [False] * 4 + [True, True, False, False]), (0.05, [False] * 4 + [True] * 4)],
)
def test_small_texts_classification_change(threshold, expected):
    assert stops(ClassificationChange(threshold), models()) == expected


@pytest.mark.parametrize("rule", [Kappa(), ClassificationChange()])
def test_models_that_call_everything_good_do_not_stop_where_small_texts_do(rule):
    assert stops(rule, [np.zeros(200, dtype=bool)] * 6) == [False] * 6
