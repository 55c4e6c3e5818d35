import pytest
import yaml

from nearlabel.config import load_config
from nearlabel.report.overview.steps import next_steps

CONFIG = {
    "run": "mine",
    "datasets": {"parts": {"kind": "image_folder", "root": "parts"}},
    "features": {"weights": "imagenet", "weights_dir": None, "image_size": None},
    "grouping": {
        "datasets": ["parts"],
        "levels": [{"encoders": ["texture", {"id": "small", "name": "resnet18", "image_size": 128}]}],
        "expand": [],
        "names": {},
    },
    "learning": None,
    "labelling": None,
}
COMMAND = "snakemake --cores all --configfile mine.yaml"


def make_cluster(number, size, defects, total, name=""):
    shares = [("good", size - defects), ("defect", defects)]
    shares = sorted((entry for entry in shares if entry[1]), key=lambda entry: -entry[1])
    shares = [{"label": label, "share": count / size} for label, count in shares]
    return {"number": number, "size": size, "share": size / total, "name": name, "shares": shares}


def make_view(strength="clear", names=("", "", ""), labelled=True):
    clusters = [make_cluster(0, 70, 20, 100, names[0]), make_cluster(1, 18, 18, 100, names[1])]
    clusters += [make_cluster(2, 12, 0, 100, names[2])]
    root = {"name": "root", "size": 100, "clusters": clusters, "structure": {"strength": strength}}
    shares = [{"label": "good", "share": 0.62}, {"label": "defect", "share": 0.38}]
    return {"name": "parts", "nodes": [root], "labelled": 100 * labelled, "shares": shares, "classifications": []}


def blocks(view, config=CONFIG):
    return [block for step in next_steps(view, config, COMMAND) for block in step.blocks]


def test_clear_groups_are_named_first_and_weak_ones_looked_at_otherwise_first():
    assert next_steps(make_view(), CONFIG, COMMAND)[0].text.startswith("Give the groups names")
    assert "pooling: novelty" in next_steps(make_view("weak"), CONFIG, COMMAND)[0].blocks[0][1]


def test_lines_are_what_the_configuration_takes():
    found = dict(blocks(make_view()))
    assert found["names.csv"] == "node,name\nroot.0,\nroot.1,\nroot.2,\n"
    whole = {**CONFIG, "grouping": {**CONFIG["grouping"]}}
    for place, lines in blocks(make_view()):
        if place.startswith("configuration, under grouping"):
            whole["grouping"] |= yaml.safe_load(lines)
        elif place.startswith("configuration, first entry"):
            whole["grouping"]["levels"] = [yaml.safe_load(lines)]
        elif place == "configuration":
            whole |= yaml.safe_load(lines)
    assert whole["grouping"]["expand"] == ["root.0"]
    assert whole["grouping"]["names"] == {"parts": "names.csv"}
    assert whole["grouping"]["levels"][0]["encoders"][-1] == {
        "id": "resnet18_novelty", "name": "resnet18", "pooling": "novelty"
    }  # fmt: skip
    assert whole["labelling"]["encoder"] == {"name": "resnet18", "image_size": 128}
    load_config(whole)


def test_a_group_is_labelled_as_a_run_of_its_own_with_labels_of_its_own():
    config = CONFIG | {"features": CONFIG["features"] | {"weights_dir": "weights"}}
    found = dict(blocks(make_view(), config))
    own = yaml.safe_load(found["group1.yaml"])
    assert own["datasets"]["group1"]["root"] == "results/mine/parts/grouping/groups/root.1"
    assert own["labelling"]["folder"] == "labels_group1" and own["features"]["weights_dir"] == "weights"
    load_config(own)


def test_commands_name_the_config_and_the_target_before_it():
    labelled = CONFIG | {"labelling": {"dataset": "parts"}}
    assert ("terminal", "snakemake --cores all next_batch --configfile mine.yaml") in blocks(make_view(), labelled)


def test_what_is_done_is_not_asked_for_again():
    view = make_view(names=("a", "b", "c"))
    done = {**CONFIG, "grouping": {**CONFIG["grouping"], "expand": "auto"}}
    done["grouping"]["levels"] = [{"encoders": ["resnet50", {"name": "resnet50", "id": "n", "pooling": "novelty"}]}]
    view["classifications"] = [{"node": "root"}]
    assert [step.text[:12] for step in next_steps(view, done, COMMAND)] == ["Label images", "Label group "]


@pytest.mark.parametrize(("labelled", "target"), [(True, "near_labels"), (False, "clusters")])
def test_a_model_says_what_there_is_to_say(labelled, target):
    assert any(f"target: {target}" in lines for _, lines in blocks(make_view(labelled=labelled)))


def test_an_arbitrary_split_is_neither_named_nor_split_again():
    places = [place for place, _ in blocks(make_view("none"))]
    assert "names.csv" not in places and not any("expand" in lines for _, lines in blocks(make_view("none")))
