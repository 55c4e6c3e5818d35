"""Files of the user's own: what is wrong with them is known when the workflow is parsed."""

import subprocess
import sys

import pytest

from nearlabel.files import write_csv
from nearlabel.plan import check_own_files, plan_run


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/a.png").write_bytes(b"")
    return tmp_path


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def plan_of(names=None, expand=(), choose=None, encoders=("texture",), features=None, **dataset):
    dataset = {"kind": "image_folder", "root": "parts"} | dataset
    grouping = {"datasets": ["d"], "levels": [{"encoders": list(encoders), "ks": [2, 6]}], "choose": choose or {}}
    grouping |= {"expand": expand if expand == "auto" else list(expand), "names": {"d": names} if names else {}}
    return plan_run({"run": "r", "datasets": {"d": dataset}, "grouping": grouping, "features": features or {}})


def listed(file="list.csv", **keys):
    return {"kind": "csv", "file": file, "root": "parts", "path_column": "file"} | keys


def test_nothing_is_wrong_with_files_that_are_right():
    write("list.csv", "File;Class;shift\nA.PNG;good;1\n")
    write("labels.csv", "image_id,near_label\na.png,1\n")
    write("names.csv", "node,name,\nroot,all,\nroot.1,holes,\n")
    plan = plan_of("names.csv", near_labels="labels.csv", **listed(label_column="class", extra_columns=["shift"]))
    assert check_own_files(plan) == ([], [])


@pytest.mark.parametrize(
    ("table", "dataset", "sentence"),
    [
        ("file,label\n", listed(), "datasets.d.file: list.csv lists no image"),
        ("path,label\na.png,1\n", listed(), "datasets.d.file: list.csv: no column 'file'; it has 'path', 'label'"),
        (
            "file,labl\na.png,1\n",
            listed(label_column="label"),
            "no column 'label'; it has 'file', 'labl'; did you mean",
        ),
        ("file\na.png\n", listed(part_column="coil"), "no column 'coil'"),
        ("file\na.png\n", listed(extra_columns=["machine"]), "no column 'machine'"),
        (
            "file,label\na.png,dull, red\n",
            listed(),
            "datasets.d.file: list.csv, line 2: 3 cells where the header names 2",
        ),
        ("a.png good\n", listed(), "list.csv has no header: its first line ('a.png good') is a row; write"),
        ("b.png\n", {"near_labels": "list.csv"}, "datasets.d.near_labels: list.csv has no header"),
        ("image_id,near_label\n", {"near_labels": "list.csv"}, "near_labels: list.csv has a header and no rows"),
        (
            "image_id,near_label\na,1\na,2\n",
            {"near_labels": "list.csv"},
            "list.csv, line 3: the image 'a' has more than",
        ),
        ("", {"near_labels": "none.csv"}, "datasets.d.near_labels: none.csv does not exist; write it or correct its"),
    ],
)
def test_tables_are_looked_into(table, dataset, sentence):
    write("list.csv", table)
    wrong, warnings = check_own_files(plan_of(**dataset))
    assert len(wrong + warnings) == 1 and sentence in (wrong + warnings)[0]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"root": "away"}, "datasets.d.root: away is no folder"),
        (listed(root="away"), "datasets.d.root: away is no folder"),
        (listed("none.csv"), "datasets.d.file: none.csv does not exist"),
        ({"kind": "severstal", "root": "away"}, "datasets.d.root: away is no folder"),
        (listed("other.csv"), "none of the 2 files that other.csv lists is in parts, the first: 'x/a.png'"),
        ({"features": {"weights_dir": "away"}}, "features.weights_dir: away is no folder"),
        ({"encoders": [{"name": "resnet18", "weights": "own.pth"}]}, "encoder resnet18: own.pth does not exist"),
    ],
)
def test_images_and_weights_that_are_not_there_are_named(keys, sentence):
    write("list.csv", "file\na.png\n")
    write("other.csv", "file\nx/a.png\nb.png\n")
    wrong, warnings = check_own_files(plan_of(**keys))
    assert wrong == [] and len(warnings) == 1 and sentence in warnings[0]


@pytest.mark.parametrize(
    ("node", "plan", "sentence"),
    [
        ("root.7", {}, "grouping.names.d: names.csv names root.7, but root has at most 6 clusters, from 0"),
        ("root.3", {"choose": {"root": {"algorithm": "kmeans", "k": 3}}}, "but root has at most 3 clusters"),
        ("root.1.0", {}, "names root.1.0, but root.1 is not clustered; correct the node, or add root.1 to"),
        ("root.4", {}, "names root.4, but root has the clusters 0 to 3; correct the node, or name it when"),
        ("root.5", {"expand": "auto"}, "names root.5, but root has the clusters 0 to 3"),
        ("group 1", {}, "names.csv, line 2: 'group 1' is not a node"),
        ("root.3", {}, None),
        ("root.1.0", {"expand": ["root.1"]}, None),
        ("root.1.0", {"expand": "auto"}, None),
    ],
)
def test_names_for_groups_that_are_not_there_are_refused_before_anything_runs(node, plan, sentence):
    import pandas as pd

    write("names.csv", f"node,name\n{node},holes\n")
    clusters = pd.DataFrame({"image_id": list("abcd"), "cluster": range(4)})
    write_csv("results/r/d/grouping/root/clusters.csv", clusters)
    wrong, warnings = check_own_files(plan_of("names.csv", **plan))
    assert warnings == [] and ([] if sentence is None else [True]) == [sentence in one for one in wrong]


@pytest.mark.parametrize(
    ("dataset", "sentence"),
    [
        (listed(label_column="label"), "learning.positive is '1', but the near-labels of datasets.d are '1.0', 'good'"),
        ({"kind": "image_folder", "root": "parts", "near_labels": "labels.csv"}, "of datasets.d are 'bad', 'good'"),
        (listed(label_column="label", near_labels={"1.0": "1", "good": "0"}), None),
        (listed(), None),
    ],
)
def test_the_positive_near_label_is_one_that_the_tables_give(dataset, sentence):
    write("list.csv", "file,label\na.png,1.0\nb.png,good\n")
    write("labels.csv", "image_id,near_label\na.png,bad\nb.png,good\n")
    plan = plan_run({"run": "r", "datasets": {"d": dataset}, "learning": {"datasets": ["d"], "positive": 1}})
    wrong, warnings = check_own_files(plan)
    assert warnings == [] and ([] if sentence is None else [True]) == [sentence in one for one in wrong]


def test_all_is_said_at_once():
    write("names.csv", "node;name\nroot.9;a\nroot.8;b\n")
    wrong, warnings = check_own_files(plan_of("names.csv", root="away", near_labels="none.csv"))
    assert (len(wrong), len(warnings)) == (3, 1)


def test_the_check_loads_no_pandas():
    code = (
        "import sys; from nearlabel.plan import check_own_files, plan_run; "
        "d = {'kind': 'csv', 'file': 'list.csv', 'near_labels': 'labels.csv'}; "
        "g = {'datasets': ['d'], 'levels': [{'encoders': ['texture']}], 'names': {'d': 'names.csv'}}; "
        "print(check_own_files(plan_run({'run': 'r', 'datasets': {'d': d}, 'grouping': g})), "
        "[name for name in ('pandas', 'numpy', 'torch') if name in sys.modules])"
    )
    write("list.csv", "path\nparts/a.png\n")
    write("labels.csv", "image_id,near_label\nparts/a.png,1\n")
    write("names.csv", "node,name\nroot.1,a\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Findings(wrong=[], warnings=[]) []"
