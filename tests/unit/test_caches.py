import json

import numpy as np
import pytest

from nearlabel.caches import clear_unneeded, describe_kept, format_size, list_kept
from nearlabel.features.cache import FeatureCache
from nearlabel.features.store import write_features

FEATURES = np.ones((2, 3), dtype=np.float32)


@pytest.fixture
def results(tmp_path):
    """Features of two encoders, one of which a run was made of, and states of two runs, one of which has ended."""
    for encoder in ("texture", "resnet18"):
        cache = FeatureCache(tmp_path / "cache", {"encoder": encoder})
        cache.add(["a", "b"], FEATURES)
        if encoder == "texture":
            attributes = {"network": encoder, "cache": cache.folder.name}
            write_features(tmp_path / "mine/steel/features/own_id.h5", FEATURES, ["1", "2"], attributes)
    for fold in (0, 1):
        state = tmp_path / f"cache/learning/mine/steel/random/fold{fold}/0123.pt"
        state.parent.mkdir(parents=True)
        state.write_bytes(b"x" * 5000)
    rounds = tmp_path / "mine/steel/learning/random/fold0/rounds.csv"
    rounds.parent.mkdir(parents=True)
    rounds.write_text("round\n", encoding="utf-8")
    return tmp_path


def needs(results, *unfinished):
    return {kept.what: kept.needed_by for kept in list_kept(results, unfinished)}


def test_what_a_run_was_made_of_or_can_go_on_from_is_needed(results):
    assert needs(results) == {
        "features of texture": "mine (own_id)",
        "features of resnet18": "",
        # Its job, which may run all folds, has not ended.
        "state of random on fold 0 of steel, run mine": "that run, which has not ended",
        "state of random on fold 1 of steel, run mine": "that run, which has not ended",
    }
    assert needs(results, "resnet18")["features of resnet18"] == "resnet18, which has images left to encode"


def test_a_state_of_a_run_that_is_gone_is_not_needed(results):
    (results / "mine").rename(results / "other")
    found = needs(results)
    assert found["state of random on fold 1 of steel, run mine"] == ""
    assert found["features of texture"] == "other (own_id)"


def test_only_what_nothing_needs_is_cleared(results):
    (results / "mine/steel/learning/random/fold1").mkdir()
    (results / "mine/steel/learning/random/fold1/rounds.csv").touch()
    kept = list_kept(results)
    assert [one.size for one in kept] == sorted((one.size for one in kept), reverse=True)
    freed = clear_unneeded(kept)
    assert freed == sum(one.size for one in kept if not one.needed_by) > 5000
    left = list_kept(results)
    assert {one.what for one in left} == {"features of texture"}
    # The features that were kept are whole.
    assert "a" in FeatureCache(results / "cache", {"encoder": "texture"})
    assert clear_unneeded(left) == 0


def test_the_table_says_sizes_and_needs(results):
    text = describe_kept(list_kept(results))
    assert text.splitlines()[0].split() == ["size", "holds", "needed", "by", "folder"]
    assert "4.88 KiB  state of random on fold 1 of steel, run mine  that run, which has not ended" in text
    assert text.splitlines()[-1].endswith("that nothing needs")
    assert describe_kept([]).splitlines()[-1] == "0 bytes in all, 0 bytes that nothing needs"
    assert [format_size(n) for n in (0, 1023, 1536, 5 << 20, 3 << 30)] == [
        "0 bytes", "1.02e+03 bytes", "1.5 KiB", "5 MiB", "3 GiB",
    ]  # fmt: skip


def test_what_is_damaged_is_named_and_needed_by_nothing(results, caplog):
    descriptions = list((results / "cache").glob("*/encoder.json"))
    [description] = [file for file in descriptions if json.loads(file.read_text())["encoder"] == "texture"]
    description.write_text("{", encoding="utf-8")
    (results / "mine/steel/features/own_id.h5").write_bytes(b"no HDF5")
    assert needs(results)["features of an unknown encoder"] == ""
    assert str(description) in caplog.text and "own_id.h5 is damaged" in caplog.text
