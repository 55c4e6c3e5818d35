"""What the catalogue says of networks without building them, held against the networks."""

import pytest
import torch
from torchvision.models import get_model

from nearlabel.features.catalogue import check_sides
from nearlabel.learning.network.catalogue import check_head, check_maps
from nearlabel.learning.network.feature_maps import forward_pass

FAMILIES = [
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3",
    "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "resnet18", "shufflenet_v2_x0_5", "swin_t",
    "swin_v2_t", "vgg11", "vgg11_bn",
]  # fmt: skip


def least(check, *arguments):
    """Least side that a check lets pass."""
    for side in range(1, 300):
        try:
            check(*arguments, [side])
        except ValueError:
            continue
        return side
    raise AssertionError(f"{arguments} passes at no size")


def network(name):
    options = {"init_weights": False, "aux_logits": False} if name in ("inception_v3", "googlenet") else {}
    return get_model(name, weights=None, **options).eval()


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_least_sides_are_those_of_the_networks(name):
    model = network(name)
    works, maps = max(32, least(check_sides, name, "seeded")), least(check_maps, name)
    with torch.no_grad():
        assert forward_pass(model, torch.zeros(1, 3, works, works)).maps.shape[2:] == (1, 1)
        assert forward_pass(model, torch.zeros(1, 3, maps, maps)).maps.shape[2:].numel() > 1
        assert forward_pass(model, torch.zeros(1, 3, maps - 1, maps - 1)).maps.shape[2:] == (1, 1)
        assert forward_pass(model, torch.zeros(1, 3, works, maps)).maps.shape[2:].numel() > 1
        if works > 32:
            with pytest.raises(RuntimeError):
                model(torch.zeros(1, 3, works - 1, works - 1))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "error"), [("vit_b_32", AssertionError), ("maxvit_t", RuntimeError)])
def test_networks_of_one_size_take_no_other(name, error):
    model = network(name)
    assert least(check_sides, name, "seeded") == 224
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 224, 224)).shape == (1, 1000)
        with pytest.raises(error):
            model(torch.zeros(1, 3, 256, 256))


def test_a_squeezenet_has_no_linear_layer_and_a_transformer_no_maps():
    assert not any(isinstance(layer, torch.nn.Linear) for layer in network("squeezenet1_1").modules())
    with pytest.raises(ValueError, match="squeezenet1_1 ends in a convolution"):
        check_head("squeezenet1_1")
    model = network("vit_b_32")
    model.encoder.layers = model.encoder.layers[:1]
    with torch.no_grad():
        seen = forward_pass(model, torch.zeros(2, 3, 224, 224))
    assert seen.maps is None and seen.pooled.shape == (2, 768) and seen.weight is None
    with pytest.raises(ValueError, match="vit_b_32 has none"):
        check_maps("vit_b_32", None)
