import numpy as np
import pytest
from scipy.stats import fisher_exact

from nearlabel.grouping.scores.enrichment import enrich_clusters


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(0)
    near = rng.choice(["a", "b", "c", ""], 500, p=[0.6, 0.25, 0.05, 0.1])
    clusters = np.where((near == "b") & (rng.random(500) < 0.4), 2, rng.integers(0, 9, 500))
    return near, clusters, enrich_clusters(near, clusters)


def test_p_values_are_fishers(drawn):
    near, clusters, table = drawn
    near, clusters = near[near != ""], clusters[near != ""]
    assert len(table) == 27
    for row in table.itertuples():
        of_label, inside = near == row.near_label, clusters == row.cluster
        cells = [[(of_label & inside).sum(), (~of_label & inside).sum()],
                 [(of_label & ~inside).sum(), (~of_label & ~inside).sum()]]  # fmt: skip
        assert row.count == cells[0][0]
        assert row.p_value == pytest.approx(fisher_exact(cells, alternative="greater").pvalue, rel=1e-9)


def test_q_values_are_benjamini_and_hochbergs(drawn):
    p_values = np.sort(drawn[2]["p_value"])
    by_definition = [min(p_values[j] * 27 / (j + 1) for j in range(i, 27)) for i in range(27)]
    assert np.sort(drawn[2]["q_value"]) == pytest.approx(np.minimum(by_definition, 1))
