"""An algorithm that finds its own number of groups, through the whole of grouping."""

import json
from copy import deepcopy

import pandas as pd
import pytest

from helpers.workspace import TINY, Workspace, copy_workflow

ROOT = "results/tiny/steel/grouping/root"


@pytest.fixture
def root_alone(tmp_path):
    """Make a workspace that clusters the root by some algorithms, without learning and models."""

    def make(algorithms):
        config = deepcopy(TINY)
        del config["learning"], config["grouping"]["classify"], config["grouping"]["expand"]
        level = config["grouping"]["levels"][0]
        level |= {"encoders": ["texture"], "algorithms": algorithms, "ks": [2, 24], "criterion": "silhouette"}
        config["grouping"] |= {"levels": [level], "ks_per_job": 12}
        copy_workflow(tmp_path)
        workspace = Workspace(tmp_path)
        workspace.config = config
        return workspace

    return make


@pytest.mark.slow
def test_a_run_with_hdbscan_ends_in_a_report(root_alone):
    dense = {"id": "dense", "name": "hdbscan", "parameters": {"min_cluster_size": 2, "min_samples": 4}}
    workspace = root_alone([dense, "kmeans", "agglomerative"])
    workspace.snakemake(f"{ROOT}/texture/quality.csv")
    quality = pd.read_csv(workspace.folder / ROOT / "texture/quality.csv")
    [k] = quality.loc[quality["algorithm"] == "dense", "k"]
    assert len(quality[quality["algorithm"] == "kmeans"]) == 23
    config = workspace.config
    config["grouping"]["choose"] = {"root": {"algorithm": "dense", "k": int(k)}}
    workspace.config = config
    workspace.snakemake()
    note = json.loads((workspace.folder / ROOT / "selection.json").read_text(encoding="utf-8"))["note"]
    assert "that dense left out of every group" in note
    clusters = pd.read_csv(workspace.folder / ROOT / "clusters.csv")
    assert clusters["cluster"].nunique() == k
    stability = pd.read_csv(workspace.folder / ROOT / "stability.csv")
    assert stability["size"].sum() == 24
    page = (workspace.folder / "results/tiny/report/index.html").read_text(encoding="utf-8")
    assert note in page
    assert "one of the clusters holds the images that the algorithm left out of every group" in page
    assert workspace.jobs() == set()


@pytest.mark.slow
def test_where_it_is_the_only_algorithm_and_finds_nothing_the_choice_says_so(root_alone):
    workspace = root_alone([{"name": "hdbscan", "parameters": {"min_cluster_size": 20}}])
    done = workspace.snakemake(f"{ROOT}/selection.json", check=False)
    assert done.returncode != 0
    assert "hdbscan found no groups among the node's 24 images" in done.stderr
