import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from nearlabel.learning.network.evaluate import auc_and_ap


def by_sklearn(scores, labels):
    return roc_auc_score(labels, scores), average_precision_score(labels, scores)


@pytest.mark.parametrize("levels", [2, 5, 40, 0])
@pytest.mark.parametrize("n", [2, 3, 10, 97, 1500])
def test_random_scores_to_the_last_bit(n, levels):
    rng = np.random.default_rng(n + levels)
    for share in (0.02, 0.3, 0.9):
        labels = (rng.random(n) < share).astype(np.int64)
        labels[:2] = 0, 1
        # Few levels make ties.
        scores = rng.integers(0, levels, n) if levels else rng.normal(size=n) + labels
        logits = np.column_stack([-scores, np.zeros(n)]).astype(np.float32)
        assert auc_and_ap(logits, labels) == by_sklearn(-logits[:, 0].astype(np.float64), labels)


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30))
def test_ties_of_all_kinds(pairs):
    scores, labels = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs], dtype=int)
    if len(set(labels)) == 2:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = auc_and_ap(np.column_stack([np.zeros(len(scores)), scores]), labels)
        assert found == by_sklearn(scores, labels)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_outputs_that_are_no_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="training diverged"):
        auc_and_ap(np.array([[0.0, 1.0], [bad, 0.0]]), np.array([0, 1]))
