"""Features are the input of the last classifier layer, preprocessing is torchvision's."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.models import ResNet50_Weights, get_model, get_model_weights
from torchvision.models.feature_extraction import create_feature_extractor

from nearlabel.features.encoders import build_encoder
from nearlabel.features.networks import build_network, classifier_name

PAPER = {"efficientnet_b7": 2560, "inception_v3": 2048, "resnet50": 2048, "vgg16": 4096}
OTHERS = {
    "resnet18": 512,
    "mobilenet_v3_small": 1024,
    "convnext_tiny": 768,
    "densenet121": 1024,
    "googlenet": 1024,
    "regnet_y_400mf": 440,
    "swin_t": 768,
    "vit_b_32": 768,
}


def placed(encoder, count=2):
    shape = (count, encoder.image_size, encoder.image_size, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def normalised(batch):
    preset = ResNet50_Weights.IMAGENET1K_V1.transforms()
    values = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
    return (values - torch.tensor(preset.mean)[:, None, None]) / torch.tensor(preset.std)[:, None, None]


@pytest.fixture
def shared(monkeypatch):
    """Build a seeded network once: encoders that are built afterwards take this one."""

    def build(name):
        made = build_network(name, "seeded", seed=2)
        monkeypatch.setattr("nearlabel.features.network_encoder.build_network", lambda *_, **__: made)
        return made[0]

    return build


@pytest.mark.parametrize(("name", "dimension"), (PAPER | OTHERS).items())
def test_last_layer_on_features_gives_the_whole_networks_logits(name, dimension, shared):
    # One network for both: vision transformers start with a classifier of zeros, which would pass anything.
    network = shared(name)
    head = network.get_submodule(classifier_name(network))
    with torch.no_grad():
        head.weight.copy_(torch.randn(head.weight.shape, generator=torch.Generator().manual_seed(0)))
    size = None if name.startswith("vit") else 96
    network_size = size or 224
    batch = np.random.default_rng(0).integers(0, 256, (2, network_size, network_size, 3), dtype=np.uint8)
    with torch.inference_mode():
        logits = network(normalised(batch))
    encoder = build_encoder(name, "seeded", seed=2, image_size=size, device="cpu")
    features = torch.from_numpy(encoder.encode(batch))
    assert features.shape == (2, dimension) == (2, encoder.dimension)
    expected = features @ head.weight.T + head.bias
    assert expected.abs().max() > 0
    torch.testing.assert_close(expected, logits, rtol=1e-4, atol=1e-5 * float(logits.abs().max()))


def test_vgg_features_are_the_second_fully_connected_layer_after_relu(shared):
    network = shared("vgg11")
    reference = create_feature_extractor(network, ["classifier.4"])
    encoder = build_encoder("vgg11", "seeded", seed=2, image_size=64, device="cpu")
    with torch.inference_mode():
        expected = reference(normalised(placed(encoder)))["classifier.4"]
    features = encoder.encode(placed(encoder))
    assert features.min() == 0
    np.testing.assert_allclose(features, expected.numpy(), atol=1e-5 * float(expected.max()))


def test_squeezenet_features_are_the_global_average_before_its_convolution(shared):
    network = shared("squeezenet1_1")
    encoder = build_encoder("squeezenet1_1", "seeded", seed=2, image_size=96, device="cpu")
    with torch.inference_mode():
        expected = network.features(normalised(placed(encoder))).mean(dim=(2, 3))
    np.testing.assert_allclose(encoder.encode(placed(encoder)), expected.numpy(), atol=1e-5 * float(expected.max()))


@pytest.fixture(scope="module", params=["resnet18", "efficientnet_b0", "inception_v3"])
def official(request):
    return build_encoder(request.param, "seeded", seed=0, geometry="official", device="cpu")


@pytest.mark.parametrize("shape", [(100, 400), (300, 260), (512, 513)])
def test_official_preprocessing_is_torchvisions(official, shape, monkeypatch):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8))
    seen = []
    monkeypatch.setattr(official, "network", lambda values: seen.append(values.clone()) or values.mean(dim=(2, 3)))
    official.encode(official.prepare(image))
    expected = get_model_weights(official.name).IMAGENET1K_V1.transforms()(image)
    torch.testing.assert_close(seen[0][0], expected, rtol=0, atol=0)


def test_inception_from_a_file_equals_torchvisions_own(tmp_path):
    """With loaded weights torchvision rescales inside the network, from ImageNet's mean and deviation."""
    network = get_model("inception_v3", init_weights=False)
    torch.save(network.state_dict(), tmp_path / "inception.pth")
    own = get_model("inception_v3", init_weights=False, transform_input=True)
    own.load_state_dict(network.state_dict())
    own.fc = nn.Identity()
    encoder = build_encoder("inception_v3", str(tmp_path / "inception.pth"), image_size=96, device="cpu")
    with torch.inference_mode():
        expected = own.eval()(normalised(placed(encoder)))
    np.testing.assert_allclose(encoder.encode(placed(encoder)), expected, atol=1e-5 * float(expected.max()))
