import numpy as np
import pytest
import torch
from torchvision.models import get_model

from helpers.devices import DEVICES
from nearlabel.features.devices import torch_set_up
from nearlabel.features.weights.state import load_state
from nearlabel.learning.network.model import build_classifier


def build(name, fine_tune, side=64, device="cpu", seed=0, **options):
    network = {"name": name, "weights": "seeded", "geometry": "squash", "image_size": side, "threads": 1}
    return build_classifier(network | options, fine_tune=fine_tune, seed=seed, weights_seed=1, device=device)


# What the last stage and the head take, at 64 pixels; a vision transformer at its own size.
CUTS = {
    "resnet18": ((256, 4, 4), (512, 2, 2)),
    "densenet121": ((512, 2, 2), (1024, 2, 2)),  # pools by a function
    "regnet_y_400mf": ((208, 4, 4), (440, 2, 2)),  # a container within the trunk
    "mobilenet_v2": ((320, 2, 2), (1280, 2, 2)),  # dropout in the head
    "swin_t": ((2, 2, 768), (768, 2, 2)),  # channels last
    "vit_b_32": ((50, 768), (768,)),  # no maps
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", CUTS)
def test_halves_give_what_the_whole_gives(name, device):
    side = 224 if name == "vit_b_32" else 64
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)).to(device)
    whole = build(name, "full", side, device)
    assert whole.frozen is None
    with torch.no_grad(), torch_set_up(1):
        expected = whole.trained.eval()(images)
        assert expected.shape == (2, 2)
        for fine_tune, shape in zip(("last_block", "head"), CUTS[name], strict=True):
            classifier = build(name, fine_tune, side, device)
            between = classifier.frozen(images)
            assert tuple(between.shape[1:]) == shape
            torch.testing.assert_close(classifier.trained.eval()(between), expected, rtol=1e-4, atol=1e-5)
            assert not any(parameter.requires_grad for parameter in classifier.frozen.parameters())
            # Only what is trained is kept: the state of a run holds no frozen stage.
            sizes = [sum(v.numel() for v in c.trained.state_dict().values()) for c in (classifier, whole)]
            assert sizes[0] < 0.8 * sizes[1]
            if fine_tune == "head":
                assert [tuple(p.shape) for p in classifier.parameters()] == [
                    (2, shape[0]),
                    (2,),
                ]


def test_side_heads_are_dropped():
    classifier = build("googlenet", "full")
    classifier.train_mode()
    assert classifier.trained(torch.rand(2, 3, 64, 64)).shape == (2, 2)
    assert not any(name.startswith("aux") for name in classifier.trained.state_dict())


def test_networks_that_do_not_suit():
    with pytest.raises(ValueError, match="squeezenet1_1 ends in a convolution; take a network that ends in a linear"):
        build("squeezenet1_1", "full")
    with pytest.raises(ValueError, match="fine_tune 'neck' is unknown; choose one of full, last_block, head"):
        build("resnet18", "neck")


def test_seeds_and_weights_from_a_file(tmp_path):
    one, two = build("resnet18", "head"), build("resnet18", "head")
    assert torch.equal(one.head.weight, two.head.weight) and one.weights_sha256 == two.weights_sha256
    full = build("resnet18", "full")
    file = tmp_path / "own.pth"
    torch.save(full.trained.state_dict(), file)  # of two classes: the head is new all the same
    loaded = build("resnet18", "full", weights=str(file))
    assert loaded.weights == "own.pth" and loaded.weights_sha256 != full.weights_sha256
    state = load_state(file)
    assert torch.equal(loaded.trained.conv1.weight, state["conv1.weight"])


@pytest.mark.parametrize("fine_tune", ["full", "head"])
def test_another_last_layer_makes_the_classifier_that_its_seed_builds(fine_tune):
    classifier, other = build("resnet18", fine_tune), build("resnet18", fine_tune, seed=5)
    with torch.no_grad():
        for values in classifier.trained.state_dict().values():
            values.add_(1)
    classifier.draw_head(5)
    for _ in range(2):
        own, theirs = classifier.trained.state_dict(), other.trained.state_dict()
        assert own.keys() == theirs.keys() and all(torch.equal(own[name], theirs[name]) for name in own)
        assert classifier.seed == other.seed == 5
        with torch.no_grad():
            classifier.head.weight.add_(1)
        classifier.restart()


@pytest.mark.parametrize("device", DEVICES)
def test_stored_rows_are_taken_as_the_network_expects(device):
    classifier = build("resnet18", "full", device=device)
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    taken = classifier.take(images)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = ((images / 255 - mean) / std).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(taken.cpu().numpy(), expected, rtol=1e-5, atol=1e-6)
    frozen = np.random.default_rng(0).random((2, 6, 3, 3), dtype=np.float32)
    assert np.array_equal(classifier.take(frozen).cpu().numpy(), frozen)


def test_a_classifier_knows_where_its_weights_were_found(tmp_path):
    assert build("resnet18", "full").weights_source == ""
    torch.save(get_model("resnet18").state_dict(), tmp_path / "mine.pth")
    assert build("resnet18", "full", weights=str(tmp_path / "mine.pth")).weights_source == "the named file"
