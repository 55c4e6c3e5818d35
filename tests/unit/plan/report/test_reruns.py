"""The table of what a change would run again: only changes that a run could have; what it says is held by dry runs."""

import json

import pytest

from helpers.workspace import TINY
from nearlabel.config import load_config
from nearlabel.plan.report.reruns import list_changes
from nearlabel.plan.resolve import Plan


def changes_of(**more):
    config = {name: value for name, value in (TINY | more).items() if value is not None}
    return {change["text"]: change for change in list_changes(Plan(load_config(config)))}


def rules_of(change):
    return {rerun["rule"] for rerun in change["reruns"]}


@pytest.mark.parametrize(("half", "other"), [("grouping", "learning"), ("learning", "grouping")])
def test_only_changes_that_a_run_could_have(half, other):
    keys = {change["key"].split(".")[0] for change in changes_of(**{other: None}).values()}
    assert keys == {"datasets", half}


def test_every_change_writes_the_page_and_can_be_a_param():
    for change in changes_of().values():
        assert "write_report" in rules_of(change)
        assert json.loads(json.dumps(change)) == change


def test_images_that_are_drawn_on_the_spot_are_not_added_to():
    assert "One more image" not in changes_of()
    folder = {"steel": {"kind": "image_folder", "root": "own", "near_labels": {"good": 0, "default": 1}}}
    change = changes_of(datasets=folder)["One more image"]
    cached = {rerun["rule"] for rerun in change["reruns"] if rerun["share"] == 0}
    assert cached == {"encode_part", "extract_features"}


def test_shares_of_what_is_added():
    changes = changes_of()
    shares = {rerun["rule"]: rerun["share"] for rerun in changes["One more strategy"]["reruns"]}
    assert shares["run_active_learning"] == 1 and shares["summarise_learning"] == 1  # one strategy is there
    two = changes_of(learning=TINY["learning"] | {"strategies": ["random", "uncertainty"]})["One more strategy"]
    assert {rerun["share"] for rerun in two["reruns"] if rerun["rule"] == "run_active_learning"} == {0.5}
    encoder = changes["One more encoder"]["reruns"]
    assert {rerun["share"] for rerun in encoder if rerun["rule"] == "extract_features"} == {0.5}


def test_models_are_made_again_only_where_their_node_is():
    assert "train_models" in rules_of(changes_of()["Another criterion at level 0"])
    without = changes_of(grouping=TINY["grouping"] | {"classify": []})
    assert "train_models" not in rules_of(without["Another criterion at level 0"])
    assert "train_models" not in rules_of(without["Another near-label"])
