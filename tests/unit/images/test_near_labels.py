import logging
import unicodedata

import pandas as pd
import pytest

from nearlabel.images.near_labels import assign_near_labels

IMAGES = pd.DataFrame({"image_id": ["a b.png", "ü.png", "c.png"], "class": ["good", "scratch", ""]})


def labels(near_labels, images=IMAGES):
    near_labels = assign_near_labels(images, near_labels)
    assert list(near_labels.columns) == ["image_id", "near_label"]
    assert list(near_labels["image_id"]) == list(images["image_id"])
    return near_labels["near_label"].tolist()


def test_the_class_itself():
    assert labels(None) == ["good", "scratch", ""]


def test_mapping():
    assert labels({"good": 0, "scratch": 1}) == ["0", "1", ""]
    assert labels({"good": "0", "default": "1"}) == ["0", "1", ""]
    assert labels({"good": None, "default": "1"}) == ["", "1", ""]


def test_class_without_mapping():
    with pytest.raises(ValueError, match="no entry for the class 'scratch'"):
        labels({"good": 0})


def test_unused_mapping_is_named(caplog):
    labels({"good": 0, "rust": 1, "default": 1})
    assert "names classes that no image has, 'rust'; the images have 'good', 'scratch'" in caplog.text


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_list(tmp_path, caplog):
    assert labels(write(tmp_path / "l.csv", 'near_label,image_id\n01,ü.png\n"x, y",c.png\n')) == ["", "01", "x, y"]
    assert "1 of 3 images have no near-label" in caplog.text


def test_list_may_name_images_that_are_not_used(tmp_path, caplog):
    assert labels(write(tmp_path / "l.csv", "image_id,near_label\nc.png,1\nelsewhere.png,1\n")) == ["", "", "1"]
    assert "names 1 images that are not among the 3" in caplog.text
    assert "'elsewhere.png'" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image_id,near_label\nx/c.png,1\n", "none of its image_ids .*x/c.png.* is in the data set .*a b.png"),
        ("image_id,near_label\nc.png,1\nc.png,0\n", "'c.png' has more than one"),
        ("image,near_label\nc.png,1\n", "no column 'image_id'"),
        ("", r"l\.csv is empty"),
        ("image_id,near_label\n", "has a header and no rows"),
        ("image_id,near_label\nc.png,1\nC.PNG,0\n", "'c.png' has more than one near-label, under several"),
        ("image_id,near_label\nc.png,rough, dull\n", r"l\.csv, line 2: 3 cells where the header names 2"),
    ],
)
def test_bad_lists(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        labels(write(tmp_path / "l.csv", text))


def test_a_list_that_spells_ids_otherwise(tmp_path, caplog):
    nice, image = (unicodedata.normalize("NFD", text) for text in ("schön", "ü.png"))
    text = f"near_label;image_id\r\n{nice};A b.PNG\r\n0;{image}\r\n"
    assert labels(write(tmp_path / "l.csv", text)) == ["schön", "0", ""]
    assert "1 ids are not spelt as the images' are, for example 'A b.PNG' as 'a b.png'" in caplog.text


def test_the_exact_id_comes_first(tmp_path):
    images = pd.DataFrame({"image_id": ["a.png", "A.png"], "class": ""})
    assert labels(write(tmp_path / "l.csv", "image_id,near_label\nA.png,1\na.png,0\n"), images) == ["0", "1"]
    with pytest.raises(ValueError, match="none of its image_ids"):
        labels(write(tmp_path / "l.csv", "image_id,near_label\nA.PNG,1\n"), images)


def test_letters_of_a_class_may_be_composed_otherwise():
    images = IMAGES.assign(**{"class": [unicodedata.normalize("NFD", "schön"), "x", ""]})
    assert labels({"schön": "gut", unicodedata.normalize("NFD", "default"): "ü"}, images) == ["gut", "ü", ""]
    assert labels(None, images) == ["schön", "x", ""]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"0": "good", "default": "bad"}, "names the class '0', but the images have '0.0'"),
        (
            {"Kratzer": "bad", "0.0": "good", "default": "bad"},
            "names the class 'Kratzer', but the images have 'kratzer'",
        ),
        ({"fine": "good", "default": "bad"}, "names no class that an image has: it has 'fine', the images '0.0', 'kr"),
    ],
)
def test_a_mapping_that_means_other_classes_stops(mapping, message):
    """With a default, every image would silently be bad."""
    with pytest.raises(ValueError, match=message):
        labels(mapping, IMAGES.assign(**{"class": ["0.0", "kratzer", ""]}))


def test_missing_list(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"l\.csv"):
        labels(str(tmp_path / "l.csv"))


def test_no_labels_at_all(caplog):
    caplog.set_level(logging.INFO)
    assert labels(None, IMAGES.assign(**{"class": ""})) == ["", "", ""]
    assert "near-labels: none" in caplog.text


def test_one_label_only(caplog):
    assert labels({"default": 1}) == ["1", "1", ""]
    assert "all images have the near-label '1'" in caplog.text
