import logging

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.images.checks import check_images
from nearlabel.images.readers import read_dataset
from nearlabel.images.scales import Scale, content_keys, full_ranges, learnt_scale


def check(root, **arguments):
    return check_images(read_dataset({"kind": "image_folder", "root": str(root), "classes": False}), **arguments)


def save(path, *values, kind=np.uint16):
    Image.fromarray(np.array([values], kind)).save(path)


@pytest.fixture
def camera(tmp_path):
    """Twelve bits in files of sixteen: one image dark, one bright, and one of 8 bits."""
    save(tmp_path / "dark.png", 3, 200)
    save(tmp_path / "bright.tif", 0, 4000)
    save(tmp_path / "usual.png", 0, 255, kind=np.uint8)
    return tmp_path


def test_the_fewest_bits_that_hold_all_images_are_the_scale_of_all(camera, caplog):
    with caplog.at_level(logging.WARNING):
        images, rejected = check(camera)
    assert images.set_index("image_id")["full_range"].to_dict() == {
        "bright.tif": "4095", "dark.png": "4095", "usual.png": ""
    }  # fmt: skip
    assert rejected.empty
    [warning] = [record.getMessage() for record in caplog.records if "bits" in record.getMessage()]
    assert warning == (
        "no image of 2 with 16 bits per sample uses more than 12 bits: values are scaled by 4095, not 65535 (bits: "
        "auto); write bits: 12 for the data set to fix this scale, or bits: 16 for the full one"
    )


@pytest.mark.parametrize(
    ("highest", "full"),
    [(0, 255), (255, 255), (256, 1023), (1023, 1023), (1024, 4095), (4096, 16383), (16384, 65535), (65535, 65535)],
)
def test_bits_of_auto(tmp_path, highest, full, caplog):
    save(tmp_path / "a.png", 0, highest)
    assert check(tmp_path).images["full_range"].item() == str(full)
    assert ("bits: auto" in caplog.text) == (full < 65535)


def test_bits_that_are_stated_reject_what_needs_more(camera, caplog):
    images, rejected = check(camera, scale=Scale(bits=10))
    assert dict(zip(images["image_id"], images["full_range"], strict=True)) == {"dark.png": "1023", "usual.png": ""}
    assert (
        rejected["reason"].item() == "integer values from 0 to 4000, outside the range from 0 to 1023, as bits: 10 says"
    )
    assert set(check(camera, scale=Scale(bits=16)).images["full_range"]) == {"65535", ""}
    assert "bits: auto" not in caplog.text


def test_a_rejected_image_says_nothing_of_the_scale(tmp_path):
    save(tmp_path / "a.png", 0, 900)
    save(tmp_path / "strip.png", *range(0, 60000, 20))
    images, rejected = check(tmp_path)
    assert images["full_range"].item() == "1023" and len(rejected) == 1


def test_files_that_state_their_range_keep_it(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5 2 1 1023\n\0\7\1\xff")
    save(tmp_path / "b.png", 0, 4000)
    assert check(tmp_path, scale=Scale(bits=14)).images["full_range"].tolist() == ["1023", "16383"]


@pytest.mark.parametrize(("highest", "full"), [(0.5, "0:1"), (1.0, "0:1"), (1.05, "0:255"), (300, "0:65535")])
def test_floats_have_one_usual_range(tmp_path, highest, full):
    save(tmp_path / "a.tif", 0, highest, kind=np.float32)
    save(tmp_path / "b.tif", 0.25 * highest, highest, kind=np.float32)
    save(tmp_path / "black.tif", 0, 0, kind=np.float32)
    assert check(tmp_path).images["full_range"].tolist() == [full] * 3


def test_floats_that_disagree_stop_the_run_in_one_sentence(tmp_path):
    save(tmp_path / "a.tif", 0, 1, kind=np.float32)
    save(tmp_path / "b.tif", 0, 1.05, kind=np.float32)
    with pytest.raises(ValueError) as error:
        check(tmp_path)
    assert str(error.value) == (
        "floating-point images disagree about their range: 'a.tif' goes up to 1, 'b.tif' up to 1.05; name the range of "
        "the data set by float_range: [lowest, highest]"
    )
    images, _ = check(tmp_path, scale=Scale(float_range=(0, 1.25)))
    assert images["full_range"].tolist() == ["0:1.25"] * 2


def test_floats_beyond_a_range_are_rejected_by_name(tmp_path):
    save(tmp_path / "a.tif", -2, 1, kind=np.float32)
    save(tmp_path / "b.tif", 0, 0.5, kind=np.float32)
    save(tmp_path / "c.tif", 0, 1e6, kind=np.float32)
    images, rejected = check(tmp_path)
    assert images["image_id"].tolist() == ["b.tif"]
    assert rejected["reason"].str.contains("floating-point values from .* float_range").all()
    images, rejected = check(tmp_path, scale=Scale(float_range=(-2.5, 1)))
    assert images["full_range"].tolist() == ["-2.5:1"] * 2
    assert rejected["reason"].item() == "floating-point values from 0 to 1e+06, outside float_range: [-2.5, 1]"


def test_a_replaced_image_of_a_sample_is_not_of_the_scale(tmp_path):
    for number in range(6):
        save(tmp_path / f"{number}.png", 0, 900 + 20000 * (number == 3))
    images, rejected = check(tmp_path, sample={"n": 5, "seed": 0}, scale=Scale(bits=10))
    assert len(images) == 5 and set(rejected["path"]) <= {f"{tmp_path}/3.png"}


@pytest.mark.parametrize(
    "arguments", [{"bits": 9}, {"bits": "auto"}, {"float_range": (1, 0)}, {"float_range": (0, np.inf)}]
)
def test_scales_that_are_none(arguments):
    with pytest.raises(ValueError):
        Scale(**arguments)


def test_what_pixels_depend_on(camera):
    images = check(camera).images
    sums = list(images["sha256"])
    assert content_keys(images) == [f"{sums[0]}/4095", f"{sums[1]}/4095", sums[2]]
    assert full_ranges(images[["path"]]) == [""] * 3


def test_new_images_are_scaled_as_those_of_the_data_set():
    for ranges, scale in (
        (["", "4095", "4095"], {"bits": 12, "float_range": None}),
        (["", ""], {"bits": 16, "float_range": None}),
        (["0:1", ""], {"bits": 16, "float_range": [0, 1]}),
        (["-2.5:1", "1023", "1000"], {"bits": 10, "float_range": [-2.5, 1]}),
    ):
        learnt = learnt_scale(pd.DataFrame({"full_range": ranges}))
        assert learnt == scale
        Scale(**learnt)
