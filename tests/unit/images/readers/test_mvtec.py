import pandas as pd
import pytest

from nearlabel.images.extra_columns import read_extra_columns
from nearlabel.images.readers import read_dataset

BOTTLE = ("train/good/000.png", "test/good/000.png", "test/scratch/000.png", "ground_truth/scratch/000_mask.png")


def read(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return read_dataset({"kind": "mvtec", "root": str(root)})


def classes(dataset):
    return dict(zip(dataset.images["image_id"], dataset.images["class"], strict=True))


def left_out(dataset, root):
    paths = dataset.left_out["path"].str.removeprefix(f"{root}/")
    return dict(zip(paths, dataset.left_out["reason"], strict=True))


def test_the_folder_below_the_split_is_the_class(tmp_path):
    dataset = read(tmp_path, *BOTTLE, "license.txt")
    assert classes(dataset) == {
        "test/good/000.png": "good",
        "test/scratch/000.png": "scratch",
        "train/good/000.png": "good",
    }
    assert left_out(dataset, tmp_path) == {
        "ground_truth/scratch/000_mask.png": "a mask, not an image",
        "license.txt": "not an image by its suffix, nor by its first bytes",
    }
    assert dataset.rejected.equals(dataset.left_out)


def test_several_categories_share_their_classes(tmp_path):
    dataset = read(tmp_path, *(f"{category}/{name}" for category in ("bottle", "cable") for name in BOTTLE))
    assert set(classes(dataset).values()) == {"good", "scratch"}
    assert len(dataset.images) == 6
    found = read_extra_columns(dataset.images, {"kind": "mvtec", "root": str(tmp_path)}, ["split", "category"])
    assert found.set_index("image_id").loc["cable/test/good/000.png"].tolist() == ["test", "cable"]
    assert found["image_id"].tolist() == dataset.images["image_id"].tolist()


def test_other_layouts_of_the_kind(tmp_path):
    # MVTec LOCO, MVTec AD 2, BTAD.
    dataset = read(
        tmp_path,
        "box/test/logical/000.png",
        "box/ground_truth/logical/000/000.png",
        "can/test_public/bad/000.png",
        "can/test_public/ground_truth/bad/000_mask.png",
        "can/test_private/001.png",
        "01/test/ko/0000.bmp",
        "01/ground_truth/ko/0000.png",
    )
    assert classes(dataset) == {
        "01/test/ko/0000.bmp": "ko",
        "box/test/logical/000.png": "logical",
        "can/test_private/001.png": "",
        "can/test_public/bad/000.png": "bad",
    }
    assert set(left_out(dataset, tmp_path).values()) <= {"a mask, not an image", "a mask whose image is missing"}


def test_what_has_no_place_is_said(tmp_path):
    dataset = read(tmp_path, *BOTTLE, "overview.png", "ground_truth/scratch/009_mask.png", "test/scratch/000_mask.png")
    reasons = left_out(dataset, tmp_path)
    assert reasons["overview.png"].startswith("not below a split (test, ")
    assert reasons["ground_truth/scratch/009_mask.png"] == "a mask whose image is missing"
    assert reasons["test/scratch/000_mask.png"] == "a mask, not an image"


def test_a_folder_of_another_layout_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"no image found for data set kind 'mvtec'; 1 other files.*not below a split"):
        read(tmp_path, "good/a.png")


def test_columns_of_no_image():
    empty = pd.DataFrame({"image_id": []}, dtype=str)
    assert list(read_extra_columns(empty, {"kind": "mvtec"}, ["split"])) == ["image_id", "split"]
