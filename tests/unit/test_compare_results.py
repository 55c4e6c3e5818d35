"""The script that compares two results folders: what it reports of every kind of file, and its exit status."""

import importlib.util
import json

import h5py
import numpy as np
import pytest
from PIL import Image

from helpers.places import REPOSITORY

spec = importlib.util.spec_from_file_location("compare_results", REPOSITORY / "tests/benchmarks/compare_results.py")
compare_results = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compare_results)

LABELS = np.array([0, 1, 1, 2], dtype=np.int32)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, np.ndarray):
        Image.fromarray(content).save(path)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        path.write_text(json.dumps(content), encoding="utf-8")


def write_h5(path, labels=LABELS, *, seed=7, compression=None, more=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.create_dataset("image_id", data=["a", "b", "c", "d"], dtype=h5py.string_dtype())
        file.create_dataset("k3", data=labels, compression=compression).attrs["flags"] = ""
        file.attrs["seed"] = seed
        for name in more:
            file[name] = [np.nan, 1.0]


@pytest.fixture
def folders(tmp_path):
    """Two folders of equal files, some of them renamed, and some that don't count."""
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, names, list_name in ((before, "classifiers", "manifest"), (after, "models", "near_labels")):
        write(folder / f"steel/{list_name}.csv", "image_id,near_label\na,1\n")
        write(folder / f"steel/root/{names}/near_labels/rules.txt", "size <= 2\n")
        write(folder / f"figures/steel_{names}.svg", "<svg/>\n")
        write(folder / f"tables/{names}.tex", "1 & 2\n")
        write(folder / "tables/scores.csv", 'name,auc,note\na,0.5,""\nb,0.75,x\nc,1.0,x\n')
        write(folder / "steel/summary.json", {"k": 3, "scores": [{"auc": 0.5}, {"auc": None}]})
        write(folder / "figures/steel.png", np.zeros((4, 5, 3), dtype=np.uint8))
        write(folder / "report/index.html", "<p>\none\ntwo\n</p>\n")
        write(folder / "steel/model.skops", b"\x00\x01")
        write_h5(folder / "steel/labels.h5", more=["centres"])
        write(folder / "logs/rule.txt", f"written by {folder.name}")
        write(folder / f"benchmarks/{folder.name}.tsv", "1")
        (folder / "groups").mkdir()
        (folder / "groups/a.png").symlink_to(f"nowhere/{folder.name}.png")
        (folder / "groups/folder").symlink_to(folder / "logs")
    return before, after


@pytest.fixture
def compared(folders, capsys):
    """A call's exit status, its lines on differences, and its summary."""

    def call(*options):
        status = compare_results.main([*map(str, folders), *options])
        *lines, summary = capsys.readouterr().out.splitlines()
        return status, lines, summary

    return call


def test_renamed_files_and_links_are_no_difference(folders, compared):
    status, lines, summary = compared()
    assert (status, lines) == (0, [])
    assert summary == (
        "12 files compared: 10 byte-equal, 0 equal in content though not in bytes, 0 differing, 2 links by name; "
        "0 only on one side"
    )


@pytest.mark.parametrize("side", [0, 1])
def test_two_results_of_one_version_are_no_difference(folders, capsys, side):
    assert compare_results.main([str(folders[side])] * 2) == 0


def test_equal_content_in_other_bytes_is_no_difference(folders, compared):
    after = folders[1]
    write_h5(after / "steel/labels.h5", compression="gzip", more=["centres"])
    write(after / "tables/scores.csv", '"name","auc","note"\r\na,0.5,\r\nb,0.75,x\r\nc,1.0,x\r\n')
    write(after / "steel/summary.json", '{"scores": [{"auc": 0.5},\n{"auc": null}], "k": 3}')
    Image.new("RGB", (5, 4)).save(after / "figures/steel.png", compress_level=0)
    status, lines, summary = compared()
    assert (status, lines) == (0, [])
    assert "6 byte-equal, 4 equal in content though not in bytes, 0 differing" in summary


# File, its content after, and what is said of it.
CHANGES = {
    "cells": (
        "tables/scores.csv",
        "name,auc,note\na,0.5,\nb,0.7,y\nc,0.5,x\n",
        "2 of 3 rows, in auc (largest difference 0.5), note; first in row 2, auc: '0.75' → '0.7'",
    ),
    "columns and rows": (
        "tables/scores.csv",
        "name,auc,size\na,0.5,1\n",
        "columns: note only before, size only after; rows 3 → 1",
    ),
    "order of columns": (
        "tables/scores.csv",
        "auc,name,note\n0.5,a,\n0.75,b,x\n1.0,c,x\n",
        "columns: another order",
    ),
    "keys": (
        "steel/summary.json",
        {"k": 3.0, "scores": [{"auc": 0.5}, {"auc": "much " * 20}, 1]},
        "[scores][2] only after; [k]: 3 → 3.0; "
        "[scores][1][auc]: None → 'much much much much much much much much much much much much…",
    ),
    "pixels": (
        "figures/steel.png",
        np.pad(np.full((1, 2, 3), 9, dtype=np.uint8), ((0, 3), (0, 3), (0, 0))),
        "pixels of 3 bytes: 2 of 20 elements",
    ),
    "size of an image": (
        "figures/steel.png",
        np.zeros((4, 6, 3), dtype=np.uint8),
        "pixels of 3 bytes: shape (4, 5) → (4, 6)",
    ),
    "mode of an image": (
        "figures/steel.png",
        np.zeros((4, 5), dtype=np.uint8),
        "pixels of 1 bytes only after; pixels of 3 bytes only before",
    ),
    "lines": (
        "report/index.html",
        "<p>\none and a half\nmore\ntwo\n</p>\n",
        "1 of 5 lines only before, 2 of 6 only after; first in line 2: 'one' → 'one and a half'",
    ),
    "anything else": ("steel/model.skops", b"\x00\x02\x03", "bytes differ, 2 → 3 of them"),
}


@pytest.mark.parametrize(("name", "content", "told"), CHANGES.values(), ids=CHANGES)
def test_changed_files_are_told(folders, compared, name, content, told):
    write(folders[1] / name, content)
    status, lines, summary = compared()
    assert (status, lines) == (1, [f"differ: {name}: {told}"])
    assert "9 byte-equal, 0 equal in content though not in bytes, 1 differing, 2 links" in summary


def test_a_changed_file_under_a_new_name_is_told_with_both(folders, compared):
    write(folders[1] / "tables/models.tex", "1 & 3\n")
    told = "1 of 2 lines only before, 1 of 2 only after; first in line 1: '1 & 2' → '1 & 3'"
    assert compared()[1] == [f"differ: tables/models.tex (before: tables/classifiers.tex): {told}"]


def test_long_values_are_cut_around_the_first_difference(folders, compared):
    for folder, word in zip(folders, ("old", "new"), strict=True):
        write(folder / "long.txt", "x" * 1000 + word + "y" * 1000)
    (line,) = compared()[1]
    assert f"…{'x' * 20}old{'y' * 37}… → …{'x' * 20}new{'y' * 37}…" in line


def test_data_sets_and_attributes_are_told_by_name(folders, compared):
    write_h5(folders[1] / "steel/labels.h5", np.array([0, 1, 4, 2]), seed=8, more=["sizes"])
    told = "centres only before; sizes only after; k3: dtype int32 → int64; "
    told += "k3: 1 of 4 elements (largest difference 3); /@seed: np.int64(7) → np.int64(8)"
    status, lines, _ = compared()
    assert (status, lines) == (1, [f"differ: steel/labels.h5: {told}"])


def test_shapes_of_data_sets_are_told(folders, compared):
    write_h5(folders[1] / "steel/labels.h5", LABELS[:3], more=["centres"])
    assert compared()[1] == ["differ: steel/labels.h5: k3: shape (4,) → (3,)"]


def test_rows_of_unlike_lengths_are_compared(folders, compared):
    for folder, last in zip(folders, ([5.0], [6.0, 7.0]), strict=True):
        with h5py.File(folder / "steel/labels.h5", "a") as file:
            rows = file.create_dataset("maps", (2,), dtype=h5py.vlen_dtype(np.float32))
            rows[0], rows[1] = np.arange(3, dtype=np.float32), np.array(last, np.float32)
    (line,) = compared()[1]
    assert "maps, lengths: 1 of 2 elements" in line and "maps: shape (4,) → (5,)" in line


@pytest.mark.parametrize(
    "name", ["steel/labels.h5", "steel/summary.json", "tables/scores.csv", "figures/steel.png", "report/index.html"]
)
@pytest.mark.parametrize(("side", "word"), [(0, "before"), (1, "after")])
def test_damaged_files_are_told(folders, compared, name, side, word):
    path = folders[side] / name
    write(path, path.read_bytes()[: path.stat().st_size // 2] + b"\xff,\xff")
    status, (line,), _ = compared()
    assert status == 1
    assert line.startswith(f"differ: {name}: {word} cannot be read, ")


@pytest.mark.parametrize("text", ["name,auc\na\n", "name,name\na,b\n"])
def test_tables_without_one_meaning_are_told(folders, compared, text):
    write(folders[1] / "tables/scores.csv", text)
    assert compared()[1] == [
        "differ: tables/scores.csv: after cannot be read, ValueError: two columns have one name, "
        "or a row has more or fewer cells than the header"
    ]


def test_files_and_links_on_one_side_are_told(folders, compared):
    before, after = folders
    write(before / "steel/old.csv", "a\n")
    write(after / "steel/new.csv", "a\n")
    (after / "groups/b.png").symlink_to("nowhere")
    (after / "groups/a.png").unlink()
    write(after / "groups/a.png", np.zeros((1, 1), dtype=np.uint8))
    status, lines, summary = compared()
    assert status == 1
    assert lines == [
        "only before: steel/old.csv",
        "only after: groups/b.png",
        "only after: steel/new.csv",
        "differ: groups/a.png: a link on one side only",
    ]
    assert summary.endswith("1 differing, 1 links by name; 3 only on one side")


def test_renames_are_of_the_exact_thing(folders, compared):
    before, after = folders
    for name in ("old_manifest.csv", "steel/classifiers.txt", "my_classifiers/a.txt", "figures/classifiers_a.svg"):
        write(before / name, "a\n")
        write(after / name.replace("manifest", "near_labels").replace("classifiers", "models"), "a\n")
    assert len(compared()[1]) == 8


def test_renames_are_taken_from_the_arguments(folders, compared):
    before, after = folders
    for old, new in (("sort/a.txt", "kind/a.txt"), ("x/a_sort_b.txt", "x/a_kind_b.txt"), ("sorts/c", "sorts/c")):
        write(before / old, "a\n")
        write(after / new, "a\n")
    (before / "steel/manifest.csv").rename(before / "steel/table.csv")
    assert compared("--rename", "sort=kind", "--rename", "table.csv=near_labels.csv")[:2] == (0, [])
    assert compared("--rename", "sort=kind")[1] == [
        "only before: steel/table.csv",
        "only after: steel/near_labels.csv",
    ]


def test_a_new_name_that_is_taken_hides_nothing(folders, compared):
    write(folders[0] / "steel/near_labels.csv", "image_id,near_label\na,2\n")
    status, lines, _ = compared()
    assert status == 1
    assert lines[0] == "only before: steel/manifest.csv"
    assert lines[1].startswith("differ: steel/near_labels.csv: 1 of 1 rows, in near_label (largest difference 1)")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{before}"], "the following arguments are required: after"),
        (["{before}", "{before}/none"], "must be folders."),
        (["{before}", "{after}", "--rename", "manifest"], "'manifest' is not OLD=NEW."),
        (["{before}", "{after}", "--rename", "=a"], "'=a' is not OLD=NEW."),
    ],
)
def test_wrong_arguments_end_with_2(folders, capsys, arguments, told):
    with pytest.raises(SystemExit) as end:
        compare_results.main([argument.format(before=folders[0], after=folders[1]) for argument in arguments])
    assert end.value.code == 2
    assert capsys.readouterr().err.rstrip().endswith(told)
