import numpy as np
import pytest
from PIL import Image

from nearlabel.images.geometry import place_image

torchvision = pytest.importorskip("torchvision")

WEIGHTS = [
    ("resnet50", "IMAGENET1K_V1"),
    ("resnet50", "IMAGENET1K_V2"),
    ("inception_v3", "IMAGENET1K_V1"),
    ("efficientnet_b7", "IMAGENET1K_V1"),
]
# (height, width): a strip both ways, odd sides, smaller than the crop, already at the resized size.
SHAPES = [(256, 1600), (1600, 256), (333, 251), (61, 60), (97, 400), (256, 301), (600, 603)]


def picture(shape):
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("model", "name"), WEIGHTS)
def test_official_equals_torchvisions_preset(model, name, shape):
    import torch
    from torchvision.transforms import functional

    preset = torchvision.models.get_model_weights(model)[name].transforms()
    placed = place_image(
        picture(shape),
        "official",
        preset.crop_size[0],
        resize=preset.resize_size[0],
        interpolation=preset.interpolation.value,
    )
    tensor = functional.convert_image_dtype(torch.from_numpy(placed[0].transpose(2, 0, 1).copy()), torch.float)
    ours = functional.normalize(tensor, mean=preset.mean, std=preset.std)
    assert torch.equal(ours, preset(picture(shape)))


@pytest.mark.parametrize(("size", "resize"), [(224, 150), ((90, 131), 100), (33, 32)])
def test_official_pads_as_center_crop_does(size, resize):
    from torchvision.transforms import functional

    image = picture((101, 140))
    expected = functional.center_crop(functional.resize(image, [resize]), size)
    assert (place_image(image, "official", size, resize=resize)[0] == np.asarray(expected)).all()
