"""Networks that timm saved, against timm; skipped where it is not installed (`.ci/run` installs it)."""

import numpy as np
import pytest
import torch
from PIL import Image

from nearlabel.features.batches import encode_images
from nearlabel.features.encoders import build_encoder
from nearlabel.features.vision_transformer import load_vision_transformer

timm = pytest.importorskip("timm", reason="timm is not installed: pip install --no-deps timm")


def saved(name, folder):
    """A network with weights drawn large enough that each of its parts matters, and its file."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model(name, pretrained=False).eval()
        for key, values in network.named_parameters():
            if values.ndim > 1 or key.endswith("gamma"):
                torch.nn.init.normal_(values, std=0.05 if values.ndim > 1 else 1)
    torch.save(network.state_dict(), folder / f"{name}.pth")
    return network


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("vit_small_patch14_dinov2", 518),
        ("vit_small_patch14_dinov2", 224),
        ("vit_small_patch14_reg4_dinov2", 224),
        ("vit_small_patch16_224", 224),
        ("vit_small_patch16_224", 160),
        ("deit3_small_patch16_224", 224),
    ],
)
def test_vision_transformers(tmp_path, name, size):
    network = saved(name, tmp_path)
    ours = load_vision_transformer(tmp_path / f"{name}.pth")
    other = timm.create_model(name, pretrained=False, img_size=size).eval()
    resized = timm.models.vision_transformer.checkpoint_filter_fn(network.state_dict(), other)
    other.load_state_dict(resized)
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = other.forward_head(other.forward_features(images), pre_logits=True)
        torch.testing.assert_close(ours(images), expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.1


def test_dinov2_small_is_told_by_its_shape(tmp_path):
    saved("vit_small_patch14_dinov2", tmp_path)
    encoder = build_encoder("dinov2_small", str(tmp_path / "vit_small_patch14_dinov2.pth"), device="cpu")
    assert (encoder.image_size, encoder.dimension) == (224, 384)


def test_resnet50_has_torchvisions_names(tmp_path):
    network = saved("resnet50", tmp_path)
    encoder = build_encoder("resnet50", str(tmp_path / "resnet50.pth"), image_size=64, device="cpu")
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    batch = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    mean, deviation = (torch.tensor(encoder.settings[key]).reshape(1, 3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        features = network.forward_features((batch - mean) / deviation)
        expected = network.forward_head(features, pre_logits=True).numpy()
    found = encode_images(encoder, [encoder.prepare(Image.fromarray(pixels))], 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
