import numpy as np
import pandas as pd
import pytest

from nearlabel.grouping.clustering.labels import LabelBlock
from nearlabel.grouping.scores.agreement import LABEL_COLUMNS, evaluate_c_score
from nearlabel.grouping.scores.cscore import permutation_null
from nearlabel.seeds import derive_seed

NULL = {"permutations": 200, "seed": 4}


def block_and_quality():
    ids = np.array(["x", "y", "z", "w"], dtype=object)
    block = LabelBlock("kmeans", {2: np.array([0, 0, 1, 1]), 3: np.array([0, 0, 1, 2])}, {2: [], 3: []}, [], ids, {})
    quality = pd.DataFrame(
        {"algorithm": "kmeans", "k": [2, 3], "entropy": [1.0, 1.5], "silhouette": [0.5, 0.25], "smallest": [2, 1],
         "largest": [2, 2], "flags": ["", "degenerate"]}
    )  # fmt: skip
    return {"kmeans": block}, quality


def test_scores_join_quality_with_every_label_column():
    labels, quality = block_and_quality()
    near_labels = pd.DataFrame({"image_id": ["other", "w", "z", "y", "x"], "near_label": ["b", "b", "b", "a", "a"]})
    scores, null = evaluate_c_score(quality, labels, near_labels, **NULL)
    assert scores.columns.tolist() == [*quality.columns, *LABEL_COLUMNS]
    pd.testing.assert_frame_equal(scores[quality.columns], quality)
    assert scores["c_score"].tolist() == [2, 2]
    assert scores["convergence_difference"].tolist() == [0, 0]
    assert scores["homogeneity"].tolist() == pytest.approx([1, 1])
    assert scores["completeness"].tolist() == pytest.approx([1, 2 / 3])
    # Four images in pairs: of 6 equally likely tables, 2 are pure and 4 have C = 4/3.
    assert scores["null_ratio"].tolist() == [0, 0]
    assert scores.loc[0, "null_p"] == pytest.approx(1 / 3, abs=0.1)
    assert null["algorithm"].tolist() == ["kmeans", "kmeans"]
    assert null.columns.tolist() == ["algorithm", "k", "mean", "low", "high"]
    assert null.loc[0, ["low", "high"]].tolist() == pytest.approx([0, 1 / 6])
    assert null.loc[0, "mean"] == pytest.approx(2 / 3 * 1 / 6, abs=0.02)
    assert scores.loc[0, ["ami", "ari", "best_match_jaccard"]].tolist() == [1, 1, 1]


def test_scores_without_near_labels_have_empty_columns(caplog):
    labels, quality = block_and_quality()
    near_labels = pd.DataFrame({"image_id": ["x", "y", "z", "w"], "near_label": ""})
    scores, null = evaluate_c_score(quality, labels, near_labels, **NULL)
    assert scores[LABEL_COLUMNS].isna().all(axis=None)
    assert all(dtype.kind == "f" for dtype in scores[LABEL_COLUMNS].dtypes)
    assert scores["silhouette"].tolist() == [0.5, 0.25]
    assert null[["mean", "low", "high"]].isna().all(axis=None)
    assert null["k"].tolist() == [2, 3]
    assert "none of the 4 images" in caplog.text


def test_missing_lines_and_clusterings_are_named():
    labels, quality = block_and_quality()
    with pytest.raises(ValueError, match="lack 1 clustered images, first 'w'"):
        evaluate_c_score(quality, labels, pd.DataFrame({"image_id": ["x", "y", "z"], "near_label": "a"}), **NULL)
    with pytest.raises(ValueError, match="name 'x' twice"):
        evaluate_c_score(quality, labels, pd.DataFrame({"image_id": ["x", "x"], "near_label": "a"}), **NULL)
    with pytest.raises(ValueError, match="no labels of kmeans for k = 4"):
        near_labels = pd.DataFrame({"image_id": ["x", "y", "z", "w"], "near_label": "a"})
        evaluate_c_score(quality.assign(k=4), labels, near_labels, **NULL)


def test_only_labelled_images_count_and_the_log_says_so(caplog):
    labels, quality = block_and_quality()
    near_labels = pd.DataFrame({"image_id": ["x", "y", "z", "w"], "near_label": ["a", "b", "a", ""]})
    with caplog.at_level("INFO"):
        scores, null = evaluate_c_score(quality, labels, near_labels, **NULL)
    assert "the 3 of 4 images that have a near-label" in caplog.text
    assert caplog.text.count("C-Scores over") == 1
    # a: x z, b: y; clusters x y | z
    assert scores.loc[0, "c_score"] == pytest.approx(1 / 3 + 1 / 2 + 1 / 2)
    expected = permutation_null(["a", "b", "a"], [0, 0, 1], 200, derive_seed(4, "kmeans/2"))
    assert scores.loc[0, "null_ratio"] == expected.ratio
    assert scores.loc[0, "null_p"] == expected.p_value
    assert null.loc[0, ["mean", "low", "high"]].tolist() == [expected.mean, expected.low, expected.high]


def test_a_row_does_not_depend_on_the_others():
    labels, quality = block_and_quality()
    rng = np.random.default_rng(0)
    ids = np.array([f"{i}" for i in range(60)], dtype=object)
    names = ("kmeans", "other")
    labels = {name: LabelBlock(name, {k: rng.integers(0, k, 60) for k in (2, 5)}, {}, [], ids, {}) for name in names}
    quality = pd.DataFrame([(name, k) for name in names for k in (2, 5)], columns=["algorithm", "k"])
    near_labels = pd.DataFrame({"image_id": ids, "near_label": rng.choice(["a", "b"], 60)})
    scores, null = evaluate_c_score(quality, labels, near_labels, **NULL)
    some = quality.iloc[[3]]
    alone, its_null = evaluate_c_score(some, {"other": labels["other"]}, near_labels, **NULL)
    pd.testing.assert_frame_equal(alone, scores.iloc[[3]])
    pd.testing.assert_frame_equal(its_null, null.iloc[[3]])


def test_no_clusterings_make_empty_tables():
    labels, quality = block_and_quality()
    near_labels = pd.DataFrame({"image_id": ["x", "y", "z", "w"], "near_label": "a"})
    scores, null = evaluate_c_score(quality.iloc[:0], labels, near_labels, **NULL)
    assert scores.columns.tolist() == [*quality.columns, *LABEL_COLUMNS]
    assert null.columns.tolist() == ["algorithm", "k", "mean", "low", "high"]
    assert len(scores) == len(null) == 0
