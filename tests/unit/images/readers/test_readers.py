import os

import pandas as pd
import pytest

from nearlabel.images.readers import READERS, read_dataset
from nearlabel.images.synthetic import draw_dataset


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def rows(dataset, *columns):
    for frame in dataset:
        assert all(isinstance(value, str) for value in frame.to_numpy().ravel())
    return list(dataset.images[list(columns)].itertuples(index=False, name=None))


def rejected(dataset, root):
    paths = dataset.rejected["path"].str.removeprefix(f"{root}/")
    return dict(zip(paths, dataset.rejected["reason"], strict=True))


NAMES = [
    "it's.png",
    'say "hi", 5%.png',
    "two\nlines.png",
    "cr\rlf.png",
    " blank .png",
    "größe_磁砖.png",
    "=1+1.png",
    "a\\b.png",
]


def test_image_folder(tmp_path):
    touch(
        tmp_path,
        "top.JPG",
        "good/a.png",
        "good/deep/b.tiff",
        "bad/c.bmp",
        "bad/notes.txt",
        ".hid/x.png",
        "good/._a.png",
    )
    dataset = read_dataset({"kind": "image_folder", "root": str(tmp_path)})
    assert rows(dataset, "image_id", "class", "part") == [
        ("bad/c.bmp", "bad", ""),
        ("good/a.png", "good", ""),
        ("good/deep/b.tiff", "good", ""),
        ("top.JPG", "", ""),
    ]
    assert dataset.images["path"].tolist()[0] == f"{tmp_path}/bad/c.bmp"
    reasons = rejected(dataset, tmp_path)
    assert set(reasons) == {"bad/notes.txt", ".hid", "good/._a.png"}
    assert "suffix" in reasons["bad/notes.txt"]
    assert "hidden" in reasons[".hid"]


def test_image_folder_without_classes(tmp_path):
    touch(tmp_path, "line 1/a.png", "line 2/a.png")
    dataset = read_dataset({"kind": "image_folder", "root": str(tmp_path), "classes": False})
    assert rows(dataset, "image_id", "class") == [("line 1/a.png", ""), ("line 2/a.png", "")]


@pytest.mark.parametrize("name", NAMES)
def test_names_survive_the_csv(tmp_path, name):
    touch(tmp_path / "root", f"class of\n{name}/{name}")
    dataset = read_dataset({"kind": "image_folder", "root": str(tmp_path / "root")})
    dataset.images.to_csv(tmp_path / "images.csv", index=False, lineterminator="\n")
    read = pd.read_csv(tmp_path / "images.csv", dtype=str, keep_default_na=False)
    assert read.equals(dataset.images)
    assert os.path.exists(read["path"][0])
    assert read["image_id"][0] == f"class of\n{name}/{name}"


def test_names_that_are_not_utf8_are_rejected(tmp_path):
    touch(tmp_path, "a.png")
    (tmp_path / os.fsdecode(b"gr\xfcn.png")).write_bytes(b"x")
    dataset = read_dataset({"kind": "image_folder", "root": str(tmp_path)})
    assert rows(dataset, "image_id") == [("a.png",)]
    assert "not valid UTF-8" in rejected(dataset, tmp_path)["gr\\udcfcn.png"]


def test_order_does_not_depend_on_the_file_system(tmp_path, monkeypatch):
    touch(tmp_path, *(f"{name}/{name}.png" for name in "dbca"), "B.png", "_.png")
    assert rows(read_dataset({"kind": "image_folder", "root": str(tmp_path)}), "image_id") == [
        ("B.png",), ("_.png",), ("a/a.png",), ("b/b.png",), ("c/c.png",), ("d/d.png",)
    ]  # fmt: skip


def test_csv(tmp_path):
    (tmp_path / "list.csv").write_text(
        f'image,label,coil\n./a.png,1,7\nsub/../b.png,,\n"x, ""y"".png",NA,08\n{tmp_path}/abs.png,1,7\n'
        "a.png,2,7\n../out.png,1,7\n/elsewhere/z.png,1,7\n,1,7\n",
        encoding="utf-8-sig",
    )
    dataset = read_dataset(
        {
            "kind": "csv",
            "file": str(tmp_path / "list.csv"),
            "root": None,
            "path_column": "image",
            "label_column": "label",
            "part_column": "coil",
        }
    )
    assert rows(dataset, "image_id", "class", "part") == [
        ("a.png", "1", "7"),
        ("a.png", "2", "7"),
        ("abs.png", "1", "7"),
        ("b.png", "", ""),
        ('x, "y".png', "NA", "08"),
    ]
    assert sorted(reason.split()[0] for reason in dataset.rejected["reason"]) == ["outside", "outside", "row"]


def test_csv_with_its_own_root_and_no_labels(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "list.csv").write_text("path\na.png\n")
    spec = {"kind": "csv", "file": str(tmp_path / "list.csv"), "root": str(tmp_path / "images")}
    assert rows(read_dataset(spec), "path", "class", "part") == [(f"{tmp_path}/images/a.png", "", "")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"file\na.png\n", "no column 'path'; it has 'file'"),
        (b"", "cannot be read as a UTF-8 CSV"),
        (b"path\n\xff\xfe.png\n", "cannot be read as a UTF-8 CSV"),
        (b"path\n", "no image found"),
        (b'path\n"a.png\n', "cannot be read as a UTF-8 CSV"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    (tmp_path / "list.csv").write_bytes(text)
    with pytest.raises(ValueError, match=message):
        read_dataset({"kind": "csv", "file": str(tmp_path / "list.csv")})


def test_synthetic(tmp_path):
    draw_dataset(
        tmp_path / "strips",
        tmp_path / "table.csv",
        count=4,
        height=8,
        width=16,
        defect_share=1,
        kinds=["patches"],
        rare_share=0,
        seed=0,
    )
    spec = {"kind": "synthetic", "root": str(tmp_path / "strips"), "table": str(tmp_path / "table.csv")}
    assert rows(read_dataset(spec), "image_id", "class")[0] == ("strip_00000.png", "patches")


@pytest.mark.parametrize("kind", sorted(set(READERS) - {"csv", "synthetic"}))
def test_missing_root(tmp_path, kind):
    with pytest.raises(FileNotFoundError, match="absent: no such folder"):
        read_dataset({"kind": kind, "root": str(tmp_path / "absent")})


@pytest.mark.parametrize("kind", ["image_folder", "kolektor_sdd", "magnetic_tile"])
def test_empty_root(tmp_path, kind):
    with pytest.raises(ValueError, match="no image found"):
        read_dataset({"kind": kind, "root": str(tmp_path)})


def test_missing_csv(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"list\.csv: no such file"):
        read_dataset({"kind": "csv", "file": str(tmp_path / "list.csv")})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"kind": "folder", "root": "x"}, "kind 'folder' is unknown; choose one of image_folder"),
        ({"kind": "image_folder", "root": "x", "clases": True}, "has no key 'clases'; it has classes, root"),
        ({"kind": "severstal"}, "needs the key 'root'"),
    ],
)
def test_bad_specification(spec, message):
    with pytest.raises(ValueError, match=message):
        read_dataset(spec)
