"""What gives labels: the model chosen, a network's two labels, scores, and what too few images leave unknown."""

import json

import numpy as np
import pytest

from nearlabel.production.bundle.fitting.labels import choose_model, list_uncalibrated, network_labels, score_labels


@pytest.mark.parametrize(
    ("models", "chosen", "expected"),
    [
        ([{"id": "tree", "name": "decision_tree"}, {"id": "svm", "name": "svm"}], "tree", "decision_tree"),
        ([{"id": "mlp", "name": "mlp"}], None, "mlp"),
        ([{"id": "near", "name": "nearest_centre"}, {"id": "mlp", "name": "mlp"}], "near", "svm"),
        ([{"id": "near", "name": "nearest_centre"}, {"id": "mlp", "name": "mlp"}], None, "mlp"),
        ([], None, "svm"),
    ],
)
def test_a_detector_gives_no_labels(tmp_path, models, chosen, expected):
    summary = chosen and tmp_path / "summary.json"
    if summary:
        summary.write_text(json.dumps({"chosen": chosen}))
    assert choose_model(models, summary)["name"] == expected


def test_a_network_has_two_labels():
    assert network_labels({"labels": ["good", "scratch"], "good": "good"}) == ["good", "scratch"]
    assert network_labels({"labels": ["scratch", "dent", "good"], "good": "good"}) == ["good", "defective"]


def test_scores_leave_out_what_has_no_label():
    found = score_labels(np.array(["a", "a", "b", ""]), np.array(["a", "b", "b", "a"]), "these")
    assert found["balanced_accuracy"] == 0.75
    assert found["labels"] == {"a": {"images": 2, "recall": 0.5}, "b": {"images": 1, "recall": 1.0}}


def test_labels_with_too_few_held_out_images_are_said():
    held_out = {"good": np.zeros(9), "rare": np.zeros(8)}
    [sentence] = list_uncalibrated(["good", "rare", "learnt whole"], held_out, 0.9)
    assert sentence == (
        "'rare' has 8 held-out images, near-duplicates counted once; a coverage of 0.9 takes 9: every set of labels "
        "holds it"
    )
    assert list_uncalibrated(["good", "rare"], held_out, 0.8) == []
