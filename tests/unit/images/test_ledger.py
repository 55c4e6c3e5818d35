import unicodedata

import numpy as np
import pytest
from PIL import Image

from nearlabel.images.checks import check_images
from nearlabel.images.ledger import COLUMNS, log_ledger, make_ledger
from nearlabel.images.readers import read_dataset


def save(path, seed=0, size=(24, 16), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


def save_mask(path, size=(24, 16)):
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros(size[::-1], np.uint8)
    mask[4:8, 5:9] = 255
    Image.fromarray(mask).save(path)


@pytest.fixture
def count(tmp_path):
    """Function that checks the folder and returns its ledger."""

    def count(**keys):
        dataset = read_dataset({"kind": "image_folder", "root": str(tmp_path)} | keys)
        facts = {}
        images, rejected = check_images(dataset, facts=facts)
        return make_ledger(images, rejected, dataset.left_out, facts)

    return count


def told(ledger, outcome):
    rows = ledger[ledger["outcome"] == outcome]
    return dict(zip(rows["what"], rows["files"], strict=True))


def test_every_file_is_in_the_ledger(tmp_path, count, caplog):
    for number in range(5):
        save(tmp_path / f"good/{number}.png", number)
        (tmp_path / f"bad/{number}.png").parent.mkdir(exist_ok=True)
        (tmp_path / f"bad/{number}.png").touch()
    for name in ("a.heic", "@eaDir/x.jpg", "good/Thumbs.db", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    ledger = count()
    assert list(ledger) == COLUMNS
    assert told(ledger, "accepted") == {"images": 5}
    assert told(ledger, "rejected") == {
        "the file is empty (0 bytes)": 5,
        "a HEIF photo, which is not read; save it as PNG or TIFF": 1,
    }
    assert told(ledger, "left out") == {
        "left by a system or program beside the images": 2,
        "not an image by its suffix, nor by its first bytes": 1,
    }
    empty = ledger.iloc[1]
    assert empty[["example_1", "example_2", "example_3"]].tolist() == ["bad/0.png", "bad/1.png", "bad/2.png"]
    log_ledger(ledger, "parts", "rejected.csv")
    assert "parts: files 5 accepted, 6 rejected, 3 left out\n" in caplog.text
    assert "  rejected 5: the file is empty (0 bytes) (bad/0.png, bad/1.png, bad/2.png, …)\n" in caplog.text
    assert "  every one with its reason: rejected.csv" in caplog.text
    assert caplog.records[-1].levelname == "WARNING"


def test_what_is_worth_knowing(tmp_path, count):
    save(tmp_path / "a.png", 0)
    save(tmp_path / "b.png", 0)
    save(tmp_path / "colour.png", 1, mode="RGB")
    save(tmp_path / "large.png", 2, size=(48, 32), mode="RGB")
    Image.new("L", (24, 16), 7).save(tmp_path / "even.png")
    Image.fromarray(np.eye(16, 24) > 0).save(tmp_path / "bits.png")
    Image.effect_noise((24, 16), 50).save(tmp_path / "c.tif", save_all=True, append_images=[Image.new("L", (5, 5))])
    assert told(count(), "noted") == {
        "equal to an earlier file, byte for byte": 1,
        "of one colour throughout": 1,
        "several frames or pages; the first is used": 1,
        "fewer than 8 bits a sample": 1,
        "grey: used as three equal channels": 5,
        "another size (48 × 32) than the most frequent, 24 × 16": 1,
        "another pixel format (RGB, 1) than the most frequent, L": 3,
    }


def test_nothing_is_said_of_a_plain_data_set(tmp_path, count, caplog):
    caplog.set_level("INFO")
    for number in range(4):
        save(tmp_path / f"{'good' if number % 2 else 'label printer'}/{number}.png", number, mode="RGB")
    ledger = count()
    assert ledger["outcome"].tolist() == ["accepted"]
    log_ledger(ledger, "parts", "rejected.csv")
    assert caplog.messages == ["parts: files 4 accepted, 0 rejected, 0 left out"]


def test_odd_names(tmp_path, count):
    names = ["A.png", "a.png", "two\nlines.png", "x" * 220 + ".png", "IMG_0001", "plain.png", "frame.0007"]
    names += [unicodedata.normalize(form, "größe.png") for form in ("NFC", "NFD")]
    for seed, name in enumerate(names):
        save(tmp_path / "image.png", seed, mode="RGB")
        (tmp_path / "image.png").rename(tmp_path / name)
    ledger = count()
    assert told(ledger, "noted") == {
        "names that differ in the case of letters alone: one file on Windows and macOS": 2,
        "names that differ in how accents are encoded alone, and look the same": 2,
        "names with line breaks or control characters": 1,
        "names of more than 200 bytes: too long for some systems": 1,
        "no suffix; images by their first bytes": 2,
    }


def test_splits_taken_for_classes(tmp_path, count):
    for number, name in enumerate(("train/good", "test/good", "test/scratch")):
        save(tmp_path / name / "000.png", number)
    save_mask(tmp_path / "ground_truth/scratch/000_mask.png")
    assert told(count(), "warned") == {
        "classes test, train say where an image was used, not what it shows: write kind: mvtec, where the folder below "
        "is the class": 3,
        "classes ground_truth seem to hold masks, which are no images: move them out of root": 1,
    }
    assert "warned" not in set(count(classes=False)["outcome"]) or told(count(classes=False), "warned")


def test_splits_without_classes_below(tmp_path, count):
    for number, name in enumerate(("Train", "val", "imgs")):
        save(tmp_path / name / "000.png", number)
    assert told(count(), "warned") == {
        "classes Train, val say where an image was used, not what it shows: write classes: false": 2,
        "classes imgs say nothing of what an image shows: let root name that folder, or write classes: false": 1,
    }
    assert told(count(classes=False), "warned") == {}


def test_masks_beside_their_images(tmp_path, count):
    for number in range(4):
        save(tmp_path / f"bad/{number}.png", number)
        save_mask(tmp_path / f"bad/{number}_mask.png")
        save(tmp_path / f"left/{number}.jpg", number + 10)
        save_mask(tmp_path / f"right/{number}.png")
    # No image beside it, and another size.
    save(tmp_path / "good/print_label.png", 20)
    save(tmp_path / "good/gap.png", 21)
    save(tmp_path / "good/gap_mask.png", 22, size=(30, 30))
    cure = "move masks elsewhere, or list the images in a CSV (kind: csv)"
    assert told(count(), "warned") == {
        f"named like a mask of the image beside it: {cure}": 4,
        f"black and white, with an image of the same name and size: {cure}": 4,
    }


def test_black_and_white_images_are_no_masks_of_each_other(tmp_path, count):
    for folder in ("left", "right"):
        save_mask(tmp_path / folder / "0.png")
    assert told(count(), "warned") == {}
