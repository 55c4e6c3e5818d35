"""What the rules of active learning take from the plan."""

import pytest

from nearlabel.plan import learning, plan_run
from nearlabel.run_files import FROZEN, PROBABILITIES, ROUNDS

WIDE = {"id": "wide", "name": "gradcam_avg", "parameters": {"window": 5}}
STEEL = "results/demo/steel"
OPTIMISER = {"name": "adam", "learning_rate": 0.001, "weight_decay": 0.0, "momentum": 0.0}
TRAINING = {
    "epochs": 10,
    "minibatch_size": 16,
    "optimiser": OPTIMISER,
    "class_weights": "balanced",
    "augmentation": {"horizontal_flip": 0, "vertical_flip": 0, "brightness": 0, "contrast": 0, "translate": 0},
    "maps": {"target": "positive", "size": None},
    "evaluation_batch_size": 24,
}
NETWORK = {
    "name": "resnet18",
    "weights": "seeded",
    "geometry": "squash",
    "image_size": 64,
    "tile_overlap": 0.0,
    "tile_pool": "mean",
    "batch_size": 24,
    "precision": "float32",
    "threads": 1,
}


def plan_of(seed=0, **keys):
    settings = {
        "datasets": ["steel", "tiles"],
        "positive": "defect",
        "encoder": {"name": "resnet18", "weights": "seeded", "image_size": 64, "batch_size": 24},
        "strategies": ["random", WIDE],
        "folds": 3,
        "minibatch_size": 16,
        "fine_tune": "head",
        "maps": {"target": "positive"},
    }
    tiles = {"kind": "image_folder", "root": "data"}
    datasets = {"steel": {"kind": "synthetic"}, "tiles": tiles, "unused": {"kind": "synthetic"}}
    return plan_run({"run": "demo", "seed": seed, "datasets": datasets, "learning": settings | keys})


def grouped_only():
    grouping = {"datasets": ["steel"], "levels": [{"encoders": ["texture"]}]}
    return plan_run({"run": "demo", "datasets": {"steel": {"kind": "synthetic"}}, "grouping": grouping})


def test_files_of_all_folds():
    folds = [
        f"{STEEL}/learning/{strategy}/fold{fold}/{file}"
        for strategy in ("random", "wide")
        for fold in (0, 1, 2)
        for file in (
            "rounds.csv",
            "queries.csv",
            "choices.json",
            "knees.json",
            "batch_best.json",
            "batch_knee.json",
            "batch_best_until_knee.json",
        )
    ]
    bounds = [f"{STEEL}/learning/full_pool/fold{fold}.json" for fold in (0, 1, 2)]
    assert learning.fold_files(plan_of(), "steel") == [f"{STEEL}/learning/folds.csv", *bounds, *folds]


def test_files_of_all_data_sets_that_are_learnt():
    plan = plan_of()
    assert learning.learnt_datasets(plan) == ["steel", "tiles"]
    assert learning.per_learnt(plan, FROZEN) == [
        "results/demo/steel/learning/frozen.h5",
        "results/demo/tiles/learning/frozen.h5",
    ]
    assert learning.per_learnt(plan_of(datasets=["tiles"]), ROUNDS, strategy="wide", fold=1) == [
        "results/demo/tiles/learning/wide/fold1/rounds.csv"
    ]
    files = learning.learnt_files(plan)
    assert len(files) == len(set(files)) == 2 * 46
    assert files[46] == "results/demo/tiles/learning/folds.csv"


def test_where_nothing_is_learnt_there_is_nothing():
    plan = grouped_only()
    assert learning.learnt_datasets(plan) == learning.learnt_files(plan) == []
    assert learning.per_learnt(plan, FROZEN) == learning.fold_files(plan, "steel") == []
    assert learning.strategy_names(plan) == learning.learnt_kinds(plan) == {}
    assert learning.count_folds(plan) == 0
    assert learning.job_files(plan, ROUNDS) == [ROUNDS]


def test_summaries_know_strategies_kinds_and_folds():
    plan = plan_of()
    assert learning.strategy_names(plan) == {"random": "random", "wide": "gradcam_avg"}
    assert learning.learnt_kinds(plan) == {"steel": "synthetic", "tiles": "image_folder"}
    assert learning.count_folds(plan) == 3


def test_folds_are_split_by_data_set():
    plan = plan_of(duplicate_distance=7)
    assert learning.splitting(plan, "steel") == {
        "positive": "defect",
        "folds": 3,
        "distance": 7,
        "seed": 1256709210,
    }
    assert learning.splitting(plan, "tiles")["seed"] != 1256709210
    assert learning.splitting(plan_of(duplicate_distance="none"), "steel")["distance"] is None


def test_seeds_differ_by_fold_and_by_strategy():
    plan = plan_of()
    names, strategies = ("steel", "tiles"), ("random", "wide")
    assert len({seed for name in names for seed in learning.fold_seeds(plan, name)}) == 6
    assert len({seed for name in names for id in strategies for seed in learning.query_seeds(plan, name, id)}) == 12


def test_seeds_of_results_that_users_have():
    assert learning.fold_seeds(plan_of(), "steel")[0] == 3716602086
    assert learning.fold_seeds(plan_of(seed=1), "steel")[0] == 2538613527
    assert learning.head_seeds(plan_of(), "steel")[0] == 1069954550
    assert learning.query_seeds(plan_of(), "steel", "random")[0] == 3239884978
    assert learning.query_seeds(plan_of(), "steel", "wide")[0] == 1791740395


def test_folds_and_their_classifier_are_the_same_for_every_strategy():
    assert learning.learnt_folds(plan_of()) == {
        "positive": "defect",
        "network": NETWORK,
        "fine_tune": "head",
        "weights_seed": 3708994546,
    }


@pytest.mark.parametrize(
    ("keys", "per_fold"),
    [
        ({}, False),
        ({"fine_tune": "last_block"}, True),
        ({"fine_tune": "full"}, True),
        ({"job_per": "fold"}, True),
        ({"fine_tune": "full", "job_per": "strategy"}, False),
    ],
)
def test_a_job_learns_one_fold_or_all(keys, per_fold):
    plan = plan_of(**keys)
    assert learning.fold_wildcard(plan) == (["fold"] if per_fold else [])
    files = learning.job_files(plan, ROUNDS)
    assert files == [ROUNDS] if per_fold else [ROUNDS.replace("{fold}", str(fold)) for fold in range(3)]
    # What either kind of job has for params.
    states = [f"results/cache/learning/demo/steel/wide/fold{fold}" for fold in range(3)]
    assert learning.state_folders(plan, "steel", "wide") == states
    assert len(learning.fold_seeds(plan, "steel")) == len(learning.head_seeds(plan, "steel")) == 3


def test_frozen_stages_are_the_same_for_every_fold():
    assert learning.frozen_stages(plan_of()) == {
        "network": NETWORK,
        "fine_tune": "head",
        "weights_seed": 3708994546,
    }


def test_rounds_are_trained_by_their_settings():
    plan = plan_of(training="warm_all", batch_size=8, evaluate_every=2)
    assert learning.round_settings(plan) == TRAINING | {
        "training": "warm_all",
        "batch_size": 8,
        "evaluate_every": 2,
    }


def test_fresh_models_are_trained_by_theirs():
    plan = plan_of(training="warm_all", batch_size=8, evaluate_every=2, retrain={"epochs": 20})
    assert learning.retrain_settings(plan) == TRAINING | {"retrain": {"epochs": 20, "patience": 10}}


def test_a_strategy_is_its_name_and_parameters_whatever_it_is_called():
    plan = plan_of()
    assert learning.query_strategy(plan, "random") == {"name": "random", "parameters": {}}
    assert learning.query_strategy(plan, "wide") == {"name": "gradcam_avg", "parameters": {"window": 5}}


def test_knees_are_found_by_their_settings():
    assert learning.knee_settings(plan_of(knee={"sensitivity": 2, "online": True})) == {
        "sensitivity": 2.0,
        "interpolation": "interp1d",
        "degree": 7,
        "online": True,
    }


BY_BUDGET = {"id": "budget", "name": "budget", "parameters": {}}


def test_without_stopping_rules_nothing_of_them_is_there():
    for plan in (plan_of(), grouped_only()):
        assert plan.rules == {} and learning.stopping_rules(plan) == []
        assert learning.kept_probabilities(plan) == learning.stopped_files(plan) == []
        assert learning.stop_files(plan, "steel") == []


def test_stopping_rules_have_all_their_parameters():
    plan = plan_of(stopping=["budget", {"id": "most", "name": "certify", "parameters": {"recall": 0.8}}])
    assert list(plan.rules) == ["budget", "most"]
    assert learning.stopping_rules(plan) == [
        BY_BUDGET,
        {"id": "most", "name": "certify", "parameters": {"recall": 0.8, "alpha": 0.05, "quiet": 2, "spare": 0}},
    ]


def test_stops_depend_on_what_rules_are_shown():
    plan = plan_of(stopping=["budget"], batch_size=8)
    settings = {"rules": [BY_BUDGET], "positive": "defect", "batch_size": 8, "drawn": "stratified"}
    assert learning.stopping_settings(plan) == settings
    uniform = plan_of(stopping=["budget"], batch_size=8, stratified=False)
    assert learning.stopping_settings(uniform) == settings | {"drawn": "uniform"}
    assert len(set(learning.stop_seeds(plan, "steel") + learning.stop_seeds(plan, "tiles"))) == 6
    assert learning.stop_seeds(plan, "steel")[0] not in learning.fold_seeds(plan, "steel")


def test_every_strategy_has_stops_on_every_fold():
    plan = plan_of(stopping=["budget"])
    runs = [f"{STEEL}/learning/{strategy}/fold{fold}" for strategy in ("random", "wide") for fold in range(3)]
    files = [f"{run}/stops.csv" for run in runs]
    assert learning.stop_files(plan, "steel") == files
    assert learning.stopped_files(plan) == [*files, *(file.replace("steel", "tiles") for file in files)]
    rounds = [f"{run}/rounds.csv" for run in runs]
    known = [f"{STEEL}/learning/folds.csv", f"{STEEL}/near_labels.csv", *rounds]
    assert learning.targets_known_by(plan, "steel") == known
    # Summaries of what there was before read what they did.
    assert not set(files) & set(learning.learnt_files(plan))


def test_probabilities_are_kept_where_a_rule_looks_at_them():
    assert learning.kept_probabilities(plan_of(stopping=["certify", "budget", "knee_prefix"])) == []
    for rule in ("quant", "quant_ci", "kappa", "classification_change", "defects_left_knee"):
        plan = plan_of(stopping=["budget", {"id": "a", "name": rule}])
        assert learning.kept_probabilities(plan) == [PROBABILITIES.replace("{fold}", str(fold)) for fold in range(3)]
    assert learning.kept_probabilities(plan_of(stopping=["quant"], job_per="fold")) == [PROBABILITIES]


def test_rounds_and_stratified_folds_are_what_they_were_before_there_were_rules():
    plan, ruled = plan_of(), plan_of(stopping=["quant"])
    assert learning.round_settings(plan) == learning.round_settings(ruled)
    assert "stratified" not in learning.splitting(plan, "steel")
    assert learning.splitting(plan_of(stratified=False), "steel") == learning.splitting(plan, "steel") | {
        "stratified": False
    }
