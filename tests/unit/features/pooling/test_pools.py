import numpy as np
import pytest
import torch
from PIL import Image

from nearlabel.features.batches import encode_images
from nearlabel.features.encoders import build_encoder
from nearlabel.features.pooling.catalogue import POOLINGS
from nearlabel.features.pooling.pools import POOLS, pool_generalised_mean, pool_max


def small(pooling, name="resnet18", **parameters):
    options = {"seed": 1, "image_size": 64, "device": "cpu", "pooling": pooling} | parameters
    return build_encoder(name, "seeded", **options)


def picture(height, width, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_every_pooling_of_the_catalogue_is_there():
    assert ("average", *POOLS) == POOLINGS


def test_generalised_mean_lies_between_average_and_maximum():
    maps = torch.tensor([[[[1.0, 2.0], [3.0, -4.0]], [[5.0, 5.0], [5.0, 5.0]]]])
    assert pool_max(maps).tolist() == [[3.0, 5.0]]
    expected = [((1 + 8 + 27) / 4) ** (1 / 3), 5.0]
    torch.testing.assert_close(pool_generalised_mean(maps), torch.tensor([expected]))


def test_they_pool_the_last_map():
    average, most, between = (small(pooling) for pooling in ("average", "max", "generalised_mean"))
    batch = np.stack([average.prepare(picture(50, 70, seed))[0] for seed in range(3)])
    low, middle, high = (encoder.encode(batch) for encoder in (average, between, most))
    assert low.shape == middle.shape == high.shape == (3, 512) and average.dimension == most.dimension == 512
    assert (low <= middle + 1e-4).all() and (middle <= high + 1e-4).all() and (low < high - 1e-3).any()
    assert [e.settings.get("pooling") for e in (average, most, between)] == [None, "max", "generalised_mean"]
    assert most.settings["stages"] == ["layer4.1"]


@pytest.mark.parametrize("pooling", ["max", "generalised_mean"])
def test_a_row_does_not_depend_on_its_batch(pooling):
    encoder = small(pooling, geometry="tile")
    prepared = [encoder.prepare(picture(64, width, seed)) for seed, width in enumerate((64, 250, 100))]
    together = encode_images(encoder, prepared, 4)
    for position, image in enumerate(prepared):
        np.testing.assert_array_equal(encode_images(encoder, [image], 4)[0], together[position])


@pytest.mark.parametrize("name", ["texture", "vit_b_16", "swin_t"])
@pytest.mark.parametrize("pooling", POOLINGS[1:])
def test_encoders_without_maps_are_refused(name, pooling):
    with pytest.raises(ValueError, match=f"{name} passes no maps on, which pooling {pooling} needs; set pooling"):
        small(pooling, name)


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match=r"pooling 'mean' is unknown; choose one of average, max, generalised_mean"):
        small("mean")
