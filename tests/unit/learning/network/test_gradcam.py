import logging

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import VisionTransformer, get_model

from nearlabel.learning.network.feature_maps import forward_pass
from nearlabel.learning.network.gradcam import FeatureMaps, activation_maps, closed_form_maps
from nearlabel.learning.network.map_scaling import scale_maps

# Name → side of the feature maps' channels.
LINEAR_HEADS = {
    "resnet18": 512,
    "densenet121": 1024,
    "efficientnet_b0": 1280,
    "googlenet": 1024,
    "inception_v3": 2048,
    "mnasnet0_5": 1280,
    "mobilenet_v2": 1280,
    "regnet_y_400mf": 440,
    "shufflenet_v2_x0_5": 1024,
    "swin_t": 768,
}
OTHER_HEADS = {"mobilenet_v3_small": (576, 1024), "squeezenet1_1": (10, 10), "alexnet": (256, 4096)}


class Pooled(nn.Module):
    """The images are the feature maps."""

    def __init__(self, weight, pool):
        super().__init__()
        self.pool = pool
        self.head = nn.Linear(len(weight[0]), len(weight))
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor(weight))

    def forward(self, images):
        return self.head(self.pool(images))


def small_network(*head, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), *(make() for make in head))


def averaged_linear():
    return small_network(lambda: nn.AdaptiveAvgPool2d(1), nn.Flatten, lambda: nn.Dropout(0.5), lambda: nn.Linear(6, 3))


def random_images(count=4, height=12, width=9, seed=0):
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def torchvision_network(name):
    quick = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return get_model(name, num_classes=10, **quick)


def by_autograd(model, images, target):
    """Return native maps of the model as if its head were any."""
    features = FeatureMaps(model)
    features.closed_form = False
    return features.evaluate(images, target)


POOLS = {
    "layer": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "function": lambda maps: functional.adaptive_avg_pool2d(input=maps, output_size=1).flatten(1),
    "kernel": lambda maps: functional.avg_pool2d(maps, (2, 3)).squeeze(-1).squeeze(-1),
    "mean": lambda maps: maps.mean([2, 3]),
    "kept": lambda maps: torch.mean(maps, (2, 3), keepdim=True).view(len(maps), -1),
}


@pytest.mark.parametrize("pool", POOLS)
def test_by_hand_however_pooling_is_written(pool):
    model = Pooled([[1.0, 2.0], [0.0, -1.0]], POOLS[pool])
    images = torch.tensor([[[[1.0, 2, 3], [0, 0, 6]], [[0.0, -1, 1], [1, 0, -6]]]])
    features = FeatureMaps(model)
    weighted = {0: [[1, 0, 5], [2, 0, 0]], 1: [[0, 1, 0], [0, 0, 6]]}
    for target, expected in weighted.items():
        found = features.evaluate(images, target, size=(2, 3))
        assert features.closed_form
        np.testing.assert_allclose(found.activations[0], np.array(expected) / 6, rtol=1e-6)
        np.testing.assert_allclose(found.pooled, [[2, -5 / 6]], rtol=1e-6)
    reference, found = by_autograd(model, images, 0), features.evaluate(images, 0)
    np.testing.assert_allclose(found.activations, reference.activations, atol=1e-6)


@pytest.mark.parametrize(("name", "channels"), LINEAR_HEADS.items())
def test_torchvision_networks_with_one_linear_layer(name, channels):
    model = torchvision_network(name)
    images = torch.randn(2, 3, 96, 130, generator=torch.Generator().manual_seed(1))
    features = FeatureMaps(model)
    seen = features.forward(images)
    assert features.closed_form
    assert seen.maps.shape[:2] == (2, channels)
    assert seen.maps.shape[2] * seen.maps.shape[3] > 1
    head = [layer for layer in model.modules() if isinstance(layer, nn.Linear)][-1]
    expected = head(seen.maps.mean(dim=(2, 3)))
    torch.testing.assert_close(seen.logits, expected, rtol=1e-4, atol=1e-5 * float(expected.detach().abs().max()))
    torch.testing.assert_close(seen.logits, head(seen.pooled))
    classes = np.array([3, 7])
    found, reference = features.evaluate(images, classes), by_autograd(model, images, classes)
    np.testing.assert_allclose(found.logits, seen.logits.numpy(), rtol=1e-5)
    # Rounding is of the terms of the sum over channels, which may nearly cancel.
    weight = head.weight.detach()[classes]
    terms = torch.einsum("nkhw,nk->nhw", seen.maps.abs(), weight.abs()).max() / seen.maps[0, 0].numel()
    np.testing.assert_allclose(found.activations, reference.activations, rtol=1e-5, atol=1e-6 * float(terms))


@pytest.mark.parametrize(("name", "dimensions"), OTHER_HEADS.items())
def test_other_heads_are_differentiated(name, dimensions, caplog):
    caplog.set_level(logging.INFO)
    model = torchvision_network(name)
    features = FeatureMaps(model)
    found = features.evaluate(torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(1)), "predicted")
    assert features.closed_form is False
    assert "by autograd, its head is not global average pooling and one linear layer" in caplog.text
    seen = features.forward(torch.zeros(1, 3, 96, 96))
    assert (seen.maps.shape[1], seen.pooled.shape[1]) == dimensions
    assert found.activations.shape[0] == 2
    assert found.activations.min() >= 0


def test_flattened_maps_and_a_pooled_grid():
    """The input of pooling to a fixed grid, which may be larger than the maps; else what is flattened."""
    grid = small_network(lambda: nn.AdaptiveAvgPool2d(4), nn.Flatten, lambda: nn.Linear(96, 3))
    assert forward_pass(grid, random_images(2, 5, 4)).maps.shape == (2, 6, 3, 2)
    flat = small_network(nn.Flatten, lambda: nn.Linear(6 * 15, 3))
    images = random_images(2, 5, 7)
    features = FeatureMaps(flat)
    found = features.evaluate(images, 1, size=(3, 5))
    assert features.closed_form is False
    maps = flat[:3].eval()(images).detach()
    weights = flat[4].weight[1].reshape(6, 15).mean(dim=1)
    expected = torch.einsum("nkhw,k->nhw", maps, weights).relu().detach()
    np.testing.assert_allclose(found.activations, expected, atol=1e-6)


class Neck(nn.Module):
    """Batch norm between pooling and the linear layer: no change before training, a change afterwards."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 6, 3)
        self.norm = nn.BatchNorm1d(6)
        self.head = nn.Linear(6, 3)

    def forward(self, images):
        return self.head(self.norm(self.convolution(images).mean([2, 3])))


def test_the_closed_form_is_checked_again_after_training():
    model, images = Neck(), random_images()
    features = FeatureMaps(model)
    features.evaluate(images, 0)
    assert features.closed_form
    with torch.no_grad():
        model.norm.weight.mul_(torch.tensor([1, -2, 1, 3, 1, 1]))
    found = features.evaluate(images, 0)
    assert features.closed_form is False
    weights = model.head.weight[0] * model.norm.weight
    expected = closed_form_maps(model.convolution(images), weights[None], torch.zeros(4, dtype=torch.int64))
    np.testing.assert_allclose(found.activations, expected.detach(), rtol=1e-4, atol=1e-6)


def test_two_linear_layers_are_differentiated():
    deep = small_network(lambda: nn.AdaptiveAvgPool2d(1), nn.Flatten, lambda: nn.Linear(6, 6), nn.ReLU,
                         lambda: nn.Linear(6, 3))  # fmt: skip
    features = FeatureMaps(deep)
    found = features.evaluate(random_images(), 2)
    assert features.closed_form is False
    maps = deep[:3].eval()(random_images()).detach().requires_grad_()
    deep[3:](maps)[:, 2].sum().backward()
    expected = (maps.grad.mean(dim=(2, 3), keepdim=True) * maps).sum(1).relu().detach()
    np.testing.assert_allclose(found.activations, expected, rtol=1e-4, atol=1e-7)


class Excited(nn.Module):
    """Channels are pooled and weighed by a linear layer (squeeze and excitation) before the head."""

    def __init__(self, head):
        super().__init__()
        self.excite = nn.Linear(6, 6)
        self.head = head

    def weigh(self, maps):
        return maps * self.excite(maps.mean([2, 3])).sigmoid()[:, :, None, None]

    def forward(self, maps):
        return self.head(self.weigh(maps))


def test_pooling_and_linear_layers_before_the_head_are_not_the_heads():
    maps = torch.randn(2, 6, 4, 5, generator=torch.Generator().manual_seed(0))
    linear = Excited(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 6)))
    seen = forward_pass(linear, maps)
    assert seen.weight is linear.head[2].weight
    assert torch.equal(seen.maps, linear.weigh(maps))
    convolution = Excited(nn.Sequential(nn.Conv2d(6, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    seen = forward_pass(convolution, maps)
    assert seen.weight is None
    assert seen.maps.shape == (2, 3, 4, 5)
    torch.testing.assert_close(seen.pooled, seen.logits)


def test_targets():
    features, images = (
        FeatureMaps(averaged_linear()),
        random_images() * torch.tensor([0.1, 1, 3, 9])[:, None, None, None],
    )
    each = np.stack([features.evaluate(images, target).activations for target in range(3)])
    found = features.evaluate(images, "predicted")
    predicted = found.logits.argmax(axis=1)
    assert len(set(predicted)) > 1
    np.testing.assert_array_equal(found.activations, each[predicted, np.arange(4)])
    for classes in ([2, 0, 1, 1], np.array([2, 0, 1, 1]), torch.tensor([2, 0, 1, 1])):
        np.testing.assert_array_equal(features.evaluate(images, classes).activations, each[[2, 0, 1, 1], np.arange(4)])
    np.testing.assert_array_equal(activation_maps(features.model, images.numpy(), np.int64(2)), each[2])


@pytest.mark.parametrize("target", [3, -1, [0, 1], "highest", 0.0, [0, 1, 2, 3], True])
def test_wrong_targets_are_named(target):
    with pytest.raises(ValueError, match=r"^target .* is not"):
        activation_maps(averaged_linear(), random_images(), target)


@pytest.mark.parametrize("closed_form", [True, False])
def test_a_pass_leaves_the_model_as_it_was(closed_form):
    model = averaged_linear().train()
    model[1].eval()
    if not closed_form:
        model.append(nn.Softplus())
    modes = [layer.training for layer in model.modules()]
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    features, images = FeatureMaps(model), random_images()
    first, second = features.evaluate(images, 0), features.evaluate(images, 0)
    assert features.closed_form is closed_form
    np.testing.assert_array_equal(first.activations, second.activations)
    assert [layer.training for layer in model.modules()] == modes
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not images.requires_grad
    assert torch.is_grad_enabled()
    seen = features.forward(images)
    assert not any(tensor.requires_grad for tensor in (seen.maps, seen.pooled, seen.logits))


def test_the_training_mode_returns_after_an_error():
    model = averaged_linear().train()
    with pytest.raises(RuntimeError):
        activation_maps(model, torch.zeros(1, 5, 9, 9), 0)
    assert all(layer.training for layer in model.modules())


def test_frozen_parameters_are_no_obstacle_for_autograd():
    model = averaged_linear().append(nn.Softplus())
    expected = activation_maps(model, random_images(), 1)
    np.testing.assert_array_equal(activation_maps(model.requires_grad_(False), random_images(), 1), expected)
    with torch.no_grad():
        np.testing.assert_array_equal(activation_maps(model, random_images(), 1), expected)


def test_sizes():
    features = FeatureMaps(averaged_linear())
    strip = random_images(height=5, width=30)
    assert features.evaluate(strip, 0).activations.shape == (4, 7, 28)
    assert features.evaluate(strip, 0, size=(3, 28)).activations.shape == (4, 3, 28)
    assert features.evaluate(strip, 0, size=(20, 20)).activations.shape == (4, 20, 20)
    line = torch.tensor([[[0.0, 4.0]]])
    np.testing.assert_allclose(scale_maps(line, size=(1, 4))[0], [[[0, 1, 3, 4]]])
    assert torch.equal(scale_maps(line, size=(1, 2))[0], line)
    for size in ((0, 3), (7,)):
        with pytest.raises(ValueError, match="give height and width"):
            scale_maps(line, size=size)


def test_normalised_maps_fill_zero_to_one():
    found = FeatureMaps(averaged_linear()).evaluate(random_images(), 0, normalise=True)
    np.testing.assert_allclose(found.activations.min(axis=(1, 2)), 0)
    np.testing.assert_allclose(found.activations.max(axis=(1, 2)), 1, atol=1e-5)


def test_degenerate_maps_are_flagged_and_become_zero(caplog):
    maps = torch.rand(5, 7, 7, generator=torch.Generator().manual_seed(0))
    maps[1] = 0
    maps[3] = 0.3
    maps[3, 2, 2] += 1e-7
    maps[4] *= 1e-8
    scaled, degenerate = scale_maps(maps, normalise=True)
    assert degenerate.tolist() == [False, True, False, True, False]
    assert scaled.amax(dim=(1, 2)) == pytest.approx([1, 0, 1, 0, 1], abs=1e-4)
    model = Pooled([[1.0, 1.0]], lambda maps: maps.mean([2, 3]))
    images = torch.tensor([1.0, -1, 2])[:, None, None, None] * torch.rand(3, 2, 7, 7)
    assert activation_maps(model, images, 0).max(axis=(1, 2))[1] == 0
    assert "1 of 3 activation maps are zero or constant" in caplog.text


def test_networks_that_have_no_maps_are_named():
    images = random_images(2, 3, 3)
    with pytest.raises(ValueError, match="have a single position"):
        activation_maps(averaged_linear(), images, 0)
    with pytest.raises(ValueError, match="Sequential gives no logits"):
        activation_maps(averaged_linear()[:3], images, 0)
    with pytest.raises(ValueError, match="no images"):
        activation_maps(averaged_linear(), images[:0], 0)
    with pytest.raises(ValueError, match="not finite"):
        activation_maps(averaged_linear(), images * np.nan, 0)
    transformer = VisionTransformer(12, 4, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=8, num_classes=3)
    with pytest.raises(ValueError, match="VisionTransformer neither pools nor flattens"):
        activation_maps(transformer, random_images(1, 12, 12), 0)


def test_a_squeeze_and_excitation_pool_before_tiny_maps_is_not_the_last():
    seen = forward_pass(torchvision_network("mobilenet_v3_small"), torch.zeros(1, 3, 32, 32))
    assert seen.maps.shape == (1, 576, 1, 1)
