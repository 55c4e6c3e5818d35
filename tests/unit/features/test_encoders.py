import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import get_model

from nearlabel.features.batches import encode_images
from nearlabel.features.devices import choose_device
from nearlabel.features.encoders import build_encoder


def picture(height, width, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def small(**parameters):
    return build_encoder("resnet18", "seeded", **{"seed": 1, "image_size": 64, "device": "cpu"} | parameters)


def test_it_says_what_it_is():
    encoder = small(image_size=None)
    assert (encoder.name, encoder.weights, encoder.geometry) == ("resnet18", "seeded", "squash")
    assert (encoder.image_size, encoder.dimension) == (224, 512)
    assert len(encoder.weights_sha256) == 64


@pytest.mark.parametrize(
    ("geometry", "shape", "size"),
    [
        ("squash", (1, 64, 64, 3), 64),
        ("official", (1, 64, 64, 3), 64),
        ("tile", (4, 64, 64, 3), 64),
        ("native", (1, 80, 300, 3), None),
    ],
)
def test_geometries(geometry, shape, size):
    encoder = small(geometry=geometry)
    assert encoder.image_size == size
    prepared = encoder.prepare(picture(80, 300))
    assert (prepared.shape, prepared.dtype) == (shape, np.uint8)
    features = encode_images(encoder, [prepared], 4 if geometry == "tile" else 1)
    assert (features.shape, features.dtype) == ((1, 512), np.float32)


def test_prepare_travels_without_the_network():
    encoder = small()
    assert len(pickle.dumps(encoder.prepare)) < 2000
    image = picture(50, 70)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder.prepare))(image), encoder.prepare(image))


def test_preprocessing_of_the_weights_own_enum():
    encoder = build_encoder("efficientnet_b0", "seeded", seed=0, geometry="official", device="cpu")
    assert (encoder.settings["placement"]["size"], encoder.settings["placement"]["resize"]) == (224, 256)
    assert encoder.settings["placement"]["interpolation"] == "bicubic"


def test_tiles_are_pooled():
    strip = picture(64, 250)
    mean, most = (small(geometry="tile", tile_pool=pool) for pool in ("mean", "max"))
    tiles = mean.prepare(strip)
    each = mean.encode(tiles)
    np.testing.assert_allclose(encode_images(mean, [tiles], 4)[0], each.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(encode_images(most, [tiles], 4)[0], each.max(axis=0), rtol=1e-5)


def test_a_row_does_not_depend_on_its_batch():
    encoder = small(geometry="tile")
    prepared = [encoder.prepare(picture(64, width, seed)) for seed, width in enumerate((64, 250, 100, 64, 300))]
    together = encode_images(encoder, prepared, 4)
    for position, image in enumerate(prepared):
        np.testing.assert_array_equal(encode_images(encoder, [image], 4)[0], together[position])
    np.testing.assert_array_equal(encode_images(encoder, prepared[::-1], 4)[::-1], together)


def test_every_pass_has_the_same_size(monkeypatch):
    encoder = small()
    sizes = []
    monkeypatch.setattr(encoder, "encode", lambda batch: sizes.append(len(batch)) or np.zeros((len(batch), 2)))
    assert encode_images(encoder, [np.zeros((3, 8, 8, 3), np.uint8)] * 3, 4).shape == (3, 2)
    assert sizes == [4, 4, 4]


def defect_strips():
    """A strip of steel, and the same with a dark spot near its end, which the centre crop does not reach."""
    strip = np.random.default_rng(0).normal(128, 6, (256, 1600)).clip(0, 255).astype(np.uint8)
    marred = strip.copy()
    marred[90:150, 1500:1560] = 20
    return [Image.fromarray(pixels).convert("RGB") for pixels in (strip, marred)]


def test_official_cannot_see_a_defect_near_the_end_of_a_strip_and_tile_can():
    strip, marred = defect_strips()
    rows = {}
    for geometry in ("official", "tile"):
        encoder = small(geometry=geometry, image_size=None)
        rows[geometry] = encode_images(encoder, [encoder.prepare(strip), encoder.prepare(marred)], 8)
    np.testing.assert_array_equal(*rows["official"])
    assert np.linalg.norm(np.subtract(*rows["tile"])) > 0.01 * np.linalg.norm(rows["tile"][0])


def test_threads_are_set_for_encoding_only():
    before = torch.get_num_threads()
    encoder = small(threads=before + 1)
    seen = []
    encoder.network.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    encoder.encode(np.zeros((1, 64, 64, 3), np.uint8))
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


def test_the_network_runs_in_channels_last_memory():
    encoder = small()
    seen = []
    encoder.network.layer4.register_forward_hook(
        lambda _, inputs, output: seen.append(output.is_contiguous(memory_format=torch.channels_last))
    )
    encoder.encode(np.zeros((2, 64, 64, 3), np.uint8))
    assert seen == [True]


def test_custom_encoder(tmp_path):
    module = tmp_path / "mine.py"
    module.write_text(
        "import torch\n"
        "class Mean(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.scale = torch.nn.Parameter(torch.zeros(3))\n"
        "    def forward(self, x):\n"
        "        return x.mean(dim=(2, 3)) * self.scale\n"
    )
    torch.save({"scale": torch.tensor([1.0, 2.0, 3.0])}, tmp_path / "mean.pth")
    weights = str(tmp_path / "mean.pth")
    encoder = build_encoder("custom", weights, module=module, callable="Mean", image_size=32, device="cpu")
    assert (encoder.dimension, encoder.weights, encoder.image_size) == (3, "mean.pth", 32)
    white = encode_images(encoder, [encoder.prepare(Image.new("RGB", (40, 50), (255, 255, 255)))], 1)
    np.testing.assert_allclose(
        white[0], (1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225] * [1, 2, 3], 1e-5
    )
    settings = encoder.settings
    module.write_text(module.read_text() + "# changed\n")
    changed = build_encoder("custom", weights, module=module, callable="Mean", image_size=32, device="cpu")
    assert changed.settings["module"] != settings["module"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"geometry": "round"}, "round.*squash"),
        ({"tile_pool": "median"}, "median.*mean"),
        ({"seed": None}, "seed"),
    ],
)
def test_impossible_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters)


def test_images_too_small_for_the_network_are_explained():
    encoder = build_encoder("squeezenet1_1", "seeded", seed=0, geometry="native", device="cpu")
    with pytest.raises(ValueError, match="squeezenet1_1 fails on a batch of 1 x 8 x 8 x 3"):
        encoder.encode(np.zeros((1, 8, 8, 3), np.uint8))


def test_a_vision_transformer_names_its_size():
    with pytest.raises(ValueError, match="vit_b_32 takes images of 224 x 224 only"):
        build_encoder("vit_b_32", "seeded", seed=0, image_size=64)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA")
def test_device_auto_falls_on_the_cpu_and_cuda_is_refused():
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(ValueError, match="cuda:0"):
        choose_device("cuda:0")
    with pytest.raises(ValueError, match="device 'foo' is unknown"):
        choose_device("foo")


def test_seeded_networks_have_the_published_shapes():
    assert get_model("resnet18").fc.in_features == small().dimension
