"""Files that would run code when unpickled are planted wherever files are read: none is run."""

import ast
import os
import pickle

import h5py
import numpy as np
import pytest
import torch

from helpers.places import REPOSITORY
from nearlabel.features.cache import FeatureCache
from nearlabel.features.store import read_features
from nearlabel.features.weights.state import load_state
from nearlabel.grouping.models.saved import load_model
from nearlabel.learning.data.arrays import open_arrays
from nearlabel.learning.simulation.state import RunState, StateFile

LIBRARY = REPOSITORY / "workflow_scripts"


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def trace(tmp_path):
    yield tmp_path / "it ran"
    assert not (tmp_path / "it ran").exists()


def planted(path, trace):
    """The same trap as a bare pickle and as torch writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for write in (
        lambda: path.write_bytes(pickle.dumps(Harmful(trace))),
        lambda: torch.save({"rounds": Harmful(trace)}, path),
        lambda: torch.save(Harmful(trace), path, _use_new_zipfile_serialization=False),
    ):
        write()
        yield path


def test_weights(tmp_path, trace):
    for path in planted(tmp_path / "w.pth", trace):
        with pytest.raises(ValueError, match="which are the only thing loaded"):
            load_state(path)


def test_state_of_a_run(tmp_path, trace, caplog):
    file = StateFile(tmp_path, {})
    for _ in planted(file.path, trace):
        assert file.load() == RunState()
    assert caplog.text.count("the run begins anew") == 3


def test_models(tmp_path, trace):
    for path in planted(tmp_path / "model.skops", trace):
        with pytest.raises(ValueError):
            load_model(path)


def test_stores(tmp_path, trace):
    for path in planted(tmp_path / "a.h5", trace):
        for read in (read_features, open_arrays):
            with pytest.raises(ValueError, match="not a whole"):
                read(path)
    cache = FeatureCache(tmp_path / "cache", {})
    shard = cache.folder / "shard.h5"
    # HDF5 can hold a pickle as bytes; nothing looks into it.
    with h5py.File(shard, "w") as store:
        store["key"] = np.frombuffer(pickle.dumps(Harmful(trace)), np.uint8)
    assert "x" not in FeatureCache(tmp_path / "cache", {})
    assert not shard.exists()


def test_no_code_reads_pickles():
    """No module asks for a reader that unpickles; torch's own is told not to."""
    found = []
    for file in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if name in ("pickle.load", "pickle.loads", "joblib.load", "pd.read_pickle", "np.load", "dill.load"):
                found.append(f"{file.name}: {name}")
            if name == "torch.load" and keywords.get("weights_only") != "True":
                found.append(f"{file.name}: torch.load without weights_only")
    assert found == []
