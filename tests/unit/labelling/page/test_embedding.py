"""Pictures inside the page: as true as the budget allows."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from nearlabel.labelling.page.embedding import OVERLAY_COLOUR, embed_overlay, embed_pictures

BUDGET = 10_000_000


def save(path, pixels):
    Image.fromarray(pixels).save(path)
    return (path.name, path)


def noise(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def opened(uri):
    kind, _, data = uri.removeprefix("data:image/").partition(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    assert image.format.lower() == kind
    return image


def test_what_fits_is_embedded_without_loss(tmp_path):
    grey, colour = noise(0, 30, 50), noise(1, 30, 50, 3)
    saved_as_colours = np.repeat(grey[..., None], 3, axis=2)
    files = [save(tmp_path / f"{i}.png", pixels) for i, pixels in enumerate((grey, colour, saved_as_colours))]
    first, second, third = embed_pictures(files, budget=BUDGET)
    assert np.array_equal(np.asarray(opened(first.uri)), grey)
    assert np.array_equal(np.asarray(opened(second.uri).convert("RGB")), colour)
    assert third == first
    assert first[1:] == (50, 30, 50, 30, True, "")


def test_deep_images_are_scaled_by_their_range(tmp_path):
    deep = np.array([[0, 1023], [2048, 4095]], dtype=np.uint16)
    file = save(tmp_path / "deep.png", deep)
    [scaled] = embed_pictures([file], budget=BUDGET, full_ranges={"deep.png": "4095"})
    assert np.asarray(opened(scaled.uri)).tolist() == [[0, 64], [128, 255]]
    [dark] = embed_pictures([file], budget=BUDGET)
    assert np.asarray(opened(dark.uri)).max() == 16


def test_sides_and_budget(tmp_path):
    # Smooth, with some noise, as photographs are.
    pixels = [(np.indices((200, 400 - 100 * i)).sum(0) // 4 + noise(i, 200, 400 - 100 * i) // 32) for i in range(3)]
    files = [save(tmp_path / f"{i}.png", one.astype(np.uint8)) for i, one in enumerate(pixels)]
    large = embed_pictures(files, budget=BUDGET, longest_side=300)
    assert [(p.shown_width, p.shown_height) for p in large] == [(300, 150), (300, 200), (200, 200)]
    assert [p.lossless for p in large] == [False, True, True]
    whole = sum(len(picture.uri) for picture in embed_pictures(files, budget=BUDGET))
    # A little less than without loss needs: JPEG, at full size.
    close = embed_pictures(files, budget=whole - 1)
    assert all(p.uri.startswith("data:image/jpeg") and p.shown_width == p.width for p in close)
    assert np.abs(np.asarray(opened(close[0].uri)).astype(int) - pixels[0]).mean() < 2
    # Much less: smaller, as large as it may be.
    for budget in (whole // 2, whole // 4):
        small = embed_pictures(files, budget=budget)
        total = sum(len(picture.uri) for picture in small)
        assert 0.4 * budget < total <= budget
        assert small[0].shown_width < small[0].width == 400
        assert small[0].shown_width == pytest.approx(2 * small[0].shown_height, abs=1)


def test_a_budget_that_cannot_be_kept_is_refused(tmp_path):
    file = save(tmp_path / "a.png", noise(0, 400, 400))
    with pytest.raises(ValueError, match="more than the page's budget of 2000; label fewer at once"):
        embed_pictures([file], budget=2000)


def test_images_that_cannot_be_read_keep_their_place(tmp_path, caplog):
    good = save(tmp_path / "good.png", noise(0, 9, 9))
    (tmp_path / "text.png").write_text("no image")
    found = embed_pictures([("gone", tmp_path / "gone.png"), good, ("text", tmp_path / "text.png")], budget=BUDGET)
    assert [bool(picture.uri) for picture in found] == [False, True, False]
    assert "does not exist" in found[0].problem and found[2].problem and not found[1].problem
    assert len(caplog.records) == 2
    assert embed_pictures([], budget=0) == []


def test_an_overlay_has_one_colour_and_the_values_as_opacity():
    values = np.array([[0.0, 0.5, 1.0], [-1.0, 2.0, np.nan]])
    pixels = np.asarray(opened(embed_overlay(values)).convert("RGBA"))
    assert (pixels[..., :3] == OVERLAY_COLOUR).all()
    assert pixels[..., 3].tolist() == [[0, 96, 191], [0, 191, 0]]


def test_a_large_overlay_is_averaged():
    values = np.zeros((256, 128))
    values[::2] = 1
    image = opened(embed_overlay(values))
    assert image.size == (32, 64)
    assert set(np.unique(np.asarray(image.convert("RGBA"))[..., 3])) <= {95, 96}
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        embed_overlay(np.zeros(3))
