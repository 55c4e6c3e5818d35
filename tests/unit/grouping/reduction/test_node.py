"""A node from files to files."""

import json

import numpy as np
import pandas as pd
import pytest

from nearlabel.features.catalogue import OWN_ENCODERS, OwnEncoder
from nearlabel.features.store import write_features
from nearlabel.files import write_csv
from nearlabel.grouping.clustering.algorithms import sweep
from nearlabel.grouping.clustering.labels import read_labels, write_labels
from nearlabel.grouping.reduction.node import reduce_node
from nearlabel.grouping.reduction.reduced import read_reduced
from nearlabel.grouping.scores.agreement import evaluate_c_score
from nearlabel.grouping.scores.quality import score_clusterings
from nearlabel.grouping.selection.node import select_node
from nearlabel.grouping.selection.node_files import encoder_of, read_labels_by_encoder, read_node_scores, read_winner
from nearlabel.grouping.structure.across import compare_encoders
from nearlabel.grouping.structure.agreement import measure_agreement
from nearlabel.grouping.structure.evidence import AGREEMENT_COLUMNS

IDS = [f"strip {i}.png" for i in range(12)]
REDUCTION = {"method": "pca", "components": 2, "seed": 0}


@pytest.fixture
def stores(tmp_path):
    """Features of two encoders: the first has three clear groups, the second is noise on another scale per column."""
    rng = np.random.default_rng(0)
    clear = np.repeat(np.eye(3), 4, axis=0) * 10 + rng.normal(scale=0.1, size=(12, 3))
    noise = rng.normal(size=(12, 3)) * [1, 10, 100]
    paths = []
    for name, network, features in (("clear", "resnet18", clear), ("noise", "texture", noise)):
        paths.append(tmp_path / f"features/{name}.h5")
        paths[-1].parent.mkdir(exist_ok=True)
        write_features(paths[-1], features.astype(np.float32), IDS, {"encoder": name, "network": network})
    return paths


@pytest.fixture
def root(stores, tmp_path):
    """The root, reduced, clustered, scored and selected."""
    tables, reduced, labels = [], [], []
    for store in stores:
        folder = tmp_path / "steel/grouping/root" / store.stem
        reduced.append(folder / "reduced.h5")
        reduce_node([store], reduced[-1], node="root", clusters=None, selection=None, standardise=None, **REDUCTION)
        found = sweep(read_reduced(reduced[-1]).reduction.values, "kmeans", range(2, 5), 0)
        labels.append(folder / "labels/kmeans/k002-004.h5")
        write_labels(labels[-1], IDS, found, "kmeans")
        blocks = read_labels([labels[-1]])
        quality = score_clusterings(read_reduced(reduced[-1]).reduction.values, blocks)
        near_labels = pd.DataFrame({"image_id": IDS, "near_label": [""] * 12})
        tables.append(folder / "scores.csv")
        evaluate_c_score(quality, blocks, near_labels, permutations=20, seed=0)[0].to_csv(tables[-1], index=False)
    paths = {
        "selection": tmp_path / "steel/grouping/root/selection.json",
        "clusters": tmp_path / "steel/grouping/root/clusters.csv",
    }
    found = read_labels_by_encoder(reduced, labels)
    evidence = []
    for file in reduced:
        evidence.append(file.parent / "agreement.csv")
        write_csv(evidence[-1], measure_agreement(found[file.parent.name]).reindex(columns=AGREEMENT_COLUMNS))
    consensus = tmp_path / "steel/grouping/root/consensus.csv"
    write_csv(consensus, compare_encoders(found, {"clear": "resnet18", "noise": "texture"}, 0))
    select_node(tables, reduced, labels, evidence, consensus, **paths, criterion="min_max", choose=None)
    return paths | {"reduced": reduced, "scores": tables}


def test_selects_the_clear_groups(root):
    selection = json.loads(root["selection"].read_text())
    assert (selection["encoder"], selection["algorithm"], selection["k"]) == ("clear", "kmeans", 3)
    clusters = pd.read_csv(root["clusters"])
    assert list(clusters["image_id"]) == IDS
    # Equal sizes: numbered by their smallest image id, "strip 0", "strip 10" and "strip 4".
    assert list(clusters["cluster"]) == [0] * 4 + [2] * 4 + [1] * 4
    assert read_winner(root["reduced"], root["selection"]).encoder == "clear"
    assert list(read_node_scores(root["scores"], root["reduced"])) == ["clear", "noise"]


def test_texture_is_standardised_unless_told_otherwise(root, stores, tmp_path):
    assert [read_reduced(file).reduction.standardise for file in root["reduced"]] == [False, True]
    output = tmp_path / "plain.h5"
    reduce_node(stores[1:], output, node="root", clusters=None, selection=None, standardise=False, **REDUCTION)
    assert read_reduced(output).reduction.standardise is False


def test_what_the_config_says_of_a_reduction_comes_before_the_encoder_s_own(stores, tmp_path, monkeypatch):
    own = OwnEncoder(weights=False, power="sqrt", standardise=True, normalise="l2", whiten=True)
    monkeypatch.setitem(OWN_ENCODERS, "texture", own)
    output = tmp_path / "own.h5"
    root = {"node": "root", "clusters": None, "selection": None}
    reduce_node(stores[1:], output, **root, **REDUCTION)
    assert read_reduced(output).reduction[4:] == (True, "sqrt", "l2", True)
    reduce_node(stores[1:], output, **root, **REDUCTION, power="none", normalise="none", whiten=False)
    assert read_reduced(output).reduction[4:] == (True, "none", "none", False)
    # What whitens by itself does so where there are principal components.
    reduce_node(stores[1:], output, **root, **REDUCTION | {"method": "none"})
    assert read_reduced(output).reduction[4:] == (True, "sqrt", "l2", False)


def test_child_refits_the_winner_on_its_own_images(root, stores, tmp_path):
    output = tmp_path / "steel/grouping/root.2/winner/reduced.h5"
    parent = {"clusters": root["clusters"], "selection": root["selection"]}
    reduce_node(stores, output, node="root.2", **parent, standardise=None, **REDUCTION)
    child = read_reduced(output)
    assert encoder_of(output) == "clear"
    assert list(child.image_id) == IDS[4:8]
    np.testing.assert_allclose(child.reduction.values.mean(axis=0), 0, atol=1e-6)


def test_missing_node_lists_those_that_exist(root, stores, tmp_path):
    parent = {"clusters": root["clusters"], "selection": root["selection"]}
    with pytest.raises(ValueError, match=r"node root\.7 does not exist.*0 \(4 images\)"):
        reduce_node(stores, tmp_path / "child.h5", node="root.7", **parent, standardise=None, **REDUCTION)
    assert not (tmp_path / "child.h5").exists()


def test_node_of_one_image_says_that_it_cannot_be_split(root, stores, tmp_path):
    alone = tmp_path / "alone.csv"
    pd.DataFrame({"image_id": IDS, "cluster": [0] * 11 + [1]}).to_csv(alone, index=False)
    parent = {"clusters": alone, "selection": root["selection"]}
    with pytest.raises(ValueError, match=r"node root\.1 has 1 image"):
        reduce_node(stores, tmp_path / "child.h5", node="root.1", **parent, standardise=None, **REDUCTION)
