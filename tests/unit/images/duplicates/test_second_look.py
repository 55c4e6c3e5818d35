"""Parts in a fixture are different things though they look alike; copies of an image are one, however they lie."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter, shift

from nearlabel.images.duplicates import find_duplicates, group_images, hash_images

ROWS, COLUMNS = np.mgrid[:256, :256]
RNG = np.random.default_rng(7)
CLOUDS = gaussian_filter(RNG.normal(size=(256, 256)), 20)
PRODUCTS = {
    "part": np.where((abs(COLUMNS - 128) < 90) & (abs(ROWS - 128) < 60), 150, 60)
    + 0.1 * COLUMNS
    + 30 * (np.hypot(COLUMNS - 90, ROWS - 110) < 20),
    "waves": 127 + 60 * np.sin(COLUMNS / 11 + ROWS / 23) + 50 * np.cos(ROWS / 7 - COLUMNS / 31),
    "clouds": 128 + 45 * CLOUDS / CLOUDS.std(),
}


def expose(product, seed, spot=False, moved=0.0):
    """A new part of a product before the camera: noise of ±4, and perhaps a bright spot of 6 pixels."""
    rng = np.random.default_rng(seed)
    values = shift(product, rng.normal(size=2) * moved, mode="nearest") + rng.integers(-4, 5, product.shape)
    if spot:
        row, column = rng.integers(20, 230, 2)
        values[row : row + 6, column : column + 6] += 100
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).convert("RGB")


def compressed(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


COPIES = {
    "compressed": lambda image: compressed(image, 50),
    "small": lambda image: image.resize((128, 128)),
    "large": lambda image: image.resize((384, 384), Image.Resampling.BICUBIC),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "duller": lambda image: ImageEnhance.Contrast(image).enhance(0.8),
    "mirrored": lambda image: compressed(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 80),
    "upside down": lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "a quarter turned": lambda image: compressed(image.transpose(Image.Transpose.ROTATE_90), 80),
    "half turned": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "transposed": lambda image: image.transpose(Image.Transpose.TRANSPOSE),
}


@pytest.fixture
def group(tmp_path):
    """Function that groups images and says how many groups there are, and each image's first."""

    def group(images, distance=4, parts=None):
        paths = []
        for number, image in enumerate(images):
            paths.append(tmp_path / f"{number:03d}.png")
            image.save(paths[-1])
        ids = [path.name for path in paths]
        table = pd.DataFrame({"image_id": ids, "part": parts or [""] * len(ids), "sha256": ids})
        return group_images(table, hash_images(paths, workers=2), distance)

    return group


@pytest.mark.parametrize("product", PRODUCTS)
def test_forty_parts_in_a_fixture_are_forty_different_ones(product, group):
    images = [expose(PRODUCTS[product], seed, spot=seed % 2) for seed in range(40)]
    groups = group([*images, *(COPIES[name](images[7]) for name in ("compressed", "darker", "mirrored"))])
    assert groups[:40].tolist() == list(range(40))
    # What is a copy is still found among them.
    assert groups[40:].tolist() == [7, 7, 7]


def test_parts_that_lie_a_little_apart_are_different_ones(group):
    images = [expose(PRODUCTS["clouds"], seed, spot=seed % 2, moved=0.3) for seed in range(30)]
    assert len(set(group(images))) >= 29


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_pair_that_differs_by_a_spot_is_two_things(product, group):
    plain, spotted = expose(PRODUCTS[product], 0), expose(PRODUCTS[product], 1, spot=True)
    assert group([plain, spotted]).tolist() == [0, 1]


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_copy_of_an_image_is_found(product, group):
    images = [expose(PRODUCTS[product], 3)]
    for copy in COPIES.values():
        assert group([*images, copy(images[0])]).tolist() == [0, 0]


def test_equal_outlines_with_other_grain_are_different_things(group):
    light = 60 + 0.5 * COLUMNS + 0.2 * ROWS + 40 * np.cos(ROWS / 40)
    castings = [light + 6 * gaussian_filter(RNG.normal(size=light.shape), 2) / 0.14 for _ in range(6)]
    images = [Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)) for values in castings]
    assert group(images, distance=12).tolist() == list(range(6))


def test_without_a_distance_only_part_and_content_count(group):
    image = expose(PRODUCTS["part"], 0)
    assert group([image, COPIES["compressed"](image), image], distance=None, parts=["a", "", "a"]).tolist() == [0, 1, 0]


def test_duplicates_are_named_and_counted(tmp_path, caplog):
    caplog.set_level("INFO")
    image, other = expose(PRODUCTS["waves"], 0), expose(PRODUCTS["clouds"], 1)
    files = {"a": image, "b": other, "c": COPIES["mirrored"](image), "d": image}
    for name, content in files.items():
        content.save(tmp_path / f"{name}.png")
    hashes = hash_images([tmp_path / f"{name}.png" for name in files])
    # d is the file of a: nothing new to say of it.
    table = pd.DataFrame({"image_id": list(files), "part": "", "sha256": ["1", "2", "3", "1"]})
    assert find_duplicates(table, hashes)["duplicate_of"].tolist() == ["", "", "a", ""]
    assert "1 images look like another one" in caplog.text
    assert "'c' looks like 'a'" in caplog.text
