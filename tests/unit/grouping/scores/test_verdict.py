import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from nearlabel.files import write_csv, write_json
from nearlabel.grouping.clustering.labels import Sweep, write_labels
from nearlabel.grouping.reduction.reduced import Reduction, write_reduced
from nearlabel.grouping.scores.verdict import judge_clusterings, judge_node

PERMUTATIONS = 200


def planted(share, n=300, classes=3, seed=0):
    """Near-labels, and clusters that are the near-labels for a share of the images and random elsewhere."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    return labels, np.where(rng.random(n) < share, labels, rng.integers(0, classes, n))


def test_planted_groups_are_better_than_chance_and_the_numbers_are_known():
    labels, clusters = planted(0.5)
    verdict = judge_clusterings(labels, [clusters], 0, PERMUTATIONS, 0)
    assert verdict.p_value == 1 / 201
    assert 0.1 < verdict.ami < 0.3
    assert verdict.null_mean == pytest.approx(0, abs=0.005)
    assert verdict.null_mean < verdict.null_high < verdict.ami
    assert (verdict.candidates, verdict.permutations, verdict.labelled) == (1, 200, 300)
    assert judge_clusterings(labels, [labels + 7], 0, PERMUTATIONS, 0).ami == pytest.approx(1)


def test_a_small_pure_group_among_many_images_is_seen():
    """The convergence difference has no power at two clusters; this is the case that its banner got wrong."""
    labels = np.repeat([0, 1], [376, 524])
    clusters = np.concatenate([np.repeat([0, 1], [298, 78]), np.repeat([0, 1], [341, 183])])
    verdict = judge_clusterings(labels, [clusters], 0, PERMUTATIONS, 0)
    assert verdict.p_value == 1 / 201
    assert 0 < verdict.ami < 0.05


def random_choices(runs, candidates, pick):
    """P-values, by the null of all candidates and by the chosen one's own, where there is nothing to find."""
    found = []
    for run in range(runs):
        rng = np.random.default_rng(run)
        labels = rng.integers(0, 3, 60)
        clusterings = [rng.integers(0, 2 + i % 6, 60) for i in range(candidates)]
        chosen = pick(labels, clusterings)
        alone = judge_clusterings(labels, [clusterings[chosen]], 0, 99, run).p_value
        found.append((judge_clusterings(labels, clusterings, chosen, 99, run).p_value, alone))
    return np.array(found).T


def best(labels, clusterings):
    return int(np.argmax([adjusted_mutual_info_score(labels, own) for own in clusterings]))


def test_p_is_uniform_where_nothing_was_looked_at_and_there_is_nothing():
    found, alone = random_choices(200, 1, lambda *_: 0)
    assert found.tolist() == alone.tolist()
    for level in (0.05, 0.25, 0.5, 0.75):
        assert np.mean(found <= level) == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / 200))


def test_p_counts_that_the_best_of_many_was_taken():
    found, alone = random_choices(100, 12, best)
    for level in (0.05, 0.25, 0.5):
        assert np.mean(found <= level) == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / 100))
    # By their own null alone, the same choices are called better than chance far too often.
    assert np.mean(alone <= 0.05) > 0.3


def test_a_clustering_given_many_times_counts_once():
    labels, clusters = planted(0.1, n=80)
    alone = judge_clusterings(labels, [clusters], 0, PERMUTATIONS, 5)
    many = judge_clusterings(labels, [clusters] * 30, 17, PERMUTATIONS, 5)
    assert many.p_value == alone.p_value
    assert many.candidates == 30


def test_images_without_near_label_are_left_out():
    labels, clusters = planted(0.5)
    some = [str(label) if i % 3 else "" for i, label in enumerate(labels)]
    kept = np.arange(300) % 3 > 0
    found = judge_clusterings(some, [clusters], 0, PERMUTATIONS, 1)
    assert found == judge_clusterings(labels[kept], [clusters[kept]], 0, PERMUTATIONS, 1)
    assert found.labelled == 200


@pytest.mark.parametrize(("labels", "labelled"), [(["", "", "", ""], 0), (["a", "a", "", "a"], 3)])
def test_without_two_near_labels_there_is_nothing_to_judge(labels, labelled):
    verdict = judge_clusterings(labels, [[0, 0, 1, 1]], 0, PERMUTATIONS, 0)
    assert verdict[:2] == (None, None)
    assert (verdict.null_mean, verdict.null_high, verdict.labelled) == (None, None, labelled)


@pytest.mark.parametrize("clusters", [np.zeros(50, dtype=int), np.arange(50)])
def test_sizes_that_leave_chance_nothing_to_vary_are_no_evidence(clusters):
    verdict = judge_clusterings(np.arange(50) % 2, [clusters], 0, PERMUTATIONS, 0)
    assert (verdict.ami, verdict.p_value) == (0, 1)


def test_bad_arguments():
    with pytest.raises(ValueError, match="4 near-labels and 3 clusters"):
        judge_clusterings(["a", "b", "a", "b"], [[0, 1, 0]], 0, PERMUTATIONS, 0)
    with pytest.raises(ValueError, match="permutations is 0"):
        judge_clusterings(["a", "b"], [[0, 1]], 0, 0, 0)


def make_node(folder, criterion, encoder="texture", k=3):
    """Two encoders, one algorithm, k 2 and 3; the near-labels are the texture encoder's k = 3."""
    ids = [f"{i:03d}.png" for i in range(90)]
    labels, _ = planted(0, n=90)
    rng = np.random.default_rng(1)
    node = folder / "tiles/grouping/root"
    reduced, files = [], []
    for name in ("texture", "resnet18"):
        place = node / ("winner" if name == "resnet18" else name)
        found = {2: rng.integers(0, 2, 90), 3: labels if name == "texture" else rng.integers(0, 3, 90)}
        file = place / "labels/kmeans/k002-003.h5"
        write_labels(file, ids, Sweep(found, {2: [], 3: []}, [], {}), "kmeans")
        reduction = Reduction(np.zeros((90, 1)), "none", 1, np.array([]), False)
        write_reduced(place / "reduced.h5", reduction, ids, name)
        reduced.append(place / "reduced.h5")
        files.append(file)
    chosen = {"encoder": encoder, "algorithm": "kmeans", "k": k, "criterion": criterion}
    write_json(node / "selection.json", chosen | {"k_range": [2, 3], "excluded": [], "note": None})
    # Other order, one image more.
    near = pd.DataFrame({"image_id": [*ids, "more.png"], "near_label": [*(f"n{i}" for i in labels), "n0"]})[::-1]
    write_csv(folder / "tiles/near_labels.csv", near)
    return reduced, files, node / "selection.json", folder / "tiles/near_labels.csv"


@pytest.mark.parametrize(
    ("criterion", "candidates"),
    [("min_max", 1), ("silhouette", 1), ("ami", 4), ("convergence_difference", 4), ("chosen", 4)],
)
def test_a_choice_is_held_against_what_it_looked_at(tmp_path, criterion, candidates):
    verdict = judge_node(*make_node(tmp_path, criterion), permutations=PERMUTATIONS, seed=0)
    assert verdict.candidates == candidates
    assert (verdict.ami, verdict.p_value) == (pytest.approx(1), 1 / 201)
    json.dumps(verdict._asdict())


def test_the_clustering_judged_is_the_selected_one(tmp_path):
    verdict = judge_node(*make_node(tmp_path, "chosen", "resnet18", 2), permutations=PERMUTATIONS, seed=0)
    assert verdict.ami < 0.05 and verdict.p_value > 0.05


def test_a_selection_of_other_labels_is_refused(tmp_path):
    with pytest.raises(ValueError, match="texture, kmeans, k = 4, which the label files do not hold"):
        judge_node(*make_node(tmp_path, "ami", k=4), permutations=PERMUTATIONS, seed=0)
