import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.images.duplicates import Hashes, group_images, groups
from nearlabel.images.duplicates.groups import near_pairs

# One thumbnail for all: what the second look says of it is yes.
THUMBNAIL = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)


def table(n, parts=None, sha256=None):
    return pd.DataFrame(
        {
            "image_id": [f"{i:05d}.png" for i in range(n)],
            "part": parts or [""] * n,
            "sha256": sha256 or [f"{i:064x}" for i in range(n)],
        }
    )


def hashes(values, flat=None):
    """Images whose upright hashes are given; turned or mirrored, each is unlike all others."""
    n = len(values)
    turned = np.random.default_rng(1).integers(2**62, 2**63, (n, 7), dtype=np.uint64)
    return Hashes(
        np.column_stack([np.array(values, np.uint64), turned]),
        np.array(flat or [False] * n),
        np.broadcast_to(THUMBNAIL, (n, 64, 64)),
    )


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 63), min_size=8, max_size=8), max_size=40), st.integers(0, 64))
def test_pairs_are_those_of_a_plain_loop(values, distance):
    # Small blocks, so that their borders are crossed.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "COMPARED", 100)
        patch.setattr(groups, "HELD", 5)
        given = np.array(values, np.uint64).reshape(-1, 8)
        found = [pair for block in near_pairs(given, distance) for pair in zip(*block, strict=True)]
    expected = [
        (i, j, orientation)
        for i in range(len(values))
        for j in range(i + 1, len(values))
        for orientation in range(8)
        if (values[i][0] ^ values[j][orientation]).bit_count() <= distance
    ]
    assert sorted(found) == expected


@settings(deadline=None)
@given(st.data())
def test_groups_are_the_chains_of_like_images(data):
    n = data.draw(st.integers(1, 7))
    draw = lambda values: data.draw(st.lists(values, min_size=n, max_size=n))  # noqa: E731
    values, flat = draw(st.integers(0, 200)), draw(st.booleans())
    parts, sha256 = draw(st.sampled_from(["", "", "a", "b"])), [str(i) for i in range(n)]
    for row in draw(st.integers(0, n - 1)):
        # Equal files have equal hashes.
        other = data.draw(st.integers(0, n - 1))
        sha256[row], values[row], flat[row] = sha256[other], values[other], flat[other]
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
    # 0-2 by part, 2-3 by content, 2-4 by hash; 1 and 5 alone.
    values = [1 << 40, 0x00FF00FF00FF00FF, far, far, far ^ 0b1111, 0x3333333333333333]
    assert group_images(images, hashes(values)).tolist() == [0, 1, 0, 0, 0, 5]
    assert group_images(images, hashes(values), distance=3).tolist() == [0, 1, 0, 0, 4, 5]
    assert group_images(images, hashes(values), None).tolist() == [0, 1, 0, 0, 4, 5]
    assert group_images(images).tolist() == [0, 1, 0, 0, 4, 5]


def test_flat_images_form_no_group_unless_they_are_one_file():
    images = table(5, sha256=["a", "b", "c", "b", "e"])
    same = hashes([7] * 5, flat=[True, True, True, True, False])
    assert group_images(images, same, 64).tolist() == [0, 1, 2, 1, 4]


def test_an_unknown_content_is_nobody_s_copy():
    assert group_images(table(3, sha256=["", "", ""]), hashes([1, 2**40 - 1, 1])).tolist() == [0, 1, 0]


def test_ten_thousand_images_are_quick_when_none_are_alike():
    rng = np.random.default_rng(0)
    unlike = rng.integers(0, 2**64, 10_000, dtype=np.uint64)
    start = time.perf_counter()
    assert group_images(table(10_000), hashes(unlike)).tolist() == list(range(10_000))
    assert time.perf_counter() - start < 10


def test_wrong_input_is_named():
    for distance in (-1, 65):
        with pytest.raises(ValueError, match=f"duplicate_distance is {distance}"):
            group_images(table(2), hashes([0, 1]), distance)
    with pytest.raises(ValueError, match="hashes of 3 images for 2"):
        group_images(table(2), hashes([0, 1, 2]))
