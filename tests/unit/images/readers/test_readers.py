import os
import shutil
import unicodedata

import pandas as pd
import pytest
from PIL import Image

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
    assert dataset.left_out.equals(dataset.rejected)
    assert "hidden" in reasons[".hid"]


LAYOUTS = {
    "image_folder": ("good/a.png", "good"),
    "severstal": ("train_images/a.jpg", "train_images"),
    "kolektor_sdd": ("kos01/Part0.jpg", "kos01"),
    "kolektor_sdd2": ("train/10000.png", "train"),
    "magnetic_tile": ("MT_Free/Imgs/a.jpg", "MT_Free/Imgs"),
    "mvtec": ("train/good/000.png", "train/good"),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_what_systems_leave_is_left_out_by_every_reader(tmp_path, kind):
    image, folder = LAYOUTS[kind]
    touch(tmp_path, image, f"{folder}/@eaDir/x.jpg", f"{folder}/Thumbs.db", f"{folder}/._a.jpg", "test/ok/1.png")
    Image.new("L", (4, 4)).save(tmp_path / "mask.png")
    for mask in ("kos01/Part0_label.bmp", "train/10000_GT.png"):
        (tmp_path / mask).parent.mkdir(exist_ok=True)
        shutil.copy(tmp_path / "mask.png", tmp_path / mask)
    (tmp_path / "train.csv").write_text("ImageId,ClassId,EncodedPixels\n")
    dataset = read_dataset({"kind": kind, "root": str(tmp_path)})
    assert image in set(dataset.images["image_id"])
    reasons = rejected(dataset, tmp_path)
    assert reasons[f"{folder}/@eaDir"] == reasons[f"{folder}/Thumbs.db"] != reasons[f"{folder}/._a.jpg"]
    assert {f"{tmp_path}/{folder}/@eaDir", f"{tmp_path}/{folder}/._a.jpg"} <= set(dataset.left_out["path"])


def test_a_csv_takes_what_it_names(tmp_path):
    (tmp_path / "list.csv").write_text("path\n@eaDir/a.jpg\n.hidden/b.png\n")
    assert rows(read_dataset({"kind": "csv", "file": str(tmp_path / "list.csv")}), "image_id") == [
        (".hidden/b.png",), ("@eaDir/a.jpg",)
    ]  # fmt: skip


def test_images_are_known_by_suffix_or_content(tmp_path):
    touch(tmp_path, "a.JFIF", "b.jpe", "c.pnm", "d.DIB", "e.txt", "f", "phone.HEIC")
    Image.new("L", (4, 4)).save(tmp_path / "photo", "PNG")
    for name in ("frame.0001", "old.bak", "data.dat"):
        shutil.copy(tmp_path / "photo", tmp_path / name)
    dataset = read_dataset({"kind": "image_folder", "root": str(tmp_path)})
    assert [name for (name,) in rows(dataset, "image_id")] == [
        "a.JFIF",
        "b.jpe",
        "c.pnm",
        "d.DIB",
        "frame.0001",
        "photo",
    ]
    reasons = rejected(dataset, tmp_path)
    assert reasons["old.bak"] == "a PNG image, but not by its suffix; rename it if it belongs to the data set"
    assert reasons["phone.HEIC"] == "a HEIF photo, which is not read; save it as PNG or TIFF"
    # Images that the user meant count as rejected, other files do not.
    assert [path.removeprefix(f"{tmp_path}/") for path in dataset.left_out["path"]] == ["e.txt", "f"]


def test_a_folder_that_cannot_be_listed_counts_as_rejected(tmp_path, monkeypatch):
    touch(tmp_path, "a.png", "shut/b.png")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    dataset = read_dataset({"kind": "image_folder", "root": str(tmp_path)})
    assert rejected(dataset, tmp_path) == {
        "shut": "the folder cannot be listed (Permission denied); correct its permissions"
    }
    assert dataset.left_out.empty


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
    assert sorted(reason.split()[0] for reason in dataset.rejected["reason"]) == ["line", "outside", "outside"]


def test_a_list_made_on_windows(tmp_path, caplog):
    """Backslashes, other case, letters composed otherwise, its code page; said in one warning, with the count."""
    touch(tmp_path, "Gut/Prüfling 1.png", unicodedata.normalize("NFD", "Gut/ö.png"), "b.png")
    lines = ["Pfad;Klasse", r"gut\prüfling 1.PNG;gut", "Gut/ö.png;", r".\b.png;007", r"C:\Bilder\gut\b.png;1"]
    (tmp_path / "list.csv").write_text("\r\n".join(lines), encoding="cp1252")
    spec = {"kind": "csv", "file": str(tmp_path / "list.csv"), "path_column": "pfad", "label_column": "Klasse"}
    dataset = read_dataset(spec)
    assert rows(dataset, "image_id", "class") == [
        ("Gut/Prüfling 1.png", "gut"), (unicodedata.normalize("NFD", "Gut/ö.png"), ""), ("b.png", "007")
    ]  # fmt: skip
    assert dataset.rejected["reason"].item().startswith("a path of another machine;")
    assert "list.csv: is not UTF-8; read as Windows-1252" in caplog.text
    assert "3 paths are not spelt as their files are" in caplog.text


def test_csv_with_its_own_root_and_no_labels(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "list.csv").write_text("path\na.png\n")
    spec = {"kind": "csv", "file": str(tmp_path / "list.csv"), "root": str(tmp_path / "images")}
    assert rows(read_dataset(spec), "path", "class", "part") == [(f"{tmp_path}/images/a.png", "", "")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"file\na.png\n", "no column 'path'; it has 'file'"),
        (b"", r"list\.csv is empty"),
        (b"path\n\xff\xfe.png\n", r"list\.csv, line 2: not UTF-8"),
        (b"path\n", "no image found"),
        (b'path\n"a.png\n', r"list\.csv, line 2: a quote is not closed"),
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


def test_where_no_image_can_be_read_the_first_is_named(tmp_path):
    touch(tmp_path, "@eaDir/x.jpg", "phone.heic", "notes.txt")
    with pytest.raises(ValueError, match=r"no image found .*; 3 other files, the first: .*phone\.heic: a HEIF"):
        read_dataset({"kind": "image_folder", "root": str(tmp_path)})


@pytest.mark.parametrize("kind", ["image_folder", "kolektor_sdd", "magnetic_tile", "mvtec"])
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
