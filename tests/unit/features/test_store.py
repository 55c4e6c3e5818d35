import h5py
import numpy as np
import pytest

from nearlabel.features.store import read_features, write_features

IDS = ["a b.png", "Ä/'q'.png", "new\nline.png"]


def test_what_is_written_is_read(tmp_path):
    features = np.arange(6, dtype=np.float64).reshape(3, 2)
    write_features(tmp_path / "deep" / "x.h5", features, IDS, {"encoder": "e", "image_size": "224"})
    stored = read_features(tmp_path / "deep" / "x.h5")
    assert stored.features.dtype == np.float32
    np.testing.assert_array_equal(stored.features, features)
    assert list(stored.image_id) == IDS
    assert stored.attributes == {"encoder": "e", "image_size": "224"}


def test_blocks_and_a_whole_array_give_the_same_bytes(tmp_path):
    features = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    write_features(tmp_path / "whole.h5", features, IDS, {"a": "b"})
    write_features(tmp_path / "blocks.h5", iter([features[:2], features[2:]]), IDS, {"a": "b"})
    assert (tmp_path / "whole.h5").read_bytes() == (tmp_path / "blocks.h5").read_bytes()


def test_a_failure_leaves_nothing_behind(tmp_path):
    def blocks():
        yield np.zeros((2, 5), np.float32)
        raise KeyError("lost")

    with pytest.raises(KeyError):
        write_features(tmp_path / "x.h5", blocks(), IDS, {})
    for wrong in (np.zeros((2, 5)), np.zeros((4, 5))):
        with pytest.raises(ValueError, match="3 "):
            write_features(tmp_path / "x.h5", wrong, IDS, {})
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "x.h5"
    write_features(path, np.zeros((3, 500), np.float32), IDS, {})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"x\.h5.*delete it"):
        read_features(path)
    with h5py.File(path, "w") as file:
        file["features"] = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"x\.h5.*delete it"):
        read_features(path)
    with pytest.raises(FileNotFoundError, match="absent"):
        read_features(tmp_path / "absent.h5")
