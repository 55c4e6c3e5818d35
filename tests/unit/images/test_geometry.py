import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nearlabel.images import geometry as geometry_module
from nearlabel.images.geometry import place_image, placing_refusal, tile_starts


def picture(height, width):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def strip_with_mark(column, height=256, width=1600):
    pixels = np.full((height, width, 3), 100, np.uint8)
    pixels[110:150, column : column + 40] = 255
    return Image.fromarray(pixels)


def test_shapes():
    image = picture(60, 200)
    assert place_image(image, "squash", 32).shape == (1, 32, 32, 3)
    assert place_image(image, "squash", (20, 50)).shape == (1, 20, 50, 3)
    assert place_image(image, "official", 32, resize=40).shape == (1, 32, 32, 3)
    assert place_image(image, "official", (32, 48)).shape == (1, 32, 48, 3)
    assert place_image(image, "native", None).shape == (1, 60, 200, 3)
    assert place_image(image, "tile", 60).shape == (4, 60, 60, 3)
    assert place_image(picture(200, 60), "tile", 60).shape == (4, 60, 60, 3)
    assert place_image(picture(60, 60), "tile", 30).shape == (1, 30, 30, 3)
    assert all(place_image(image, name, 32).dtype == np.uint8 for name in ("official", "squash", "tile", "native"))


def test_native_keeps_every_pixel():
    image = picture(11, 13)
    assert (place_image(image, "native", 224)[0] == np.asarray(image)).all()


@pytest.mark.parametrize("shape", [(20, 90), (90, 20)])
def test_tiles_are_windows_from_border_to_border(shape):
    image = picture(*shape)
    pixels = np.asarray(image) if shape[1] > shape[0] else np.asarray(image).swapaxes(0, 1)
    tiles = place_image(image, "tile", 20)
    if shape[0] > shape[1]:
        tiles = tiles.swapaxes(1, 2)
    starts = [0, 17, 35, 52, 70]
    assert (tiles == np.stack([pixels[:, start : start + 20] for start in starts])).all()


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(0, 5000), st.floats(0, 0.99))
def test_tile_starts_cover_the_length_with_the_least_overlap(size, spare, overlap):
    starts = tile_starts(size + spare, size, overlap)
    assert starts[0] == 0
    assert starts[-1] == spare
    steps = np.diff(starts)
    stride = max(1, int(size * (1 - overlap) + 1e-9))
    assert len(starts) == 1 or (steps.min() >= 0 and steps.max() <= stride and np.ptp(steps) <= 1)
    assert (len(starts) - 2) * stride < spare or len(starts) == 1


def test_overlap_adds_tiles():
    assert len(tile_starts(1400, 224)) == 7
    assert len(tile_starts(1400, 224, 0.5)) == 12


@pytest.mark.parametrize(("column", "seen"), [(1500, False), (20, False), (780, True)])
def test_official_sees_the_centre_of_a_strip_only(column, seen):
    blank = place_image(strip_with_mark(column).point(lambda value: 100), "official", 224, resize=256)
    placed = place_image(strip_with_mark(column), "official", 224, resize=256)
    assert (placed != blank).any() == seen


@pytest.mark.parametrize("column", [1500, 1559, 20, 780])
@pytest.mark.parametrize("geometry", ["tile", "squash"])
def test_tile_and_squash_see_a_defect_anywhere_on_a_strip(column, geometry):
    placed = place_image(strip_with_mark(column), geometry, 224)
    assert placed.max() > 200 if geometry == "tile" else placed.max() > 110


def test_errors_name_what_is_wrong():
    image = picture(20, 20)
    for arguments, text in [
        (("stretch", 8), "geometry 'stretch' is unknown"),
        (("squash", None), "needs an image size"),
        (("tile", (8, 9)), "not square"),
    ]:
        with pytest.raises(ValueError, match=text):
            place_image(image, *arguments)
    with pytest.raises(ValueError, match="interpolation 'cubic'"):
        place_image(image, "squash", 8, interpolation="cubic")
    with pytest.raises(ValueError, match="tile_overlap"):
        place_image(image, "tile", 8, tile_overlap=1)
    with pytest.raises(ValueError, match="RGB"):
        place_image(image.convert("L"), "squash", 8)


@pytest.mark.parametrize(
    ("size", "geometry", "options"),
    [
        ((1, 20_000), "tile", {}),
        ((20_000, 1), "tile", {}),
        ((1, 20_000), "official", {"resize": 256}),
        ((3, 20_000), "official", {"resize": 256}),
        ((40, 20_000), "tile", {"tile_overlap": 0.95}),
    ],
)
def test_strips_that_would_fill_the_memory_are_refused(size, geometry, options):
    message = rf"{size[0]} x {size[1]} pixels would become \d+ by geometry '{geometry}', above the limit of 67108864"
    with pytest.raises(ValueError, match=message):
        place_image(Image.new("RGB", size), geometry, 224, **options)
    assert place_image(Image.new("RGB", size), "squash", 32).shape == (1, 32, 32, 3)


@given(
    st.integers(1, 60), st.integers(1, 60), st.sampled_from(["tile", "official"]), st.integers(8, 40), st.floats(0, 0.9)
)
@settings(max_examples=60, deadline=None)
def test_the_limit_counts_what_placing_makes(width, height, geometry, size, overlap):
    image = Image.new("RGB", (width, height))
    options = {"tile_overlap": overlap} if geometry == "tile" else {"resize": size + 3}
    made = place_image(image, geometry, size, **options)
    pixels = made.shape[0] * size * size
    geometry_module.MAX_PLACED_PIXELS, limit = pixels - 1, geometry_module.MAX_PLACED_PIXELS
    try:
        assert placing_refusal(width, height, geometry, size, **options) is not None
    finally:
        geometry_module.MAX_PLACED_PIXELS = limit
    assert placing_refusal(width, height, geometry, size, **options) is None
