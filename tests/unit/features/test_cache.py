import logging

import numpy as np
import pytest

from nearlabel.features.cache import FeatureCache
from nearlabel.sources import fingerprint

PARTS = {"encoder": "resnet18", "batch_size": 32, "settings": {"threads": 1}}


def test_fingerprint_follows_the_facts_and_not_their_order():
    assert fingerprint(PARTS) == fingerprint(dict(reversed(PARTS.items())))
    for change in ({"batch_size": 16}, {"settings": {"threads": 2}}, {"encoder": "resnet50"}):
        assert fingerprint(PARTS | change) != fingerprint(PARTS)


def test_features_come_back_in_the_order_asked_for(tmp_path):
    features = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    cache = FeatureCache(tmp_path, PARTS)
    cache.add(["a", "b"], features[:2])
    cache.add(["c", "d", "e"], features[2:])
    for opened in (cache, FeatureCache(tmp_path, PARTS)):
        assert all(key in opened for key in "abcde")
        assert "f" not in opened
        np.testing.assert_array_equal(np.concatenate(list(opened.blocks(list("eabbc")))), features[[4, 0, 1, 1, 2]])


def test_blocks_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("nearlabel.features.cache.BLOCK_ROWS", 2)
    cache = FeatureCache(tmp_path, PARTS)
    cache.add(list("abcde"), np.arange(5, dtype=np.float32)[:, None])
    assert [block.ravel().tolist() for block in cache.blocks(list("abcde"))] == [[0, 1], [2, 3], [4]]


def test_other_facts_another_folder(tmp_path):
    FeatureCache(tmp_path, PARTS).add(["a"], np.zeros((1, 3), np.float32))
    assert "a" not in FeatureCache(tmp_path, PARTS | {"batch_size": 16})
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_shard_is_named_and_its_images_are_missing(tmp_path, caplog, damage):
    cache = FeatureCache(tmp_path, PARTS)
    features = np.random.default_rng(0).normal(size=(2, 300)).astype(np.float32)
    cache.add(["a", "b"], features)
    cache.add(["c"], features[:1])
    (shard,) = {place[0] for key, place in cache._places.items() if key == "a"}
    content = bytearray(shard.read_bytes())
    if damage == "flipped":
        content[content.index(features[1].tobytes()) + 100] ^= 1
    shard.write_bytes({"truncated": content[: len(content) // 2], "flipped": content, "empty": b""}[damage])
    with caplog.at_level(logging.WARNING):
        again = FeatureCache(tmp_path, PARTS)
    assert [key in again for key in "abc"] == [False, False, True]
    assert shard.name in caplog.text
    assert not shard.exists()


def test_what_else_there_is_of_an_image_is_kept_and_checked(tmp_path, caplog):
    rng = np.random.default_rng(0)
    features, scores = rng.normal(size=(3, 2)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    maps = [rng.normal(size=shape).astype(np.float16) for shape in ((2, 3), (4, 1), (2, 2))]
    cache = FeatureCache(tmp_path, PARTS)
    cache.add(["a", "b"], features[:2], novelty=scores[:2], novelty_map=maps[:2])
    cache.add(["c"], features[2:], novelty=scores[2:], novelty_map=maps[2:])
    again = FeatureCache(tmp_path, PARTS)
    np.testing.assert_array_equal(next(again.blocks(["c", "a"], "novelty")), scores[[2, 0]])
    found = next(again.blocks(["c", "a", "b"], "novelty_map"))
    for one, expected in zip(found, [maps[2], maps[0], maps[1]], strict=True):
        np.testing.assert_array_equal(one, expected)
    shard = again._places["a"][0]
    content = bytearray(shard.read_bytes())
    content[content.index(maps[1].tobytes())] ^= 1
    shard.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert [key in FeatureCache(tmp_path, PARTS) for key in "abc"] == [False, False, True]
    assert "novelty_map do not have the recorded hash" in caplog.text
