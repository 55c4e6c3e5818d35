import h5py
import numpy as np
import pytest

from nearlabel.features.store import read_features, read_novelty, read_reference, write_features, write_reference

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
    with pytest.raises(ValueError, match=r"x\.h5.*--forcerun"):
        read_features(path)
    with h5py.File(path, "w") as file:
        file["features"] = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"x\.h5.*--forcerun"):
        read_features(path)
    with pytest.raises(FileNotFoundError, match="absent"):
        read_features(tmp_path / "absent.h5")


def test_novelty_comes_back_with_maps_of_unlike_shapes(tmp_path):
    file = tmp_path / "x.h5"
    maps = [np.full((2, 3), 1.5, np.float16), np.arange(4, dtype=np.float16).reshape(1, 4)]
    blocks = [(np.array([2.5], np.float32), maps[:1]), (np.array([0.5], np.float32), maps[1:])]
    write_features(file, np.zeros((2, 1), np.float32), ["a", "b"], {"pooling": "novelty"}, iter(blocks))
    found = read_novelty(file)
    assert found.scores.tolist() == [2.5, 0.5] and found.image_id.tolist() == ["a", "b"]
    assert [one.tolist() for one in found.maps] == [one.tolist() for one in maps]
    with pytest.raises(ValueError, match="1 rows of novelty for 2 image ids"):
        write_features(file, np.zeros((2, 1), np.float32), ["a", "b"], {}, blocks[:1])
    assert read_novelty(file).scores.tolist() == [2.5, 0.5]


def test_a_file_without_novelty_says_what_to_do(tmp_path):
    file = tmp_path / "x.h5"
    write_features(file, np.zeros((1, 1), np.float32), ["a"], {"pooling": "max"})
    with pytest.raises(ValueError, match=r"x\.h5 holds no novelty: its encoder has `pooling: max`; set `pooling: nov"):
        read_novelty(file)


def test_a_reference_comes_back_from_either_file(tmp_path):
    arrays = {"keys": np.array(["ab", "c"], "S"), "patches": np.random.default_rng(0).normal(size=(500, 9))}
    write_features(tmp_path / "x.h5", np.zeros((1, 1), np.float32), ["a"], {"pooling": "novelty"}, reference=arrays)
    write_reference(tmp_path / "deep/alone.h5", arrays)
    for file in ("x.h5", "deep/alone.h5"):
        found = read_reference(tmp_path / file)
        assert set(found) == {"keys", "patches"}
        for name, values in found.items():
            assert values.dtype == arrays[name].dtype and values.dtype.metadata is None
            np.testing.assert_array_equal(values, arrays[name])
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["reference/patches"].compression == "gzip" and file["reference/patches"].fletcher32
    assert read_features(tmp_path / "x.h5").features.shape == (1, 1)


def test_a_file_without_a_reference_says_what_to_do(tmp_path):
    file = tmp_path / "x.h5"
    write_features(file, np.zeros((1, 1), np.float32), ["a"], {"pooling": "novelty"})
    with pytest.raises(ValueError, match=r"x\.h5 keeps no reference set.*--forcerun"):
        read_reference(file)
    with pytest.raises(FileNotFoundError, match="none"):
        read_reference(tmp_path / "none.h5")
