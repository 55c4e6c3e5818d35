"""What images that were not learnt from say: recalls, and what too few of them leave unknown."""

import numpy as np

from nearlabel.production.bundle.fitting.judging import list_uncalibrated, score_labels, stand_for_groups


def test_scores_leave_out_what_has_no_label():
    found = score_labels(np.array(["a", "a", "b", ""]), np.array(["a", "b", "b", "a"]), np.ones(4), "these")
    assert found["balanced_accuracy"] == 0.75
    assert found["labels"] == {"a": {"images": 2, "recall": 0.5}, "b": {"images": 1, "recall": 1.0}}


def test_recalls_count_images_as_what_they_stand_for():
    found = score_labels(np.array(["a", "a", "a", "b"]), np.array(["a", "b", "b", "b"]), np.array([1, 9, 0, 1]), "")
    assert found["labels"] == {"a": {"images": 2, "recall": 0.1}, "b": {"images": 1, "recall": 1.0}}


def test_of_a_group_one_image_stands_for_all_and_the_heaviest_first():
    sha256 = np.array(["a", "b", "c", "d", "e"], dtype=object)
    group = np.array(["a", "a", "c", "c", "e"], dtype=object)
    weights = np.array([1.0, 5, 2, 2, 0])
    assert stand_for_groups(np.arange(5), weights, group, sha256).tolist() == [False, True, True, False, False]
    assert stand_for_groups(np.arange(5), np.ones(5), group, sha256).tolist() == [True, False, True, False, True]


def test_labels_with_too_few_held_out_images_are_said():
    held_out = {"good": np.zeros(9), "rare": np.zeros(8)}
    [sentence] = list_uncalibrated(["good", "rare", "learnt whole"], held_out, 0.9, {})
    assert sentence == (
        "'rare' has 8 held-out images, near-duplicates counted once; a coverage of 0.9 takes 9: every set of labels "
        "holds it"
    )
    assert list_uncalibrated(["good", "rare"], held_out, 0.8, {}) == []


def test_many_images_that_a_strategy_chose_may_be_too_few():
    held_out, weights = {"good": np.zeros(60), "dent": np.zeros(60)}, {"good": np.full(60, 9.0), "dent": np.ones(60)}
    [sentence] = list_uncalibrated(["good", "dent"], held_out, 0.9, weights)
    assert sentence.startswith("'dent' has 60 held-out images")
    assert "a coverage of 0.9 takes 9 that were drawn at random" in sentence
