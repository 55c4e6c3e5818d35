import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy
from sklearn.datasets import make_blobs
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    completeness_score,
    homogeneity_score,
    jaccard_score,
)
from sklearn.metrics.cluster import contingency_matrix

from nearlabel.grouping.clustering.algorithms import sweep
from nearlabel.grouping.clustering.labels import LabelBlock
from nearlabel.grouping.scores.agreement import evaluate_c_score
from nearlabel.grouping.scores.quality import label_entropy, score_clusterings
from nearlabel.grouping.selection.criteria import select_clustering


@pytest.mark.parametrize("k", [1, 2, 9, 300])
def test_entropy_is_scipys(k):
    labels = np.random.default_rng(k).integers(0, k, 400)
    assert label_entropy(labels) == pytest.approx(entropy(np.unique(labels, return_counts=True)[1], base=2), abs=1e-12)


@pytest.fixture(scope="module")
def planted():
    points, truth = make_blobs(600, 8, centers=6, cluster_std=1.0, random_state=3)
    ids = np.array([f"{i}.png" for i in range(600)], dtype=object)
    result = sweep(points, "kmeans", range(2, 51), 0)
    blocks = {"kmeans": LabelBlock("kmeans", result.labels, result.flags, result.cut, ids, result.recorded)}
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(600) < 0.05, rng.integers(0, 6, 600), truth)
    near_labels = pd.DataFrame({"image_id": ids, "near_label": noisy.astype(str)})
    near_labels.loc[:9, "near_label"] = ""
    scores, _ = evaluate_c_score(score_clusterings(points, blocks), blocks, near_labels, permutations=20, seed=0)
    return scores, result.labels, noisy


def test_label_columns_are_scikit_learns(planted):
    scores, labels, near = planted
    for row in scores.iloc[::8].itertuples():
        true, found = near[10:], labels[row.k][10:]
        assert row.ami == pytest.approx(adjusted_mutual_info_score(true, found))
        assert row.ari == pytest.approx(adjusted_rand_score(true, found))
        assert row.homogeneity == pytest.approx(homogeneity_score(true, found))
        assert row.completeness == pytest.approx(completeness_score(true, found))


def test_c_score_is_the_sum_of_scikit_learns_jaccard_scores(planted):
    scores, labels, near = planted
    for k in (2, 6, 20):
        true, found = near[10:], labels[k][10:]
        table = [[jaccard_score(true == i, found == j) for j in np.unique(found)] for i in range(6)]
        assert np.shape(table) == contingency_matrix(true, found).shape
        row = scores[scores["k"] == k].iloc[0]
        assert row["c_score"] == pytest.approx(np.sum(table))
        assert row["normalized_c_score"] == pytest.approx(np.sum(table) / (6 * k))
        assert row["convergence_difference"] == pytest.approx((min(6, k) - np.sum(table)) / (6 * k))
        best = (np.max(table, axis=1).mean() + np.max(table, axis=0).mean()) / 2
        assert row["best_match_jaccard"] == pytest.approx(best)


def test_the_published_difference_prefers_many_clusters_where_the_others_find_the_planted_six(planted):
    scores = planted[0].set_index("k")
    assert scores["convergence_difference"].idxmin() > 40
    for measure in ("ami", "ari", "best_match_jaccard", "silhouette"):
        assert scores[measure].idxmax() == 6
    for criterion in ("ami", "min_max", "silhouette"):
        assert select_clustering({"net": planted[0]}, criterion).k == 6
