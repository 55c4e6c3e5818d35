"""Files under the names that tables give them."""

import unicodedata
from pathlib import Path

import pytest

from nearlabel.images.paths import ListedPaths, match_names

NFD = unicodedata.normalize("NFD", "größe")


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "data"
    for name in (
        "good/a.png",
        "Good/b.png",
        "x/A.png",
        "x/a.PNG",
        "x y/c d.png",
        "größe/ä.png",
        f"{NFD}/ä.png",
        "50%.png",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root  # fmt: skip


@pytest.mark.parametrize(
    ("path", "image_id"),
    [
        ("good/a.png", "good/a.png"),
        ("./good//a.png", "good/a.png"),
        ("x/../good/a.png", "good/a.png"),
        ("good\\a.png", "good/a.png"),
        (".\\good\\a.png", "good/a.png"),
        ("X/A.png", "x/A.png"),
        ("GOOD\\B.PNG", "Good/b.png"),  # the folder that holds it, of two
        ("good/b.png", "Good/b.png"),
        (" good/a.png ", "good/a.png"),
        ("x%20y/c%20d.png", "x y/c d.png"),
        ("50%.png", "50%.png"),
        (f"größe/{unicodedata.normalize('NFD', 'ä.png')}", "größe/ä.png"),
        (f"{NFD}/ä.png", f"{NFD}/ä.png"),
        ("file://{root}/x%20y/c%20d.png", "x y/c d.png"),
        ("file://localhost{root}/good/a.png", "good/a.png"),
        ("{root}/good/a.png", "good/a.png"),
        ("{root}/good\\A.png", "good/a.png"),
        ("none.png", "none.png"),
    ],
)
def test_a_file_is_found_under_other_spellings(root, path, image_id):
    path = path.format(root=root)
    listed = ListedPaths(root)
    assert listed.locate(path) == (image_id, "")
    assert listed.respelt == ({} if path in (image_id, "none.png") or Path(path) == root / image_id else listed.respelt)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("X/a.png", "may be 'x/A.png' or 'x/a.PNG'; write the one that is meant"),
        ("../other.png", "outside the data set's root"),
        ("..\\other.png", "outside the data set's root"),
        ("/elsewhere/a.png", "outside the data set's root"),
        ("D:\\parts\\Good\\b.png", "of another machine; write paths relative to the data set's root ('Good/b.png'?)"),
        ("\\\\server\\parts\\none.png", "a path of another machine"),
        ("file:///C:/parts/good/a.png", "another machine; write paths relative to the data set's root ('good/a.png'?)"),
    ],
)  # fmt: skip
def test_what_cannot_be_one_of_the_files_says_why(root, path, words):
    (root.parent / "other.png").write_bytes(b"")
    assert words in ListedPaths(root).locate(path)[1]


def test_other_spellings_are_counted_in_one_sentence(root):
    listed = ListedPaths(root)
    assert listed.describe() == ""
    for path in ("good\\a.png", "GOOD/B.png", "x%20y/c d.png", "good/a.png"):
        listed.locate(path)
    assert listed.describe().startswith(
        "3 paths are not spelt as their files are (backslashes: 1, case: 1, URLs: 1) and"
    )
    assert r"for example 'good\\a.png' as 'good/a.png'" in listed.describe()


def test_names_match_exactly_or_where_one_is_meant():
    known = ["a.png", "A.png", "ü.png", "b/c.png", "é", unicodedata.normalize("NFD", "é")]
    wanted = ["a.png", "A.PNG", unicodedata.normalize("NFD", "ü.png"), "B\\C.png", "é", "none"]
    assert match_names(wanted, known) == {
        "a.png": "a.png", unicodedata.normalize("NFD", "ü.png"): "ü.png", "B\\C.png": "b/c.png", "é": "é"
    }  # fmt: skip
