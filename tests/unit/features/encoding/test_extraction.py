import json
import logging
import subprocess
import sys

import pytest

from nearlabel.features.encoding import extraction
from nearlabel.features.encoding.extraction import Extraction
from nearlabel.features.extract import encode_part, extract_features
from nearlabel.features.store import read_features

RESNET = {"name": "resnet18", "weights": "seeded", "image_size": 32, "batch_size": 3}
ENCODERS = {
    "average": RESNET,
    "max": RESNET | {"pooling": "max"},
    "novelty": RESNET | {"image_size": 64, "pooling": "novelty", "novelty": {"reference": 5}},
    "tiles": RESNET | {"geometry": "tile"},
    "native": RESNET | {"geometry": "native", "image_size": None},
    "bfloat16": RESNET | {"precision": "bfloat16"},
    "threads": RESNET | {"threads": 2},
    "texture": {"name": "texture", "image_size": 32, "batch_size": 3},
}


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
def test_the_same_bytes_for_any_processes_and_parts(tmp_path, drawn_images, encoder):
    where = {"seed": 7, "reference_seed": 3, "device": "cpu"}

    def whole(name, workers):
        return extract_features(
            drawn_images, encoder, output=tmp_path / name, cache=tmp_path / f"c{name}", workers=workers, **where
        )

    for workers in (0, 1, 2, 16):
        whole(str(workers), workers)
    for parts in (1, 5):
        cache = tmp_path / f"parts{parts}"
        for part in range(parts):
            made = tmp_path / f"{part}.json"
            encode_part(drawn_images, encoder, part=part, parts=parts, output=made, cache=cache, workers=2, **where)
            assert json.loads(made.read_text())["parts"] == parts
        before = sorted(cache.rglob("*.h5"))
        extract_features(drawn_images, encoder, output=tmp_path / f"of{parts}", cache=cache, **where)
        assert sorted(cache.rglob("*.h5")) == before, "nothing was left to be computed"
    names = ["0", "1", "2", "16", "of1", "of5"]
    assert len({(tmp_path / name).read_bytes() for name in names}) == 1


def test_parts_say_what_they_have_and_are_kept_where_the_whole_looks(tmp_path, drawn_images):
    count = 0
    for part in range(3):
        encode_part(
            drawn_images, RESNET, part=part, parts=3, output=tmp_path / "p.json", cache=tmp_path, seed=7, device="cpu"
        )
        facts = json.loads((tmp_path / "p.json").read_text())
        assert (facts["encoder"], facts["part"], facts["parts"]) == ("resnet18", part, 3)
        assert (tmp_path / facts["cache"] / "encoder.json").exists()
        count += facts["images"]
    assert count == len(drawn_images)


def test_a_coarser_precision_has_its_own_cache_and_says_so(tmp_path, drawn_images):
    for precision in ("float32", "bfloat16"):
        encoder = RESNET | {"precision": precision}
        extract_features(drawn_images, encoder, output=tmp_path / precision, cache=tmp_path / "c", seed=7, device="cpu")
    exact, coarse = (read_features(tmp_path / precision) for precision in ("float32", "bfloat16"))
    assert len(list((tmp_path / "c").iterdir())) == 2
    assert (exact.attributes["precision"], coarse.attributes["precision"]) == ("float32", "bfloat16")
    difference = abs(exact.features - coarse.features).max() / abs(exact.features).max()
    assert 0 < difference < 0.05
    with pytest.raises(ValueError, match="tf32 is one of CUDA devices"):
        Extraction(drawn_images, RESNET | {"precision": "tf32"}, cache=tmp_path, seed=7, device="cpu")


def test_no_more_processes_than_memory_suffices_for(tmp_path, drawn_images, monkeypatch, caplog):
    monkeypatch.setattr(extraction, "process_bytes", lambda pixels: 10**15)
    caplog.set_level(logging.WARNING)
    extract_features(
        drawn_images, RESNET, output=tmp_path / "x.h5", cache=tmp_path / "c", seed=7, device="cpu", workers=4
    )
    assert "resnet18: 1 processes, not 4, for want of memory" in caplog.text


def test_texture_starts_without_torch():
    code = "import sys, nearlabel.features.extract as e; assert 'torch' not in sys.modules, 'imported'"
    subprocess.run([sys.executable, "-c", code], check=True)
