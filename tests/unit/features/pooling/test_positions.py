import numpy as np
import pytest
from PIL import Image

from nearlabel.features.pooling.positions import CLASSES, border_classes, stitch_tiles
from nearlabel.images.geometry import place_image


def test_classes_follow_the_distance_to_the_border():
    classes = border_classes(8, 9).reshape(8, 9)
    assert classes[0, 0] == classes[7, 8] == 0
    assert classes[0, 4] == classes[7, 4] == 3
    assert classes[3, 4] == classes[4, 4] == CLASSES - 1
    np.testing.assert_array_equal(classes, classes[::-1, ::-1])


@pytest.mark.parametrize(("width", "height"), [(64, 64), (150, 64), (64, 150), (512, 64), (70, 130)])
@pytest.mark.parametrize("overlap", [0.0, 0.3])
def test_tiles_are_laid_where_they_were_cut(width, height, overlap):
    """Each tile's map is its own mean of pixels: the whole is that of the placed image, to rounding of positions."""
    ramp = np.linspace(0, 255, max(width, height))
    pixels = np.broadcast_to(ramp if width >= height else ramp[:, None], (height, width)).astype(np.uint8)
    tiles = place_image(Image.fromarray(pixels).convert("RGB"), "tile", 32, tile_overlap=overlap)[..., 0]
    maps = tiles.reshape(len(tiles), 8, 4, 8, 4).mean((2, 4))
    whole = stitch_tiles(maps, 32, width, height, overlap)
    assert min(whole.shape) == 8
    along = whole.mean(0 if width >= height else 1)
    assert len(along) == round(8 * max(width, height) / min(width, height))
    assert np.all(np.diff(along) > 0)
    np.testing.assert_allclose(along, np.linspace(*along[[0, -1]], len(along)), atol=255 / len(along))


def test_tiles_of_another_image_are_refused():
    with pytest.raises(ValueError, match="3 tiles do not belong to an image of 64 x 64"):
        stitch_tiles(np.zeros((3, 4, 4)), 32, 64, 64)
