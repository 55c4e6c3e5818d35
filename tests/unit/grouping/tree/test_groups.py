import pandas as pd
import pytest

from nearlabel.grouping.tree.groups import check_names, collect_groups, sort_images
from nearlabel.grouping.tree.names import read_names

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
    ("text", "sentence"),
    [
        ("node,title\nroot.1,a\n", "has no column 'name'"),
        ("node,name\nroot.1,a\nroot.1,b\n", "names root.1 twice"),
        ("node,name\nroot.1, \n", "has no name for root.1"),
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
