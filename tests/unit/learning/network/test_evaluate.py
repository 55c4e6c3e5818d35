import numpy as np
import pytest
import torch

from helpers.learning_networks import SETTINGS, small_classifier, stored_images
from nearlabel.learning.network import evaluate as module
from nearlabel.learning.network.evaluate import Evaluator
from nearlabel.learning.network.fit import Trainer
from nearlabel.learning.network.model import build_classifier

IMAGES, LABELS = stored_images()
MAPS = {"target": "predicted", "size": None}
RESNET = {"name": "resnet18", "weights": "seeded", "geometry": "squash", "image_size": 64, "threads": 1}


def evaluator(classifier=None, batch_size=8):
    return Evaluator(classifier or small_classifier(), IMAGES, batch_size, MAPS)


@pytest.mark.parametrize("two_layers", [False, True])
def test_one_pass_gives_what_two_give(two_layers):
    """Pool and labelled images want maps, those that judge do not; rows do not depend on their neighbours."""
    rows = np.random.default_rng(0).permutation(60)
    together = evaluator(small_classifier(two_layers=two_layers)).evaluate(rows, maps=37)
    with_maps = evaluator(small_classifier(two_layers=two_layers)).evaluate(rows[:37], maps=True)
    without = evaluator(small_classifier(two_layers=two_layers)).evaluate(rows[37:])
    np.testing.assert_array_equal(together.maps[:37], with_maps.maps)
    for name in ("logits", "features"):
        both = np.concatenate([getattr(with_maps, name), getattr(without, name)])
        np.testing.assert_array_equal(getattr(together, name), both)
    assert without.maps is None


def test_what_is_fetched_together_changes_nothing(monkeypatch):
    whole = evaluator().evaluate(np.arange(60), maps=True)
    monkeypatch.setattr(module, "_FETCHED", 2)
    pieces = evaluator().evaluate(np.arange(60), maps=True)
    for (_, one, _), (_, other, _) in zip(whole.arrays(), pieces.arrays(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_maps_are_by_autograd_where_the_closed_form_fails_in_a_later_batch(monkeypatch):
    expected = evaluator().evaluate(np.arange(60), maps=True)
    made, seen = evaluator(), []
    begin = module.FeatureMaps.begin_maps

    def fails_in_the_third(self, images, *arguments, **named):
        begun = begin(self, images, *arguments, **named)
        seen.append(begun.exact is not None)
        return begun._replace(exact=torch.tensor(False)) if len(seen) == 3 else begun

    monkeypatch.setattr(module.FeatureMaps, "begin_maps", fails_in_the_third)
    found = made.evaluate(np.arange(60), maps=True)
    assert seen == [True] * 8 + [False] * 8 and made.features.closed_form is False
    np.testing.assert_allclose(found.maps, expected.maps, atol=1e-5)
    np.testing.assert_array_equal(found.logits, expected.logits)


def test_logits_that_are_not_finite_are_named_whichever_batch_they_are_in(monkeypatch):
    made = evaluator()
    begin = module.FeatureMaps.begin
    calls = []

    def last_is_wrong(self, images):
        calls.append(0)
        begun = begin(self, images)
        return begun._replace(finite=torch.tensor(len(calls) < 8))

    monkeypatch.setattr(module.FeatureMaps, "begin", last_is_wrong)
    with pytest.raises(ValueError, match="gives logits that are not finite"):
        made.evaluate(np.arange(60))


def test_bfloat16_is_near_float32_and_has_maps_in_closed_form():
    images = np.repeat(np.repeat(IMAGES, 3, 1), 3, 2)
    found = {}
    for precision in ("float32", "bfloat16"):
        network = RESNET | {"precision": precision}
        classifier = build_classifier(network, seed=1, weights_seed=2, device="cpu")
        assert classifier.describe()["precision"] == precision
        made = Evaluator(classifier, images, "auto", MAPS)
        assert made.batch_size == 32
        found[precision] = made.evaluate(np.arange(40), maps=True)
        assert made.features.closed_form
        assert all(values.dtype == np.float32 for _, values, _ in found[precision].arrays())
        Trainer(classifier, images, LABELS, SETTINGS).train(np.arange(24, 32), np.arange(24, 32), 0)
        assert all(one.dtype == torch.float32 for one in classifier.parameters())
    exact, coarse = found.values()
    assert 0 < np.abs(exact.features - coarse.features).max() / np.abs(exact.features).max() < 0.03
    with pytest.raises(ValueError, match="tf32 is one of CUDA devices"):
        build_classifier(RESNET | {"precision": "tf32"}, seed=1, weights_seed=2, device="cpu")


class Scaled(torch.nn.Module):
    """Between pooling and the last layer: features by up to one per cent more or less."""

    def forward(self, features):
        return features * torch.linspace(0.99, 1.01, features.shape[1])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_layer_that_scales_features_is_told_at_any_precision(precision):
    model = build_classifier(RESNET, seed=1, weights_seed=2, device="cpu").trained
    images = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert module.FeatureMaps(model, precision).forward(images).weight is not None
    model.fc = torch.nn.Sequential(Scaled(), model.fc)
    assert module.FeatureMaps(model, precision).forward(images).weight is None


def test_the_pass_of_images_whose_size_is_not_told_is_of_a_stated_size():
    frozen = np.zeros((4, 16, 2, 2), np.float32)
    assert Evaluator(small_classifier(), frozen, "auto", MAPS).batch_size == 32
