"""The explorer of a data set that is grouped and labelled: what it holds, and what a saved file makes run again."""

import csv
import json

import pandas as pd
import pytest

from helpers.workspace import TINY, Workspace, copy_workflow

FOLDER = "results/tiny/steel"
PAGE = "results/tiny/report/explorer/steel.html"
# Labels reach labelling, the explorer and the report; no map, no group, no thumbnail.
BY_LABELS = {
    "merge_answers", "choose_batch", "summarise_labelling", "plot_labelling", "write_explorer", "write_report",
}  # fmt: skip
BY_NAMES = {
    "collect_groups", "plot_clusters(root)", "plot_tree", "tabulate_clusters", "write_explorer", "write_report",
}  # fmt: skip


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    copy_workflow(folder)
    workspace = Workspace(folder)
    config = {key: value for key, value in TINY.items() if key != "learning"}
    level = {"encoders": ["texture"], "algorithms": ["kmeans"], "ks": [2, 3]}
    config["grouping"] = {
        "datasets": ["steel"],
        "levels": [level],
        "bootstraps": 3,
        "names": {"steel": "names.csv"},
        "structure": {"draws": 4},
    }
    config["labelling"] = {
        "dataset": "steel",
        "encoder": {"name": "resnet18", "image_size": 32},
        "labels": ["good", "scratch"],
        "batch_size": 6,
        "epochs": 1,
    }
    (folder / "names.csv").write_text("node,name\nroot.0,plain\n", encoding="utf-8")
    workspace.config = config
    workspace.snakemake()
    return workspace


def said(workspace):
    """What the page holds, between the marks of its element."""
    html = (workspace.folder / PAGE).read_text(encoding="utf-8")
    start = html.index("{", html.index('type="application/json"'))
    return json.JSONDecoder().raw_decode(html, start)[0]


def save_labels(workspace, name, minute):
    """Write the file that a page saves, for the images asked for."""
    with (workspace.folder / FOLDER / "labelling/queue.csv").open(encoding="utf-8", newline="") as stream:
        asked = [row["image_id"] for row in csv.DictReader(stream)]
    rows = [[image, "good", "anna", f"2026-01-01T00:{minute:02d}:00Z", 1] for image in asked]
    (workspace.folder / "labels").mkdir(exist_ok=True)
    frame = pd.DataFrame(rows, columns=["image_id", "label", "annotator", "time", "seconds"])
    frame.to_csv(workspace.folder / "labels" / name, index=False)
    return asked


@pytest.mark.slow
def test_names_and_labels_that_the_page_saves(labelled):
    assert labelled.jobs() == set()
    page = said(labelled)
    assert page["labels"] == ["good", "scratch"] and page["names"] == {"root.0": "plain"}
    assert page["names_file"] == "names.csv" and page["labels_folder"] == "labels" and page["count"] == 24
    assert "asked" in [column["key"] for column in page["columns"]]
    maps = {node["name"]: [view["key"] for view in node["maps"]] for node in page["nodes"]}
    assert maps == {"root": ["pca", "tsne"]}
    (labelled.folder / "names.csv").write_text("node,name\nroot.0,plain\nroot.1,scratched\n", encoding="utf-8")
    assert labelled.jobs() == BY_NAMES
    labelled.snakemake()
    assert said(labelled)["names"] == {"root.0": "plain", "root.1": "scratched"}
    asked = save_labels(labelled, "labels-anna-1.csv", 1)
    assert labelled.jobs() == BY_LABELS
    labelled.snakemake()
    assert labelled.jobs() == set()
    labels = next(column for column in said(labelled)["columns"] if column["key"] == "label")
    assert labels["names"] == ["good"] and len(asked) == 6


@pytest.mark.slow
def test_the_same_bytes_again(labelled):
    files = [PAGE, *(f"{FOLDER}/{name}" for name in ("grouping/root/map.h5", "grouping/root/images.csv"))]
    files += [f"{FOLDER}/grouping/suspects.csv", f"{FOLDER}/thumbnails.json", f"{FOLDER}/thumbnails/0000.webp"]
    before = [(labelled.folder / file).read_bytes() for file in files]
    labelled.snakemake("--forcerun", "map_images", "measure_images", "find_suspects", "draw_thumbnails")
    assert [(labelled.folder / file).read_bytes() for file in files] == before
