import errno
import os
from pathlib import Path

import pandas as pd
import pytest

from nearlabel.grouping.tree.groups import check_names, collect_groups, name_images, sort_images
from nearlabel.grouping.tree.names import read_names
from nearlabel.grouping.tree.remembered import remember

MANIFEST = pd.DataFrame({"image_id": ["x/a.png", "x/b.png", "y/a.png", "c.png"], "near_label": ["0", "", "1", "1"]})
CLUSTERS = {
    "root": pd.DataFrame({"image_id": ["c.png", "x/a.png", "x/b.png", "y/a.png"], "cluster": [1, 0, 0, 0]}),
    "root.0": pd.DataFrame({"image_id": ["x/a.png", "x/b.png", "y/a.png"], "cluster": [10, 2, 10]}),
}


def test_lineage_follows_every_image_to_its_leaf():
    groups = collect_groups(CLUSTERS, MANIFEST)
    assert groups.columns.tolist() == ["image_id", "near_label", "level0", "level1", "leaf"]
    assert groups["image_id"].tolist() == MANIFEST["image_id"].tolist()
    assert groups["level0"].tolist() == ["root.0", "root.0", "root.0", "root.1"]
    assert groups["level1"].tolist() == ["root.0.10", "root.0.2", "root.0.10", ""]
    assert groups["leaf"].tolist() == ["root.0.10", "root.0.2", "root.0.10", "root.1"]


def test_a_root_alone_has_one_level():
    groups = collect_groups({"root": CLUSTERS["root"]}, MANIFEST)
    assert groups.columns.tolist() == ["image_id", "near_label", "level0", "leaf"]
    assert (groups["level0"] == groups["leaf"]).all()


def make_images(tmp_path):
    paths = []
    for image_id in MANIFEST["image_id"]:
        file = tmp_path / "data" / image_id
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(image_id)
        paths.append(str(file))
    return pd.DataFrame({"image_id": MANIFEST["image_id"], "path": paths})


@pytest.mark.parametrize("copies", [False, True])
def test_sorted_folder_holds_every_image_once(tmp_path, copies):
    groups, images = collect_groups(CLUSTERS, MANIFEST), make_images(tmp_path)
    names = {"root.0": 'rough/"good"\n', "root.0.10": "..", "root.1": "Löcher"}
    sort_images(groups, images, tmp_path / "groups", copies=copies, names=names)
    found = {file.relative_to(tmp_path / "groups").as_posix(): file for file in (tmp_path / "groups").rglob("*.png")}
    assert set(found) == {
        "root.0 rough__good__/root.0.10/x__a.png",
        "root.0 rough__good__/root.0.10/y__a.png",
        "root.0 rough__good__/root.0.2/x__b.png",
        "root.1 Löcher/c.png",
    }
    assert all(file.is_symlink() != copies for file in found.values())
    assert found["root.1 Löcher/c.png"].read_text() == "c.png"


def test_ids_that_meet_in_one_file_name_are_both_there(tmp_path):
    ids = ["a/b.png", "a__b.png", "z" * 300 + "1.png", "y" * 300 + "z" * 300 + "1.png"]
    (tmp_path / "file.png").write_text("")
    groups = pd.DataFrame({"image_id": ids, "near_label": "", "level0": "root.0", "leaf": "root.0"})
    images = pd.DataFrame({"image_id": ids, "path": str(tmp_path / "file.png")})
    sort_images(groups, images, tmp_path / "groups", copies=False, names={})
    assert len(list((tmp_path / "groups/root.0").iterdir())) == 4


def write_names(tmp_path, text):
    (tmp_path / "names.csv").write_text(text, encoding="utf-8")
    return tmp_path / "names.csv"


def test_names_are_read(tmp_path):
    assert read_names(None) == {}
    assert read_names(write_names(tmp_path, "name,node,note\n Löcher ,root.1,\n<b>,root.0.2,x\n")) == {
        "root.1": "Löcher",
        "root.0.2": "<b>",
    }


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("node,name,\r\nroot.1,Löcher,\r\nroot.0.2,a; b,\r\n", "utf-8-sig"),
        ("node,name\nroot.1,Löcher,\nroot.0.2,a; b,\n", "utf-8"),
        ('node;name\r\nroot.1;Löcher\r\nroot.0.2;"a; b"\r\n;\r\n', "cp1252"),
        ("Node\tName\r\nroot.1\tLöcher\r\nroot.0.2\ta; b\r\n", "utf-16"),
    ],
)
def test_names_from_a_spreadsheet(tmp_path, text, encoding):
    (tmp_path / "names.csv").write_bytes(text.encode(encoding))
    assert read_names(tmp_path / "names.csv") == {"root.1": "Löcher", "root.0.2": "a; b"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("node,title\nroot.1,a\n", r"names\.csv: no column 'name'; it has 'node', 'title'"),
        ("node,name\nroot.1,a\nroot.1,b\n", r"names\.csv, line 3 names root\.1 a second time"),
        ("node,name\nroot.1, \n", r"names\.csv, line 2 has no name for root\.1"),
        ("node,name\ncluster 1,a\n", r"line 2: 'cluster 1' is not a node; write root"),
        ("node,name\nroot.1,a, b\n", r"line 2: 3 cells where the header names 2 columns"),
        ("", "is empty"),
        ('node;name\nroot.1;"a\nroot.2;b\n', "line 2: a quote is not closed"),
        ("root.1,a\nroot.2,b\n", "has no header: its first line"),
    ],
)
def test_wrong_names_are_refused(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_names(write_names(tmp_path, text))


def test_a_name_for_no_group_lists_the_groups(tmp_path):
    groups = collect_groups(CLUSTERS, MANIFEST)
    with pytest.raises(ValueError, match=r"call root\.5 'a', .* no such group; there are root\.0, root\.0\.2, "):
        check_names({"root.5": "a"}, groups, tmp_path, 0.5)


def test_a_named_group_that_changed_is_refused_until_it_is_named_anew(tmp_path):
    groups = collect_groups(CLUSTERS, MANIFEST)
    check_names({"root": "all", "root.1": "holes"}, groups, tmp_path, 0.5)
    groups.loc[0, ["level0", "level1", "leaf"]] = ["root.1", "", "root.1"]
    check_names({"root.1": "holes"}, groups, tmp_path, 0.5)  # half of it is what it was
    with pytest.raises(ValueError, match=r"node root\.1, called 'holes', had 1 images .* overlap of 0\.50, below"):
        check_names({"root.1": "holes"}, groups, tmp_path, 0.6)
    check_names({"root.1": "dents"}, groups, tmp_path, 0.6)
    check_names({"root.1": "dents"}, groups, tmp_path, 1)


def test_images_are_called_by_the_smallest_group_that_has_a_name():
    groups = collect_groups(CLUSTERS, MANIFEST)
    below = groups["leaf"].str.startswith("root.0.")
    assert below.any() and not below.all()
    assert set(name_images(groups, {"root.1": "holes"})) == {"holes", ""}
    assert set(name_images(groups, {"root.0": "rough"})[below]) == {"rough"}
    deeper = name_images(groups, {"root": "all", "root.0": "rough", "root.0.2": "very"})
    assert set(deeper[groups["leaf"] == "root.0.2"]) == {"very"} and set(deeper[~below]) == {"all"}
    assert set(deeper[below & (groups["leaf"] != "root.0.2")]) == {"rough"}
    assert name_images(groups, {}).tolist() == [""] * len(groups)


def test_every_group_that_lost_its_images_is_named_with_the_one_most_like_it(tmp_path):
    groups = collect_groups(CLUSTERS, MANIFEST)
    names = {"root.0": "rough", "root.1": "holes"}
    check_names(names, groups, tmp_path, 0.5)
    groups["level0"] = groups["level0"].map({"root.0": "root.1", "root.1": "root.0"})
    with pytest.raises(
        ValueError, match=r"most like it is root\.1 now, with an overlap of 1\.00; .*; likewise root\.1, "
    ):
        check_names(names, groups, tmp_path, 0.5)


@pytest.mark.parametrize("answer", [errno.EPERM, errno.EOPNOTSUPP])
def test_images_are_copied_where_there_are_no_links(tmp_path, monkeypatch, caplog, answer):
    def refuse(self, _):
        raise OSError(answer, os.strerror(answer))

    monkeypatch.setattr(Path, "symlink_to", refuse)
    images = make_images(tmp_path)
    groups = collect_groups(CLUSTERS, MANIFEST)
    sort_images(groups, images, tmp_path / "groups", copies=False, names={})
    found = [file for file in (tmp_path / "groups").rglob("*") if file.is_file()]
    assert len(found) == len(images) and not any(file.is_symlink() for file in found)
    assert len(caplog.messages) == 1 and "images are copied, as with grouping.groups: copies" in caplog.text


def test_a_full_disk_is_not_taken_for_one_without_links(tmp_path, monkeypatch):
    def full(self, _):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "symlink_to", full)
    with pytest.raises(OSError, match="No space left"):
        sort_images(
            collect_groups(CLUSTERS, MANIFEST), make_images(tmp_path), tmp_path / "groups", copies=False, names={}
        )


def test_a_wrong_name_changes_nothing_that_is_remembered(tmp_path):
    groups = collect_groups(CLUSTERS, MANIFEST)
    check_names({"root.0": "a"}, groups, tmp_path, 0.5)
    before = (tmp_path / "root.0.json").read_bytes()
    remember(tmp_path / "root.1.json", "root.1", "b", ["elsewhere.png"], min_overlap=0.5)
    with pytest.raises(ValueError, match=r"root\.1, called 'b', had 1 images"):
        check_names({"root.0": "another", "root.1": "b"}, groups, tmp_path, 0.5)
    assert (tmp_path / "root.0.json").read_bytes() == before
