"""What gives labels: the model chosen, and a network, judged by images that were drawn and by others."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from nearlabel.production.bundle.fitting.labels import UNDRAWN, choose_model, give_by_network, network_labels
from nearlabel.production.labeller.labels import network_scores
from nearlabel.production.novelty.sets import class_p_values, label_sets, nonconformity


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


KINDS = np.array(["good"] * 4700 + ["plain"] * 200 + ["faint"] * 100)


def say(rng):
    """What a network without an image says of each: of faint defects too little."""
    middle, spread = np.select([KINDS == "good", KINDS == "plain"], [0.1, 0.9], 0.3), np.full(len(KINDS), 0.06)
    return np.clip(rng.normal(middle, spread), 0, 1)


def judge(folder, said, weights, group=None):
    """The network as it is taken over, where it was judged on the images that have a weight, 0 among them."""
    torch.save({"facts": json.dumps({"labels": ["good", "dent"], "good": "good", "threshold": 0.5})}, folder / "m.pt")
    known = ~np.isnan(weights)
    ids = [f"{number:04d}" for number in range(len(said))]
    table = pd.DataFrame({"image_id": ids, "weight": np.nan_to_num(weights)})
    table["defective"] = np.where(known, (KINDS != "good").astype(int).astype(str), "")
    table["judged_without"] = np.where(known, said.astype(str), "")
    table.to_csv(folder / "p.csv", index=False)
    group = np.array(ids, dtype=object) if group is None else group
    found = SimpleNamespace(count=len(ids), table=table.assign(sha256=ids), held=SimpleNamespace(group=group))
    return give_by_network(found, folder / "m.pt", folder / "p.csv")


def draw(rng, size=400):
    """Weights where a strategy has found the plain defects, and some of what is left were drawn at random."""
    chosen = np.concatenate([np.arange(300), np.flatnonzero(KINDS == "plain")])
    left = np.setdiff1d(np.arange(len(KINDS)), chosen)
    weights = np.full(len(KINDS), np.nan)
    weights[chosen] = 1
    weights[rng.choice(left, size, replace=False)] = len(left) / size
    return weights


def test_a_network_is_judged_by_what_its_images_stand_for(tmp_path):
    defects, recalls, covered = KINDS != "good", [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        given = judge(tmp_path, say(rng), draw(rng))
        recalls.append(given.scores["labels"]["dent"]["recall"])
        strange = nonconformity(network_scores(say(rng), 0.5))
        inside = label_sets(class_p_values(strange, given.labels, given.nonconformity, given.stand_for), 0.9)
        covered.append([inside[~defects, 0].mean(), inside[defects, 1].mean()])
    # Of the defects two thirds are plain; of those that were labelled nearly all.
    assert np.mean(recalls) == pytest.approx(2 / 3, abs=0.06) and given.notes == []
    assert (np.mean(covered, axis=0) > 0.88).all()
    assert given.scores["balanced_accuracy"] == pytest.approx((recalls[-1] + 1) / 2, abs=0.01)


def test_what_stands_for_nothing_changes_nothing(tmp_path):
    rng = np.random.default_rng(0)
    said, weights = say(rng), draw(rng)
    without = judge(tmp_path, said, weights)
    more = weights.copy()
    more[rng.choice(np.flatnonzero(np.isnan(weights)), 500, replace=False)] = 0
    given = judge(tmp_path, said, more)
    assert given.scores == without.scores and len(given.rows) == len(without.rows) + 500
    for label in given.labels:
        np.testing.assert_array_equal(given.nonconformity[label], without.nonconformity[label])
        np.testing.assert_array_equal(given.stand_for[label], without.stand_for[label])


def test_of_near_duplicates_the_one_that_stands_for_the_most_counts(tmp_path):
    rng = np.random.default_rng(0)
    said, weights = say(rng), draw(rng)
    drawn, chosen = np.flatnonzero(weights > 1)[-1], np.flatnonzero(KINDS == "plain")[0]
    group = np.array([f"{number:04d}" for number in range(len(KINDS))], dtype=object)
    group[drawn] = group[chosen]
    alone, joined = judge(tmp_path, said, weights), judge(tmp_path, said, weights, group)
    lost = sum(map(np.sum, alone.stand_for.values())) - sum(map(np.sum, joined.stand_for.values()))
    assert lost == pytest.approx(1)


def test_without_a_draw_all_count_alike_and_nothing_is_promised(tmp_path):
    weights = draw(np.random.default_rng(0))
    said = say(np.random.default_rng(1))
    given = judge(tmp_path, said, np.where(np.isnan(weights), np.nan, 1.0))
    assert given.notes == [UNDRAWN] and given.stand_for == {}
    known = ~np.isnan(weights) & (KINDS != "good")
    assert given.scores["labels"]["dent"] == {"images": known.sum(), "recall": (said[known] >= 0.5).mean()}
    # Where every image has a label, they are the data set.
    assert judge(tmp_path, said, np.ones(len(KINDS))).notes == []
