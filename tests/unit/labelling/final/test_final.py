import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from helpers.labelling import Person, parts
from helpers.learning_networks import SETTINGS, small_classifier, stored_images
from nearlabel.labelling.curve import draw_curve, weighted_scores
from nearlabel.labelling.final.doubts import list_doubts, neighbour_disagreement
from nearlabel.labelling.final.saved import load_model, save_model
from nearlabel.labelling.final.threshold import choose_threshold
from nearlabel.labelling.learner import Learner
from nearlabel.labelling.rounds.weights import represent
from nearlabel.learning.network.model import build_classifier

SCORES = np.array([0.9, 0.8, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1])
LABELS = np.array([1, 1, 0, 1, 0, 1, 0, 0])


def test_threshold_for_a_recall_is_the_highest_that_reaches_it():
    curve = draw_curve(SCORES, LABELS, np.ones(8))
    found = choose_threshold(curve, "recall", 0.75)
    assert found == {"threshold": 0.6, "reached": True, "recall": 0.75, "precision": 0.75, "false_alarms": 0.25}
    assert choose_threshold(curve, "recall", 0.76)["threshold"] == 0.3


def test_threshold_for_a_precision_is_the_lowest_that_reaches_it():
    curve = draw_curve(SCORES, LABELS, np.ones(8))
    assert choose_threshold(curve, "precision", 0.75)["threshold"] == 0.6
    assert choose_threshold(curve, "precision", 0.66)["threshold"] == 0.3
    never = choose_threshold(draw_curve(1 - SCORES, LABELS, np.ones(8)), "precision", 0.9)
    assert not never["reached"] and never["precision"] < 0.9


def test_weights_count_images_of_the_whole_data_set():
    weights = np.array([1, 1, 10, 1, 10, 1, 10, 10.0])
    found = choose_threshold(draw_curve(SCORES, LABELS, weights), "recall", 0.75)
    assert found["precision"] == pytest.approx(3 / 13) and found["false_alarms"] == pytest.approx(10 / 40)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1), st.sampled_from([0.5, 1.0, 7.0])), min_size=4, max_size=30)
)
def test_scores_are_scikit_learns(rows):
    scores, labels, weights = (np.array(column, float) for column in zip(*rows, strict=True))
    if len(np.unique(labels)) < 2:
        labels[:2] = 0, 1
    auc, ap = weighted_scores(draw_curve(scores / 6, labels.astype(int), weights))
    assert auc == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights), abs=1e-9)
    assert ap == pytest.approx(average_precision_score(labels, scores, sample_weight=weights), abs=1e-9)


def test_weights_are_unbiased_whatever_the_strategy_chose():
    """The strategy proposes defects first: labelled images are nothing like the rest."""
    images, totals = parts(40, 300), []
    for seed in range(150):
        someone = Person(images, sorted(images), seed=seed)
        for _ in range(6):
            someone.answer(someone.plan().images("audit", "strategy"))
        ids = list(someone.defective)
        found = represent(ids, someone.defective, someone.rounds, list(images))
        assert found.drawn.sum() == 12
        assert found.weights.sum() == pytest.approx(300)
        totals.append(found.weights @ [someone.defective[image] for image in ids])
    assert np.mean(totals) == pytest.approx(40, abs=3 * np.std(totals) / np.sqrt(150))
    chosen = [image for one in someone.rounds for image in one.images("strategy") if image in someone.defective]
    assert sum(someone.defective[image] for image in chosen) / len(chosen) > 0.6


def test_without_a_draw_every_label_counts_as_itself():
    found = represent(["a", "b"], {"a": 1, "b": 0}, [], ["a", "b", "c"])
    assert found.weights.tolist() == [1, 1] and not found.drawn.any()


def test_a_planted_wrong_label_is_the_most_doubtful():
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal([5, 0, 0], 0.3, (30, 3)), rng.normal([0, 5, 0], 0.3, (30, 3))])
    labels = np.repeat([0, 1], 30)
    labels[7] = 1
    ids = np.array([f"{i:02d}" for i in range(60)], dtype=object)
    doubts = list_doubts(ids, labels.astype(str).astype(object), labels, np.full(60, np.nan), features, np.arange(60))
    assert list(doubts["image_id"]) == ["07"] and doubts.loc[0, "disagreement"] == 1
    assert int(doubts.loc[0, "neighbour"]) < 30


def test_near_duplicates_do_not_vouch_for_each_other():
    features = np.concatenate([np.tile([[1.0, 0.0]], (6, 1)), np.tile([[1.0, 0.01]], (6, 1)), [[0.0, 1.0]]])
    labels = np.array([1] * 6 + [0] * 6 + [0])
    apart, _ = neighbour_disagreement(features, labels, np.arange(13), 5)
    together, nearest = neighbour_disagreement(features, labels, np.array([0] * 6 + list(range(1, 8))), 5)
    assert apart[0] == 0 and together[0] == 1 and 6 <= nearest[0] < 12
    alone, none = neighbour_disagreement(np.eye(2), np.array([0, 1]), np.zeros(2, int))
    assert alone.tolist() == [0, 0] and none.tolist() == [-1, -1]


NETWORK = {"name": "resnet18", "weights": "seeded", "geometry": "squash", "image_size": 32, "threads": 1}


def test_a_saved_network_gives_the_same_probabilities_and_bytes(tmp_path):
    classifier = build_classifier(NETWORK, fine_tune="head", seed=3, weights_seed=5, device="cpu")
    classifier.head.weight.data += 0.5
    facts = {"network": NETWORK, "fine_tune": "head", "weights_seed": 5, "threshold": 0.3, "labels": ["good", "ö"]}
    save_model(tmp_path / "model.pt", classifier, facts)
    save_model(tmp_path / "again.pt", classifier, facts)
    assert (tmp_path / "model.pt").read_bytes() == (tmp_path / "again.pt").read_bytes()
    loaded = load_model(tmp_path / "model.pt", device="cpu")
    assert loaded.threshold == 0.3 and loaded.facts["labels"] == ["good", "ö"]
    for name, values in classifier.trained.state_dict().items():
        assert (loaded.classifier.trained.state_dict()[name] == values).all(), name
    # Other published weights below the trained head.
    other = build_classifier(NETWORK, fine_tune="head", seed=3, weights_seed=6, device="cpu")
    save_model(tmp_path / "other.pt", other, facts)
    with pytest.raises(ValueError, match="name the same weights"):
        load_model(tmp_path / "other.pt", device="cpu")


@pytest.mark.parametrize("damage", [b"", b"cut", None])
def test_a_damaged_model_is_refused(tmp_path, damage):
    path = tmp_path / "model.pt"
    classifier = build_classifier(NETWORK, fine_tune="head", seed=3, weights_seed=5, device="cpu")
    save_model(path, classifier, {"network": NETWORK, "fine_tune": "head", "weights_seed": 5, "threshold": 0.3})
    path.write_bytes(path.read_bytes()[:-200] if damage is None else damage)
    with pytest.raises(ValueError, match="not a whole model"):
        load_model(path)
    with pytest.raises(FileNotFoundError, match="no such model"):
        load_model(tmp_path / "none.pt")


def learner(known, images=None, seed=0):
    images = stored_images(60)[0] if images is None else images
    return Learner(small_classifier(), images, known, SETTINGS | {"epochs": 12}, seed=seed)


def test_cross_validation_judges_every_labelled_image_by_a_network_without_it():
    images, labels = stored_images(60)
    known = np.where(np.arange(60) < 40, labels, -1)
    # Near-duplicates with contradicting labels: a network that had seen one would know the other.
    found = learner(known, images).cross_validate(np.arange(60), 4)
    assert np.isnan(found[40:]).all() and not np.isnan(found[:40]).any()
    assert roc_auc_score(labels[:40], found[:40]) > 0.8
    assert (learner(known, images).cross_validate(np.arange(60), 4)[:40] == found[:40]).all()
    # One group of each class: nobody can be judged.
    assert np.isnan(learner(known, images).cross_validate(labels, 4)).all()


def test_training_depends_on_labels_alone():
    images, labels = stored_images(60)
    known = np.where(np.arange(60) < 30, labels, -1)
    one, other = learner(known, images), learner(known, images)
    one.train()
    first = one.probabilities(np.arange(60))
    other.cross_validate(np.arange(60), 3)
    other.train()
    assert (other.probabilities(np.arange(60)) == first).all()
    assert roc_auc_score(labels[30:], first[30:]) > 0.8
