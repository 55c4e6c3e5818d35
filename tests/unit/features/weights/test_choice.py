from pathlib import Path

import pytest
from torchvision.models import Inception_V3_Weights, ResNet50_Weights

from nearlabel.features.weights.choice import choose_weights


def test_imagenet_means_the_first_published_weights():
    assert choose_weights("resnet50", "imagenet") is ResNet50_Weights.IMAGENET1K_V1
    assert choose_weights("resnet50", "IMAGENET1K_V2") is ResNet50_Weights.IMAGENET1K_V2
    assert choose_weights("resnet50", "ResNet50_Weights.IMAGENET1K_V2") is ResNet50_Weights.IMAGENET1K_V2
    assert choose_weights("inception_v3", "imagenet") is Inception_V3_Weights.IMAGENET1K_V1
    assert choose_weights("resnet50", "seeded") is None
    assert choose_weights("resnet50", "a/b.pth") == Path("a/b.pth")


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("resnet5", "imagenet", "resnet5.*resnet50"),
        ("resnet50", "IMAGENET1K_V9", "IMAGENET1K_V9.*IMAGENET1K_V2"),
        ("resnet50", "ResNet18_Weights.IMAGENET1K_V1", "ResNet18.*IMAGENET1K_V2"),
        ("custom", "imagenet", "custom.*file"),
    ],
)
def test_unknown_names_are_named_with_what_there_is(name, weights, message):
    with pytest.raises(ValueError, match=message):
        choose_weights(name, weights)
