"""Which training images are kept, and how novel held-out ones are by them."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.production.bundle.fitting.reference import (
    choose_reference,
    look_at,
    measure_novelty,
)


def contents(count):
    return np.array([hashlib.sha256(str(row).encode()).hexdigest() for row in range(count)], dtype=object)


def test_all_are_kept_where_there_is_room_but_one_of_each_content():
    sha256 = contents(6)
    sha256[3] = sha256[1]
    labels = np.array(["a"] * 6, dtype=object)
    assert choose_reference(np.array([0, 1, 3, 5]), labels, sha256, 10, 0).tolist() == [0, 1, 5]


def test_every_label_keeps_images_and_rare_ones_all():
    labels = np.array(["good"] * 900 + ["scratch"] * 90 + ["dent"] * 10, dtype=object)
    kept = choose_reference(np.arange(1000), labels, contents(1000), 100, 0)
    counts = pd.Series(labels[kept]).value_counts()
    assert 95 <= len(kept) <= 100 and counts["dent"] == 10 and counts["scratch"] >= 16
    assert counts["good"] > counts["scratch"]
    assert (np.diff(kept) > 0).all()
    assert choose_reference(np.arange(1000), labels, contents(1000), 100, 1).tolist() != kept.tolist()


def test_one_more_image_changes_little():
    labels = np.full(1001, "good", dtype=object)
    fewer = set(choose_reference(np.arange(1000), labels, contents(1001), 100, 0))
    assert len(fewer & set(choose_reference(np.arange(1001), labels, contents(1001), 100, 0))) >= 99


def test_novelty_is_the_mean_distance_to_the_nearest_as_a_multiple_of_theirs():
    reference = np.array([[0.0], [1.0], [5.0]], np.float32)
    # Mean distances to the two nearest others: 3, 2.5 and 4.5.
    found = measure_novelty(np.array([[0.0], [7.0]], np.float32), reference, 2)
    np.testing.assert_allclose(found, [0.5 / 2.75, 4 / 3.5])
    assert measure_novelty(np.empty((0, 1), np.float32), reference, 2).shape == (0,)


@pytest.fixture
def images(tmp_path):
    rows = []
    for number, grey in enumerate((10, 200, 90)):
        path = tmp_path / f"{number}.png"
        pixels = np.full((40, 80), grey, np.uint8)
        pixels[:20] += 20
        Image.fromarray(pixels).save(path)
        rows.append([str(path), hashlib.sha256(path.read_bytes()).hexdigest(), ""])
    return pd.DataFrame(rows, columns=["path", "sha256", "full_range"])


def test_images_are_drawn_small_and_their_light_is_measured(images):
    seen = look_at(images, 2)
    assert [content[:4] for content in seen.thumbnails] == [b"RIFF"] * 3
    np.testing.assert_allclose(seen.grey[:, 0], np.array([20, 210, 100]) / 255, atol=1e-9)
    np.testing.assert_allclose(seen.grey[:, 1], 10 / 255, atol=1e-9)
    assert look_at(images[:0], 2).grey.shape == (0, 2)


def test_an_image_that_has_changed_is_refused(images):
    with pytest.raises(ValueError, match=r"changed since images\.csv was made"):
        look_at(images.assign(sha256="0" * 64), 1)
