"""What people say, by content: the latest answer, the majority, images of the line."""

import hashlib
import logging

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.production.bundle.fitting.people import read_people

LABELS = ["good", "scratch", "dent"]
SCALE = {"bits": 16, "float_range": None}


def draw(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(number).integers(0, 255, (20, 30), dtype=np.uint8)).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def place(tmp_path):
    rows = []
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        path = tmp_path / "data" / name
        rows.append([name, str(path), "", "", "30", "20", "L", draw(path, number), ""])
    columns = ["image_id", "path", "class", "part", "width", "height", "mode", "sha256", "full_range"]
    return tmp_path, pd.DataFrame(rows, columns=columns)


def read(place, *rows, labels=LABELS, good="good"):
    folder, images = place
    (folder / "labels.csv").write_text("image_id,label,annotator,time\n" + "\n".join(map(",".join, rows)) + "\n")
    return read_people([folder / "labels.csv"], images, folder / "line", labels, good, SCALE)


def contents(place):
    return dict(zip("abc", place[1]["sha256"], strict=True))


def test_the_latest_of_each_and_the_majority_decide(place):
    found = read(
        place,
        ("a.png", "good", "anna", "2026-01-01"),
        ("a.png", "scratch", "anna", "2026-01-02"),
        ("b.png", "good", "anna", ""),
        ("b.png", "dent", "ben", ""),
        ("b.png", "dent", "cleo", ""),
        ("c.png", "unsure", "anna", ""),
    )
    known = contents(place)
    assert found.labels == {known["a"]: "scratch", known["b"]: "dent"}
    assert not found.disputed and found.line.empty


def test_what_was_taken_back_of_an_equal_image_of_the_line_leaves_the_data_sets_label(place):
    folder, images = place
    (folder / "line").mkdir()
    (folder / "line/a.png").write_bytes((folder / "data/a.png").read_bytes())
    (folder / "review.csv").write_text(
        "image_id,label,annotator,time,seconds,withdraws\n"
        "line/a.png,good,anna,2026-01-02,,\nline/a.png,skip,anna,2026-01-03,,2026-01-02\n"
    )
    (folder / "page.csv").write_text("image_id,label,annotator,time\na.png,dent,anna,2026-01-01\n")
    files = [folder / "review.csv", folder / "page.csv"]
    assert read_people(files, images, folder / "line", LABELS, "good", SCALE).labels == {contents(place)["a"]: "dent"}


def test_a_tie_is_nobodys_word(place, caplog):
    with caplog.at_level(logging.WARNING):
        found = read(place, ("a.png", "good", "anna", ""), ("a.png", "dent", "ben", ""))
    assert found.labels == {} and found.disputed == {contents(place)["a"]}
    assert "1 images are labelled differently by different people" in caplog.text
    # Both say that it is a defect, but not which.
    assert read(place, ("b.png", "scratch", "anna", ""), ("b.png", "dent", "ben", "")).disputed == {
        contents(place)["b"]
    }


def test_images_of_the_line_are_learnt_from_where_people_labelled_them(place):
    folder, _ = place
    new = draw(folder / "line/sub/new.png", 9)
    draw(folder / "line/nobody.png", 10)
    found = read(place, ("line/sub/new.png", "dent", "anna", ""))
    assert found.labels == {new: "dent"}
    assert found.line["image_id"].tolist() == ["line/sub/new.png"] and found.line["sha256"].tolist() == [new]
    assert found.line["width"].tolist() == ["30"]


def test_one_content_is_one_image_wherever_it_lies(place):
    folder, _ = place
    (folder / "line").mkdir()
    for name in ("copy.png", "copy2.png"):
        (folder / "line" / name).write_bytes((folder / "data/a.png").read_bytes())
    found = read(
        place,
        ("a.png", "good", "anna", "2026-01-01"),
        ("line/copy.png", "dent", "anna", "2026-01-03"),
        ("line/copy2.png", "scratch", "anna", "2026-01-02"),
    )
    assert found.labels == {contents(place)["a"]: "dent"} and found.line.empty


def test_what_cannot_be_used_is_said(place, caplog):
    folder, _ = place
    (folder / "line").mkdir()
    (folder / "line/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    with caplog.at_level(logging.WARNING):
        found = read(
            place,
            ("line/broken.png", "good", "anna", ""),
            ("line/gone.png", "good", "anna", ""),
            ("a.png", "Good", "anna", ""),
        )
    assert found.labels == {} and found.line.empty
    for words in ("broken.png is labelled and cannot be used", "'line/gone.png'", "did you mean 'good'?"):
        assert words in caplog.text


def test_without_a_good_label_the_majority_of_all_decides(place):
    rows = [("a.png", "scratch", "anna", ""), ("a.png", "good", "ben", ""), ("a.png", "good", "cleo", "")]
    assert read(place, *rows, good="").labels == {contents(place)["a"]: "good"}


def test_no_files_and_no_folder_are_no_labels(place):
    folder, images = place
    found = read_people([], images, folder / "nowhere", LABELS, "good", SCALE)
    assert (found.labels, found.disputed, len(found.line)) == ({}, set(), 0)
