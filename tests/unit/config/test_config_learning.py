"""The configuration of the learning half: what it accepts, fills in and refuses."""

import copy
import re

import pytest
import yaml

from helpers.places import REPOSITORY
from nearlabel.config import ConfigError, hash_config, load_config
from nearlabel.config.training import FULL_POOL
from nearlabel.learning.catalogue import STRATEGY_PARAMETERS
from nearlabel.plan import plan_run

CONFIG = REPOSITORY / "config"
GROUPING = {"datasets": ["steel"], "levels": [{"encoders": ["texture"], "ks": [2, 5]}]}


def config(features=None, near_labels=None, **learning):
    return {
        "run": "demo",
        "datasets": {"steel": {"kind": "synthetic", "near_labels": near_labels or {"good": 0, "default": 1}}},
        "features": features or {},
        "learning": {"datasets": ["steel"]} | learning,
    }


def strategy(name, **parameters):
    return [{"name": name, "parameters": parameters}]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"foo": 1}, "learning.foo is not a known key"),
        ({"datasets": []}, "learning.datasets: "),
        ({"datasets": ["other"]}, "learning.datasets names 'other', which is not under datasets"),
        ({"datasets": ["steel", "steel"]}, "learning.datasets names 'steel' more than once"),
        ({"positive": "defect"}, "learning.positive is 'defect', but datasets.steel.near_labels gives only '0', '1'; "),
        ({"near_labels": {"good": None}}, "datasets.steel.near_labels gives no image one"),
        ({"near_labels": {"default": 1, "odd": None}}, "gives no other near-label than '1', which learning.positive"),
        ({"encoder": 18}, "learning.encoder: must be a torchvision classifier or a mapping with `name`, not 18"),
        ({"encoder": {"image_size": 64}}, "learning.encoder.name is missing"),
        ({"encoder": {"name": "resnet18", "id": "a"}}, "learning.encoder.id is not a known key"),
        ({"encoder": "resnet81"}, "learning.encoder.name: 'resnet81' is no torchvision classifier"),
        ({"encoder": "texture"}, "learning.encoder.name: 'texture' is no torchvision classifier"),
        ({"encoder": "custom"}, "learning.encoder.name: 'custom' is no torchvision classifier"),
        ({"encoder": "squeezenet1_0"}, "learning.encoder.name: squeezenet1_0 ends in a convolution; take a network"),
        (
            {"encoder": {"name": "vit_b_16", "image_size": 128}},
            "learning.encoder: image_size: vit_b_16 takes images of 224 pixels alone; leave image_size out",
        ),
        (
            {"encoder": {"name": "inception_v3", "image_size": [64, 300]}},
            "learning.encoder: image_size: inception_v3 takes images of 75 pixels and more, not 64",
        ),
        (
            {"encoder": "vit_b_16"},
            "learning.strategies.2: gradcam_avg compares activation maps, and vit_b_16 has none; take a convolutional",
        ),
        (
            {"encoder": "vit_l_32", "strategies": [{"name": "balanced", "parameters": {"strategy": "gradcam_avg"}}]},
            "learning.strategies.0: gradcam_avg compares activation maps, and vit_l_32 has none",
        ),
        (
            {"encoder": {"name": "resnet18", "image_size": 32}},
            "gradcam_avg compares activation maps, and those of resnet18 are of a single position where images are of "
            "32 pixels; set learning.encoder.image_size to 33 or more",
        ),
        (
            {"encoder": {"name": "resnet18", "geometry": "tile"}},
            "learning.encoder.geometry: input should be 'squash' or 'official', not 'tile'",
        ),
        (
            {"features": {"geometry": "native"}},
            "features.geometry is native, which learning cannot use; set learning.encoder.geometry to squash or ",
        ),
        *(
            ({"encoder": {"name": "resnet18", "image_size": size}}, "learning.encoder.image_size: must be a side, ")
            for size in (31, [224], [224, 16], [1, 2, 3], "large", 64.0, True, [True, 64])
        ),
        ({"strategies": []}, "learning.strategies: "),
        ({"strategies": ["random", "random"]}, "learning.strategies has the id 'random' more than once"),
        ({"strategies": ["voronoi"]}, "learning.strategies.0: unknown strategy 'voronoi'; choose from random, "),
        ({"strategies": [{"id": "a"}]}, "learning.strategies.0.name is missing"),
        ({"strategies": [{"id": "a/b", "name": "random"}]}, "learning.strategies.0.id: 'a/b' is not a name of letters"),
        ({"strategies": [{"id": FULL_POOL, "name": "random"}]}, "learning.strategies.0.id: 'full_pool' is reserved"),
        ({"strategies": strategy("random", seed=1)}, "strategies.0: random has no parameter 'seed'"),
        ({"strategies": strategy("bald", dropout=1)}, "strategies.0: parameter 'dropout' of bald must be "),
        ({"strategies": strategy("gradcam_avg", window=6)}, "strategies.0: parameter 'window' of gradcam_avg must be "),
        (
            {"strategies": strategy("gradcam_avg", window=9)},
            "learning.strategies.0: the window of gradcam_avg is 9, too large for maps of 7 x 7, the least; ",
        ),
        (
            {"maps": {"size": [6, 20]}},
            "learning.strategies.2: the window of gradcam_avg is 7, too large for the maps of ",
        ),
        (
            {"strategies": strategy("balanced", strategy="gradcam_avg"), "maps": {"size": [9, 5]}},
            "learning.strategies.0: the window of gradcam_avg is 7, too large for the maps of learning.maps.size [9",
        ),
        ({"folds": 2}, "learning.folds: "),
        ({"duplicate_distance": 65}, "learning.duplicate_distance: "),
        ({"duplicate_distance": -1}, "learning.duplicate_distance: "),
        ({"duplicate_distance": "None"}, "learning.duplicate_distance: write a number of bits from 0 to 64, or none"),
        ({"duplicate_distance": None}, "learning.duplicate_distance: write a number of bits from 0 to 64, or none"),
        ({"batch_size": 1}, "learning.batch_size: "),
        ({"training": "incremental"}, "learning.training: input should be 'newest_batch', 'warm_all' or 'cold_all'"),
        ({"fine_tune": "none"}, "learning.fine_tune: input should be 'full', 'last_block' or 'head', not 'none'"),
        ({"epochs": 0}, "learning.epochs: "),
        ({"minibatch_size": 0}, "learning.minibatch_size: "),
        ({"optimiser": {"name": "lbfgs"}}, "learning.optimiser.name: "),
        ({"optimiser": {"learning_rate": 0}}, "learning.optimiser.learning_rate: "),
        ({"optimiser": {"weight_decay": -1}}, "learning.optimiser.weight_decay: "),
        ({"optimiser": {"momentum": 1}}, "learning.optimiser.momentum: "),
        ({"class_weights": "inverse"}, "learning.class_weights: "),
        ({"augmentation": {"rotation": 5}}, "learning.augmentation.rotation is not a known key"),
        ({"augmentation": {"horizontal_flip": 1.5}}, "learning.augmentation.horizontal_flip: "),
        ({"augmentation": {"vertical_flip": -0.5}}, "learning.augmentation.vertical_flip: "),
        ({"augmentation": {"brightness": 1}}, "learning.augmentation.brightness: "),
        ({"augmentation": {"contrast": 1}}, "learning.augmentation.contrast: "),
        ({"augmentation": {"translate": 0.6}}, "learning.augmentation.translate: "),
        *(
            ({"fine_tune": kind, "augmentation": {"contrast": 0.1}}, "learning.augmentation.contrast is 0.1, but the ")
            for kind in ("head", "last_block")
        ),
        ({"evaluate_every": 0}, "learning.evaluate_every: "),
        ({"maps": {"target": "defect"}}, "learning.maps.target: "),
        ({"maps": {"size": [2, 9]}}, "learning.maps.size.0: "),
        ({"maps": {"size": [9]}}, "learning.maps.size: "),
        ({"maps": {"size": 9}}, "learning.maps.size: "),
        ({"knee": {"sensitivity": -1}}, "learning.knee.sensitivity: "),
        ({"knee": {"interpolation": "spline"}}, "learning.knee.interpolation: "),
        ({"knee": {"degree": 0}}, "learning.knee.degree: "),
        ({"knee": {"online": "maybe"}}, "learning.knee.online: "),
        ({"retrain": {"epochs": 0}}, "learning.retrain.epochs: "),
        ({"retrain": {"patience": 0}}, "learning.retrain.patience: "),
    ],
)
def test_refusals_name_the_key_in_one_sentence(settings, sentence):
    with pytest.raises(ConfigError) as refusal:
        plan_run(config(**settings))
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"encoder": {"name": "vgg16", "geometry": "official", "image_size": 64}, "features": {"geometry": "tile"}},
        {"encoder": {"name": "resnet18", "image_size": [32, 640]}},
        {"strategies": strategy("gradcam_avg", window=9), "maps": {"size": [9, 20]}},
        {"strategies": strategy("gradcam_avg", window=3), "maps": {"size": [3, 3]}},
        {"strategies": ["random"], "maps": {"size": [3, 3]}},
        {"strategies": strategy("balanced", strategy="gradcam_avg")},
        {"augmentation": {"horizontal_flip": 1, "vertical_flip": 0.5, "brightness": 0.2, "translate": 0.5}},
        {"fine_tune": "head", "augmentation": {"horizontal_flip": 0}},
        {"near_labels": "labels.csv", "positive": "broken"},
        {"strategies": list(STRATEGY_PARAMETERS)},
    ],
)
def test_accepted(settings):
    plan_run(config(**settings))


def test_defaults():
    plan = plan_run(config())
    assert list(plan.strategies) == ["random", "uncertainty", "gradcam_avg"]
    assert plan.strategies["gradcam_avg"].parameters == {"window": 7}
    assert (plan.network.name, plan.network.geometry, plan.network.image_size) == ("resnet18", "squash", None)
    learning = plan.learning.model_dump(exclude={"datasets", "encoder", "strategies"})
    assert learning == {
        "positive": "1",
        "folds": 10,
        "duplicate_distance": 4,
        "batch_size": 32,
        "training": "newest_batch",
        "fine_tune": "full",
        "epochs": 10,
        "minibatch_size": 32,
        "optimiser": {"name": "adam", "learning_rate": 1e-4, "weight_decay": 0, "momentum": 0},
        "class_weights": "balanced",
        "augmentation": dict.fromkeys(("horizontal_flip", "vertical_flip", "brightness", "contrast", "translate"), 0),
        "evaluate_every": 1,
        "maps": {"target": "predicted", "size": None},
        "knee": {"sensitivity": 1, "interpolation": "interp1d", "degree": 7, "online": False},
        "stratified": True,
        "stopping": [],
        "retrain": {"epochs": 50, "patience": 10},
        "job_per": "auto",
    }


@pytest.mark.parametrize(("fine_tune", "rate"), [("full", 1e-4), ("last_block", 1e-4), ("head", 1e-3)])
def test_the_learning_rate_follows_what_is_trained(fine_tune, rate):
    assert load_config(config(fine_tune=fine_tune)).learning.optimiser.learning_rate == rate
    given = config(fine_tune=fine_tune, optimiser={"learning_rate": 0.5})
    assert load_config(given).learning.optimiser.learning_rate == 0.5
    assert load_config(config()).learning.optimiser.learning_rate == 1e-4


def test_text_from_the_command_line_is_coerced():
    given = config(
        features={"batch_size": "8"},
        positive=1,
        encoder={"name": "resnet18", "image_size": ["640", "224"], "threads": "2"},
        strategies=[*strategy("typiclust", max_clusters="9"), *strategy("bald", dropout="1e-1"), "gradcam_avg"],
        folds="3",
        epochs="2",
        optimiser={"learning_rate": "1e-2", "name": "sgd", "momentum": "0.5"},
        augmentation={"horizontal_flip": "0.5"},
        maps={"size": ["9", "8"]},
        knee={"online": "true", "sensitivity": "2"},
        retrain={"epochs": "5"},
    )
    plan = plan_run(given)
    assert plan.learning.positive == "1"
    assert (plan.network.image_size, plan.network.threads, plan.network.batch_size) == ([640, 224], 2, 8)
    assert plan.strategies["typiclust"].parameters["max_clusters"] == 9
    assert plan.strategies["bald"].parameters == {"passes": 100, "dropout": 0.1}
    assert (plan.learning.folds, plan.learning.epochs, plan.learning.retrain.epochs) == (3, 2, 5)
    assert (plan.learning.optimiser.learning_rate, plan.learning.optimiser.momentum) == (0.01, 0.5)
    assert plan.learning.augmentation.horizontal_flip == 0.5
    assert plan.learning.maps.size == [9, 8]
    assert (plan.learning.knee.online, plan.learning.knee.sensitivity) == (True, 2)
    null = {"encoder": {"name": "resnet18", "image_size": "null"}, "maps": {"size": "null"}}
    assert plan_run(config(**null, optimiser={"learning_rate": "null"})).learning.maps.size is None
    one_side = plan_run(config(encoder={"name": "resnet18", "image_size": "64"}))
    assert one_side.network.image_size == 64


def test_the_network_takes_what_features_say_and_overrides_it():
    plan = plan_run(config({"weights": "seeded", "image_size": 64, "batch_size": 4}, encoder={"name": "resnet50"}))
    assert (plan.network.weights, plan.network.image_size, plan.network.batch_size) == ("seeded", 64, 4)
    plan = plan_run(config({"image_size": 64}, encoder={"name": "resnet50", "image_size": None}))
    assert plan.network.image_size is None


def test_what_is_not_used_does_not_count():
    one = plan_run(
        config(
            {"tile_overlap": 0.5, "tile_pool": "max"},
            optimiser={"name": "adamw", "momentum": 0.5},
            knee={"degree": 3},
        )
    )
    other = plan_run(config(optimiser={"name": "adamw"}))
    assert (one.network, one.learning) == (other.network, other.learning)
    sgd = plan_run(config(optimiser={"name": "sgd"}, knee={"interpolation": "polynomial", "degree": 3}))
    assert (sgd.learning.optimiser.momentum, sgd.learning.knee.degree) == (0.9, 3)


def test_one_strategy_with_two_sets_of_parameters():
    entries = ["gradcam_avg", {"id": "small", "name": "gradcam_avg", "parameters": {"window": 3}}]
    strategies = plan_run(config(strategies=entries)).strategies
    assert {id: entry.parameters["window"] for id, entry in strategies.items()} == {"gradcam_avg": 7, "small": 3}


def test_learning_alone():
    plan = plan_run(config())
    assert (plan.levels, plan.named, plan.grows, plan.last_level) == ([], ["root"], False, 0)
    assert (plan.encoders, plan.classifications, plan.grouping.datasets, plan.grouping.names) == ({}, {}, [], {})
    assert plan.config.grouping is None


def test_grouping_alone():
    plan = plan_run({key: value for key, value in config().items() if key != "learning"} | {"grouping": GROUPING})
    assert (plan.learning, plan.network, plan.strategies) == (None, None, {})
    assert plan.grouping is plan.config.grouping


@pytest.mark.parametrize("absent", [{}, {"grouping": None, "learning": None}])
def test_neither_half(absent):
    bare = {key: value for key, value in config().items() if key != "learning"}
    with pytest.raises(
        ConfigError, match="grouping, learning and labelling are all missing; add at least one of the three"
    ):
        plan_run(bare | absent)


def test_hash_follows_what_learning_says():
    assert hash_config(load_config(config())) == hash_config(load_config(config(folds=10)))
    assert hash_config(load_config(config())) == hash_config(load_config(config(optimiser={"learning_rate": 1e-4})))
    assert hash_config(load_config(config())) != hash_config(load_config(config(folds=5)))


def test_checking_leaves_the_given_config_as_it_is():
    given = config(strategies=strategy("bald", dropout="0.5"))
    before = copy.deepcopy(given)
    plan_run(given)
    assert given == before


def test_the_papers_second_data_set_can_be_turned_on():
    text = (CONFIG / "ksdd2.yaml").read_text(encoding="utf-8")
    block = re.search(r"^  # parts:\n(?:  #   .*\n)+", text, re.MULTILINE)[0]
    text = text.replace(block, block.replace("  # ", "  ")).replace("[ksdd2] #", "[ksdd2, parts] #")
    plan = plan_run(yaml.safe_load(text))
    assert plan.learning.datasets == list(plan.config.datasets) == ["ksdd2", "parts"]
    assert plan.config.datasets["parts"].label_column == "class"


@pytest.mark.parametrize(
    "keys",
    [
        {"encoder": "vit_b_16", "strategies": ["random", "uncertainty", "core_set", "badge", "typiclust", "bald"]},
        {"encoder": {"name": "vit_b_16", "image_size": 224}, "strategies": ["random"]},
        {"encoder": {"name": "vit_b_16", "weights": "swag_e2e.pth", "image_size": 384}, "strategies": ["bald"]},
        {"encoder": {"name": "resnet18", "image_size": 32}, "strategies": ["random"]},
        {"encoder": {"name": "inception_v3", "image_size": [75, 107]}},
    ],
)  # fmt: skip
def test_networks_run_what_they_can(keys):
    assert plan_run(config(**keys)).network.name in str(keys["encoder"])


@pytest.mark.parametrize(
    ("learning", "sentence"),
    [
        ({"stopping": ["certfy"]}, r"learning\.stopping\.0: unknown stopping rule 'certfy'; choose from certify, "),
        ({"stopping": ["budget", "budget"]}, r"learning\.stopping has the id 'budget' more than once; give each"),
        (
            {"stopping": [{"name": "certify", "parameters": {"tau": 1}}]},
            "certify has no parameter 'tau'; it has recall",
        ),
        (
            {"stopping": [{"name": "certify", "parameters": {"recall": 95}}]},
            r"learning\.stopping\.0: parameter 'recall' of certify must be a number from 0\.01 to 1, not 95",
        ),
        ({"stopping": ["budget", {"id": "a b", "name": "kappa"}]}, r"learning\.stopping\.1\.id: "),
        (
            {"stopping": ["budget", {"id": "flat", "name": "auc_plateau"}]},
            r"learning\.stopping\.1: auc_plateau looks at a validation set, and a stratified one gives away how common "
            r"defects are; set learning\.stratified to false or leave the rule out",
        ),
        ({"stratified": "perhaps"}, r"learning\.stratified: "),
    ],
)
def test_wrong_stopping_rules(learning, sentence):
    with pytest.raises(ConfigError, match=sentence):
        plan_run(config(**learning))


def test_stopping_rules_that_are_wrong_are_all_named_whatever_else_is():
    with pytest.raises(ConfigError) as caught:
        plan_run(config(folds=1, stopping=["certfy", {"name": "kappa", "parameters": {"window": 0}}]))
    text = str(caught.value)
    assert "learning.folds" in text and "'certfy'" in text and "parameter 'window' of kappa" in text


def test_a_validation_set_may_be_looked_at_where_it_was_drawn_uniformly():
    plan = plan_run(config(stratified="false", stopping=["auc_plateau"]))
    assert plan.rules["auc_plateau"].parameters == {"window": 5} and plan.learning.stratified is False


def test_parameters_of_stopping_rules_may_be_text():
    entry = {"id": "sure", "name": "certify", "parameters": {"recall": "0.8", "alpha": "1e-3"}}
    plan = plan_run(config(stopping=[entry, "budget"]))
    assert plan.rules["sure"].parameters == {"recall": 0.8, "alpha": 0.001, "quiet": 2, "spare": 0}
    assert list(plan.rules) == ["sure", "budget"]
