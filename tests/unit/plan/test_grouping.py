"""What the rules of grouping take from the plan."""

import copy

import pytest

from nearlabel.config.features import WINNER
from nearlabel.plan import grouping, plan_run
from nearlabel.run_files import IMAGES, MODEL, QUALITY, SCORES

RBF = {"id": "rbf", "name": "spectral", "parameters": {"n_init": 3}}
ALONG = {"id": "along", "name": "agglomerative", "parameters": {"connectivity": "nearest_neighbors", "n_neighbors": 7}}
AVERAGE = {"id": "average", "name": "agglomerative", "parameters": {"linkage": "average"}}
BASE = {
    "run": "demo",
    "datasets": {"steel": {"kind": "synthetic"}, "tiles": {"kind": "synthetic"}, "unused": {"kind": "synthetic"}},
    "features": {"weights": "seeded", "device": "cuda", "workers": 2},
    "grouping": {
        "datasets": ["steel", "tiles"],
        "ks_per_job": 5,
        "min_overlap": 0.75,
        "expand": ["root.1.0", "root.2"],
        "names": {"tiles": "names.csv"},
        "levels": [
            {"encoders": ["texture", "resnet18"], "algorithms": ["kmeans", RBF, ALONG, AVERAGE], "ks": [2, 12]},
            {"ks": [3, 8], "algorithms": ["kmeans"], "reduction": {"components": 9}},
            {"encoders": ["vgg16"], "ks": [2, 2]},
        ],
    },
}
STEEL = "results/demo/steel"


def plan_with(**keys):
    config = copy.deepcopy(BASE)
    config["grouping"] |= keys
    return plan_run(config)


@pytest.fixture(scope="module")
def plan():
    return plan_with()


@pytest.mark.parametrize(
    ("node", "level", "parent"),
    [("root", 0, ""), ("root.1", 1, "root"), ("root.1.25", 2, "root.1"), ("root.10.2.3", 3, "root.10.2")],
)
def test_a_node_tells_its_level_and_parent(node, level, parent):
    assert (grouping.level_of(node), grouping.parent(node)) == (level, parent)


def test_only_grouped_data_sets_have_files(plan):
    assert grouping.per_dataset(plan, IMAGES) == ["results/demo/steel/images.csv", "results/demo/tiles/images.csv"]
    assert grouping.per_dataset(plan, QUALITY, node="root", encoder="texture") == [
        f"results/demo/{name}/grouping/root/texture/quality.csv" for name in ("steel", "tiles")
    ]


def test_where_nothing_is_grouped_there_are_no_files():
    config = {key: value for key, value in BASE.items() if key != "grouping"}
    plan = plan_run(config | {"learning": {"datasets": ["steel"]}})
    for files in (grouping.grouped_features, grouping.level_tables):
        assert files(plan) == []
    assert grouping.per_dataset(plan, IMAGES) == grouping.per_classification(plan, MODEL) == []


def test_every_encoder_gives_features(plan):
    assert grouping.grouped_features(plan) == [
        f"results/demo/{name}/features/{id}.h5"
        for id in ("texture", "resnet18", "vgg16")
        for name in ("steel", "tiles")
    ]


def test_levels_are_written_down_to_the_deepest(plan):
    assert grouping.level_tables(plan) == [f"results/demo/{name}/grouping/levels/2.csv" for name in ("steel", "tiles")]
    assert grouping.written_levels(plan) == [f"results/{{run}}/{{dataset}}/grouping/levels/{i}.csv" for i in range(3)]
    flat = plan_with(expand=[])
    assert grouping.written_levels(flat) == ["results/{run}/{dataset}/grouping/levels/0.csv"]


def test_a_tree_that_grows_writes_its_own_levels():
    plan = plan_with(expand="auto", expand_limits={"max_level": 4}, datasets=["steel"], names={})
    assert grouping.written_levels(plan) == []
    assert grouping.level_tables(plan) == [f"{STEEL}/grouping/levels/4.csv"]


def test_the_root_is_reduced_from_one_encoders_features(plan):
    assert grouping.reduction_files(plan, "steel", "root", "resnet18") == {
        "features": [f"{STEEL}/features/resnet18.h5"]
    }


def test_a_child_is_reduced_from_all_that_may_have_won(plan):
    assert grouping.reduction_files(plan, "steel", "root.1", WINNER) == {
        "features": [f"{STEEL}/features/texture.h5", f"{STEEL}/features/resnet18.h5"],
        "clusters": f"{STEEL}/grouping/root/clusters.csv",
        "selection": f"{STEEL}/grouping/root/selection.json",
    }


def test_a_child_with_encoders_of_its_own_is_reduced_from_them(plan):
    assert grouping.reduction_files(plan, "steel", "root.1.0", "vgg16") == {
        "features": [f"{STEEL}/features/vgg16.h5"],
        "clusters": f"{STEEL}/grouping/root.1/clusters.csv",
        "selection": f"{STEEL}/grouping/root.1/selection.json",
    }


def test_any_candidate_may_have_won_a_node(plan):
    both = [f"{STEEL}/features/texture.h5", f"{STEEL}/features/resnet18.h5"]
    assert grouping.candidate_features(plan, "steel", "root") == both
    assert grouping.candidate_features(plan, "steel", "root.1") == both
    assert grouping.candidate_features(plan, "steel", "root.1.0") == [f"{STEEL}/features/vgg16.h5"]


def test_a_level_says_how_its_nodes_are_reduced(plan):
    own = {"power": None, "standardise": None, "normalise": None, "whiten": None}
    assert grouping.reduction(plan, "root") == {"method": "pca", "components": 50, **own}
    assert grouping.reduction(plan, "root.1") == {"method": "pca", "components": 9, **own}


def test_a_block_is_clustered_by_algorithm_seed_and_ks(plan):
    assert grouping.clustering(plan, "steel", "root", "kmeans", "k006-010") == {
        "algorithm": "kmeans",
        "ks": [6, 10],
        "seed": 1202965998,
        "parameters": {"n_init": "auto", "init": "k-means++", "max_iter": 300},
    }


def test_spectral_clustering_computes_vectors_for_all_blocks(plan):
    rbf = {"affinity": "rbf", "gamma": "median", "n_neighbors": 10, "n_init": 3, "max_images": 15_000}
    for block in ("k002-005", "k006-010"):
        assert grouping.clustering(plan, "steel", "root", "rbf", block)["parameters"] == rbf | {"vectors": 12}
    assert "vectors" not in plan.level("root").algorithms["rbf"].parameters


def test_seeds_differ_but_between_blocks(plan):
    def seed(dataset, node, algorithm, block="k002-005"):
        return grouping.clustering(plan, dataset, node, algorithm, block)["seed"]

    places = [("steel", "root", "kmeans"), ("tiles", "root", "kmeans"), ("steel", "root", "rbf")]
    assert len({seed(*place) for place in [*places, ("steel", "root.1", "kmeans")]}) == 4
    assert seed("steel", "root.1", "kmeans") == 725475890
    assert seed("steel", "root", "kmeans", "k011-012") == seed("steel", "root", "kmeans")


def test_every_algorithm_labels_every_block(plan):
    assert grouping.label_blocks(plan, "steel", "root", "texture") == [
        f"{STEEL}/grouping/root/texture/labels/{algorithm}/{block}.h5"
        for algorithm in ("kmeans", "rbf", "along", "average")
        for block in ("k002-005", "k006-010", "k011-012")
    ]
    assert grouping.label_blocks(plan, "tiles", "root.2", WINNER) == [
        "results/demo/tiles/grouping/root.2/winner/labels/kmeans/k003-005.h5",
        "results/demo/tiles/grouping/root.2/winner/labels/kmeans/k006-008.h5",
    ]


def test_every_encoder_of_a_node_has_its_files(plan):
    assert grouping.per_encoder(plan, SCORES, "steel", "root") == [
        f"{STEEL}/grouping/root/texture/scores.csv",
        f"{STEEL}/grouping/root/resnet18/scores.csv",
    ]
    assert grouping.per_encoder(plan, QUALITY, "steel", "root.1") == [f"{STEEL}/grouping/root.1/winner/quality.csv"]
    labels = grouping.per_encoder_labels(plan, "steel", "root")
    assert len(labels) == 2 * 4 * 3
    assert labels[:12] == grouping.label_blocks(plan, "steel", "root", "texture")
    assert labels[12:] == grouping.label_blocks(plan, "steel", "root", "resnet18")


@pytest.mark.parametrize(
    ("criterion", "table"),
    [("min_max", "quality"), ("silhouette", "quality"), ("convergence_difference", "scores"), ("ami", "scores")],
)
def test_a_choice_reads_near_labels_only_where_its_criterion_does(criterion, table):
    level = {"encoders": ["texture"], "algorithms": ["kmeans"], "criterion": criterion}
    plan = plan_with(levels=[level], expand=["root.1"], choose={"root.1": {"algorithm": "kmeans", "k": 3}})
    assert grouping.criterion(plan, "root") == criterion
    assert grouping.selection_tables(plan, "steel", "root") == [f"{STEEL}/grouping/root/texture/{table}.csv"]
    # The user's choice needs none.
    assert grouping.selection_tables(plan, "steel", "root.1") == [f"{STEEL}/grouping/root.1/texture/quality.csv"]


def test_each_depth_has_its_criterion(plan):
    assert grouping.criterion(plan, "root") == "consensus"
    levels = copy.deepcopy(BASE["grouping"]["levels"])
    levels[0]["criterion"], levels[1]["criterion"] = "min_max", "convergence_difference"
    plan = plan_with(levels=levels)
    assert grouping.criterion(plan, "root") == "min_max"
    assert grouping.criterion(plan, "root.2") == "convergence_difference"


def test_stability_is_measured_where_it_decides_only(plan):
    assert grouping.structure(plan, "root") == {"draws": 6, "sample": 1500, "stability": False}
    levels = copy.deepcopy(BASE["grouping"]["levels"])
    levels[0]["criterion"] = "stability"
    assert grouping.structure(plan_with(levels=levels), "root")["stability"] is True


def test_a_choice_is_the_users_or_none():
    plan = plan_with(choose={"root.2": {"algorithm": "kmeans", "k": 3}})
    assert grouping.choice(plan, "root") is None
    assert grouping.choice(plan, "root.2") == {"algorithm": "kmeans", "k": 3, "encoder": None}


def test_algorithms_are_those_of_the_level(plan):
    assert list(grouping.algorithms(plan, "root")) == ["kmeans", "rbf", "along", "average"]
    kmeans = {"n_init": "auto", "init": "k-means++", "max_iter": 300}
    assert grouping.algorithms(plan, "root.1") == {"kmeans": {"id": "kmeans", "name": "kmeans", "parameters": kmeans}}


def test_trees_of_merges_have_linkages_and_some_neighbours(plan):
    assert grouping.linkages(plan, "root") == {"along": "ward", "average": "average"}
    assert grouping.merged_neighbors(plan, "root") == {"along": 7}
    assert grouping.linkages(plan, "root.1") == grouping.merged_neighbors(plan, "root.1") == {}


def test_a_level_knows_what_is_named_below_it(plan):
    assert [grouping.named_below(plan, level) for level in range(3)] == [["root.1", "root.2"], ["root.1.0"], []]


def test_a_level_knows_the_smallest_k_below_it(plan):
    assert [grouping.smallest_k_below(plan, level) for level in range(4)] == [3, 2, 2, 2]


def test_only_nodes_that_the_user_named_must_be_what_they_were():
    plan = plan_with(expand="auto", choose={"root.2": {"algorithm": "kmeans", "k": 3}})
    assert grouping.overlap_wanted(plan, "root.2") == "0.75"
    assert grouping.overlap_wanted(plan, "root.1") == ""


def test_groups_may_have_the_users_names(plan):
    assert (grouping.names_file(plan, "tiles"), grouping.names_file(plan, "steel")) == (["names.csv"], [])


def classified():
    tree = {"id": "small", "name": "decision_tree", "parameters": {"max_depth": 2}}
    return plan_with(
        classify=[
            {
                "target": "clusters",
                "models": [tree, "isolation_forest"],
                "folds": 3,
                "choose": "small",
                "normal": "good",
            },
            {"target": "near_labels", "node": "root.1.0", "duplicate_distance": 9},
        ]
    )


def test_every_classification_has_its_files():
    places = ["root/models/clusters", "root.1.0/models/near_labels"]
    assert grouping.per_classification(classified(), MODEL) == [
        f"results/demo/{name}/grouping/{place}/model.skops" for place in places for name in ("steel", "tiles")
    ]


def test_a_classification_is_judged_as_the_user_says():
    rules = {"max_depth": 2, "min_samples_leaf": 2, "criterion": "gini", "class_weight": "balanced"}
    forest = {"n_estimators": 100, "max_samples": "auto", "contamination": "auto"}
    assert grouping.classification(classified(), "root", "clusters") == {
        "models": [
            {"id": "small", "name": "decision_tree", "parameters": rules},
            {"id": "isolation_forest", "name": "isolation_forest", "parameters": forest},
        ],
        "folds": 3,
        "duplicate_distance": 4,
        "choose": "small",
        "normal": "good",
    }
    other = grouping.classification(classified(), "root.1.0", "near_labels")
    every = ["svm", "decision_tree", "mlp", "isolation_forest", "nearest_centre"]
    assert [model["id"] for model in other.pop("models")] == every
    assert other == {"folds": 5, "duplicate_distance": 9, "choose": None, "normal": None}


def test_a_model_knows_every_encoder_that_may_have_won(plan):
    encoders = grouping.classified_encoders(plan, "root.1")
    assert {id: chosen["seed"] for id, chosen in encoders.items()} == {"texture": None, "resnet18": 3708994546}
    runtime = {"weights_dir", "weights_mirror", "workers", "device"}
    assert all(chosen["id"] == id and not runtime & set(chosen) for id, chosen in encoders.items())
    assert list(grouping.classified_encoders(plan, "root.1.0")) == ["vgg16"]
