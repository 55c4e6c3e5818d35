"""The null against literal shuffling, and against all orders of a few near-labels."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from nearlabel.grouping.scores.cscore import convergence_difference, permutation_null


@pytest.mark.parametrize(("k", "m"), [(2, 2), (2, 30), (4, 7)])
def test_null_is_that_of_shuffled_near_labels(k, m):
    rng = np.random.default_rng(k * m)
    near = rng.integers(0, k, 240) * rng.integers(0, 2, 240)
    clusters = rng.integers(0, m, 240)
    shuffled = [convergence_difference(rng.permutation(near), clusters) for _ in range(1500)]
    drawn = permutation_null(near, clusters, 1500, 0).differences
    assert ks_2samp(np.round(shuffled, 10), np.round(drawn, 10)).pvalue > 0.01
    spread = np.std(shuffled)
    assert drawn.mean() == pytest.approx(np.mean(shuffled), abs=4 * spread * (2 / 1500) ** 0.5)
    assert drawn.std() == pytest.approx(spread, rel=0.1)


def test_p_value_is_the_share_of_all_orders():
    near, clusters = [0, 0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 1, 2, 2]
    orders = [convergence_difference(order, clusters) for order in sorted(set(permutations(near)))]
    observed = convergence_difference(near, clusters)
    exact = np.mean([difference <= observed + 1e-12 for difference in orders])
    null = permutation_null(near, clusters, 20_000, 0)
    assert null.p_value == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 20_000) ** 0.5)
    assert null.mean == pytest.approx(np.mean(orders), rel=0.01)
    assert set(null.differences.round(10)) == set(np.round(orders, 10))
