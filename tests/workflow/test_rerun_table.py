"""The report's table of what a change would run again, held against dry runs."""

import re

import pytest
import yaml

from nearlabel.config import load_config
from nearlabel.plan.report.reruns import list_changes
from nearlabel.plan.resolve import Plan

# What is changed → how the table calls it.
CHANGES = {
    ("datasets", "steel", "near_labels"): ({"good": 0, "scratches": 2, "default": 1}, "Another near-label"),
    ("grouping", "names"): ({"steel": "names.csv"}, "Groups get names"),
    ("grouping", "choose"): (
        {"root": {"encoder": "texture", "algorithm": "kmeans", "k": 3}},
        "Another clustering of root, by hand",
    ),
    ("grouping", "levels", 0, "criterion"): ("silhouette", "Another criterion at level 0"),
    ("grouping", "levels", 0, "ks"): ([2, 8], "More numbers of clusters at level 0"),
    ("grouping", "levels", 0, "encoders"): (["texture", "resnet18", "squeezenet1_1"], "One more encoder"),
    ("learning", "strategies"): (["gradcam_avg", "uncertainty"], "One more strategy"),
    ("learning", "folds"): (4, "Another number of folds"),
}


def plan_of(config):
    return Plan(load_config(config))


def depths_by_rule(jobs):
    """Rule → depths of the nodes that its jobs are of, from jobs as `helpers.workspace.read_jobs` writes them."""
    found = {}
    for job in jobs:
        rule, _, wildcards = job.removesuffix(")").partition("(")
        node = next((name for name in wildcards.split(", ") if re.fullmatch(r"root(\.\d+)*", name)), "root")
        found.setdefault(rule, set()).add(node.count("."))
    return found


def hold(change, jobs, ran):
    """A change of the table against the jobs of a dry run: the same rules of this run, on nodes of the same depths."""
    told = {}
    for rerun in change["reruns"]:
        depths = {depth for depth in ran.get(rerun["rule"], ()) if rerun["shallowest"] <= depth <= rerun["deepest"]}
        told[rerun["rule"]] = told.get(rerun["rule"], set()) | depths
    assert depths_by_rule(jobs) == {rule: depths for rule, depths in told.items() if depths}, change["text"]


def test_each_change_of_the_table_runs_what_it_says(workspace):
    before, ran = workspace.config, depths_by_rule(workspace.jobs("--forceall"))
    table = {change["text"]: change for change in list_changes(plan_of(before))}
    assert set(table) == {text for _, text in CHANGES.values()}
    (workspace.folder / "names.csv").write_text("node,name\nroot.0,scratches\n", encoding="utf-8")
    for keys, (to, text) in CHANGES.items():
        changed = yaml.safe_load(yaml.safe_dump(before))
        place = changed
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to
        workspace.config = changed
        hold(table[text], workspace.jobs(), ran)


@pytest.mark.slow
def test_near_labels_that_choose_below_the_root(workspace):
    config = workspace.config
    config["grouping"]["levels"][1]["criterion"] = "convergence_difference"
    workspace.config = config
    workspace.snakemake("--touch")
    ran = depths_by_rule(workspace.jobs("--forceall"))
    [change] = [change for change in list_changes(plan_of(config)) if change["text"] == "Another near-label"]
    config["datasets"]["steel"]["near_labels"] = {"good": 0, "scratches": 2, "default": 1}
    workspace.config = config
    hold(change, workspace.jobs(), ran)


def test_one_image_more_runs_everything(workspace):
    """That it does is shown by a run elsewhere; here, that the table names every rule of such a run."""
    config = workspace.config
    image = workspace.folder / "own/good/one.png"
    image.parent.mkdir(parents=True)
    drawn = next((workspace.folder / "results/tiny/steel/synthetic").rglob("*.png"))
    image.write_bytes(drawn.read_bytes())
    config["run"] = "own"
    config["datasets"]["steel"] = {"kind": "image_folder", "root": "own", "near_labels": {"good": 0, "default": 1}}
    workspace.config = config
    everything = workspace.jobs()
    [change] = [change for change in list_changes(plan_of(config)) if change["text"] == "One more image"]
    assert set(depths_by_rule(everything)) <= {rerun["rule"] for rerun in change["reruns"]}
    cached = {rerun["rule"] for rerun in change["reruns"] if rerun["share"] == 0}
    assert cached == {"encode_part", "extract_features"}


@pytest.mark.parametrize("half", ["grouping", "learning"])
def test_only_changes_that_the_run_could_have(tiny_run, half):
    config = tiny_run.config
    del config[{"grouping": "learning", "learning": "grouping"}[half]]
    keys = {change["key"].split(".")[0] for change in list_changes(plan_of(config))}
    assert keys == {"datasets", half}
