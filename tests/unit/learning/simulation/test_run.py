"""One strategy on one fold, from files: where the novelty of images comes from."""

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.learning_networks import SETTINGS, small_classifier, small_experiment, stored_images
from nearlabel.features.store import write_features
from nearlabel.learning.data.arrays import ImageArrays
from nearlabel.learning.network.rows import StoredRows
from nearlabel.learning.simulation import run as simulation
from nearlabel.learning.simulation.fold import Fold
from nearlabel.learning.simulation.run import run_strategy


@pytest.fixture
def fold():
    images, labels = stored_images(60)
    experiment = small_experiment(labels)
    arrays = ImageArrays(images, experiment.image_id, {"fingerprint": "f"})
    return Fold(experiment, small_classifier(), arrays, StoredRows(arrays.values, torch.device("cpu")))


def write_scores(path, image_ids, scores):
    maps = [np.zeros((1, 1), np.float16)] * len(scores)
    write_features(path, np.zeros((len(scores), 1)), list(image_ids), {"pooling": "novelty"}, [(scores, maps)])
    return path


def play(fold, folder, novelty):
    output = {name: folder / f"{name}.csv" for name in ("rounds", "queries", "choices", "maps")}
    strategy = {"name": "novelty", "parameters": {}}
    state = run_strategy(
        fold, strategy, SETTINGS, fold_seed=1, query_seed=2, novelty=novelty, states=folder / "states", output=output
    )
    assert state.path.exists()  # until its job has made all that it makes
    state.remove()
    return pd.read_csv(output["queries"], dtype={"image_id": str})


def test_scores_are_found_by_name_and_the_most_novel_come_first(fold, tmp_path):
    ids = fold.experiment.image_id
    scores = np.random.default_rng(0).permutation(len(ids)).astype(np.float32)
    shuffled = np.random.default_rng(1).permutation(len(ids))
    queries = play(fold, tmp_path, write_scores(tmp_path / "new.h5", ids[shuffled], scores[shuffled]))
    asked = queries[queries["round"] > 0]
    assert asked["score"].is_monotonic_decreasing
    by_name = dict(zip(ids, scores, strict=True))
    assert [by_name[image] for image in asked["image_id"]] == asked["score"].tolist()


def test_a_state_of_other_novelty_is_not_found(fold, tmp_path, monkeypatch):
    keys = []
    kept = simulation.StateFile
    monkeypatch.setattr(simulation, "StateFile", lambda folder, parts: keys.append(parts) or kept(folder, parts))
    ids, scores = fold.experiment.image_id, np.arange(60, dtype=np.float32)
    play(fold, tmp_path, write_scores(tmp_path / "one.h5", ids, scores))
    play(fold, tmp_path, write_scores(tmp_path / "two.h5", ids, scores[::-1].copy()))
    assert keys[0] != keys[1] and keys[0] | {"novelty": ""} == keys[1] | {"novelty": ""}


def test_a_file_that_lacks_images_is_named(fold, tmp_path):
    file = write_scores(tmp_path / "few.h5", fold.experiment.image_id[1:], np.zeros(59, np.float32))
    with pytest.raises(ValueError, match=r"few\.h5 lacks 1 images, first '000"):
        play(fold, tmp_path, file)
