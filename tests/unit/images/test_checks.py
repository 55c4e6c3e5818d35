import hashlib
import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.files import write_csv
from nearlabel.images.checks import check_images, require_accepted
from nearlabel.images.readers import read_dataset


def save(path, seed=0, mode="L", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 30), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **options)


def read(root):
    return read_dataset({"kind": "image_folder", "root": str(root)})


@pytest.fixture
def folder(tmp_path):
    """Thirty good images of two classes, 20 and 10."""
    for number in range(30):
        save(tmp_path / ("good" if number < 20 else "bad") / f"{number:02d}.png", seed=number)
    return tmp_path


def test_columns_and_values(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a/turned.jpg", exif=exif)
    save(tmp_path / "b/clear.png", mode="RGBA")
    images, rejected = check_images(read(tmp_path))
    columns = ["image_id", "path", "class", "part", "width", "height", "mode", "sha256", "full_range"]
    assert list(images.columns) == columns
    assert list(rejected.columns) == ["path", "reason"]
    assert images[["image_id", "class", "width", "height", "mode"]].to_numpy().tolist() == [
        ["a/turned.jpg", "a", 12, 30, "L"],
        ["b/clear.png", "b", 30, 12, "RGBA"],
    ]
    assert images["sha256"][0] == hashlib.sha256((tmp_path / "a/turned.jpg").read_bytes()).hexdigest()


def test_every_bad_file_has_its_line_and_the_run_goes_on(folder):
    whole = (folder / "good/00.png").read_bytes()
    (folder / "empty.png").touch()
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (folder / "letter.jpg").write_text("Dear reader")
    (folder / "notes.txt").write_text("by name")
    Image.new("1", (2000, 2000)).save(folder / "bomb.png")
    os.symlink(folder / "nowhere.png", folder / "broken link.png")
    images, rejected = check_images(read(folder), max_pixels=1_000_000, workers=3)
    assert len(images) == 30
    reasons = {os.path.basename(path): reason for path, reason in rejected.itertuples(index=False)}
    assert len(reasons) == len(rejected) == 6
    for name, text in {
        "empty.png": "empty (0 bytes)",
        "truncated.png": "truncated",
        "letter.jpg": "not an image in a known format",
        "notes.txt": "not an image by its suffix",
        "bomb.png": "2000 x 2000 pixels, above the limit of 1000000",
        "broken link.png": "leads to no file",
    }.items():
        assert text in reasons[name]


def test_vanished_image(folder):
    dataset = read(folder)
    (folder / "good/03.png").unlink()
    images, rejected = check_images(dataset)
    assert len(images) == 29
    assert rejected.to_numpy().tolist() == [[f"{folder}/good/03.png", "the file does not exist (any more)"]]


def test_duplicate_ids(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "list.csv").write_text("path,label\na.png,x\na.png,x\n./a.png,y\n")
    images, rejected = check_images(
        read_dataset({"kind": "csv", "file": str(tmp_path / "list.csv"), "label_column": "label"})
    )
    assert images["class"].tolist() == ["x"]
    assert sorted(rejected["reason"]) == [
        "duplicate id: listed more than once, with class 'y' instead of 'x'; the first row is kept",
        "duplicate id: listed more than once; the first row is kept",
    ]


def test_exact_duplicates_and_constant_images_are_kept(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / name, seed=0 if name != "c.png" else 1)
    Image.new("L", (5, 5), 7).save(tmp_path / "flat.png")
    facts = {}
    images, rejected = check_images(read(tmp_path), facts=facts)
    assert len(images) == 4
    assert images["sha256"].nunique() == 3
    assert rejected.empty
    assert list(facts) == images["image_id"].tolist()
    assert [name for name, fact in facts.items() if fact.constant] == ["flat.png"]


def test_links_that_lead_nowhere_and_formats_that_are_not_read_are_named(folder):
    os.symlink("nowhere.png", folder / "dangling.png")
    os.symlink("itself.png", folder / "itself.png")
    (folder / "phone.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    rejected = check_images(read(folder)).rejected
    assert rejected["reason"].tolist() == ["a link that leads to no file"] * 2 + [
        "a HEIF photo, which is not read; save it as PNG or TIFF"
    ]


@pytest.mark.parametrize("name", ['it\'s a "strip".png', "two\nlines.png", "größe_磁砖.png", "; rm -rf $HOME.png"])
def test_names(tmp_path, name):
    save(tmp_path / "root" / name)
    (tmp_path / "root" / f"bad {name}").touch()
    images, rejected = check_images(read(tmp_path / "root"))
    for frame, file in ((images, "images.csv"), (rejected, "rejected.csv")):
        frame.to_csv(tmp_path / file, index=False)
    read_back = pd.read_csv(tmp_path / "images.csv", dtype=str, keep_default_na=False)
    assert read_back["image_id"].tolist() == [name]
    assert pd.read_csv(tmp_path / "rejected.csv")["path"].tolist() == [f"{tmp_path}/root/bad {name}"]


def test_images_without_classes(tmp_path):
    save(tmp_path / "a.png")
    assert check_images(read(tmp_path)).images["class"].tolist() == [""]


def test_workers_change_nothing(folder):
    (folder / "bad/25.png").write_bytes(b"x")
    sample = {"n": 12, "balance": True, "near_labels": None, "seed": 4}
    for chosen in (None, sample):
        for one, many in zip(
            check_images(read(folder), sample=chosen),
            check_images(read(folder), sample=chosen, workers=4),
            strict=True,
        ):
            pd.testing.assert_frame_equal(one, many)


def ids(folder, n, seed=0, **keys):
    return set(check_images(read(folder), sample={"n": n, "seed": seed, **keys}).images["image_id"])


def test_sample_is_seeded_and_grows_from_itself(folder):
    assert len(ids(folder, 10)) == 10
    assert ids(folder, 10) == ids(folder, 10)
    assert ids(folder, 10) != ids(folder, 10, seed=1)
    assert ids(folder, 10) < ids(folder, 15)
    before = ids(folder, 10)
    save(folder / "good/new.png", seed=99)
    assert len(before - ids(folder, 10)) <= 1


def test_sample_rows_are_sorted(folder):
    images = check_images(read(folder), sample={"n": 10, "balance": False, "near_labels": None, "seed": 0}).images
    assert images["image_id"].is_monotonic_increasing


def test_balanced_sample(folder):
    def counts(n, near_labels=None):
        drawn = ids(folder, n, balance=True, near_labels=near_labels)
        return sum(name.startswith("bad") for name in drawn), sum(name.startswith("good") for name in drawn)

    assert counts(20) == (10, 10)
    assert counts(7) == (4, 3)
    assert counts(7, {"good": "0", "default": "1"}) == (3, 4)
    assert counts(8, {"good": None, "bad": "1"}) == (8, 0)


def test_unreadable_images_are_replaced_and_no_others_are_decoded(folder, monkeypatch):
    import nearlabel.images.checks as checks

    decoded = []
    inspect = checks.inspect_image

    def count(path, *arguments):
        decoded.append(path)
        return inspect(path, *arguments)

    monkeypatch.setattr(checks, "inspect_image", count)
    first = sorted(ids(folder, 10))
    for name in first[:3]:
        (folder / name).write_bytes(b"")
    decoded.clear()
    images, rejected = check_images(read(folder), sample={"n": 10, "seed": 0}, workers=2)
    assert len(images) == 10
    assert set(first[3:]) < set(images["image_id"])
    assert len(decoded) == 10 + len(rejected) == 13


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({"n": 31}, "a sample of 31 images was asked for, but the data set has 30"),
        (
            {"n": 21, "balance": True},
            r"needs 11 with near-label 'bad', but the data set has 10; near-labels: bad \(10\), good \(20\)",
        ),
        ({"n": 4, "balance": True, "near_labels": {"default": None}}, "a balanced sample needs near-labels"),
    ],
)
def test_sample_larger_than_the_data_set(folder, sample, message):
    with pytest.raises(ValueError, match=message):
        check_images(read(folder), sample={"seed": 0, **sample})


def test_sample_larger_than_what_can_be_read(folder):
    for number in range(20, 25):
        (folder / f"bad/{number}.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"6 images with near-label 'bad' .* only 5 of 10 .* empty \(0 bytes\)"):
        check_images(read(folder), sample={"n": 12, "balance": True, "seed": 0})


def test_too_few_accepted(folder):
    for number in range(16):
        (folder / f"good/{number:02d}.png").write_bytes(b"")
    for number in range(50):
        (folder / f"good/{number}.json").touch()
    dataset = read(folder)
    images, rejected = check_images(dataset)
    by_name = len(dataset.left_out)
    assert by_name == 50
    require_accepted(images, rejected, 0.4, listing="rejected.csv", by_name=by_name)
    with pytest.raises(
        ValueError, match=r"only 14 of 30 images .* min_accepted = 0\.5; .* the file is empty .* \(16\)"
    ):
        require_accepted(images, rejected, 0.5, listing="rejected.csv", by_name=by_name)


def test_none_accepted(tmp_path):
    (tmp_path / "a.png").touch()
    images, rejected = check_images(read(tmp_path))
    assert list(images.columns)[-2:] == ["sha256", "full_range"]
    with pytest.raises(ValueError, match="only 0 of 1 images"):
        require_accepted(images, rejected, 0.0, listing="rejected.csv")


def test_tables_hold_any_name(tmp_path):
    names = ["3\rx.png", "a\nb.png", 'quote".png', "comma,.png", "naïve.png", "", "NA", " lead"]
    frame = pd.DataFrame({"image_id": names, "cluster": range(len(names)), "score": [0.5, np.nan] * 4})
    write_csv(tmp_path / "table.csv", frame)
    back = pd.read_csv(
        tmp_path / "table.csv", dtype={"image_id": str}, keep_default_na=False, na_values={"score": [""]}
    )
    pd.testing.assert_frame_equal(back, frame)


def test_thin_strips_are_rejected_by_name(tmp_path):
    for name, size in (("wide.png", (20_000, 1)), ("high.png", (1, 1001)), ("bar.png", (1000, 1))):
        Image.new("L", size).save(tmp_path / name)
    images, rejected = check_images(read(tmp_path))
    assert images["image_id"].tolist() == ["bar.png"]
    assert rejected["reason"].tolist() == [
        "1 x 1001 pixels, one side more than max_aspect = 1000 times the other",
        "20000 x 1 pixels, one side more than max_aspect = 1000 times the other",
    ]
    assert len(check_images(read(tmp_path), max_aspect=20_000).images) == 3


def test_a_file_of_20_gb_is_rejected(folder):
    with open(folder / "b.tif", "wb") as file:
        file.truncate(20 << 30)
    images, rejected = check_images(read(folder))
    assert len(images) == 30
    assert rejected["reason"].item().startswith("the file has 21474836480 bytes, above the limit")
