import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from helpers.learning_networks import small_classifier
from nearlabel.features.batches import padded
from nearlabel.learning.data.arrays import open_arrays, write_arrays
from nearlabel.learning.data.decode import decode_images
from nearlabel.learning.network.frozen import run_frozen_stages

NETWORK = {"name": "resnet18", "weights": "seeded", "geometry": "squash", "image_size": [24, 32]}


def picture(folder, name, size, seed):
    file = folder / name
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)
    return {"image_id": name, "path": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


@pytest.fixture
def images(tmp_path):
    sizes = [(24, 32), (50, 20), (64, 64), (24, 32), (9, 90)]
    return pd.DataFrame([picture(tmp_path, f"{i} ü.png", size, i) for i, size in enumerate(sizes)])


def test_images_are_decoded_once_to_one_size(tmp_path, images):
    for workers in (1, 2):
        decode_images(images, NETWORK, tmp_path / f"{workers}.h5", workers=workers)
    stored = open_arrays(tmp_path / "1.h5")
    assert stored.values.shape == (5, 24, 32, 3) and stored.values.dtype == np.uint8
    assert list(stored.image_id) == list(images["image_id"])
    assert np.array_equal(stored.values[3], np.asarray(Image.open(images["path"][3])))  # already that size
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()
    decode_images(images, NETWORK | {"image_size": None}, tmp_path / "own.h5")
    own = open_arrays(tmp_path / "own.h5")
    assert own.values.shape == (5, 224, 224, 3)
    assert own.attributes["fingerprint"] != stored.attributes["fingerprint"]


def test_a_changed_or_missing_image_is_named(tmp_path, images):
    with open(images["path"][2], "ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match=r"2 ü\.png' changed since images\.csv was made"):
        decode_images(images, NETWORK, tmp_path / "all.h5")
    (tmp_path / "2 ü.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"2 ü\.png' is gone"):
        decode_images(images, NETWORK, tmp_path / "all.h5")
    with pytest.raises(ValueError, match="lists no image to decode"):
        decode_images(images[:0], NETWORK, tmp_path / "all.h5")
    assert not [file for file in tmp_path.iterdir() if "all.h5" in file.name]


def test_rows_by_image_and_damage(tmp_path):
    file = tmp_path / "a.h5"
    write_arrays(file, "images", [np.zeros((2, 3)), np.ones((1, 3))], ["a", "b", "c"], {"fingerprint": "f"})
    stored = open_arrays(file)
    assert stored.rows(["c", "a"]).tolist() == [2, 0] and stored.values[2].tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="image 'd' and 0 others are not among the decoded ones"):
        stored.rows(["a", "d"])
    with pytest.raises(ValueError, match="2 rows for 3 image ids"):
        write_arrays(tmp_path / "b.h5", "images", [np.zeros((2, 3))], ["a", "b", "c"], {})
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(ValueError, match="not a whole array file"):
        open_arrays(file)
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        open_arrays(tmp_path / "none.h5")


def test_frozen_stages_of_images_one_by_one(tmp_path):
    whole = small_classifier()
    whole.frozen = whole.trained[:3].eval()
    values = np.random.default_rng(0).integers(0, 256, (5, 12, 12, 3), dtype=np.uint8)
    write_arrays(tmp_path / "images.h5", "images", [values], list("abcde"), {"fingerprint": "f"})
    for workers in (2, 1, 0):
        made = tmp_path / f"frozen{workers}.h5"
        run_frozen_stages(whole, open_arrays(tmp_path / "images.h5"), made, batch_size=2, workers=workers)
        assert made.read_bytes() == (tmp_path / "frozen2.h5").read_bytes()
    stored = open_arrays(tmp_path / "frozen0.h5")
    assert list(stored.image_id) == list("abcde") and stored.attributes["weights_sha256"] == "0" * 64
    with torch.no_grad():
        for row in range(5):
            alone = whole.frozen(whole.take(values[row : row + 1]))[0].numpy()
            np.testing.assert_allclose(stored.values[row], alone, rtol=1e-5, atol=1e-6)
    whole.frozen = None
    with pytest.raises(ValueError, match="with fine_tune full every stage is trained"):
        run_frozen_stages(whole, open_arrays(tmp_path / "images.h5"), tmp_path / "none.h5", batch_size=2)


def test_padded():
    assert padded(np.ones((2, 3), np.uint8), 4).tolist() == [[1, 1, 1]] * 2 + [[0, 0, 0]] * 2


def test_images_of_more_bits_are_scaled_as_their_table_says(tmp_path, images):
    decode_images(images, NETWORK, tmp_path / "8.h5")
    files = []
    for path in images["path"]:
        grey = np.asarray(Image.open(path).convert("L"))
        Image.fromarray(grey).save(path)
        files.append(path.replace(".png", ".tif"))
        Image.fromarray(np.rint(grey * (4095 / 255)).astype(np.uint16)).save(files[-1])
    digests = [
        [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in some] for some in (images["path"], files)
    ]
    decode_images(images.assign(sha256=digests[0]), NETWORK, tmp_path / "grey.h5")
    deep = images.assign(path=files, sha256=digests[1])
    found = {}
    for full_range in ("4095", "65535"):
        decode_images(deep.assign(full_range=full_range), NETWORK, tmp_path / f"{full_range}.h5")
        found[full_range] = open_arrays(tmp_path / f"{full_range}.h5")
    assert np.array_equal(found["4095"].values, open_arrays(tmp_path / "grey.h5").values)
    assert found["4095"].attributes["fingerprint"] != found["65535"].attributes["fingerprint"]
    assert found["65535"].values.max() < 20


def test_a_strip_too_thin_to_be_placed_is_named(tmp_path, images):
    sized = images.assign(width=["9"] * 4 + ["20000"], height="1")
    with pytest.raises(ValueError, match=r"'4 ü\.png': 20000 x 1 pixels would become .* 'official'"):
        decode_images(sized, NETWORK | {"geometry": "official", "image_size": 224}, tmp_path / "all.h5")
