"""Near-labels that the nearest images contradict."""

import numpy as np
import pandas as pd

from nearlabel.grouping.maps.confident import find_label_issues, self_confidence, suggest_labels
from nearlabel.grouping.maps.suspects import SUSPECT_COLUMNS, find_suspects


def planted(wrong=(7,)):
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(0, 1, (30, 3)), rng.normal(9, 1, (30, 3))])
    labels = np.repeat(["good", "scratch"], 30).astype(object)
    labels[list(wrong)] = "scratch"
    ids = np.array([f"{i:02d}" for i in range(60)], dtype=object)
    return ids, features, pd.DataFrame({"image_id": ids, "near_label": labels})


def test_a_planted_wrong_label_comes_first():
    ids, features, near_labels = planted()
    found = find_suspects(ids, features, near_labels, np.arange(60))
    assert list(found.columns) == SUSPECT_COLUMNS and len(found) == 60
    first = found.iloc[0]
    assert first[["image_id", "near_label", "suggested"]].tolist() == ["07", "scratch", "good"]
    assert first["self_confidence"] == 0 and first["issue"] and int(first["nearest"]) < 30
    assert found["issue"].sum() == 1 and found["self_confidence"].is_monotonic_increasing
    assert (found.loc[found["near_label"] == found["suggested"], "nearest"] == "").all()


def test_near_duplicates_do_not_vouch_for_each_other():
    ids, features, near_labels = planted(wrong=range(12))
    features[:12] = features[0]
    alone = find_suspects(ids, features, near_labels, np.arange(60)).set_index("image_id")
    assert alone.loc["00", "self_confidence"] == 1
    together = find_suspects(ids, features, near_labels, np.minimum(np.arange(60), 60) * (np.arange(60) >= 12))
    assert together.set_index("image_id").loc["00", "self_confidence"] == 0
    assert set(together["image_id"][:12]) == {f"{i:02d}" for i in range(12)}


def test_images_without_near_label_are_not_asked():
    ids, features, near_labels = planted()
    near_labels.loc[8:20, "near_label"] = ""
    more = pd.concat([near_labels, pd.DataFrame({"image_id": ["elsewhere"], "near_label": ["third"]})])
    found = find_suspects(ids, features, more, np.arange(60))
    assert len(found) == 47 and not set(found["image_id"]) & {f"{i:02d}" for i in range(8, 21)}
    assert set(found["suggested"]) == {"good", "scratch"}


def test_one_near_label_or_none_cannot_be_doubted():
    ids, features, near_labels = planted()
    for only in ("good", ""):
        found = find_suspects(ids, features, near_labels.assign(near_label=only), np.arange(60))
        assert list(found.columns) == SUSPECT_COLUMNS and found.empty


def test_without_a_neighbour_nothing_is_said():
    near_labels = pd.DataFrame({"image_id": ["a", "b"], "near_label": ["x", "y"]})
    found = find_suspects(np.array(["a", "b"], dtype=object), np.eye(2), near_labels, np.zeros(2, int))
    assert found["self_confidence"].isna().all() and not found["issue"].any() and list(found["image_id"]) == ["a", "b"]
    assert list(found["suggested"]) == ["x", "y"] and list(found["nearest"]) == ["", ""]


def test_confident_learning_by_hand():
    labels = np.array([0, 0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.55, 0.45]])
    # Thresholds: class 0 has 0.6, class 1 has 0.625. The third is confidently of class 1, the last of none.
    assert find_label_issues(labels, probabilities).tolist() == [False, False, True, False, False]
    np.testing.assert_allclose(self_confidence(labels, probabilities), [0.9, 0.8, 0.1, 0.8, 0.45])
    assert suggest_labels(np.array([1, 0]), np.array([[0.5, 0.5], [0.5, 0.5]])).tolist() == [1, 0]
