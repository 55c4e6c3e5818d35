import warnings

import h5py
import numpy as np
import pytest
from sklearn.cluster import HDBSCAN
from sklearn.datasets import make_blobs

from nearlabel.grouping.clustering.algorithms import cluster, sweep
from nearlabel.grouping.clustering.hdbscan import GRID_STEPS, size_grid
from nearlabel.grouping.clustering.labels import read_labels, write_labels


@pytest.fixture(scope="module")
def noisy():
    """Three groups of 50, and 12 points far from them and from each other."""
    points, truth = make_blobs(150, 3, centers=[[0, 0, 0], [20, 0, 0], [0, 20, 0]], cluster_std=0.5, random_state=0)
    far = np.random.default_rng(0).uniform(-400, 400, size=(12, 3)) + 500
    return np.concatenate([points, far]), np.concatenate([truth, np.full(12, 3)])


def test_groups_are_found_and_what_lies_in_none_is_one_more(noisy):
    points, truth = noisy
    found = sweep(points, "hdbscan", range(2, 30), 0, min_cluster_size=15)
    assert list(found.labels) == [4]
    assert found.missing == [k for k in range(2, 30) if k != 4]
    assert found.cut == []
    assert len(set(zip(found.labels[4].tolist(), truth.tolist(), strict=True))) == 4
    assert set(found.labels[4][truth == 3]) == {found.outliers[4]} == {3}
    assert found.flags == {4: ["outliers:0.0741"]}
    assert found.recorded["fits"] == {"4": {"min_cluster_size": 15, "outliers": 12 / 162}}


def test_without_outliers_there_is_no_outlier_group(noisy):
    points, truth = noisy
    found = sweep(points[:150], "hdbscan", range(2, 6), 0)
    assert list(found.labels) == [3]
    assert found.outliers == {}
    assert found.flags == {3: []}
    assert len(set(zip(found.labels[3].tolist(), truth[:150].tolist(), strict=True))) == 3


def test_of_fits_with_the_same_k_the_one_with_the_fewest_outliers_and_the_largest_size_is_kept():
    points = np.random.default_rng(3).normal(size=(150, 2))
    found = sweep(points, "hdbscan", range(2, 151), 0)
    best = {}
    for size in size_grid(150):
        labels = HDBSCAN(min_cluster_size=size, copy=True).fit(points).labels_
        k, share = len(set(labels)), np.mean(labels < 0)
        if len(set(labels) - {-1}) >= 2 and (k not in best or share <= best[k][0]):
            best[k] = (share, size, labels)
    assert len(best) >= 2
    assert list(found.labels) == sorted(best)
    for k, (share, size, labels) in best.items():
        assert found.recorded["fits"][str(k)] == {"min_cluster_size": size, "outliers": share}
        np.testing.assert_array_equal(found.labels[k], np.where(labels < 0, found.outliers.get(k), labels))


def test_a_k_has_the_same_labels_whichever_block_it_is_in():
    points = np.random.default_rng(3).normal(size=(150, 2))
    whole = sweep(points, "hdbscan", range(2, 151), 0)
    parts = [sweep(points, "hdbscan", ks, 1) for ks in (range(2, 5), range(5, 151))]
    assert sorted(whole.missing) == sorted(k for part in parts for k in part.missing)
    for part in parts:
        for k, labels in part.labels.items():
            np.testing.assert_array_equal(labels, whole.labels[k])


@pytest.mark.parametrize("points", [np.full((30, 4), 0.1), np.arange(4.0).reshape(2, 2), np.arange(3.0)[:, None] ** 3])
def test_where_nothing_is_found_no_k_has_labels(points):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = sweep(points, "hdbscan", range(2, 6), 0)
    assert found.labels == {}
    assert found.missing == [k for k in range(2, 6) if k <= len(points)]
    assert found.cut == [k for k in range(2, 6) if k > len(points)]


def test_parameters_reach_the_algorithm(noisy):
    points, _ = noisy
    rng = np.random.default_rng(0)
    nested = np.concatenate([rng.normal(size=(30, 2)) + place for place in ([0, 0], [6, 0], [100, 0], [106, 0])])
    assert list(cluster(nested, "hdbscan", range(2, 9), 0, min_cluster_size=10, cluster_selection_epsilon=20.0)) == [2]
    kinds = [
        list(cluster(nested, "hdbscan", range(2, 121), 0, min_cluster_size=10, cluster_selection_method=method))
        for method in ("eom", "leaf")
    ]
    assert kinds[0] != kinds[1]
    few, many = (
        sweep(points, "hdbscan", range(2, 9), 0, min_cluster_size=10, min_samples=samples).recorded["fits"]
        for samples in (1, 40)
    )
    assert few != many


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"min_cluster_size": 1}, "min_cluster_size' of hdbscan must be 'auto' or a whole number from 2"),
        ({"min_samples": 0}, "min_samples' of hdbscan must be"),
        ({"cluster_selection_method": "best"}, "must be one of eom, leaf"),
        ({"cluster_selection_epsilon": -1}, "must be a number from 0"),
    ],
)
def test_wrong_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        sweep(np.eye(5), "hdbscan", [2], 0, **parameters)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 19, 20, 21, 60, 5000])
def test_the_grid_rises_from_five_to_a_quarter(n):
    grid = size_grid(n)
    assert grid == sorted(set(grid))
    assert len(grid) <= GRID_STEPS
    assert grid[-1] == max(2, n // 4)
    assert grid[0] == min(5, grid[-1])


def test_files_say_what_is_missing_and_which_label_is_the_outliers(noisy, tmp_path):
    points, _ = noisy
    ids = [f"{i}.png" for i in range(len(points))]
    for first, last in ((2, 3), (4, 5)):
        found = sweep(points, "hdbscan", range(first, last + 1), 0, min_cluster_size=15)
        write_labels(tmp_path / f"k{first:03d}-{last:03d}.h5", ids, found, "dense")
    with h5py.File(tmp_path / "k004-005.h5") as file:
        assert set(file) == {"image_id", "k4"}
        assert file["k4"].attrs["outliers"] == 3
        assert file.attrs["missing"] == "[5]"
    [block] = read_labels(sorted(tmp_path.glob("*.h5"))).values()
    assert list(block.labels) == [4]
    assert block.missing == [2, 3, 5]
    assert block.outliers == {4: 3}
