"""Small pictures of all images: each in its cell, its shape kept, within the bytes allowed, the same whoever draws."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.images.cells import crossed_cell, fit_to_cell
from nearlabel.images.thumbnails import (
    BUDGET,
    PAPER,
    SHEET_SIDE,
    SIDES,
    describe_strips,
    draw_thumbnails,
    sheet_shape,
)


def make_images(folder, count, size=(40, 30), noise=0):
    """Flat images of different colours, or noise, and their table."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        values = np.full((size[1], size[0], 3), (number * 7 % 256, number * 31 % 256, 128), np.int64)
        values = np.clip(values + rng.normal(0, noise or 1e-9, values.shape), 0, 255).astype(np.uint8)
        path = folder / f"{number}.png"
        Image.fromarray(values).save(path)
        rows.append({"image_id": path.name, "path": str(path), "width": str(size[0]), "height": str(size[1])})
    return pd.DataFrame(rows).assign(full_range="")


def cell_of(index, folder, image):
    """The decoded cell of an image, as a page finds it."""
    per_sheet = index["columns"] * index["rows"]
    with Image.open(folder / f"{image // per_sheet:04d}.webp") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    row, column = divmod(image % per_sheet, index["columns"])
    side = index["side"]
    return pixels[row * side : (row + 1) * side, column * side : (column + 1) * side]


def test_every_image_lies_in_its_cell(tmp_path):
    images = make_images(tmp_path, 150)
    index = draw_thumbnails(images, tmp_path / "sheets", seed=0)
    assert (index["side"], index["columns"], index["rows"], index["images"], index["sheets"]) == (128, 8, 8, 150, 3)
    sheets = sorted((tmp_path / "sheets").iterdir())
    assert [file.name for file in sheets] == ["0000.webp", "0001.webp", "0002.webp"]
    assert index["bytes"] == sum(file.stat().st_size for file in sheets) < BUDGET
    assert index["problems"] == {} and index["note"] == ""
    for number in range(150):
        cell = cell_of(index, tmp_path / "sheets", number)
        colour = (number * 7 % 256, number * 31 % 256, 128)
        # 128 by 96 in the middle of the cell; lossy, hence the tolerance.
        assert np.abs(cell[30:98, 16:112] - colour).max() < 12, number
        for edge in (cell[:12], cell[-12:]):
            assert np.abs(edge - PAPER).mean() < 3


def test_same_bytes_for_any_number_of_workers_and_nothing_stale(tmp_path):
    images = make_images(tmp_path, 90)
    first = draw_thumbnails(images, tmp_path / "a", seed=0)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/0077.webp").write_bytes(b"old")
    assert draw_thumbnails(images, tmp_path / "b", seed=0, workers=4) == first
    read = [[file.read_bytes() for file in sorted((tmp_path / name).iterdir())] for name in "ab"]
    assert read[0] == read[1]


def test_the_side_is_the_largest_that_fits(tmp_path):
    images = make_images(tmp_path, 60, (64, 64), noise=60)
    sizes = {}
    for side in SIDES:
        found = draw_thumbnails(images, tmp_path / "sheets", seed=0, sides=[side])
        assert found["side"] == side
        sizes[side] = found["bytes"]
    for side, size in sizes.items():
        assert draw_thumbnails(images, tmp_path / "sheets", seed=0, budget=size)["side"] == side
    least = draw_thumbnails(images, tmp_path / "sheets", seed=0, budget=10)
    assert least["side"] == 32 and least["bytes"] == sizes[32]


@pytest.mark.parametrize("wrong", [None, 0.0], ids=["estimated", "estimated too low"])
def test_of_many_images_a_sample_chooses_the_side(tmp_path, monkeypatch, wrong):
    images = make_images(tmp_path, 60, (64, 64), noise=60)
    limit = draw_thumbnails(images, tmp_path / "sheets", seed=0, sides=[96])["bytes"]
    monkeypatch.setattr("nearlabel.images.thumbnails.SAMPLE", 20)
    if wrong is not None:
        monkeypatch.setattr("nearlabel.images.thumbnails._estimator", lambda *_: lambda side: wrong)
    found = draw_thumbnails(images, tmp_path / "sheets", seed=0, budget=int(1.05 * limit))
    assert found["side"] == 96 and found["bytes"] == limit


def test_unreadable_images_are_crossed_out_and_named(tmp_path):
    images = make_images(tmp_path, 5)
    (tmp_path / "1.png").write_bytes(b"no image")
    (tmp_path / "3.png").unlink()
    index = draw_thumbnails(images, tmp_path / "sheets", seed=0)
    assert set(index["problems"]) == {"1.png", "3.png"}
    assert index["problems"]["3.png"] == "the file does not exist (any more)"
    cross = np.asarray(crossed_cell((128, 128))).astype(int)
    assert np.abs(cell_of(index, tmp_path / "sheets", 1) - cross).mean() < 4
    assert np.abs(cell_of(index, tmp_path / "sheets", 2)[64, 64] - (14, 62, 128)).max() < 12


@pytest.mark.parametrize(("size", "expected"), [((900, 1), (64, 1)), ((2, 700), (1, 64)), ((8, 4), (64, 32))])
def test_a_picture_keeps_its_shape_and_one_pixel(size, expected):
    assert fit_to_cell(Image.new("RGB", size), (64, 64)).size == expected


def test_deep_images_are_scaled_by_their_range(tmp_path):
    Image.fromarray(np.full((20, 20), 2048, np.uint16)).save(tmp_path / "deep.png")
    row = {"image_id": "deep.png", "path": str(tmp_path / "deep.png"), "width": "20", "height": "20"}
    images = pd.DataFrame([row | {"full_range": "4095"}])
    index = draw_thumbnails(images, tmp_path / "sheets", seed=0)
    assert np.abs(cell_of(index, tmp_path / "sheets", 0) - 128).max() < 6


def test_strips_are_described():
    widths, heights = pd.Series([1600, 100, 30]), pd.Series([256, 100, 10])
    assert describe_strips(widths, heights, 64).startswith("1 of 3 images are strips thinner than 1 : 3: ")
    assert "the thinnest takes 10 of 64 pixels" in describe_strips(widths, heights, 64)
    assert describe_strips(widths[1:], heights[1:], 64) == ""


@pytest.mark.parametrize("side", SIDES)
def test_sheets_are_no_larger_than_is_quickly_decoded(side):
    assert side % 2 == 0
    columns, rows = sheet_shape(100_000, side)
    assert max(columns, rows) * side <= SHEET_SIDE < (columns + 1) * side
    assert sheet_shape(1, side) == (1, 1) and sheet_shape(0, side) == (1, 1)
    assert sheet_shape(9, 128) == (8, 2)
