import numpy as np
import pytest
from PIL import Image

from helpers.places import MAGNETIC_TILE
from nearlabel.images.readers import read_dataset


def save(path, shape, mark=None):
    """Write an image, or the mask of one with a single pixel set to `mark`."""
    pixels = np.zeros(shape, np.uint8)
    if mark is None:
        pixels[:] = 90
    else:
        pixels[shape[0] // 2, shape[1] // 2] = mark
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def classes(dataset):
    return dict(zip(dataset.images["image_id"], dataset.images["class"], strict=True))


def rejected(dataset, root):
    paths = dataset.rejected["path"].str.removeprefix(f"{root}/")
    return dict(zip(paths, dataset.rejected["reason"], strict=True))


# Severstal


@pytest.fixture
def severstal(tmp_path):
    for name in ("0002cc93b", "0007a71bf", "000a4bcdd", "00031f466"):
        save(tmp_path / f"train_images/{name}.jpg", (256, 1600))
    save(tmp_path / "test_images/ffff.jpg", (256, 1600))
    return tmp_path


SEVERSTAL_CLASSES = {
    "train_images/0002cc93b.jpg": "defect",
    "train_images/00031f466.jpg": "good",
    "train_images/0007a71bf.jpg": "defect",
    "train_images/000a4bcdd.jpg": "good",
}


def test_severstal(severstal):
    (severstal / "train.csv").write_text(
        "ImageId,ClassId,EncodedPixels\n0002cc93b.jpg,1,29102 12 29346 24\n0007a71bf.jpg,3,18661 28\n"
        "0007a71bf.jpg,4,99 3\n"
    )
    dataset = read_dataset({"kind": "severstal", "root": str(severstal)})
    assert classes(dataset) == SEVERSTAL_CLASSES
    assert dataset.rejected.empty
    assert set(dataset.images["part"]) == {""}
    assert dataset.images["path"][0] == f"{severstal}/train_images/0002cc93b.jpg"


def test_severstal_older_form(severstal):
    lines = ["ImageId_ClassId,EncodedPixels"]
    for image_id in SEVERSTAL_CLASSES:
        name = image_id.removeprefix("train_images/")
        defective = SEVERSTAL_CLASSES[image_id] == "defect"
        lines += [f"{name}_{number},{'1 3' if defective and number == 2 else ''}" for number in range(1, 5)]
    (severstal / "train.csv").write_text("\n".join(lines) + "\n")
    dataset = read_dataset({"kind": "severstal", "root": str(severstal)})
    assert classes(dataset) == SEVERSTAL_CLASSES
    assert dataset.rejected.empty


def test_severstal_names_what_is_missing_or_does_not_belong(severstal):
    (severstal / "train.csv").write_text("ImageId,ClassId,EncodedPixels\ngone.jpg,1,1 2\n")
    (severstal / "train_images/notes.txt").touch()
    dataset = read_dataset({"kind": "severstal", "root": str(severstal)})
    reasons = rejected(dataset, severstal)
    assert set(reasons) == {"train_images/gone.jpg", "train_images/notes.txt"}
    assert "no such file" in reasons["train_images/gone.jpg"]


def test_severstal_incomplete(severstal):
    spec = {"kind": "severstal", "root": str(severstal)}
    with pytest.raises(FileNotFoundError, match=r"train\.csv: no such file"):
        read_dataset(spec)
    (severstal / "train.csv").write_text("Image,EncodedPixels\na,1\n")
    with pytest.raises(ValueError, match="no column 'ImageId' or 'ImageId_ClassId'"):
        read_dataset(spec)
    (severstal / "train_images").rename(severstal / "images")
    with pytest.raises(FileNotFoundError, match="train_images: no such folder"):
        read_dataset(spec)


# KolektorSDD


def test_kolektor_sdd(tmp_path):
    for part, defective in (("kos01", 5), ("kos50", 0)):
        for number in range(8):
            save(tmp_path / f"{part}/Part{number}.jpg", (1240 // 20, 500 // 20))
            save(tmp_path / f"{part}/Part{number}_label.bmp", (62, 25), mark=255 if number == defective else 0)
    save(tmp_path / "kos02/Part0.jpg", (62, 25))
    save(tmp_path / "kos02/other.jpg", (62, 25))
    dataset = read_dataset({"kind": "kolektor_sdd", "root": str(tmp_path)})
    assert [name for name, value in classes(dataset).items() if value == "defect"] == [
        "kos01/Part5.jpg",
        "kos50/Part0.jpg",
    ]
    assert len(dataset.images) == 16
    assert set(zip(dataset.images["image_id"].str[:5], dataset.images["part"], strict=True)) == {
        ("kos01", "kos01"),
        ("kos50", "kos50"),
    }
    reasons = rejected(dataset, tmp_path)
    assert reasons["kos02/Part0.jpg"] == "its mask kos02/Part0_label.bmp is missing"
    assert set(reasons) == {"kos02/Part0.jpg", "kos02/other.jpg"}


# KolektorSDD2


@pytest.fixture
def kolektor_sdd2(tmp_path):
    for name, shape, mark in (
        ("train/10000", (634, 230), 0),
        ("train/10301", (597, 184), 255),
        ("train/10302", (665, 241), 1),
        ("test/20000", (636, 231), 0),
        ("test/20003", (630, 229), 255),
    ):
        save(tmp_path / f"{name}.png", (*shape, 3))
        save(tmp_path / f"{name}_GT.png", shape, mark)
    save(tmp_path / "train/10301 (copy).png", (597, 184, 3))
    save(tmp_path / "train/10301_GT (copy).png", (597, 184), 255)
    return tmp_path


def test_kolektor_sdd2(kolektor_sdd2):
    dataset = read_dataset({"kind": "kolektor_sdd2", "root": str(kolektor_sdd2)})
    assert classes(dataset) == {
        "test/20000.png": "good",
        "test/20003.png": "defect",
        "train/10000.png": "good",
        "train/10301.png": "defect",
        "train/10302.png": "defect",
    }
    reasons = rejected(dataset, kolektor_sdd2)
    assert set(reasons) == {"train/10301 (copy).png", "train/10301_GT (copy).png"}
    assert all("copy" in reason for reason in reasons.values())


def test_kolektor_sdd2_names_bad_masks(kolektor_sdd2):
    (kolektor_sdd2 / "train/10000_GT.png").unlink()
    (kolektor_sdd2 / "train/10302_GT.png").write_bytes(b"")
    (kolektor_sdd2 / "test/20000.png").unlink()
    dataset = read_dataset({"kind": "kolektor_sdd2", "root": str(kolektor_sdd2)})
    assert list(classes(dataset)) == ["test/20003.png", "train/10301.png"]
    reasons = rejected(dataset, kolektor_sdd2)
    assert reasons["train/10000.png"] == "its mask train/10000_GT.png is missing"
    assert "train/10302_GT.png cannot be read" in reasons["train/10302.png"]
    assert "by its name" in reasons["test/20000_GT.png"]


def test_kolektor_sdd2_incomplete(kolektor_sdd2):
    (kolektor_sdd2 / "test").rename(kolektor_sdd2 / "Test")
    with pytest.raises(FileNotFoundError, match="test: no such folder"):
        read_dataset({"kind": "kolektor_sdd2", "root": str(kolektor_sdd2)})


# Magnetic tiles


def test_magnetic_tile_variant(tmp_path):
    for name in ("MT_Free/Imgs/exp1_num_4", "MT_Crack/Imgs/exp2_num_5"):
        save(tmp_path / f"{name}.jpg", (30, 20))
        save(tmp_path / f"{name}.png", (30, 20), mark=0)
    save(tmp_path / "MT_Crack/Imgs/exp3_num_9.png", (30, 20), mark=255)
    dataset = read_dataset({"kind": "magnetic_tile", "root": str(tmp_path)})
    assert classes(dataset) == {"MT_Crack/Imgs/exp2_num_5.jpg": "MT_Crack", "MT_Free/Imgs/exp1_num_4.jpg": "MT_Free"}
    assert list(rejected(dataset, tmp_path)) == ["MT_Crack/Imgs/exp3_num_9.png"]


@pytest.mark.skipif(not MAGNETIC_TILE.is_dir(), reason="no copy of the magnetic tiles")
def test_magnetic_tile():
    dataset = read_dataset({"kind": "magnetic_tile", "root": str(MAGNETIC_TILE)})
    assert dataset.images["class"].value_counts().to_dict() == {
        "MT_Free": 952,
        "MT_Blowhole": 115,
        "MT_Uneven": 103,
        "MT_Break": 85,
        "MT_Crack": 57,
        "MT_Fray": 32,
    }
    assert dataset.rejected.empty
