"""Trees: one that grows by itself, one that the user expands, names, and what is remembered of both."""

import csv
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.workspace import Workspace, copy_workflow
from nearlabel.grouping.tree.levels import read_level

GROUPING = "results/tiny/steel/grouping"


def change(workspace, **grouping):
    config = workspace.config
    config["grouping"] |= grouping
    workspace.config = config


def read(file):
    return pd.read_csv(file, dtype=str, keep_default_na=False)


def test_groups_of_the_tiny_run(tiny_run):
    grouping = tiny_run.folder / "results/tiny/steel/grouping"
    groups = read(grouping / "groups.csv")
    assert list(groups) == ["image_id", "near_label", "level0", "level1", "leaf"]
    near_labels = read(grouping.parent / "near_labels.csv")
    assert groups[["image_id", "near_label"]].equals(near_labels)
    # Each level says what the node's own clusters say.
    for level, node in ((0, "root"), (1, "root.0")):
        clusters = read(grouping / node / "clusters.csv")
        lineage = groups.set_index("image_id")[f"level{level}"].loc[clusters["image_id"]]
        assert lineage.tolist() == [f"{node}.{cluster}" for cluster in clusters["cluster"]]
    inside = groups["level0"] == "root.0"
    assert (groups.loc[inside, "leaf"] == groups.loc[inside, "level1"]).all()
    assert (groups.loc[~inside, "leaf"] == groups.loc[~inside, "level0"]).all()
    # The sorted folder holds every image once, below its groups, and links lead somewhere.
    found = {file.name: file for file in (grouping / "groups").rglob("*.png")}
    assert set(found) == set(groups["image_id"])
    for image_id, leaf in zip(groups["image_id"], groups["leaf"], strict=True):
        assert found[image_id].parent.name == leaf
        assert found[image_id].is_symlink() and found[image_id].exists()
    levels = read_level(grouping / "levels/1.csv")
    assert levels.loc[levels["split"], "node"].tolist() == ["root", "root.0"]
    assert levels["size"].iloc[0] == len(groups)
    sizes = groups["leaf"].value_counts()
    leaves = levels[~levels["split"]].set_index("node")["size"]
    assert leaves.to_dict() == sizes.to_dict()
    assert read_level(grouping / "levels/0.csv")["node"].tolist() == [
        node for node in levels["node"] if node.count(".") <= 1
    ]


def test_null_and_evidence_of_the_tiny_run(tiny_run):
    run = tiny_run.folder / "results/tiny"
    node = run / "steel/grouping/root"
    scores, null = (pd.read_csv(node / f"texture/{name}.csv") for name in ("scores", "null"))
    assert null[["algorithm", "k"]].equals(scores[["algorithm", "k"]])
    assert (null["low"] <= null["mean"]).all() and (null["mean"] <= null["high"]).all()
    assert scores["null_p"].between(1 / 201, 1).all()
    expected = scores["convergence_difference"] / null["mean"]
    assert (scores["null_ratio"] - expected).abs().max() < 1e-9
    evidence = pd.read_csv(run / "tables/clusters.csv")
    stability = pd.read_csv(node / "stability.csv")
    assert evidence.loc[evidence["node"] == "root", "stability"].tolist() == stability["stability"].tolist()
    assert set(evidence["node"]) == {"root", "root.0"}
    enrichment = pd.read_csv(run / "tables/enrichment.csv")
    assert (enrichment["q_value"] >= enrichment["p_value"] - 1e-12).all()


@pytest.mark.slow
def test_a_tree_grows_by_itself_and_stops_within_its_limits(workspace):
    limits = {"min_size": 5, "purity": 0.99, "max_children": 2, "max_level": 2}
    change(workspace, expand="auto", expand_limits=limits)
    workspace.snakemake()
    grouping = workspace.folder / "results/tiny/steel/grouping"
    tables = [read_level(grouping / f"levels/{level}.csv") for level in range(3)]
    for above, below in pairwise(tables):
        pd.testing.assert_frame_equal(below.iloc[: len(above)], above)
    levels = tables[-1]
    clustered = set(levels.loc[levels["split"], "node"])
    assert {"root"} < clustered
    assert clustered <= {folder.name for folder in grouping.iterdir() if (folder / "clusters.csv").exists()}
    below_root = levels[(levels["parent"] != "")]
    assert below_root.loc[below_root["split"]].groupby("parent").size().max() <= 2
    assert (below_root.loc[below_root["split"], "size"] >= 5).all()
    assert (below_root.loc[below_root["split"], "near_label_share"] < 0.99).all()
    assert (levels["reason"] != "").all()
    groups = read(grouping / "groups.csv")
    assert groups["leaf"].value_counts().to_dict() == levels[~levels["split"]].set_index("node")["size"].to_dict()
    page = (workspace.folder / "results/tiny/report/index.html").read_text(encoding="utf-8")
    for node in clustered:
        assert f">{node}<" in page
    assert workspace.jobs() == set()

    # A group that would be left is clustered when the config has settings for it.
    left = next(node for node in levels.loc[~levels["split"] & (levels["size"] > 2), "node"] if node.count(".") == 1)
    change(workspace, choose={left: {"algorithm": "kmeans", "k": 2}})
    workspace.snakemake(f"{GROUPING}/levels/2.csv", f"{GROUPING}/{left}/clusters.csv")
    again = read_level(grouping / "levels/2.csv").set_index("node")
    assert again.loc[left, ["split", "reason"]].tolist() == [True, "named in the config"]
    assert len(set(read(grouping / left / "clusters.csv")["cluster"])) == 2


@pytest.mark.slow
def test_names_show_everywhere_and_a_named_node_whose_images_changed_is_reported_or_refused(workspace):
    clusters = read(workspace.folder / f"{GROUPING}/root/clusters.csv")
    largest = clusters["cluster"].eq("0").sum()
    # Other images are in cluster 0 of another clustering.
    change(workspace, choose={"root": {"algorithm": "kmeans", "k": 6, "encoder": "texture"}}, min_overlap=0.99)
    done = workspace.snakemake(f"{GROUPING}/groups.csv", check=False)
    assert done.returncode != 0
    assert f"node root.0 had {largest} images when it was named" in done.stderr
    assert "below grouping.min_overlap 0.99" in done.stderr

    name = 'rough <b>"good"</b>'
    with (workspace.folder / "names.csv").open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([["node", "name"], ["root.0.1", name], ["root.1", "Löcher"]])
    change(workspace, names={"steel": "names.csv"}, min_overlap=0)
    workspace.snakemake()
    run = workspace.folder / "results/tiny"
    groups = read(run / "steel/grouping/groups.csv")
    assert list(groups)[-2:] == ["leaf", "name"]
    assert set(groups.loc[groups["leaf"] == "root.0.1", "name"]) == {name}
    assert set(groups.loc[groups["leaf"] == "root.0.0", "name"]) == {""}
    assert (run / "steel/grouping/groups/root.1 Löcher").is_dir()
    page = (run / "report/index.html").read_text(encoding="utf-8")
    assert f"root.0 had {largest} images when it was named" in page
    assert "rough &lt;b&gt;&#34;good&#34;&lt;/b&gt;" in page
    assert "<b>&#34;good" not in page
    assert "Löcher" in page
    evidence = read(run / "tables/clusters.csv").set_index(["node", "cluster"])["name"]
    assert evidence["root", "1"] == "Löcher"
    assert evidence["root.0", "1"] == name

    (workspace.folder / "names.csv").write_text("node,name\nroot.77,x\n", encoding="utf-8")
    done = workspace.snakemake(f"{GROUPING}/groups.csv", check=False)
    assert done.returncode != 0
    assert "names.csv names root.77, but root has at most 6 clusters, from 0" in done.stderr
    assert (workspace.folder / f"{GROUPING}/groups.csv").exists()  # refused before anything is made anew


def test_a_node_of_one_image_cannot_be_split_and_says_so(workspace):
    change(workspace, choose={"root": {"algorithm": "agglomerative", "k": 6, "encoder": "resnet18"}}, min_overlap=0)
    workspace.snakemake(f"{GROUPING}/root/clusters.csv")
    clusters = read(workspace.folder / "results/tiny/steel/grouping/root/clusters.csv")["cluster"].astype(int)
    sizes = clusters.value_counts()
    alone = [cluster for cluster, size in sizes.items() if size == 1]
    assert alone, "the fixture must have a cluster of one image"
    change(workspace, expand=["root.0", f"root.{alone[0]}"])
    done = workspace.snakemake(f"{GROUPING}/root.{alone[0]}/clusters.csv", check=False)
    assert done.returncode != 0
    assert f"node root.{alone[0]} has 1 image, which cannot be clustered; do not expand it" in done.stderr


@pytest.mark.slow
def test_names_and_nodes_follow_their_images(tmp_path):
    workspace = Workspace(tmp_path)
    copy_workflow(tmp_path)
    sizes = {"smooth": 12, "rough": 10, "striped": 8}
    rng = np.random.default_rng(0)
    for kind, count in sizes.items():
        for number in range(count):
            values = rng.integers(100, 110, (32, 32))
            if kind == "rough":
                values = rng.integers(0, 255, (32, 32))
            elif kind == "striped":
                values[:, ::4] = 255
            file = tmp_path / f"parts/{kind}/{number:02d}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(file)
    (tmp_path / "names.csv").write_text("node,name\nroot.0,smooth\nroot.1,rough\nroot.2,striped\n", encoding="utf-8")
    level = {"encoders": ["texture"], "algorithms": ["kmeans"], "ks": [2, 4]}
    workspace.config = {
        "run": "tiny",
        "datasets": {"steel": {"kind": "image_folder", "root": "parts"}},
        "grouping": {
            "datasets": ["steel"],
            "levels": [level],
            "choose": {"root": {"algorithm": "kmeans", "k": 3}},
            "expand": ["root.1"],
            "names": {"steel": "names.csv"},
        },
    }
    workspace.snakemake(f"{GROUPING}/groups.csv")
    for number in range(5):
        (tmp_path / f"parts/smooth/{number:02d}.png").unlink()
    done = workspace.snakemake(f"{GROUPING}/groups.csv")
    for node, cluster in (("root.0", 2), ("root.1", 0), ("root.2", 1)):
        assert f"node {node} follows its images: by size it would be cluster {cluster}" in done.stderr
    groups = read(tmp_path / f"{GROUPING}/groups.csv")
    kinds = groups["image_id"].str.split("/").str[0]
    assert len(groups) == 25 and groups["name"].tolist() == kinds.tolist()
    rough = groups.loc[kinds == "rough", "image_id"]
    assert set(read(tmp_path / f"{GROUPING}/root.1/clusters.csv")["image_id"]) == set(rough)

    # Of one kind nothing is left, and only its name is asked for.
    for file in (tmp_path / "parts/striped").iterdir():
        file.unlink()
    change(workspace, choose={"root": {"algorithm": "kmeans", "k": 2}})
    done = workspace.snakemake(f"{GROUPING}/groups.csv", check=False)
    assert done.returncode != 0
    assert "names.csv names root.2, but root has at most 2 clusters" in done.stderr
