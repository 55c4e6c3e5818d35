"""What the rules of the images take from the plan."""

import pytest

from nearlabel.config import ConfigError
from nearlabel.images.scales import Scale
from nearlabel.plan import plan_run
from nearlabel.plan.datasets import (
    chosen_dataset,
    extra_columns,
    near_labels_file,
    reader_input,
    reader_listing,
    reader_spec,
    sample,
    sample_labels_file,
    scale,
    synthetic_strips,
)

COMMON = {"min_accepted": 0.9, "max_pixels": 1000, "max_aspect": 50, "bits": "12", "float_range": [0, 2.5]}


def plan_of(seed=0, **datasets):
    grouping = {"datasets": list(datasets), "levels": [{"encoders": ["texture"]}]}
    return plan_run({"run": "demo", "seed": seed, "datasets": datasets, "grouping": grouping})


def steel(**keys):
    return {"kind": "synthetic"} | keys


def tiles(root="data/tiles", **keys):
    return {"kind": "image_folder", "root": str(root)} | keys


def test_a_data_set_is_its_section():
    plan = plan_of(steel=steel(), tiles=tiles(**COMMON))
    assert (chosen_dataset(plan, "steel").kind, chosen_dataset(plan, "tiles").max_pixels) == ("synthetic", 1000)


def test_strips_are_drawn_by_their_own_keys():
    plan = plan_of(steel=steel(count=8, kinds=["patches"], sample={"n": 4}, near_labels={"default": 1}, **COMMON))
    assert synthetic_strips(plan, "steel") == {
        "count": 8,
        "height": 64,
        "width": 256,
        "defect_share": 0.5,
        "rare_share": 0.04,
        "contrast": 1.0,
        "kinds": ["patches"],
    }


def test_the_scale_of_values():
    plan = plan_of(steel=steel(), tiles=tiles(**COMMON))
    assert scale(plan, "steel") == {"bits": None, "float_range": None}
    assert scale(plan, "tiles") == {"bits": 12, "float_range": [0, 2.5]}
    Scale(**scale(plan, "tiles"))


def test_extra_columns_are_no_key_of_the_reader():
    """Else a column more would read, encode and cluster the images again."""
    own = {"kind": "csv", "file": "tiles.csv"}
    plan = plan_of(plain=own, more=own | {"extra_columns": ["machine", "shift"]}, steel=steel())
    assert reader_spec(plan, "plain") == reader_spec(plan, "more")
    assert [extra_columns(plan, name) for name in ("plain", "more", "steel")] == [[], ["machine", "shift"], []]


def test_the_splits_of_a_layout_are_columns(tmp_path):
    (tmp_path / "bottle/train/good").mkdir(parents=True)
    plan = plan_of(
        several={"kind": "mvtec", "root": str(tmp_path)},
        one={"kind": "mvtec", "root": str(tmp_path / "bottle")},
        away={"kind": "mvtec", "root": str(tmp_path / "away")},
    )
    names = ("several", "one", "away")
    assert [extra_columns(plan, name) for name in names] == [["split", "category"], ["split"], ["split"]]
    assert reader_spec(plan, "one") == {"kind": "mvtec", "root": str(tmp_path / "bottle")}


@pytest.mark.parametrize("columns", [["a", "a"], ["image_id"], [""]])
def test_extra_columns_that_no_table_can_hold_are_refused(columns):
    with pytest.raises(ConfigError, match=r"datasets\.tiles.*extra_columns"):
        plan_of(tiles={"kind": "csv", "file": "tiles.csv", "extra_columns": columns})


def test_drawn_images_are_read_from_the_run():
    plan = plan_of(steel=steel(), other=steel())
    assert reader_spec(plan, "steel") == {
        "kind": "synthetic",
        "root": "results/demo/steel/synthetic",
        "table": "results/demo/steel/synthetic.csv",
    }
    assert reader_input(plan, "other") == ["results/demo/other/synthetic.csv"]


def test_the_users_images_are_read_by_their_own_keys():
    listed = {"kind": "csv", "file": "list.csv", "label_column": "class"}
    plan = plan_of(
        tiles=tiles(classes=False, sample={"n": 4}, near_labels={"default": 1}, **COMMON), listed=listed | COMMON
    )
    assert reader_spec(plan, "tiles") == {"kind": "image_folder", "root": "data/tiles", "classes": False}
    assert reader_spec(plan, "listed") == {
        "kind": "csv",
        "file": "list.csv",
        "root": None,
        "path_column": "path",
        "label_column": "class",
        "part_column": None,
    }
    assert reader_input(plan, "tiles") == reader_input(plan, "listed") == []


def test_only_the_users_images_have_a_listing(tmp_path):
    (tmp_path / "good").mkdir()
    (tmp_path / "good/a.png").write_bytes(b"a")
    plan = plan_of(steel=steel(), tiles=tiles(tmp_path), away=tiles(tmp_path / "away"))
    assert reader_listing(plan, "steel") is None
    assert reader_listing(plan, "away") == f"missing: {tmp_path / 'away'}"
    before = reader_listing(plan, "tiles")
    assert len(before) == 64
    assert reader_listing(plan, "tiles") == before
    (tmp_path / "good/b.png").write_bytes(b"b")
    assert reader_listing(plan, "tiles") != before


def test_no_sample_is_every_image():
    assert sample(plan_of(steel=steel()), "steel") is None


def test_a_plain_sample_knows_no_near_labels():
    assert sample(plan_of(steel=steel(sample={"n": 4}, near_labels={"default": 1})), "steel") == {
        "n": 4,
        "near_labels": None,
        "balance": False,
        "seed": 1215945576,
    }


@pytest.mark.parametrize("near_labels", [{"good": "0", "default": "1"}, "labels.csv", None])
def test_a_balanced_sample_knows_its_near_labels(near_labels):
    plan = plan_of(seed=1, tiles=tiles(sample={"n": 6, "balance": True}, near_labels=near_labels))
    assert sample(plan, "tiles") == {"n": 6, "near_labels": near_labels, "balance": True, "seed": 297692201}


@pytest.mark.parametrize(
    ("near_labels", "files"), [("labels.csv", ["labels.csv"]), ({"good": "0", "default": "1"}, []), (None, [])]
)
def test_only_a_list_of_near_labels_is_a_file(near_labels, files):
    plan = plan_of(
        every=tiles(near_labels=near_labels),
        plain=tiles(near_labels=near_labels, sample={"n": 4}),
        balanced=tiles(near_labels=near_labels, sample={"n": 4, "balance": True}),
    )
    for name in ("every", "plain", "balanced"):
        assert near_labels_file(plan, name) == files
    assert sample_labels_file(plan, "every") == sample_labels_file(plan, "plain") == []
    assert sample_labels_file(plan, "balanced") == files
