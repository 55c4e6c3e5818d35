"""Nodes with hardly anything to cluster, from features to figures; no warning may escape."""

import json
from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.files import write_csv
from nearlabel.grouping.clustering.algorithms import ALGORITHMS, sweep
from nearlabel.grouping.clustering.labels import read_labels, write_labels
from nearlabel.grouping.reduction.copies import first_copies
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.grouping.reduction.reduced import write_reduced
from nearlabel.grouping.scores.agreement import evaluate_c_score
from nearlabel.grouping.scores.quality import score_clusterings
from nearlabel.grouping.selection.criteria import CRITERIA, select_clustering
from nearlabel.grouping.selection.node import select_node
from nearlabel.grouping.selection.node_files import read_node_scores, read_winner
from nearlabel.grouping.structure.across import compare_encoders
from nearlabel.grouping.structure.evidence import measure_structure
from nearlabel.report.grouping.figures.algorithms import plot_algorithms
from nearlabel.report.grouping.figures.clusters import plot_clusters
from nearlabel.report.grouping.figures.quality import plot_quality
from nearlabel.report.grouping.pictures.sheets import draw_contact_sheets

pytestmark = pytest.mark.filterwarnings("error")

NAN = float("nan")
RNG = np.random.default_rng(0)
SOME = RNG.normal(size=(30, 6)).astype(np.float32)
# Wide features: their decomposition rounds copies of a row differently.
WIDE = RNG.normal(size=(5, 40)).astype(np.float32)

# Features, near-labels, and what the note says whatever decides.
NODES = {
    "two images": (SOME[:2], "ab", ["node of 2 images", "every image is a cluster", "k from 3 to 9 were left out"]),
    "two copies": (SOME[[0, 0]], "ab", ["node of 2 images", "all 2 images have the same features"]),
    "three images": (SOME[:3], "abb", ["node of 3 images", "k from 4 to 9 were left out, as there are only 3 images"]),
    "three, two of them copies": (SOME[[0, 1, 1]], "abb", ["node of 3 images", "only 2 different sets of features"]),
    "copies of one": (WIDE[[0] * 12], "ab" * 6, ["all 12 images have the same features, so that every split is arb"]),
    "constant": (np.full((12, 1), 0.1), "a" * 12, ["all 12 images have the same features"]),
    "copies of two": (WIDE[[0] * 7 + [1] * 5], "ab" * 6, ["the 12 images have only 2 different sets of features"]),
    "one dimension": (SOME[:, :1], "abc" * 10, []),
    "one near-label": (SOME, "a" * 30, []),
    "one near-label on a few": (SOME, ["a", "a", "a"] + [""] * 27, []),
    "two labelled images": (SOME, ["a", "b"] + [""] * 28, []),
    "no near-label": (SOME, [""] * 30, []),
    "an outlier": (np.concatenate([np.zeros((11, 6)), np.full((1, 6), 1e12)]), "a" * 11 + "b", ["only 2 different"]),
}
ODD = {
    "kmeans": [{"init": "random", "n_init": 2, "max_iter": 1}],
    "minibatch_kmeans": [{"init": "random", "n_init": 2, "batch_size": 1}],
    "agglomerative": [{"linkage": linkage} for linkage in ("average", "complete", "single")],
    "spectral": [
        {"affinity": "nearest_neighbors"},
        {"affinity": "nearest_neighbors", "n_neighbors": 1},
        {"gamma": 0},
        {"gamma": 1e9, "n_init": "auto"},
    ],
    "gaussian_mixture": [{"covariance_type": kind} for kind in ("diag", "spherical", "tied")] + [{"reg_covar": 0}],
}

FILES = {"selection": "selection.json", "clusters": "clusters.csv"}


def cluster_node(folder, features, near_labels, ks=range(2, 10), algorithms=tuple(ALGORITHMS), encoder="net"):
    """Write one encoder's files of a node; return paths of scores, reduced features and labels, and the near_labels."""
    ids = [f"image {i:02d}.png" for i in range(len(features))]
    near_labels = pd.DataFrame({"image_id": ids, "near_label": list(near_labels)})
    folder = folder / "steel/grouping/root" / encoder
    reduction = reduce_features(features, "pca", 50, standardise=False, seed=0)
    assert np.isfinite(reduction.values).all()
    assert np.isfinite(reduction.explained_variance_ratio).all()
    write_reduced(folder / "reduced.h5", reduction, ids, encoder)
    files = []
    for algorithm in algorithms:
        for block in (list(ks)[:4], list(ks)[4:]):
            files.append(folder / f"labels/{algorithm}/k{block[0]:03d}-{block[-1]:03d}.h5")
            write_labels(files[-1], ids, sweep(reduction.values, algorithm, block, 0, vectors=max(ks)), algorithm)
    blocks = read_labels(files)
    quality = score_clusterings(reduction.values, blocks)
    scores, _ = evaluate_c_score(quality, blocks, near_labels, permutations=20, seed=0)
    write_csv(folder / "scores.csv", scores)
    labels = {id: block.labels for id, block in blocks.items()}
    entries = {id: {"name": id, "parameters": {}} for id in algorithms}
    evidence = measure_structure(reduction.values, labels, entries, draws=2, sample=100, seed=0, stability=True)
    write_csv(folder / "agreement.csv", evidence)
    consensus = folder.parent / "consensus.csv"
    write_csv(consensus, compare_encoders({encoder: labels}, {encoder: encoder}, 0))
    single = {name: [folder / f"{name}.csv"] for name in ("scores", "agreement")}
    files = {**single, "reduced": [folder / "reduced.h5"], "labels": files, "consensus": consensus}
    return files, near_labels


@pytest.fixture(scope="session")
def clustered(tmp_path_factory):
    """Cluster a node of NODES, once; its files are only read."""

    @cache
    def make(name):
        return cluster_node(tmp_path_factory.mktemp("node"), *NODES[name][:2])

    return make


def select(folder, files, criterion, choose=None):
    paths = {name: folder / "steel/grouping/root" / file for name, file in FILES.items()}
    select_node(**files, **paths, criterion=criterion, choose=choose)
    clusters = pd.read_csv(paths["clusters"], dtype={"image_id": str})
    sizes = clusters["cluster"].value_counts()
    assert list(sizes.sort_index().index) == list(range(len(sizes)))
    return json.loads(paths["selection"].read_text(encoding="utf-8")), clusters


@pytest.fixture(scope="module", params=NODES, ids=lambda name: name.replace(" ", "_"))
def node(request, clustered):
    return *clustered(request.param), NODES[request.param][2]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_every_criterion_selects_and_says_what_is_degenerate(node, tmp_path, criterion):
    files, near_labels, facts = node
    selection, clusters = select(tmp_path, files, criterion)
    assert list(clusters["image_id"]) == list(near_labels["image_id"])
    for fact in facts:
        assert fact in selection["note"]
    if not facts and criterion in ("min_max", "silhouette"):
        assert selection["note"] is None


@pytest.mark.parametrize("name", ["two images", "three, two of them copies", "copies of one", "one dimension"])
def test_figures_and_sheets_of_the_selection(tmp_path, clustered, name):
    files, near_labels = clustered(name)
    selection, clusters = select(tmp_path, files, "convergence_difference")
    plot_quality(read_node_scores(files["scores"], files["reduced"]), selection, tmp_path / "quality")
    winner = read_winner(files["reduced"], tmp_path / "steel/grouping/root/selection.json")
    plot_clusters(winner, clusters, near_labels, selection, tmp_path / "clusters")
    Image.new("L", (8, 8), 120).save(tmp_path / "image.png")
    images = near_labels.assign(path=str(tmp_path / "image.png"), width=8, height=8)
    index = draw_contact_sheets(images, winner.reduction.values, winner.image_id, clusters, tmp_path / "sheets")
    assert Counter(index["cluster"]) == Counter(clusters["cluster"])
    assert (index["problem"] == "").all()
    assert {file.name for file in tmp_path.glob("*.svg")} == {"quality.svg", "clusters.svg"}


@pytest.mark.parametrize("algorithm", ODD)
def test_odd_parameters_give_labels_for_every_k(algorithm):
    distinct = {features.tobytes(): features for features, *_ in NODES.values()}
    for features in distinct.values():
        points = reduce_features(features, "pca", 50, standardise=False, seed=0).values
        for parameters in ODD[algorithm]:
            found = sweep(points, algorithm, [2, 3, 12, 30, 50], 0, **parameters)
            assert list(found.labels) == [k for k in (2, 3, 12, 30) if k <= len(points)]
            copies = first_copies(points)
            for k, labels in found.labels.items():
                assert ("fewer_clusters" in found.flags[k]) == (len(set(labels)) < k)
                assert ("identical_points" in found.flags[k]) == bool((labels != labels[copies]).any())


def test_the_note_says_which_cluster_was_left_out_of_every_group(tmp_path):
    rng = np.random.default_rng(0)
    groups = [rng.normal(size=(15, 3)) + place for place in ([0, 0, 0], [50, 0, 0])]
    features = np.concatenate([*groups, rng.uniform(-900, 900, size=(4, 3))])
    files, near_labels = cluster_node(tmp_path, features, "ab" * 17, algorithms=["kmeans", "hdbscan"])
    selection, clusters = select(tmp_path, files, "silhouette", {"algorithm": "hdbscan", "k": 3})
    assert selection["note"] == "cluster 2 holds the 4 images that hdbscan left out of every group"
    assert clusters["cluster"].tolist() == [0] * 15 + [1] * 15 + [2] * 4
    [row] = (
        read_node_scores(files["scores"], files["reduced"])["net"].query("algorithm == 'hdbscan'").to_dict("records")
    )
    assert (row["k"], row["flags"]) == (3, "outliers:0.118")
    # What draws every algorithm copes with the k that one of them lacks.
    winner = read_winner(files["reduced"], tmp_path / "steel/grouping/root/selection.json")
    plot_quality(read_node_scores(files["scores"], files["reduced"]), selection, tmp_path / "quality")
    plot_algorithms(winner, read_labels(files["labels"]), near_labels, selection, tmp_path / "algorithms")
    assert {file.name for file in tmp_path.glob("*.svg")} == {"quality.svg", "algorithms.svg"}


@pytest.mark.parametrize("ks", [range(2, 10), range(7, 30)], ids=["nothing", "other k"])
def test_where_the_only_algorithm_finds_no_group_the_error_says_so(tmp_path, ks):
    noise = {"nothing": SOME[[0] * 30], "other k": np.concatenate([SOME[:15], SOME[15:] + 100])}
    features = noise["nothing" if ks[0] == 2 else "other k"]
    files, _ = cluster_node(tmp_path, features, "ab" * 15, ks=ks, algorithms=["hdbscan"])
    with pytest.raises(ValueError, match="hdbscan found no groups among the node's 30 images, or not as many as ks"):
        select(tmp_path, files, "min_max")


def test_images_without_differences_stay_in_one_cluster(tmp_path, clustered):
    files, _ = clustered("copies of one")
    for criterion in CRITERIA:
        selection, clusters = select(tmp_path, files, criterion)
        assert set(clusters["cluster"]) == {0}
        assert "k = 2 gave only 1 cluster, so that the node is not split" in selection["note"]


def test_an_arbitrary_split_is_taken_where_no_algorithm_keeps_copies_together(tmp_path):
    files, _ = cluster_node(tmp_path, *NODES["copies of one"][:2], algorithms=["agglomerative"])
    selection, clusters = select(tmp_path, files, "min_max")
    assert set(clusters["cluster"]) == {0, 1}
    assert selection["k"] == 2
    assert "every split is arbitrary" in selection["note"]
    assert "no clustering that keeps identical images together has a defined silhouette" in selection["note"]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_copies_stay_together(tmp_path, clustered, criterion):
    files, _ = clustered("copies of two")
    _, clusters = select(tmp_path, files, criterion)
    assert list(clusters["cluster"]) == [0] * 7 + [1] * 5


def test_one_near_label_leaves_the_decision_to_the_silhouette(tmp_path, clustered):
    for name in ("one near-label", "one near-label on a few"):
        files, _ = clustered(name)
        by_labels, _ = select(tmp_path, files, "convergence_difference")
        by_silhouette, _ = select(tmp_path, files, "silhouette")
        assert (by_labels["algorithm"], by_labels["k"]) == (by_silhouette["algorithm"], by_silhouette["k"])
        assert by_labels["note"] == (
            "only one near-label: convergence_difference is 0 for every clustering, so that the silhouette decided"
        )
    files, _ = clustered("two labelled images")
    note = select(tmp_path, files, "convergence_difference")[0]["note"]
    assert note == "convergence_difference is 0 for every clustering, so that the silhouette decided"


def test_no_near_label_leaves_the_decision_to_the_silhouette(tmp_path, clustered):
    files, _ = clustered("no near-label")
    selection, _ = select(tmp_path, files, "ami")
    assert selection["criterion"] == "silhouette"
    assert selection["note"] == "no image has a near-label and ami is undefined, so that the silhouette decided"
    files, _ = cluster_node(tmp_path, SOME[:2], ["", ""])
    note = select(tmp_path, files, "ami")[0]["note"]
    assert note.endswith(
        "no image has a near-label and ami is undefined; "
        "no clustering has a defined silhouette, so that the lowest entropy, then the smallest k decided"
    )


def test_a_node_below_its_smallest_k_says_so(tmp_path):
    files, _ = cluster_node(tmp_path, SOME[:3], "aab", ks=range(5, 10))
    with pytest.raises(ValueError, match=r"selection.json: the node has 3 images, fewer than its smallest k of 5"):
        select(tmp_path, files, "min_max")
    assert not (tmp_path / "steel/grouping/root/selection.json").exists()


def test_one_k_left_out_is_named_and_a_choice_by_hand_keeps_the_facts(tmp_path):
    files, _ = cluster_node(tmp_path, SOME[:5], "aabbb", ks=range(2, 7))
    choose = {"algorithm": "kmeans", "k": 5, "encoder": None}
    selection, _ = select(tmp_path, files, "min_max", choose)
    assert selection["note"] == "every image is a cluster of its own; k = 6 was left out, as there are only 5 images"
    assert selection["criterion"] == "chosen"


def test_k_above_the_distinct_points_never_wins_while_there_is_another():
    table = pd.DataFrame({"algorithm": "a", "k": [2, 3, 4], "entropy": 1.0, "silhouette": [0.1, 0.9, NAN]})
    table["convergence_difference"] = [0.3, 0.1, 0.0]
    table["ami"] = [0.1, 0.5, 1.0]
    table["flags"] = ["", "degenerate;identical_points", ""]
    for criterion in CRITERIA:
        assert select_clustering({"net": table}, criterion).k == 2
    for criterion in CRITERIA:
        assert select_clustering({"net": table.assign(flags="identical_points")}, criterion).k == 3


def test_an_undefined_label_score_loses_to_a_defined_one():
    table = pd.DataFrame({"algorithm": "a", "k": [2, 3], "entropy": 1.0, "silhouette": [0.9, 0.1], "flags": ""})
    for criterion in ("convergence_difference", "ami"):
        assert select_clustering({"net": table.assign(**{criterion: [NAN, 0.5]})}, criterion).k == 3


def test_reduction_keeps_copies_equal_and_constant_features_zero():
    rows = RNG.integers(0, 5, 37)
    for method in ("pca", "random_projection", "none"):
        for standardise in (False, True):
            values = reduce_features(WIDE[rows], method, "min", standardise=standardise, seed=0).values
            np.testing.assert_array_equal(first_copies(values), first_copies(WIDE[rows]))
    for components, columns in (("min", 12), (3, 3), (0.9, 1)):
        constant = reduce_features(np.full((12, 20), 0.1), "pca", components, standardise=False, seed=0)
        np.testing.assert_array_equal(constant.values, np.zeros((12, columns)))
        np.testing.assert_array_equal(constant.explained_variance_ratio, np.zeros(columns))


def test_components_beyond_the_rank_are_zero():
    for rows, rank in (([0, 1], 1), ([0, 1, 2, 0, 1], 2)):
        values = reduce_features(WIDE[rows], "pca", "min", standardise=False, seed=0).values
        assert (values[:, :rank] != 0).any(axis=0).all()
        assert (values[:, rank:] == 0).all()


def test_images_that_are_nearly_the_same_lose_no_component():
    points = 1 + 1e-7 * RNG.normal(size=(200, 20)) * np.arange(1, 21)
    tall = reduce_features(points, "pca", 5, standardise=False, seed=0).explained_variance_ratio
    singular = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(tall, (singular**2 / np.sum(singular**2))[:5], rtol=1e-6)


def test_first_copies():
    assert first_copies(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, -0.0], [2.0, 1.0], [2.0, 0.0]])).tolist() == [
        0,
        1,
        0,
        3,
        1,
    ]
