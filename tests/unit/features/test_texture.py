import pickle

import numpy as np
import pytest
from PIL import Image

from nearlabel.features.encoders import build_encoder
from nearlabel.features.texture import DIMENSION, describe_texture


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def test_histograms_sum_to_one():
    description = describe_texture(noise(64, 96))
    assert description.shape == (DIMENSION,) == (108,)
    assert description.dtype == np.float32
    ends = np.cumsum([10, 18, 26, 18, 18])
    for histogram in np.split(description[: ends[-1]], ends[:-1]):
        assert histogram.sum() == pytest.approx(1, abs=1e-6)


def test_patterns_do_not_depend_on_rotation_by_a_right_angle():
    image = noise(80, 80)
    turned = describe_texture(np.rot90(image).copy())
    np.testing.assert_allclose(turned[:54], describe_texture(image)[:54], atol=0.02)


def test_textures_are_told_apart_whatever_the_brightness():
    stripes = np.tile(np.repeat(np.uint8([60, 120]), 4), (64, 8))
    same, other = describe_texture(stripes + np.uint8(50)), describe_texture(noise(64, 64))
    description = describe_texture(stripes)
    assert np.abs(same - description).max() < 0.05
    assert np.abs(other - description).max() > 0.2


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_constant_image_has_a_finite_description(value):
    assert np.isfinite(describe_texture(np.full((40, 50), value, np.uint8))).all()


@pytest.mark.parametrize(
    ("geometry", "tiles", "size"), [("squash", 1, 128), ("official", 1, 128), ("tile", 4, 128), ("native", 1, None)]
)
def test_encoder_takes_every_geometry(geometry, tiles, size):
    encoder = build_encoder("texture", "imagenet", geometry=geometry)
    assert (encoder.name, encoder.weights, encoder.weights_sha256) == ("texture", "none", "")
    assert encoder.image_size == size
    prepare = pickle.loads(pickle.dumps(encoder.prepare))
    prepared = prepare(Image.fromarray(noise(64, 256)).convert("RGB"))
    assert prepared.shape == (tiles, encoder.dimension)
    np.testing.assert_array_equal(encoder.encode(prepared), prepared)


def test_a_tiny_image_passes():
    encoder = build_encoder("texture", geometry="native")
    assert np.isfinite(encoder.prepare(Image.fromarray(noise(3, 5)).convert("RGB"))).all()
