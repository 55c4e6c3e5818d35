"""Every kind of bad input that a folder of images, or a config, can hold: what becomes of each, in one table."""

import hashlib

import numpy as np
import pandas as pd
from PIL import Image

from nearlabel.config import ConfigError, load_config
from nearlabel.features.extract import extract_features
from nearlabel.grouping.clustering.algorithms import cluster
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.images.checks import check_images
from nearlabel.images.duplicates import hash_images
from nearlabel.images.near_labels import assign_near_labels
from nearlabel.images.readers import read_dataset
from nearlabel.learning.data.splitting import split_folds

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (24, 40), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (24, 40, 3), dtype=np.uint8)


def png(picture, **options):
    """What writes a picture to a file."""
    return lambda path: picture.save(path, **options)


def truncated(path):
    png(Image.fromarray(COLOUR))(path)
    path.write_bytes(path.read_bytes()[:-400])


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(path, exif=exif)


OPAQUE = np.dstack([COLOUR, np.full((24, 40), 128, np.uint8)])
HUGE = Image.new("1", (20_000, 20_000))
DIFFERENT = Image.fromarray(GREY[::-1].copy())

# File name, what is written into it, what becomes of it: the reason it is rejected for, or the mode it is kept with.
FILES = {
    "zero bytes": ("empty.png", lambda path: path.write_bytes(b""), "rejected: the file is empty"),
    "truncated": ("short.png", truncated, "rejected: "),
    "not an image": ("notes.png", lambda path: path.write_text("notes"), "rejected: "),
    "a folder": ("folder.png", lambda path: path.mkdir(), None),
    "16-bit": ("deep.png", png(Image.fromarray(GREY.astype(np.uint16) * 256)), "kept: I;16"),
    "RGBA": ("clear.png", png(Image.fromarray(OPAQUE)), "kept: RGBA"),
    "palette": ("palette.png", png(Image.fromarray(COLOUR).quantize(16)), "kept: P"),
    "CMYK": ("print.jpg", png(Image.fromarray(COLOUR).convert("CMYK")), "kept: CMYK"),
    "EXIF-rotated": ("turned.jpg", turned, "kept: L"),
    "decompression bomb": ("bomb.png", png(HUGE), "rejected: "),
    "constant": ("flat.png", png(Image.new("L", (40, 24), 77)), "kept: L"),
    "a space": ("two words.png", png(DIFFERENT), "kept: L"),
    "quotes": ('it\'s "5".png', png(DIFFERENT), "kept: L"),
    "a line break": ("two\nlines.png", png(DIFFERENT), "kept: L"),
    "letters beyond ASCII": ("größe 高.png", png(DIFFERENT), "kept: L"),
    "what a shell would run": ("$(touch x);&|.png", png(DIFFERENT), "kept: L"),
    "markup": ("<b>&amp;.png", png(DIFFERENT), "kept: L"),
}


def outcome_of_file(root, name, write):
    root.mkdir()
    png(Image.fromarray(GREY))(root / "good.png")
    write(root / name)
    images, rejected = check_images(read_dataset({"kind": "image_folder", "root": str(root), "classes": False}))
    assert "good.png" in set(images["image_id"])  # the run goes on with the good ones
    row = images[images["image_id"] == name]
    if len(row):
        expected = (24, 40) if name == "turned.jpg" else (40, 24)
        assert (int(row["width"].item()), int(row["height"].item())) == expected
        return f"kept: {row['mode'].item()}"
    reasons = rejected.loc[rejected["path"] == f"{root}/{name}", "reason"]
    return f"rejected: {reasons.item()}" if len(reasons) else None


def one_class(count, positives):
    """Tables of images whose first ones are positive; every image is its own picture."""
    ids = [f"{i}.png" for i in range(count)]
    images = pd.DataFrame({"image_id": ids, "path": ids, "class": "", "part": "", "sha256": ids})
    return images, images[["image_id"]].assign(near_label=["1"] * positives + ["0"] * (count - positives))


def split(tmp_path, images, near_labels, folds=3):
    for name in images["image_id"]:
        noise = np.random.default_rng(int(name[:-4])).integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(np.kron(noise[:4, :4], np.ones((8, 8), np.uint8))).save(tmp_path / name)
    images = images.assign(path=[str(tmp_path / name) for name in images["image_id"]])
    split_folds(images, near_labels, hash_images(images["path"]), positive="1", folds=folds, distance=0, seed=0)


def with_missing_labels(_):
    images = one_class(4, 2)[0].assign(**{"class": ["a", "b", "a", ""]})
    assign_near_labels(images, {"a": "0"})


def with_nan(_):
    features = RNG.random((6, 4))
    features[2, 1] = np.nan
    reduce_features(features, method="pca", components=2, standardise=False, seed=0)


def changed_image(tmp_path):
    png(Image.fromarray(COLOUR))(tmp_path / "a.png")
    row = {"image_id": ["a.png"], "path": [str(tmp_path / "a.png")], "sha256": [hashlib.sha256(b"before").hexdigest()]}
    extract_features(
        pd.DataFrame(row), {"name": "texture", "image_size": 32}, output=tmp_path / "t.h5", cache=tmp_path / "c"
    )


def duplicate_ids(tmp_path):
    png(Image.fromarray(GREY))(tmp_path / "a.png")
    (tmp_path / "list.csv").write_text("path\na.png\na.png\n", encoding="utf-8")
    images, rejected = check_images(read_dataset({"kind": "csv", "file": str(tmp_path / "list.csv")}))
    assert len(images) == 1
    raise ValueError(rejected["reason"].item())


def exact_duplicates(tmp_path):
    for name in ("a.png", "b.png"):
        png(Image.fromarray(GREY))(tmp_path / name)
    images, _ = check_images(read_dataset({"kind": "image_folder", "root": str(tmp_path), "classes": False}))
    raise ValueError(f"{len(images)} kept, {images['sha256'].nunique()} content")


def bad_config(**changes):
    raw = {
        "run": "r",
        "datasets": {"d": {"kind": "image_folder", "root": "x"}},
        "grouping": {"datasets": ["d"], "levels": [{"encoders": ["texture"]}]},
    }
    return lambda _: load_config(raw | changes)


# What is done, and the words of the one sentence that comes of it.
WHOLE = {
    "duplicate ids": (duplicate_ids, "listed more than once; the first row is kept"),
    "exact duplicates": (exact_duplicates, "2 kept, 1 content"),
    "missing labels": (with_missing_labels, "'b'"),
    "no label at all": (lambda p: split(p, *one_class(6, 0)), "both classes are needed"),
    "one class only": (lambda p: split(p, *one_class(6, 6)), "both classes are needed"),
    "fewer positives than folds": (lambda p: split(p, *one_class(12, 2)), "not even 3 folds are possible"),
    "more folds than positives": (
        lambda p: split(p, *one_class(12, 4), folds=5),
        "the largest possible number of folds is 4",
    ),
    "fewer images than folds": (lambda p: split(p, *one_class(2, 1)), "not even 3 folds are possible"),
    "fewer images than k": (
        lambda _: list(cluster(RNG.random((3, 2)), "kmeans", ks=[2, 3, 4, 5], seed=0)) == [2, 3] or 1 / 0,
        None,
    ),
    "NaN features": (with_nan, "hold NaN or infinity in 1 of 6 images"),
    "an image changed since it was listed": (changed_image, "changed since images.csv was made"),
    "no such folder": (lambda p: read_dataset({"kind": "image_folder", "root": str(p / "no")}), "no such folder"),
    "an empty folder": (lambda p: read_dataset({"kind": "image_folder", "root": str(p)}), "no image found"),
    "an unknown key": (bad_config(colour="red"), "colour is not a known key"),
    "a wrong type": (bad_config(seed="many"), "seed"),
    "a data set that is not there": (
        bad_config(grouping={"datasets": ["e"], "levels": [{"encoders": ["texture"]}]}),
        "names 'e', which is not under datasets",
    ),
}


def test_every_bad_input_has_its_outcome(tmp_path, capsys):
    tried, wrong = 0, []
    for case, (name, write, expected) in FILES.items():
        tried += 1
        found = outcome_of_file(tmp_path / f"file{tried}", name, write)
        if expected is not None and expected.startswith("rejected"):
            right = found is not None and found.startswith(expected) and found != "rejected: "
        else:
            right = found == expected
        wrong += [] if right else [f"{case}: {found}"]
    for case, (act, words) in WHOLE.items():
        tried += 1
        folder = tmp_path / f"whole{tried}"
        folder.mkdir()
        try:
            act(folder)
            found = None
        except (ValueError, FileNotFoundError, ConfigError) as error:
            found = str(error)
        right = found is None if words is None else found is not None and words in found and "\n" not in found
        wrong += [] if right else [f"{case}: {found}"]
    with capsys.disabled():
        print(f"\nbad input: {tried - len(wrong)} of {tried} cases end as they should")
    assert wrong == []
