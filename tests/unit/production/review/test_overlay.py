import io
import threading

import numpy as np
import pytest
from PIL import Image, ImageDraw

from helpers.bundles import draw_image, make_bundle
from nearlabel.production.labeller.labeller import Labeller
from nearlabel.production.review.overlay import CELLS, NoveltyMaps, grid_shape, measure_pieces


def brightness_beyond(threshold):
    """Novelty of a made-up encoder: how many pixels are brighter."""
    return lambda pictures: [float((np.asarray(one.convert("L")) > threshold).sum()) for one in pictures]


def test_a_planted_spot_is_found():
    picture = Image.new("RGB", (160, 80), (90, 90, 90))
    ImageDraw.Draw(picture).rectangle([100, 10, 108, 18], fill=(250, 250, 250))
    found = measure_pieces(picture, brightness_beyond(200))
    rows, columns = found.shape
    assert (columns, rows) == grid_shape(160, 80) and found.max() == 1 and found.min() == 0
    # The middle of what is marked lies in the spot.
    y, x = np.argwhere(found == 1).mean(axis=0)
    assert abs((x + 0.5) / columns - 104 / 160) < 1 / columns and abs((y + 0.5) / rows - 14 / 80) < 1 / rows
    assert (found > 0).sum() <= 9


def test_an_image_that_no_piece_makes_less_novel_has_an_empty_map():
    assert not measure_pieces(Image.new("RGB", (64, 64), (90, 90, 90)), brightness_beyond(200)).any()
    # Nor does one whose pieces only hide what is usual.
    grown = measure_pieces(Image.new("RGB", (64, 64)), lambda pictures: [float(n) for n, _ in enumerate(pictures)])
    assert not grown.any()


@pytest.mark.parametrize("size", [(1, 1), (4000, 1), (1, 4000), (1600, 256), (100, 100), (3, 900)])
def test_pieces_of_any_shape(size):
    columns, rows = grid_shape(*size)
    assert 1 <= columns <= size[0] and 1 <= rows <= size[1] and columns * rows <= CELLS
    found = measure_pieces(Image.new("RGB", size), lambda pictures: [1.0 for _ in pictures])
    assert found.shape == (rows, columns) and not found.any()


def test_the_map_of_a_real_bundle(tmp_path):
    """A defect that the bundle has never seen, drawn into a good strip: what covers it lowers the novelty most."""
    labeller = Labeller(make_bundle(tmp_path))
    made = []
    maps = NoveltyMaps(lambda: made.append(1) or labeller)
    picture = draw_image("good", 7, 5).convert("RGB")
    ImageDraw.Draw(picture).ellipse([66, 14, 82, 30], fill=(255, 255, 255))
    drawn = np.asarray(Image.open(io.BytesIO(maps.map("a", picture))))
    assert drawn.shape[2] == 4
    row, column = np.unravel_index(drawn[..., 3].argmax(), drawn.shape[:2])
    assert abs((column + 0.5) / drawn.shape[1] - 74 / 96) < 0.2 and abs((row + 0.5) / drawn.shape[0] - 22 / 48) < 0.3
    assert maps.map("a", None) and made == [1]


def test_maps_are_made_one_at_a_time(tmp_path):
    running, most = [], []

    class Slow:
        def prepare(self, path):
            return path

        def label(self, prepared):
            running.append(1)
            most.append(len(running))
            running.pop()
            return [type("Said", (), {"novelty": 1.0})]

    maps = NoveltyMaps(Slow)
    picture = Image.new("RGB", (20, 20))
    threads = [threading.Thread(target=maps.map, args=(str(number), picture)) for number in range(4)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    assert maps.map("0", picture) is None and len(most) == 4 * (1 + CELLS) and set(most) == {1}
