"""Activation maps of the images that a run asked for: small, whole, and read back."""

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.learning_networks import SETTINGS, small_classifier, small_experiment, stored_images
from nearlabel.learning.data.arrays import ImageArrays
from nearlabel.learning.network.rows import StoredRows
from nearlabel.learning.simulation.fold import Fold
from nearlabel.learning.simulation.query_maps import LARGEST, pack_maps, read_query_maps, write_query_maps
from nearlabel.learning.simulation.run import run_strategy


def test_small_maps_keep_every_value_to_half_a_step():
    maps = np.random.default_rng(0).random((5, 7, LARGEST)).astype(np.float32)
    packed = pack_maps(maps)
    assert packed.dtype == torch.uint8 and packed.shape == maps.shape
    np.testing.assert_allclose(packed.numpy() / 255, maps, atol=0.5 / 255 + 1e-6)
    # What rounding has left beyond [0, 1] stays at its end.
    assert pack_maps(np.array([[[1 + 1e-7, 0.0]]])).tolist() == [[[255, 0]]]


def test_sides_of_large_maps_become_means_over_areas():
    maps = np.random.default_rng(1).random((2, 2 * LARGEST, 7)).astype(np.float32)
    expected = np.round(255 * maps.reshape(2, LARGEST, 2, 7).mean(axis=2))
    assert np.abs(pack_maps(maps).numpy() - expected).max() <= 1
    assert pack_maps(np.zeros((1, 32, 40))).shape == (1, LARGEST, LARGEST)


def test_maps_are_read_back_and_none_leave_an_empty_file(tmp_path):
    maps = [torch.arange(12, dtype=torch.uint8).reshape(2, 2, 3), torch.ones((1, 2, 3), dtype=torch.uint8)]
    write_query_maps(tmp_path / "maps.h5", maps, [1, 1, 2], ["a", "ü/b.png", "c"])
    found = read_query_maps(tmp_path / "maps.h5")
    np.testing.assert_array_equal(found.maps, torch.cat(maps).numpy())
    assert found.maps.dtype == np.uint8 and found.round.tolist() == [1, 1, 2]
    assert found.image_id.tolist() == ["a", "ü/b.png", "c"]
    write_query_maps(tmp_path / "none.h5", [], [1, 1, 2], ["a", "b", "c"])
    assert [len(part) for part in read_query_maps(tmp_path / "none.h5")] == [0, 0, 0]


def test_damage_is_named(tmp_path):
    file = tmp_path / "maps.h5"
    file.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"maps\.h5 is damaged"):
        read_query_maps(file)
    write_query_maps(file, [torch.zeros((2, 1, 1), dtype=torch.uint8)], [1], ["a"])
    with pytest.raises(ValueError, match=r"maps\.h5 holds 2 maps for 1 images"):
        read_query_maps(file)


def test_a_run_writes_the_map_of_every_image_that_it_chose(tmp_path):
    images, labels = stored_images(60)
    experiment = small_experiment(labels)
    arrays = ImageArrays(images, experiment.image_id, {"fingerprint": "f"})
    fold = Fold(experiment, small_classifier(), arrays, StoredRows(arrays.values, torch.device("cpu")))
    output = {name: tmp_path / name for name in ("rounds", "queries", "choices", "maps")}
    strategy = {"name": "gradcam_avg", "parameters": {"window": 7}}
    run_strategy(fold, strategy, SETTINGS, fold_seed=1, query_seed=2, states=tmp_path / "states", output=output)
    queries = pd.read_csv(output["queries"], dtype={"image_id": str})
    chosen, found = queries[queries["round"] > 0], read_query_maps(output["maps"])
    assert found.image_id.tolist() == chosen["image_id"].tolist() and found.round.tolist() == chosen["round"].tolist()
    assert found.maps.shape == (len(chosen), 9, 9) and found.maps.max() == 255
