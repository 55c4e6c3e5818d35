"""The configuration: what it accepts, fills in and refuses."""

import copy
import json

import pytest
import yaml

from helpers.places import REPOSITORY
from nearlabel.config import ConfigError, hash_config, json_schema, load_config
from nearlabel.plan import plan_run

CONFIG = REPOSITORY / "config"
BASE = {
    "run": "demo",
    "datasets": {"steel": {"kind": "synthetic", "near_labels": {"good": 0, "default": 1}}},
    "grouping": {
        "datasets": ["steel"],
        "levels": [{"encoders": ["texture", {"name": "resnet18", "weights": "seeded"}], "ks": [2, 12]}],
    },
}


def changed(path, value):
    config = copy.deepcopy(BASE)
    place = config
    for key in path[:-1]:
        place = place.setdefault(key, {}) if isinstance(place, dict) else place[key]
    place[path[-1]] = value
    return config


@pytest.mark.parametrize("file", sorted(CONFIG.glob("*.yaml")), ids=lambda file: file.name)
def test_shipped_configs_are_valid(file):
    assert plan_run(yaml.safe_load(file.read_text(encoding="utf-8"))).named[0] == "root"


def test_schema_is_current():
    assert (CONFIG / "schema.json").read_text(encoding="utf-8") == json_schema()
    json.loads(json_schema())


def test_every_key_is_documented():
    text = (CONFIG / "README.md").read_text(encoding="utf-8")

    def keys(schema):
        for model in [schema, *schema["$defs"].values()]:
            yield from model.get("properties", {})

    missing = {key for key in keys(json.loads(json_schema())) if f"`{key}`" not in text and key not in text}
    assert missing == set()


LEVEL = ("grouping", "levels", 0)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("foo",), 1, "foo is not a known key"),
        (("grouping", "foo"), 1, "grouping.foo is not a known key"),
        (("datasets", "steel", "foo"), 1, "datasets.steel.foo is not a known key"),
        (("datasets", "steel", "kind"), "x", "datasets.steel.kind: 'x' is unknown; choose one of csv"),
        (("datasets", "steel", "count"), "many", "datasets.steel.count: "),
        (("datasets", "steel", "sample"), {"n": 1}, "datasets.steel.sample.n: "),
        (("datasets", "steel", "bits"), 13, "datasets.steel.bits: "),
        (("datasets", "steel", "bits"), "twelve", "datasets.steel.bits: "),
        (("datasets", "steel", "float_range"), [1, 1], "datasets.steel.float_range: must be the lowest value and a"),
        (("datasets", "steel", "float_range"), [1], "datasets.steel.float_range: "),
        (("datasets", "steel", "max_aspect"), 0.5, "datasets.steel.max_aspect: "),
        (("seed",), -1, "seed: "),
        (("seed",), "many", "config: seed: "),
        (("datasets",), {}, "config: datasets: "),
        (("run",), "a/b", "run: 'a/b' is not a name of letters"),
        (("run",), "cache", "'cache' is the name of the feature cache"),
        (("features",), {"device": "gpu"}, "features.device: "),
        (("features",), {"geometry": "round"}, "features.geometry: "),
        (("features",), {"batch_size": 0}, "features.batch_size: "),
        ((*LEVEL, "ks"), [5, 2], "grouping.levels.0.ks: must be [first, last]"),
        ((*LEVEL, "ks"), [1, 2], "grouping.levels.0.ks: must be [first, last]"),
        ((*LEVEL, "encoders"), ["texture", "texture"], "'texture' more than once"),
        ((*LEVEL, "encoders"), None, "grouping.levels.0.encoders is missing"),
        ((*LEVEL, "encoders"), [{"name": "resnet18", "geometri": "tile"}], "encoders.0.geometri is not a known key"),
        ((*LEVEL, "encoders"), [{"name": "custom"}], "needs `module`"),
        ((*LEVEL, "encoders"), [{"name": "dinov2_small"}], "a dinov2_small encoder needs `weights`: the file"),
        ((*LEVEL, "encoders"), [{"name": "vgg16", "id": "winner"}], "reserved"),
        ((*LEVEL, "encoders"), [{"name": "vgg16", "id": "query_novelty"}], "reserved for the query strategy"),
        (
            (*LEVEL, "encoders"),
            [{"name": "vit_b_16", "pooling": "max"}],
            "vit_b_16 passes no maps on, which pooling max",
        ),
        ((*LEVEL, "encoders"), [{"name": "vgg16", "pooling": "mean"}], "encoders.0.pooling: "),
        (("features",), {"novelty": {"reference": 1}}, "features.novelty.reference: "),
        (("features",), {"novelty": {"share": "all"}}, "features.novelty.share"),
        ((*LEVEL, "algorithms"), ["dbscan"], "grouping.levels.0.algorithms.0.name: "),
        ((*LEVEL, "algorithms"), [{"name": "kmeans", "parameters": {"ninit": 1}}], "kmeans has no parameter 'ninit'"),
        ((*LEVEL, "algorithms"), [{"name": "kmeans", "parameters": {"n_init": 0}}], "'n_init' of kmeans must be"),
        ((*LEVEL, "reduction"), {"components": 1.5}, "grouping.levels.0.reduction: "),
        ((*LEVEL, "reduction"), {"components": "few"}, "grouping.levels.0.reduction.components: "),
        ((*LEVEL, "reduction"), {"components": 0}, "grouping.levels.0.reduction: "),
        ((*LEVEL, "reduction"), {"normalise": "l1"}, "grouping.levels.0.reduction.normalise: "),
        ((*LEVEL, "reduction"), {"power": "log"}, "grouping.levels.0.reduction.power: "),
        ((*LEVEL, "reduction"), {"method": "none", "whiten": True}, "it needs method pca, not none"),
        (
            (*LEVEL, "algorithms"),
            [{"name": "hdbscan", "parameters": {"min_cluster_size": 1}}],
            "'min_cluster_size' of hdbscan must be 'auto' or a whole number from 2",
        ),
        (("grouping", "expand"), ["rot.1"], "grouping.expand.0: 'rot.1' is not a node"),
        (("grouping", "expand"), ["root.12"], "root has at most 12 clusters, from 0"),
        (("grouping", "datasets"), ["steel", "steel"], "'steel' more than once"),
        ((*LEVEL, "encoders"), ["resnet5O"], "grouping.levels.0.encoders.0: 'resnet5O' is no encoder"),
        (("grouping", "choose"), {"root.1": {"algorithm": "kmeans", "k": 3}}, "the node is not clustered"),
        (("grouping", "choose"), {"root": {"algorithm": "kmeans", "k": 30}}, "outside ks"),
        (("grouping", "choose"), {"root": {"algorithm": "dbscan", "k": 3}}, "not one of kmeans"),
        (("grouping", "expand"), "all", "grouping.expand: must be a list of nodes or auto, not 'all'"),
        (("grouping", "expand_limits"), {"purity": 2}, "grouping.expand_limits.purity: "),
        (("grouping", "expand_limits"), {"depth": 2}, "grouping.expand_limits.depth is not a known key"),
        (("grouping", "permutations"), 100, "grouping.permutations: "),
        (("grouping", "names"), {"other": "names.csv"}, "'other', which is not under grouping.datasets"),
        (("grouping", "groups"), "moved", "grouping.groups: "),
        (("grouping", "classify"), [{"target": "classes"}], "grouping.classify.0.target: "),
        (("grouping", "classify"), [{"node": "root.1", "target": "clusters"}], "add it to grouping.expand"),
        (("grouping", "classify"), [{"target": "clusters", "models": ["svm", "svm"]}], "'svm' more than once"),
        (("grouping", "classify"), [{"target": "clusters", "models": ["tree"]}], "classify.0.models.0.name: "),
        (("grouping", "classify"), [{"target": "clusters", "choose": "tree"}], "choose is 'tree', not one of svm"),
        (("grouping", "classify"), [{"target": "clusters"}, {"target": "clusters"}], "repeats target 'clusters'"),
        (
            ("grouping", "classify"),
            [{"target": "clusters", "models": [{"name": "svm", "parameters": {"C": -1}}]}],
            "parameter 'C' of svm must be",
        ),
        (("grouping", "datasets"), ["other"], "'other', which is not under datasets"),
        (("grouping", "ks_per_job"), 0, "grouping.ks_per_job: "),
    ],
)
def test_refusals_name_the_key_in_one_sentence(path, value, sentence):
    with pytest.raises(ConfigError) as refusal:
        plan_run(changed(path, value))
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_text_from_the_command_line_is_coerced():
    config = load_config(changed(("seed",), "3"))
    assert config.seed == 3
    level = load_config(changed((*LEVEL, "reduction"), {"components": "20"})).grouping.levels[0]
    assert level.reduction.components == 20


def test_near_labels_are_text():
    assert load_config(BASE).datasets["steel"].near_labels == {"good": "0", "default": "1"}


def test_entries_take_what_features_say_and_override_it():
    plan = plan_run(changed(("features",), {"geometry": "tile", "batch_size": 4, "weights": "seeded"}))
    assert plan.encoders["resnet18"].geometry == "tile"
    assert plan.encoders["resnet18"].batch_size == 4
    assert plan.encoders["texture"].weights == "none"


def test_what_an_encoder_does_not_use_does_not_count():
    one = plan_run(changed(("features",), {"batch_size": 4, "tile_overlap": 0.5, "tile_pool": "max"}))
    other = plan_run(changed(("features",), {"batch_size": 8, "threads": 2}))
    assert one.encoders["texture"] == other.encoders["texture"]
    assert one.encoders["resnet18"] != other.encoders["resnet18"]


def test_pooling_counts_where_there_is_any():
    plans = [
        plan_run(changed(("features",), {"weights": "seeded", **keys}))
        for keys in ({}, {"novelty": {"reference": 9}}, {"pooling": "novelty"})
    ]
    average, unused, novelty = (plan.encoders["resnet18"] for plan in plans)
    assert (average.pooling, novelty.pooling) == ("average", "novelty") and average == unused
    assert len({plan.encoders["texture"].model_dump_json() for plan in plans}) == 1


def test_networks_are_those_that_torchvision_registers():
    import torchvision

    from nearlabel.features.catalogue import list_networks

    assert list_networks() == sorted(torchvision.models.list_models(module=torchvision.models))


def test_levels_inherit_and_nodes_imply_their_ancestors():
    config = changed(("grouping", "expand"), ["root.1.2", "root.0"])
    config["grouping"]["levels"].append({"ks": [2, 3]})
    plan = plan_run(config)
    assert plan.named == ["root", "root.0", "root.1", "root.1.2"]
    assert (plan.grows, plan.last_level) == (False, 2)
    assert plan.level("root").criterion == "consensus"
    for deep in ("root.1", "root.1.2"):
        assert plan.level(deep).encoders == ["winner"]
        assert plan.level(deep).criterion == "consensus"
        assert plan.level(deep).ks == (2, 3)
        assert plan.candidates(deep) == ["texture", "resnet18"]
    assert list(plan.level("root.1").algorithms) == list(plan.level("root").algorithms)


def test_one_network_in_two_geometries():
    entries = ["resnet50", {"id": "resnet50_tiled", "name": "resnet50", "geometry": "tile"}]
    plan = plan_run(changed((*LEVEL, "encoders"), entries))
    assert list(plan.encoders) == ["resnet50", "resnet50_tiled"]


def test_hash_follows_what_the_config_says():
    assert hash_config(load_config(BASE)) == hash_config(load_config(changed(("seed",), 0)))
    assert hash_config(load_config(BASE)) != hash_config(load_config(changed(("seed",), 1)))


def test_a_tree_that_grows_clusters_what_the_config_has_settings_for():
    config = changed(("grouping", "expand"), "auto")
    config["grouping"]["choose"] = {"root.1.2": {"algorithm": "kmeans", "k": 3}}
    config["grouping"]["classify"] = [{"node": "root.0", "target": "clusters", "models": ["svm"], "choose": "svm"}]
    plan = plan_run(config)
    assert (plan.grows, plan.last_level) == (True, 2)
    assert plan.named == ["root", "root.0", "root.1", "root.1.2"]
    assert plan.classifications["root.0", "clusters"].models["svm"].parameters["kernel"] == "rbf"
    config["grouping"]["expand_limits"] = {"max_level": 1}
    with pytest.raises(ConfigError, match=r"choose names root\.1\.2, below max_level 1 of grouping\.expand_limits"):
        plan_run(config)
