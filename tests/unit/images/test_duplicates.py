import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from nearlabel.images import duplicates
from nearlabel.images.duplicates import Hashes, group_images, hash_images, near_pairs, perceptual_hash

ROWS, COLUMNS = np.mgrid[0:90, 0:160]
WAVES = 127 + 60 * np.sin(COLUMNS / 11 + ROWS / 23) + 50 * np.cos(ROWS / 7 - COLUMNS / 31)
BLOB = 40 + 180 * np.exp(-(((ROWS - 30) / 20) ** 2) - ((COLUMNS - 110) / 35) ** 2)


def picture(values):
    return Image.fromarray(np.rint(np.clip(values, 0, 255)).astype(np.uint8))


def table(n, parts=None, sha256=None):
    return pd.DataFrame(
        {
            "image_id": [f"{i:05d}.png" for i in range(n)],
            "part": parts or [""] * n,
            "sha256": sha256 or [f"{i:064x}" for i in range(n)],
        }
    )


def hashes(values, flat=None):
    return Hashes(np.array(values, np.uint64), np.array(flat or [False] * len(values)))


def difference(a, b):
    return (perceptual_hash(a)[0] ^ perceptual_hash(b)[0]).bit_count()


@pytest.mark.parametrize(
    ("values", "expected"),
    [(WAVES, 0xADF852C26A379037), (BLOB, 0x979768686895966E), (COLUMNS * 1.5, 0x8000000000000000)],
)
def test_hashes_are_those_of_imagehash(values, expected):
    # From imagehash.phash, version 4.3.2.
    assert perceptual_hash(picture(values)) == (expected, False)


def test_near_duplicates_are_near_and_other_images_far(tmp_path):
    original = picture(WAVES).convert("RGB")
    original.save(tmp_path / "coarse.jpg", quality=40)
    assert difference(original, Image.open(tmp_path / "coarse.jpg")) <= 4
    assert difference(original, ImageEnhance.Brightness(original).enhance(0.8)) <= 4
    assert difference(original, original.resize((320, 180))) <= 4
    assert difference(original, original.crop((1, 1, 159, 89))) <= 4
    assert difference(original, picture(BLOB)) > 16
    assert difference(original, original.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) > 16


def test_flat_images_are_told_from_faint_ones():
    grain = np.random.default_rng(0).integers(0, 2, (200, 200))
    for values in (np.zeros((50, 40)), np.full((50, 40), 77), np.full((50, 40), 255), 100 + grain * 0.9):
        assert perceptual_hash(picture(values))[1]
    assert not perceptual_hash(picture(100 + BLOB / 60))[1]


def test_files_are_hashed_in_order_by_any_number_of_workers(tmp_path):
    images = [picture(WAVES), picture(BLOB), picture(np.full((9, 9), 5))]
    paths = [tmp_path / f"{i} ü'.png" for i in range(3)]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    one, two = hash_images(paths, 1), hash_images(paths, 2)
    assert one.values.dtype == np.uint64
    assert one.values.tolist() == two.values.tolist() == [perceptual_hash(image)[0] for image in images]
    assert one.flat.tolist() == two.flat.tolist() == [False, False, True]
    paths[1].write_bytes(b"")
    with pytest.raises(ValueError, match=r"1 ü'\.png: the file is empty .* check them again"):
        hash_images(paths)


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 63), max_size=40), st.integers(0, 64))
def test_pairs_are_those_of_a_plain_loop(values, distance):
    # Small blocks, so that their borders are crossed.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "COMPARED", 100)
        patch.setattr(duplicates, "HELD", 5)
        found = [
            pair for block in near_pairs(np.array(values, np.uint64), distance) for pair in zip(*block, strict=True)
        ]
    expected = [
        (i, j)
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if (values[i] ^ values[j]).bit_count() <= distance
    ]
    assert sorted(found) == expected


@settings(deadline=None)
@given(st.data())
def test_groups_are_the_chains_of_like_images(data):
    n = data.draw(st.integers(1, 20))
    draw = lambda values: data.draw(st.lists(values, min_size=n, max_size=n))  # noqa: E731
    values, flat = draw(st.integers(0, 200)), draw(st.booleans())
    parts, sha256 = draw(st.sampled_from(["", "", "a", "b"])), draw(st.sampled_from("012345"))
    distance = data.draw(st.integers(0, 3))
    leaders = list(range(n))
    for i in range(n):
        for j in range(n):
            near = not flat[i] and not flat[j] and (values[i] ^ values[j]).bit_count() <= distance
            if near or sha256[i] == sha256[j] or (parts[i] and parts[i] == parts[j]):
                low, high = sorted((leaders[i], leaders[j]))
                leaders = [low if leader == high else leader for leader in leaders]
    assert group_images(table(n, parts, sha256), hashes(values, flat), distance).tolist() == leaders


def test_part_content_and_hash_join_into_one_chain():
    images = table(6, parts=["p", "", "p", "", "", None], sha256=["a", "b", "c", "c", "d", "e"])
    far = 0xFFFFFFFF00000000
    # 0-2 by part, 2-3 by content, 3-4 by hash; 1 and 5 alone.
    values = [1 << 40, 0x00FF00FF00FF00FF, 0x0F0F0F0F0F0F0F0F, far, far ^ 0b1111, 0x3333333333333333]
    assert group_images(images, hashes(values)).tolist() == [0, 1, 0, 0, 0, 5]
    assert group_images(images, hashes(values), distance=3).tolist() == [0, 1, 0, 0, 4, 5]
    assert group_images(images).tolist() == [0, 1, 0, 0, 4, 5]


def test_flat_images_form_no_group_unless_they_are_one_file():
    images = table(5, sha256=["a", "b", "c", "b", "e"])
    same = hashes([7] * 5, flat=[True, True, True, True, False])
    assert group_images(images, same, 64).tolist() == [0, 1, 2, 1, 4]


def test_ten_thousand_images_are_quick_whether_none_or_all_are_alike():
    images = table(10_000)
    rng = np.random.default_rng(0)
    unlike = rng.integers(0, 2**64, 10_000, dtype=np.uint64)
    alike = rng.choice(1 << np.arange(64, dtype=np.uint64), (10_000, 2)).sum(axis=1, dtype=np.uint64)
    start = time.perf_counter()
    assert group_images(images, hashes(unlike)).tolist() == list(range(10_000))
    assert not group_images(images, hashes(alike)).any()
    assert time.perf_counter() - start < 10


def test_wrong_input_is_named():
    for distance in (-1, 65):
        with pytest.raises(ValueError, match=f"duplicate_distance is {distance}"):
            group_images(table(2), hashes([0, 1]), distance)
    with pytest.raises(ValueError, match="hashes of 3 images for 2"):
        group_images(table(2), hashes([0, 1, 2]))
