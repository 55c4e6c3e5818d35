import hashlib
import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.features.extract import extract_features
from nearlabel.features.pooling import rows
from nearlabel.features.store import read_features, read_novelty, read_reference

NETWORK = {
    "name": "squeezenet1_1", "weights": "seeded", "geometry": "squash", "image_size": 64, "batch_size": 4,
    "pooling": "novelty", "novelty": {"reference": 6, "share": 1.0},
}  # fmt: skip


def draw(path, seed, height=64, width=64, spot=None):
    pixels = np.random.default_rng(seed).normal(128, 4, (height, width))
    if spot:
        pixels[spot[0] : spot[0] + 12, spot[1] : spot[1] + 12] = 0
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


def listed(paths):
    shapes = [Image.open(path).size for path in paths]
    return pd.DataFrame(
        {
            "image_id": [path.name for path in paths],
            "path": [str(path) for path in paths],
            "width": [str(width) for width, _ in shapes],
            "height": [str(height) for _, height in shapes],
            "sha256": [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths],
        }
    )


@pytest.fixture
def images(tmp_path):
    """Twelve images, of which the last has a spot in its lower right."""
    paths = [tmp_path / f"{number:02d}.png" for number in range(12)]
    for number, path in enumerate(paths):
        draw(path, number, spot=(40, 40) if number == 11 else None)
    return listed(paths)


@pytest.fixture
def run(tmp_path):
    def extract_into(images, encoder=NETWORK, **parameters):
        parameters = {"output": tmp_path / "out.h5", "cache": tmp_path / "cache", "seed": 7, "workers": 0} | parameters
        extract_features(images, encoder, device="cpu", **parameters)
        return parameters["output"]

    return extract_into


@pytest.fixture
def encoded(monkeypatch):
    """How many images each batch encodes, beside those of the reference set."""
    counts = []
    encode = rows.NoveltyRows.encode
    monkeypatch.setattr(
        rows.NoveltyRows,
        "encode",
        lambda self, prepared, *rest: counts.append(len(prepared)) or encode(self, prepared, *rest),
    )
    return counts


def test_the_image_with_a_spot_is_the_most_novel_and_its_map_shows_where(images, run):
    file = run(images)
    found = read_novelty(file)
    assert list(found.image_id) == list(images["image_id"])
    assert int(found.scores.argmax()) == 11 and found.scores.dtype == np.float32
    row, column = np.unravel_index(found.maps[11].argmax(), found.maps[11].shape)
    # 4 x 4 patches of 64 pixels less what the strides leave out, and the spot from 40 to 52.
    assert found.maps[11].shape == (3, 3) and row == column == 2
    stored = read_features(file)
    assert stored.attributes["pooling"] == "novelty"
    facts = json.loads(stored.attributes["novelty"])
    assert facts["reference"] == 6 and facts["share"] == 1 and facts["temperature"] == 0.6 and len(facts["stages"]) == 2


def test_share_0_is_average_pooling_to_the_bit(images, run):
    none = read_features(run(images, NETWORK | {"novelty": {"reference": 6, "share": 0.0}})).features
    average = read_features(run(images, NETWORK | {"pooling": "average"})).features
    np.testing.assert_array_equal(none, average)
    half = read_features(run(images, NETWORK | {"novelty": {"reference": 6, "share": 0.5}})).features
    np.testing.assert_array_equal(half[:, -average.shape[1] :], average / 2)


def test_a_killed_run_continues_and_ends_with_the_same_bytes(images, run, tmp_path, monkeypatch, encoded):
    undisturbed = run(images, output=tmp_path / "undisturbed.h5", cache=tmp_path / "other")
    encoded.clear()
    counting = rows.NoveltyRows.encode

    def killed_in_the_second_batch(*arguments):
        if encoded:
            raise KeyboardInterrupt
        return counting(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(rows.NoveltyRows, "encode", killed_in_the_second_batch)
        run(images)
    assert run(images).read_bytes() == undisturbed.read_bytes()
    assert encoded == [4, 4, 4]
    # All in the cache: neither images nor the reference set are needed.
    for path in tmp_path.glob("*.png"):
        path.unlink()
    assert run(images).read_bytes() == undisturbed.read_bytes()


def test_one_more_image_costs_itself_unless_it_enters_the_reference_set(images, run, tmp_path, encoded):
    costs = []
    for out in range(12):
        cache = tmp_path / f"cache{out}"
        fewer = read_features(run(images.drop(index=out), cache=cache)).features
        encoded.clear()
        all_of_them = read_features(run(images, cache=cache)).features
        costs.append(sum(encoded))
        if costs[-1] == 1:
            np.testing.assert_array_equal(np.delete(all_of_them, out, axis=0), fewer)
    assert sorted(costs) == [1] * 6 + [12] * 6


def test_another_seed_or_setting_has_its_own_cache(images, run, encoded):
    run(images)
    run(images, reference_seed=1)
    run(images, NETWORK | {"novelty": {"reference": 6, "share": 1.0, "temperature": 2.0}})
    run(images, NETWORK | {"novelty": {"reference": 7, "share": 1.0}})
    assert sum(encoded) == 48


@pytest.mark.parametrize("geometry", ["tile", "native", "official"])
def test_geometries(tmp_path, run, geometry):
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    for number, path in enumerate(paths):
        wide = 64 + 40 * (number % 3)
        draw(path, number, *((64, wide) if number < 3 else (wide, 64)), spot=(20, 20) if number == 5 else None)
    images = listed(paths)
    encoder = NETWORK | {"name": "resnet18", "geometry": geometry, "image_size": None if geometry == "native" else 64}
    file = run(images, encoder)
    found = read_novelty(file)
    expected = {
        "tile": [(4, 4), (4, round(4 * 104 / 64)), (4, 9), (4, 4), (round(4 * 104 / 64), 4), (9, 4)],
        "native": [(4, 4), (4, 7), (4, 9), (4, 4), (7, 4), (9, 4)],
        "official": [(4, 4)] * 6,
    }[geometry]
    assert [one.shape for one in found.maps] == expected
    assert np.isfinite(found.scores).all()
    fresh = run(images[::-1], encoder, output=tmp_path / "fresh.h5", cache=tmp_path / "fresh")
    np.testing.assert_array_equal(read_novelty(fresh).scores[::-1], found.scores)
    np.testing.assert_array_equal(read_features(fresh).features[::-1], read_features(file).features)


def test_a_file_of_another_pooling_is_named(images, run):
    file = run(images[:3], NETWORK | {"pooling": "max"})
    with pytest.raises(ValueError, match=r"out\.h5 holds no novelty: its encoder has `pooling: max`; set"):
        read_novelty(file)


@pytest.mark.parametrize(
    ("name", "geometry", "share"),
    [("squeezenet1_1", "squash", "auto"), ("resnet18", "tile", 1.0), ("resnet18", "native", 0.5)],
)
def test_a_kept_reference_gives_the_same_features_to_the_last_bit(images, run, tmp_path, name, geometry, share):
    size = None if geometry == "native" else 64
    encoder = NETWORK | {"name": name, "geometry": geometry, "image_size": size}
    encoder["novelty"] = {"reference": 6, "share": share}
    learnt = run(images, encoder)
    kept = read_reference(learnt)
    assert len(kept["keys"]) == 6 and {key.decode() for key in kept["keys"]} < set(images["sha256"])
    # Whatever else there is, and without the images of the reference set but one; the seed of another set is no matter.
    some = images[[key.encode() not in kept["keys"][1:] for key in images["sha256"]]]
    assert len(some) == 7
    for path in set(images["path"]) - set(some["path"]):
        Path(path).unlink()
    parameters = {"cache": tmp_path / "elsewhere", "output": tmp_path / "new.h5", "reference_seed": 5}
    found = run(some, encoder, reference=kept, **parameters)
    np.testing.assert_array_equal(read_features(found).features, read_features(learnt).features[some.index])
    np.testing.assert_array_equal(read_novelty(found).scores, read_novelty(learnt).scores[some.index])
    for was, now in zip(kept.values(), read_reference(found).values(), strict=True):
        np.testing.assert_array_equal(was, now)
    assert json.loads(read_features(found).attributes["novelty"]) == json.loads(
        read_features(learnt).attributes["novelty"]
    )


def test_another_reference_has_its_own_cache(images, run, tmp_path, encoded):
    learnt = run(images)
    kept = read_reference(learnt)
    before = read_features(learnt).features
    run(images, reference=kept)
    moved = kept | {"usual_mean": kept["usual_mean"] + np.arange(16, dtype=np.float32)}
    other = run(images, reference=moved)
    assert sum(encoded) == 36
    assert np.abs(read_features(other).features - before).max() > 1e-3


def test_a_damaged_reference_is_learnt_again(images, run, tmp_path, encoded, caplog):
    undisturbed = run(images).read_bytes()
    [known] = (tmp_path / "cache").glob("*/reference.hdf5")
    content = known.read_bytes()
    with h5py.File(known, "r") as file:
        start = file["reference/patches"].id.get_chunk_info(0).byte_offset
    for damage in (content[: len(content) // 2], b"", content[:start] + bytes(100) + content[start + 100 :]):
        known.write_bytes(damage)
        caplog.clear()
        assert run(images).read_bytes() == undisturbed
        assert "is damaged" in caplog.text and known.read_bytes() == content
    assert sum(encoded) == 12
