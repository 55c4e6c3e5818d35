import hashlib
import logging
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel import bars
from nearlabel.features.encoding import extraction
from nearlabel.features.extract import extract_features
from nearlabel.features.store import read_features
from nearlabel.sources import Sources

TEXTURE = {"id": "texture", "name": "texture", "geometry": "squash", "image_size": 32, "batch_size": 4}
NETWORK = {"name": "squeezenet1_1", "weights": "seeded", "geometry": "squash", "image_size": 32, "batch_size": 4}


def draw(path, seed, height=40, width=60):
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)).save(path)


def listed(paths):
    return pd.DataFrame(
        {
            "image_id": [path.name for path in paths],
            "path": [str(path) for path in paths],
            "width": [str(Image.open(path).width) for path in paths],
            "height": [str(Image.open(path).height) for path in paths],
            "sha256": [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths],
        }
    )


@pytest.fixture
def images(tmp_path):
    """Ten images, of which the last is a copy of the third."""
    paths = [tmp_path / f"image {number}.png" for number in range(10)]
    for number, path in enumerate(paths):
        draw(path, 2 if number == 9 else number)
    return listed(paths)


@pytest.fixture
def run(tmp_path):
    """Extract into out.h5 with the cache in tmp_path, unless told otherwise; returns the file's path."""

    def extract_into(images, encoder=NETWORK, **parameters):
        parameters = {"output": tmp_path / "out.h5", "cache": tmp_path / "cache", "seed": 7, "workers": 0} | parameters
        extract_features(images, encoder, device="cpu", **parameters)
        return parameters["output"]

    return extract_into


@pytest.fixture
def encoded(monkeypatch):
    """How many images each batch encodes."""
    counts = []

    def counting(encoder, prepared, batch_size):
        counts.append(len(prepared))
        return encode_images(encoder, prepared, batch_size)

    encode_images = extraction.encode_images
    monkeypatch.setattr(extraction, "encode_images", counting)
    return counts


def shards(cache):
    return sorted(cache.glob("*/*.h5"))


def test_rows_follow_the_list_and_duplicates_are_computed_once(images, run, encoded):
    stored = read_features(run(images))
    assert list(stored.image_id) == list(images["image_id"])
    assert (stored.features.shape, stored.features.dtype) == ((10, 512), np.float32)
    assert encoded == [4, 4, 1]
    np.testing.assert_array_equal(stored.features[2], stored.features[9])
    assert len(np.unique(stored.features, axis=0)) == 9
    reversed_rows = read_features(run(images[::-1]))
    np.testing.assert_array_equal(reversed_rows.features[::-1], stored.features)
    assert encoded == [4, 4, 1]


def test_attributes(images, run):
    attributes = read_features(run(images, NETWORK | {"id": "mine"})).attributes
    assert attributes.keys() == {
        "encoder", "network", "weights", "weights_sha256", "weights_source", "weights_dir", "geometry", "image_size",
        "pooling", "batch_size", "precision", "cache", "library_versions",
    }  # fmt: skip
    assert [attributes[key] for key in ("encoder", "weights", "geometry", "image_size")] == [
        "mine", "seeded", "squash", "32"
    ]  # fmt: skip
    assert '"torch"' in attributes["library_versions"]


@pytest.mark.parametrize("encoder", [TEXTURE, NETWORK])
def test_the_same_bytes_for_any_number_of_workers(images, run, tmp_path, encoder):
    files = [
        run(images, encoder, workers=workers, output=tmp_path / f"{workers}.h5", cache=tmp_path / f"cache{workers}")
        for workers in (0, 1, 2)
    ]
    assert len({file.read_bytes() for file in files}) == 1


def test_a_killed_run_continues_and_ends_with_the_same_bytes(images, run, tmp_path, monkeypatch, encoded):
    undisturbed = run(images, output=tmp_path / "undisturbed.h5", cache=tmp_path / "other")
    encoded.clear()
    counting = extraction.encode_images

    def killed_in_the_second_batch(*arguments):
        if encoded:
            raise KeyboardInterrupt
        return counting(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(extraction, "encode_images", killed_in_the_second_batch)
        run(images)
    assert not (tmp_path / "out.h5").exists()
    assert len(shards(tmp_path / "cache")) == 1
    assert run(images).read_bytes() == undisturbed.read_bytes()
    assert encoded == [4, 4, 1]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found through /proc")
def test_a_run_killed_outright_leaves_no_process_and_ends_with_the_same_bytes(tmp_path, run):
    for number in range(24):
        draw(tmp_path / f"{number:02d}.png", number, 300, 400)
    images = listed(sorted(tmp_path.glob("*.png")))
    images.to_csv(tmp_path / "images.csv", index=False)
    encoder = NETWORK | {"name": "resnet18", "geometry": "tile", "image_size": 256}
    job = (
        "import sys, pandas as pd\n"
        "from nearlabel.features.extract import extract_features\n"
        "images = pd.read_csv(sys.argv[1] + '/images.csv', dtype=str, keep_default_na=False)\n"
        f"extract_features(images, {encoder}, output=sys.argv[1] + '/out.h5', cache=sys.argv[1] + '/cache', seed=7,\n"
        "                 device='cpu', workers=2)\n"
    )
    command, environment = [sys.executable, "-c", job, str(tmp_path)], os.environ | {"PYTHONPATH": ":".join(sys.path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: len(shards(tmp_path / "cache")) >= 2)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
    assert len(children) == 2
    assert not (tmp_path / "out.h5").exists()
    wait_for(lambda: not any(lives(child) for child in children))
    undisturbed = run(images, encoder, output=tmp_path / "undisturbed.h5", cache=tmp_path / "other", workers=1)
    assert 0 < len(shards(tmp_path / "cache")) < len(shards(tmp_path / "other"))
    assert run(images, encoder).read_bytes() == undisturbed.read_bytes()


def lives(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_an_added_image_costs_itself(images, run, tmp_path, encoded):
    fewer = images.drop(index=5)
    run(fewer)
    encoded.clear()
    again = run(images).read_bytes()
    assert encoded == [1]
    assert again == run(images, output=tmp_path / "fresh.h5", cache=tmp_path / "other").read_bytes()


def test_images_in_the_cache_need_not_be_there(images, run, tmp_path, encoded):
    before = run(images).read_bytes()
    for path in tmp_path.glob("*.png"):
        path.unlink()
    (tmp_path / "out.h5").unlink()
    assert run(images).read_bytes() == before


@pytest.mark.parametrize("change", [{"geometry": "tile"}, {"image_size": 48}, {"batch_size": 3}, {"threads": 2}])
def test_what_features_depend_on_has_its_own_cache(images, run, tmp_path, encoded, change):
    run(images)
    run(images, NETWORK | change)
    assert sum(encoded) == 18
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_seed_and_code_have_their_own_cache_and_ids_do_not(images, run, tmp_path, monkeypatch):
    run(images)
    run(images, NETWORK | {"id": "another"})
    assert len(list((tmp_path / "cache").iterdir())) == 1
    run(images, seed=8)
    assert len(list((tmp_path / "cache").iterdir())) == 2
    monkeypatch.setattr(extraction, "sources_of", lambda *_: Sources("changed", {}))
    run(images)
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_a_damaged_shard_is_computed_again(images, run, tmp_path, caplog, encoded):
    before = run(images).read_bytes()
    shard = shards(tmp_path / "cache")[0]
    with h5py.File(shard, "r+") as file:
        file["features"][0, 0] += 1
        lost = len(file["key"])
    encoded.clear()
    with caplog.at_level(logging.WARNING):
        assert run(images).read_bytes() == before
    assert encoded == [lost]
    assert shard.name in caplog.text


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_vanished_or_changed_is_named(images, run, tmp_path, workers):
    draw(tmp_path / "image 3.png", 99)
    with pytest.raises(ValueError, match=r"^image '.*image 3\.png' changed"):
        run(images, workers=workers)
    (tmp_path / "image 3.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"^image '.*image 3\.png' is gone"):
        run(images, workers=workers)
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(images, run, tmp_path, monkeypatch, value):
    def spoilt(encoder, prepared, batch_size):
        features = np.zeros((len(prepared), 5), np.float32)
        features[1, 3] = value
        return features

    monkeypatch.setattr(extraction, "encode_images", spoilt)
    with pytest.raises(ValueError, match=r"encoder squeezenet1_1 .* 1 of 4 .*'image 1\.png'"):
        run(images)
    assert shards(tmp_path / "cache") == []


def test_native_images_of_unlike_shapes_go_alone(images, run, tmp_path, encoded):
    alone = NETWORK | {"geometry": "native", "image_size": None}
    draw(tmp_path / "wide.png", 50, 40, 200)
    unlike = listed([*tmp_path.glob("image*.png"), tmp_path / "wide.png"])
    stored = read_features(run(unlike, alone))
    assert stored.features.shape == (11, 512)
    assert stored.attributes["image_size"] == "null"
    assert max(encoded) == 4  # a shard has as many images as ever
    equal = read_features(run(unlike[:-1], alone))
    np.testing.assert_allclose(equal.features, stored.features[:-1], rtol=1e-3, atol=1e-4)


def test_the_log_tells_how_far_it_is_and_the_rate(images, run, caplog, monkeypatch):
    monkeypatch.setattr(bars, "FIRST", 0)
    with caplog.at_level(logging.INFO):
        run(images, TEXTURE)
    assert re.search(r" 44%  4 of 9 images, \d+(\.\d)? images/s, \d:\d\d left", caplog.text)
    assert re.search(r"100%  9 images in \d:\d\d, \d+(\.\d)? images/s", caplog.text)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        run(images, TEXTURE)
    assert "10 images, 9 of unlike content, 9 of them in the cache" in caplog.text


def test_no_image_is_an_error(images, run):
    with pytest.raises(ValueError, match="no image"):
        run(images[:0])


def deepen(path):
    """Save an 8-bit image's values as a camera of 12 bits does; return the file."""
    values = np.rint(np.asarray(Image.open(path)) * (4095 / 255)).astype(np.uint16)
    Image.fromarray(values).save(path.with_suffix(".tif"))
    return path.with_suffix(".tif")


def test_images_of_more_bits_are_scaled_as_their_table_says(run, images, tmp_path):
    expected = read_features(run(images)).features
    deep = listed([deepen(Path(path)) for path in images["path"]])
    dark = read_features(run(deep)).features
    assert not np.allclose(dark, expected, rtol=0.01)
    # What the cache has of the same files at another scale is no answer.
    scaled = read_features(run(deep.assign(full_range="4095"), output=tmp_path / "scaled.h5")).features
    assert np.array_equal(scaled, expected)
    assert np.array_equal(read_features(run(deep)).features, dark)


def test_novelty_is_learnt_at_the_scale_of_the_table(run, images, tmp_path):
    novel = NETWORK | {"image_size": 64, "pooling": "novelty", "novelty": {"reference": 9, "share": 0.5}}
    deep = listed([deepen(Path(path)) for path in images["path"]])
    found = [read_features(run(table, novel)).features for table in (deep, deep.assign(full_range="4095"))]
    assert not np.allclose(*found, rtol=0.01)


def test_strips_too_thin_to_be_placed_are_named_before_any_is_decoded(run, images, encoded):
    images.loc[4, ["width", "height"]] = "1", "20000"
    images.loc[4, "path"] = "gone.png"
    with pytest.raises(ValueError, match=r"'image 4\.png': 1 x 20000 pixels would become .* geometry 'tile'.*squash"):
        run(images, NETWORK | {"geometry": "tile", "image_size": 224})
    assert encoded == []
