"""Activation maps are those of pytorch-grad-cam, brought to the images' size and to values from 0 to 1 as it does."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import get_model

from nearlabel.learning.network.gradcam import FeatureMaps

pytorch_grad_cam = pytest.importorskip("pytorch_grad_cam", reason="pytorch-grad-cam is not installed")
ClassifierOutputTarget = pytorch_grad_cam.utils.model_targets.ClassifierOutputTarget

CLASSES = [[2, 0, 4], [1, 2, 3], [0, 4, 1]]


def densenet(model):
    """The same network, its last ReLU a layer of its own: pytorch-grad-cam needs one whose output is pooled."""
    return nn.Sequential(model.features, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), model.classifier)


def whole(model):
    return model


def features(model):
    return model.features[-1]


# Name, size of the images, how the reference sees the network, its target layer, whether the closed form holds.
CASES = [
    ("resnet18", (128, 128), whole, lambda model: model.layer4[-1], True),
    ("resnet18", (64, 160), whole, lambda model: model.layer4[-1], True),
    ("mobilenet_v2", (96, 96), whole, features, True),
    ("efficientnet_b0", (96, 64), whole, features, True),
    ("densenet121", (96, 96), densenet, lambda model: model[1], True),
    ("vgg11", (96, 64), whole, features, False),
    ("mobilenet_v3_small", (96, 96), whole, features, False),
]


@pytest.mark.parametrize(("name", "size", "wrap", "layer", "closed_form"), CASES)
def test_equals_pytorch_grad_cam(name, size, wrap, layer, closed_form):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = get_model(name, num_classes=5, **({"init_weights": False} if name == "vgg11" else {})).eval()
    images = torch.randn(3, 3, *size, generator=torch.Generator().manual_seed(0))
    ours = FeatureMaps(model)
    for part in model.modules():
        if isinstance(part, nn.Linear):
            part.requires_grad_(False)  # The reference would differentiate by VGG's 120 million weights.
    seen = wrap(model)
    informative = 0
    with pytorch_grad_cam.GradCAM(model=seen, target_layers=[layer(seen)]) as reference:
        for classes in ["predicted", *CLASSES]:
            found = ours.evaluate(images, classes, size=size, normalise=True)
            targets = None if classes == "predicted" else [ClassifierOutputTarget(one) for one in classes]
            expected = reference(images, targets)
            np.testing.assert_allclose(found.activations, expected, atol=1e-5, rtol=0)
            np.testing.assert_array_equal(found.degenerate, expected.max(axis=(1, 2)) == 0)
            informative += np.count_nonzero(~found.degenerate)
    assert informative >= 4
    assert ours.closed_form is closed_form
