"""P-values and sets of labels as crepes gives them, image by image."""

import numpy as np
import pytest

from nearlabel.production.novelty.conformal import p_values, smoothed_p_values
from nearlabel.production.novelty.sets import class_p_values, label_sets, nonconformity

crepes = pytest.importorskip("crepes")

LABELS = ["good", "scratch", "rare"]


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(7)
    truth = rng.choice(3, size=300, p=[0.7, 0.25, 0.05])
    # One digit: many ties.
    scores = np.round(rng.normal(size=(300, 3)), 1)
    scores[np.arange(300), truth] += 1
    return scores[:200], truth[:200], scores[200:]


def test_nonconformity_as_margin(drawn):
    from crepes.extras import margin

    scores, truth, asked = drawn
    names = np.array(LABELS)
    np.testing.assert_array_equal(nonconformity(asked), margin(asked))
    own = nonconformity(scores)[np.arange(len(truth)), truth]
    np.testing.assert_array_equal(own, margin(scores, names, names[truth]))


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_class_conditional_p_values_and_sets(drawn, coverage):
    scores, truth, asked = drawn
    own, strange = nonconformity(scores)[np.arange(len(truth)), truth], nonconformity(asked)
    held_out = {label: np.sort(own[truth == column]) for column, label in enumerate(LABELS)}
    ours = class_p_values(strange, LABELS, held_out)
    theirs = crepes.ConformalClassifier().fit(own, bins=truth)
    for column in range(3):
        bins = np.full(len(asked), column)
        p = theirs.predict_p(strange[:, [column]], bins=bins, smoothing=False)[:, 0]
        np.testing.assert_array_equal(ours[:, column], p)
        # They keep a label at the error rate itself, which their guarantee does not need.
        kept = theirs.predict_set(strange[:, [column]], bins=bins, confidence=coverage, smoothing=False)[:, 0]
        apart = label_sets(ours, coverage)[:, column] != kept.astype(bool)
        np.testing.assert_allclose(ours[apart, column], 1 - coverage)


def test_novelty_p_values(drawn):
    rng = np.random.default_rng(0)
    held_out, asked = np.round(rng.gamma(2, size=99), 1), np.round(rng.gamma(2, size=500), 1)
    theirs = crepes.ConformalClassifier().fit(held_out)
    np.testing.assert_array_equal(
        p_values(asked, np.sort(held_out)), theirs.predict_p(asked[:, np.newaxis], smoothing=False)[:, 0]
    )
    state = np.random.RandomState(3)
    smooth = theirs.predict_p(asked[:, np.newaxis], seed=3)[:, 0]
    np.testing.assert_allclose(smoothed_p_values(asked, np.sort(held_out), state.rand(500)), smooth, rtol=1e-12)
