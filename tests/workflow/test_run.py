"""The tiny run's files, and what a user sees when something is wrong."""

import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest

QUALITY_COLUMNS = ["algorithm", "k", "entropy", "silhouette", "smallest", "largest", "flags"]
SCORE_COLUMNS = [
    *QUALITY_COLUMNS,
    "c_score",
    "normalized_c_score",
    "convergence_difference",
    "null_ratio",
    "null_p",
    "ami",
    "ari",
    "homogeneity",
    "completeness",
    "best_match_jaccard",
]
AGREEMENT_COLUMNS = ["algorithm", "k", "agreement", "mean", "null", "null_deviation", "excess", "stability"]


def read(file):
    return pd.read_csv(file, dtype=str, keep_default_na=False)


def tables(folder):
    """Bytes of everything whose content the config fixes."""
    kept = (".csv", ".json", ".h5", ".svg", ".png", ".tex", ".md", ".jpg", ".webp")
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if (file.suffix in kept or file.parent.name == "explorer") and "logs" not in file.parts
    }


def test_contract(tiny_run):
    run = tiny_run.folder / "results/tiny"
    images = read(run / "steel/images.csv")
    assert list(images) == ["image_id", "path", "class", "part", "width", "height", "mode", "sha256", "full_range"]
    assert len(images) == 24
    assert list(read(run / "steel/rejected.csv")) == ["path", "reason"]
    near_labels = read(run / "steel/near_labels.csv")
    assert list(near_labels) == ["image_id", "near_label"]
    assert set(near_labels["near_label"]) == {"0", "1"}
    assert list(near_labels["image_id"]) == list(images["image_id"])

    with h5py.File(run / "steel/features/resnet18.h5") as store:
        assert store["features"].shape == (24, 512)
        assert store["features"].dtype == np.float32
        assert list(store["image_id"].asstr()) == list(images["image_id"])
        assert {"encoder", "weights", "weights_sha256", "geometry", "image_size", "library_versions"} <= set(
            store.attrs
        )

    root = run / "steel/grouping/root"
    for encoder in ("texture", "resnet18"):
        assert list(read(root / encoder / "quality.csv")) == QUALITY_COLUMNS
        scores = read(root / encoder / "scores.csv")
        assert list(scores) == SCORE_COLUMNS
        assert len(scores) == 2 * 5
        agreement = read(root / encoder / "agreement.csv")
        assert list(agreement) == AGREEMENT_COLUMNS
        assert agreement[["algorithm", "k"]].equals(scores[["algorithm", "k"]])
        # Stability is measured only where it decides.
        assert set(agreement["stability"]) == {""} and "" not in set(agreement["excess"])
        with h5py.File(root / encoder / "labels/kmeans/k002-003.h5") as labels:
            assert set(labels) == {"k2", "k3", "image_id"}
            assert labels["k2"].dtype == np.int32

    consensus = read(root / "consensus.csv")
    assert list(consensus) == ["encoder", "algorithm", "k", "across"]
    assert consensus["encoder"].tolist() == ["texture"] * 10 + ["resnet18"] * 10
    # One encoder finds none to be compared with.
    assert set(read(run / "steel/grouping/root.0/consensus.csv")["across"]) == {""}

    selection = json.loads((root / "selection.json").read_text())
    assert {"encoder", "algorithm", "k", "criterion", "k_range", "excluded"} <= set(selection)
    verdict = json.loads((root / "verdict.json").read_text())
    keys = ["ami", "p_value", "candidates", "permutations", "null_mean", "null_high", "labelled"]
    assert list(verdict) == keys
    # Both nodes were chosen without near-labels.
    assert (verdict["candidates"], verdict["labelled"]) == (1, 24)
    assert json.loads((run / "steel/grouping/root.0/verdict.json").read_text())["candidates"] == 1
    clusters = read(root / "clusters.csv")
    assert list(clusters) == ["image_id", "cluster"]
    sizes = clusters["cluster"].value_counts()
    assert list(sizes.sort_index(key=lambda c: c.astype(int))) == sorted(sizes, reverse=True)

    # The child holds its parent's cluster 0 and names the real encoder.
    child = read(run / "steel/grouping/root.0/clusters.csv")
    assert set(child["image_id"]) == set(clusters.loc[clusters["cluster"] == "0", "image_id"])
    assert json.loads((run / "steel/grouping/root.0/selection.json").read_text())["encoder"] == selection["encoder"]

    # What the explorer shows.
    assert list(read(root / "images.csv")) == ["image_id", "cluster", "silhouette", "distance", "nearest_prototype"]
    measured = read(root / "images.csv").set_index("image_id")["cluster"]
    assert measured.to_dict() == clusters.set_index("image_id")["cluster"].to_dict()
    with h5py.File(root / "map.h5") as store:
        assert set(store) == {"image_id", "pca", "tsne", "neighbors", "distances"}
        assert store["pca"].shape == store["tsne"].shape == (24, 2) and store["neighbors"].shape == (24, 23)
        assert store.attrs["encoder"] == selection["encoder"]
        assert {"perplexity", "library_versions", "trustworthiness_pca", "trustworthiness_tsne"} <= set(store.attrs)
    suspects = read(run / "steel/grouping/suspects.csv")
    assert list(suspects) == ["image_id", "near_label", "self_confidence", "suggested", "issue", "nearest"]
    assert set(suspects["image_id"]) == set(images["image_id"])
    index = json.loads((run / "steel/thumbnails.json").read_text(encoding="utf-8"))
    assert (index["images"], index["side"], index["problems"]) == (24, 128, {})
    assert len(list((run / "steel/thumbnails").glob("*.webp"))) == index["sheets"] == 1
    assert '"steel"' in (run / "report/explorer/steel.html").read_text(encoding="utf-8")

    for suffix in ("csv", "md", "tex"):
        assert (run / f"tables/grouping.{suffix}").stat().st_size > 0
    assert "are not trained" in (run / "report/index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_one_core_gives_the_same_bytes(tiny_run, workspace):
    for file in list((workspace.folder / "results").rglob("*")):
        if not file.is_dir():
            file.unlink()
    workspace.snakemake("--cores", "1")
    expected = tables(tiny_run.folder / "results/tiny")
    found = tables(workspace.folder / "results/tiny")
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


@pytest.mark.slow
def test_bad_images_are_listed_and_the_run_goes_on(workspace):
    synthetic = workspace.folder / "results/tiny/steel/synthetic"
    shutil.copytree(synthetic, workspace.folder / "own", ignore=shutil.ignore_patterns(".*"))
    (workspace.folder / "own/empty.png").write_bytes(b"")
    (workspace.folder / 'own/it\'s <b>\n"bad".png').write_bytes(b"not an image")
    config = workspace.config
    config["run"] = "own"
    config["datasets"]["steel"] = {"kind": "image_folder", "root": "own"}
    config["grouping"]["classify"] = [{"target": "clusters", "models": ["decision_tree"]}]
    config["grouping"]["levels"] = [{"encoders": ["texture"], "algorithms": ["kmeans"], "ks": [2, 3]}]
    config["grouping"]["expand"] = []
    del config["learning"]  # which needs near-labels
    workspace.config = config
    workspace.snakemake()
    rejected = read(workspace.folder / "results/own/steel/rejected.csv")
    assert len(rejected) == 2
    assert all(rejected["reason"])
    page = (workspace.folder / "results/own/report/index.html").read_text(encoding="utf-8")
    assert "<b>\n" not in page
    assert "it&#39;s &lt;b&gt;" in page
    # No classes: no near-labels, so that the label columns stay empty.
    scores = read(workspace.folder / "results/own/steel/grouping/root/texture/scores.csv")
    assert set(scores["c_score"]) == {""}


def test_missing_data_set_dry_runs_and_fails_with_its_name(workspace):
    config = workspace.config
    config["run"] = "absent"
    config["datasets"]["steel"] = {"kind": "image_folder", "root": "no/such/folder"}
    workspace.config = config
    assert "check_images" in workspace.jobs()
    done = workspace.snakemake(check=False)
    assert done.returncode != 0
    assert "no/such/folder" in done.stderr


def test_node_that_does_not_exist(workspace):
    config = workspace.config
    config["grouping"]["expand"] = ["root.99"]
    workspace.config = config
    done = workspace.snakemake(check=False)
    assert done.returncode != 0
    assert "root.99" in done.stderr


def test_wrong_config_is_one_sentence(workspace):
    workspace.config = workspace.config | {"colour": "red"}
    done = workspace.snakemake("--dry-run", check=False)
    assert done.returncode != 0
    printed = done.stdout + done.stderr  # a dry run prints errors with the plan
    assert "config: colour is not a known key" in printed
    assert "Traceback" not in printed


def test_config_changed_under_a_running_job(workspace):
    # What a job started elsewhere does: it parses the workflow again, with the hash that the run began with.
    done = subprocess.run(
        [
            sys.executable, "-m", "snakemake", "results/tiny/steel/near_labels.csv", "--configfile", "tiny.yaml",
            "--cores", "1", "--mode", "subprocess",
        ],
        cwd=workspace.folder,
        env=os.environ | {"NEARLABEL_CONFIG_HASH": "another"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "changed while the run was going" in done.stderr + done.stdout
