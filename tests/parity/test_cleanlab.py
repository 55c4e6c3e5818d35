"""Confident learning as cleanlab does it, where that is installed."""

import numpy as np
import pytest

from nearlabel.grouping.maps.confident import find_label_issues, self_confidence

cleanlab = pytest.importorskip("cleanlab", minversion="2.9")


@pytest.mark.parametrize("seed", range(40))
def test_issues_and_self_confidence(seed):
    from cleanlab.filter import find_label_issues as theirs
    from cleanlab.rank import get_self_confidence_for_each_label

    rng = np.random.default_rng(seed)
    n, classes = int(rng.integers(20, 400)), int(rng.integers(2, 6))
    true = np.concatenate([np.arange(classes), rng.integers(0, classes, n)])
    labels = np.where(rng.random(len(true)) < 0.2, rng.integers(0, classes, len(true)), true)
    labels[:classes] = np.arange(classes)
    # Shares among ten neighbours, with their ties.
    votes = np.stack([rng.multinomial(10, 0.5 * np.eye(classes)[one] + 0.5 / classes) for one in true])
    probabilities = votes / 10
    expected = theirs(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    np.testing.assert_array_equal(find_label_issues(labels, probabilities), expected)
    np.testing.assert_allclose(
        self_confidence(labels, probabilities), get_self_confidence_for_each_label(labels, probabilities)
    )
