import h5py
import numpy as np
import pytest

from nearlabel.grouping.clustering.algorithms import sweep
from nearlabel.grouping.clustering.labels import Sweep, read_labels, write_labels

IDS = ["plain.png", 'with "quotes" and, comma.png', "line\nbreak.png", "größe/像.png"]


def made_up(ks, cut=()):
    return Sweep(
        {k: np.arange(4, dtype=np.int32) % k for k in ks},
        {k: ["degenerate", "not_converged"] if k == 3 else [] for k in ks},
        list(cut),
        {"seed": 3},
    )


def test_blocks_of_one_algorithm_are_joined(tmp_path):
    high, low = tmp_path / "k004-006.h5", tmp_path / "new/k002-003.h5"
    write_labels(high, IDS, made_up([4], cut=[5, 6]), "kmeans")
    write_labels(low, IDS, made_up([2, 3]), "kmeans")
    blocks = read_labels([high, low])
    assert list(blocks) == ["kmeans"]
    block = blocks["kmeans"]
    assert list(block.labels) == [2, 3, 4]
    assert block.labels[3].dtype == np.int32
    assert block.labels[3].tolist() == [0, 1, 2, 0]
    assert block.flags == {2: [], 3: ["degenerate", "not_converged"], 4: []}
    assert block.cut == [5, 6]
    assert block.image_id.tolist() == IDS
    assert block.recorded == {"seed": 3}


def test_layout_of_the_file(tmp_path):
    points = np.random.default_rng(0).normal(size=(4, 2))
    write_labels(tmp_path / "k.h5", IDS, sweep(points, "kmeans", range(2, 7), 0), "mine")
    with h5py.File(tmp_path / "k.h5") as file:
        assert set(file) == {"image_id", "k2", "k3", "k4"}
        assert file["k2"].shape == (4,)
        assert file["k2"].dtype == np.int32
        assert file["k2"].attrs["flags"] == ""
        assert file.attrs["algorithm"] == "mine"
        assert file.attrs["cut"] == "[5, 6]"
        assert '"n_init": "auto"' in file.attrs["parameters"]


def test_same_labels_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_labels(tmp_path / name, IDS, made_up([2, 3]), "kmeans")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_block_above_n_has_no_labels(tmp_path):
    write_labels(tmp_path / "k.h5", IDS, made_up([], cut=[8, 9]), "kmeans")
    block = read_labels(tmp_path / "k.h5")["kmeans"]
    assert block.labels == {}
    assert block.cut == [8, 9]


def test_algorithms_keep_the_order_given(tmp_path):
    paths = []
    for name in ("spectral", "kmeans"):
        paths.append(tmp_path / name)
        write_labels(paths[-1], IDS, made_up([2]), name)
    assert list(read_labels(paths)) == ["spectral", "kmeans"]


def test_what_does_not_fit_together_is_refused(tmp_path):
    write_labels(tmp_path / "one.h5", IDS, made_up([2]), "kmeans")
    write_labels(tmp_path / "two.h5", IDS[::-1], made_up([3]), "kmeans")
    with pytest.raises(ValueError, match=r"two\.h5 labels other images than .*one\.h5"):
        read_labels([tmp_path / "one.h5", tmp_path / "two.h5"])
    with pytest.raises(ValueError, match="repeats k = 2 of kmeans"):
        read_labels([tmp_path / "one.h5", tmp_path / "one.h5"])
    with pytest.raises(ValueError, match="4 labels for 3 image ids"):
        write_labels(tmp_path / "short.h5", IDS[:3], made_up([2]), "kmeans")
    assert [path.name for path in tmp_path.iterdir() if "short" in path.name] == []


def test_damage_is_named(tmp_path):
    (tmp_path / "broken.h5").write_bytes(b"not HDF5")
    with pytest.raises(ValueError, match=r"broken\.h5 is damaged .* --forcerun"):
        read_labels(tmp_path / "broken.h5")
    with pytest.raises(FileNotFoundError, match=r"absent\.h5 does not exist"):
        read_labels(tmp_path / "absent.h5")
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["something"] = 1
    with pytest.raises(ValueError, match=r"foreign\.h5 is damaged or not such a file"):
        read_labels(tmp_path / "foreign.h5")
