import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.files import write_csv
from nearlabel.grouping.scores.enrichment import ENRICHMENT_COLUMNS, cluster_evidence, enrich_clusters

NEAR = ["a", "a", "a", "b", "b", "", None, "b"]
CLUSTERS = [0, 0, 0, 0, 1, 1, 2, 1]


def stability_of(sizes):
    number = range(len(sizes))
    return pd.DataFrame(
        {"cluster": number, "size": sizes, "silhouette": [0.1 * n for n in number], "stability": 0.8, "bootstraps": 50}
    )


def test_by_hand():
    table = enrich_clusters(NEAR, CLUSTERS)
    assert table.columns.tolist() == ENRICHMENT_COLUMNS
    assert list(zip(table["cluster"], table["near_label"], strict=True)) == [(0, "a"), (0, "b"), (1, "a"), (1, "b")]
    assert table["count"].tolist() == [3, 1, 0, 2]
    assert table["size"].tolist() == [4, 4, 2, 2]
    assert table["share"].tolist() == [0.75, 0.25, 0, 1]
    assert table["expected"].tolist() == [2, 2, 1, 1]
    assert table["fold_enrichment"].tolist() == [1.5, 0.5, 0, 2]
    # Of 15 choices of 4 of 6 images, 3 hold all a's; 1 at least of 3 b's in any; of 15 pairs 3 are both b.
    assert table["p_value"].tolist() == pytest.approx([0.2, 1, 1, 0.2])
    assert table["q_value"].tolist() == pytest.approx([0.4, 1, 1, 0.4])


labelled = st.lists(st.tuples(st.sampled_from(["a", "b", "c", ""]), st.integers(0, 4)), min_size=1, max_size=50)


@settings(max_examples=40, deadline=None)
@given(labelled)
def test_laws(pairs):
    near, clusters = zip(*pairs, strict=True)
    table = enrich_clusters(near, clusters)
    assert table["count"].sum() == sum(label != "" for label in near)
    assert table["expected"].sum() == pytest.approx(table["count"].sum())
    assert ((table["p_value"] > 0) & (table["p_value"] <= table["q_value"] + 1e-12) & (table["q_value"] <= 1)).all()
    assert np.allclose(table.groupby("cluster")["share"].sum(), 1)
    shuffled = enrich_clusters(near[::-1], clusters[::-1])
    pd.testing.assert_frame_equal(table, shuffled)


def test_strong_enrichment_stays_above_0():
    table = enrich_clusters(["a"] * 60 + ["b"] * 400, [0] * 60 + [1] * 400).set_index(["cluster", "near_label"])
    assert 0 < table.loc[(0, "a"), "p_value"] < 1e-70
    assert table.loc[(0, "b"), "p_value"] == 1


def test_evidence_takes_the_most_enriched_near_label_of_each_cluster(tmp_path):
    evidence = cluster_evidence(enrich_clusters(NEAR, CLUSTERS), stability_of([4, 3, 1]))
    of_the_label = ["near_label", "count", "share", "fold_enrichment", "p_value", "q_value"]
    assert evidence.columns.tolist() == ["cluster", "size", *of_the_label, "silhouette", "stability"]
    assert evidence["near_label"].tolist() == ["a", "b", ""]
    assert evidence["size"].tolist() == [4, 3, 1]
    assert evidence["share"].tolist()[:2] == [0.75, 1]
    assert evidence.loc[2, ["count", "share", "p_value"]].isna().all()
    assert evidence["silhouette"].tolist() == [0, 0.1, 0.2]
    write_csv(tmp_path / "clusters.csv", evidence)
    lines = (tmp_path / "clusters.csv").read_text().splitlines()
    assert lines[1].startswith('0,4,"a",3,0.75,1.5,')
    again = pd.read_csv(tmp_path / "clusters.csv", keep_default_na=False, na_values={"count": [""]})
    assert again["count"].tolist()[:2] == [3, 2]


def test_ties_go_to_the_larger_fold_then_the_name():
    table = pd.DataFrame(
        {"cluster": 0, "near_label": ["d", "c", "b", "a"], "count": 1, "size": 4, "share": 0.25, "expected": 1.0,
         "fold_enrichment": [2.0, 3.0, 3.0, 9.0], "p_value": [0.1, 0.1, 0.1, 0.2], "q_value": 0.2}
    )  # fmt: skip
    assert cluster_evidence(table, stability_of([4]))["near_label"].tolist() == ["b"]


@pytest.mark.parametrize("empty", ["", None, np.nan])
def test_without_near_labels_the_columns_are_empty(empty):
    table = enrich_clusters([empty] * 3, [0, 0, 1])
    assert table.columns.tolist() == ENRICHMENT_COLUMNS
    assert len(table) == 0
    evidence = cluster_evidence(table, stability_of([2, 1]))
    assert evidence["near_label"].tolist() == ["", ""]
    assert evidence[["count", "share", "fold_enrichment", "p_value", "q_value"]].isna().all(axis=None)
    assert evidence["stability"].tolist() == [0.8, 0.8]


def test_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="2 near-labels and 3 clusters"):
        enrich_clusters(["a", "b"], [0, 1, 1])
