import numpy as np
import pytest
import torch

from helpers.learning_networks import SETTINGS, small_classifier, small_experiment, stored_images
from nearlabel.learning.network.fit import Trainer, build_augmentation, build_optimiser
from nearlabel.learning.simulation.retrain import retrain_cutoffs, train_fresh


def trainer(classifier=None, **changed):
    images, labels = stored_images()
    return Trainer(classifier or small_classifier(), images, labels, SETTINGS | changed)


def weights(classifier):
    return torch.cat([value.flatten().double() for value in classifier.trained.state_dict().values()])


def test_same_seed_same_bits_and_the_callers_random_numbers_stay():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    found = []
    for seed in (7, 7, 8):
        made = trainer()
        made.train(np.arange(24, 60), np.arange(24, 60), seed)
        found.append(weights(made.classifier))
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_order_of_the_rows_given_does_not_hide_in_the_result():
    # The seed draws the order; newest rows first or last, each is seen once an epoch.
    made = trainer(minibatch_size=36, epochs=1)
    made.train(np.arange(24, 60), np.arange(24, 60), 0)
    other = trainer(minibatch_size=36, epochs=1)
    other.train(np.arange(24, 60)[::-1], np.arange(24, 60), 0)
    assert torch.equal(weights(made.classifier), weights(other.classifier))


def test_class_weights():
    labelled = np.array([0, 1, 2, 4])  # one positive of four
    assert trainer()._class_weights(labelled).tolist() == [pytest.approx(4 / 6), 2.0]
    assert trainer()._class_weights(np.array([1, 2]))[0] == 0.5
    assert trainer(class_weights="none")._class_weights(labelled) is None


def test_early_stopping_keeps_the_best_epoch():
    made = trainer()
    scores, seen = iter([0.5, 0.9, 0.7, 0.9, 0.8, 1.0]), []

    def score():
        seen.append(weights(made.classifier))
        return next(scores)

    epochs, best = made.fit(np.arange(24, 60), 0, score=score, epochs=50, patience=3)
    assert (epochs, best) == (2, 0.9) and len(seen) == 5
    assert torch.equal(weights(made.classifier), seen[1])


def test_head_leaves_everything_else_alone():
    classifier = small_classifier(fine_tune="head")
    before = {name: value.clone() for name, value in classifier.trained.state_dict().items()}
    trainer(classifier).train(np.arange(24, 60), np.arange(24, 60), 0)
    changed = {name for name, value in classifier.trained.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"6.weight", "6.bias"}  # batch norm's statistics too are as they were
    classifier.restart()
    assert all(torch.equal(value, before[name]) for name, value in classifier.trained.state_dict().items())


def test_divergence_is_named():
    made = trainer(optimiser=SETTINGS["optimiser"] | {"learning_rate": 1e30, "name": "sgd"})
    with pytest.raises(ValueError, match=r"training diverged: the loss is not finite; lower learning\.optimiser"):
        made.train(np.arange(24, 60), np.arange(24, 60), 0)


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)]
)
def test_optimisers(name, kind):
    settings = {"name": name, "learning_rate": 0.02, "weight_decay": 0.1, "momentum": 0.5}
    made = build_optimiser(small_classifier().parameters(), settings)
    assert type(made) is kind and made.defaults["lr"] == 0.02 and made.defaults["weight_decay"] == 0.1
    assert made.defaults.get("momentum", 0.5) == 0.5


def test_augmentation():
    none = SETTINGS["augmentation"]
    assert build_augmentation(none) is None
    image = torch.arange(3 * 8 * 10, dtype=torch.uint8).reshape(3, 8, 10)
    assert torch.equal(build_augmentation(none | {"horizontal_flip": 1.0})(image), image.flip(2))
    assert torch.equal(build_augmentation(none | {"vertical_flip": 1.0})(image), image.flip(1))
    moved = build_augmentation(none | {"translate": 0.5, "brightness": 0.5, "contrast": 0.5})
    torch.manual_seed(0)
    one, two = moved(image), moved(image)
    assert one.shape == image.shape and one.dtype == torch.uint8 and not torch.equal(one, two)
    plain, flipped = trainer(), trainer(augmentation=none | {"horizontal_flip": 1.0})
    images = stored_images()[0][:4]
    batch = torch.from_numpy(images)
    assert torch.equal(flipped._inputs(batch), plain._inputs(batch).flip(3))


def test_fresh_models_at_the_cutoffs():
    import pandas as pd

    images, labels = stored_images()
    experiment = small_experiment(labels)
    ids = experiment.image_id[experiment.pool]
    queries = pd.DataFrame({"round": np.arange(36) // 6, "image_id": ids, "score": 0.0})
    cutoffs = {"best": {"round": 3}, "knee": None, "best_until_knee": {"round": 1}}
    classifier = small_classifier()
    found = retrain_cutoffs(experiment, classifier, images, queries, cutoffs, SETTINGS, fold_seed=5)
    assert list(found) == ["best", "knee", "best_until_knee"] and found["knee"] is None
    assert [found["best"]["n_labelled"], found["best_until_knee"]["n_labelled"]] == [24, 12]
    assert list(found["best"]) == ["n_labelled", "val_auc", "test_auc", "test_ap", "epochs"]
    # A fresh model: whatever was trained before, and in any order, the numbers are the same.
    rows = experiment.pool[:12]
    assert train_fresh(experiment, small_classifier(), images, rows, SETTINGS, fold_seed=5) == found["best_until_knee"]
    trained = []
    same_round = {name: {"round": 2} for name in cutoffs}
    step = Trainer.fit
    try:
        Trainer.fit = lambda self, rows, seed, **options: trained.append(len(rows)) or step(self, rows, seed, **options)
        again = retrain_cutoffs(experiment, classifier, images, queries, same_round, SETTINGS, fold_seed=5)
    finally:
        Trainer.fit = step
    assert trained == [18] and again["best"] == again["knee"]
