"""The production end of the configuration, and what the rule of bundles is told."""

import pytest

from nearlabel.config import ConfigError
from nearlabel.plan import plan_run
from nearlabel.plan import production as planned


def config(labelling=None, classify=(), **production):
    sections = {
        "run": "line",
        "datasets": {"parts": {"kind": "image_folder", "root": "."}, "others": {"kind": "image_folder", "root": "."}},
        "grouping": {
            "datasets": ["parts"],
            "levels": [{"encoders": ["texture", "resnet18"]}, {"encoders": ["resnet50"]}, {"encoders": ["vgg16"]}],
            "expand": ["root.0"],
            "classify": list(classify),
        },
        "production": {"dataset": "parts", **production},
    }
    return sections | ({"labelling": labelling} if labelling else {})


def test_defaults():
    plan = plan_run(config())
    assert planned.settings(plan) == {
        "label_by": "auto",
        "held_out": 0.3,
        "coverage": 0.9,
        "false_alarms": 0.01,
        "neighbors": 5,
        "reference": 10_000,
        "line": "line",
        "labels": [],
        "named_alone": False,
        "normal": [],
        "distance": 4,
    }
    assert planned.bundle_files(plan) == planned.newest_files(plan) == ["results/line/parts/bundles/newest.json"]
    assert planned.models(plan) == [] and planned.summary_files(plan, "parts") == []
    assert planned.network_files(plan, "parts") == [] and planned.answer_folder(plan) == "labels"


def test_encoders_are_those_of_the_levels_that_are_clustered():
    plan = plan_run(config())
    assert planned.possible_encoders(plan) == ["texture", "resnet18", "resnet50"]
    assert planned.features_files(plan, "parts")[2] == "results/line/parts/features/resnet50.h5"
    assert set(planned.bundle_encoders(plan)) == set(planned.runtime(plan)) == {"texture", "resnet18", "resnet50"}
    assert "device" not in planned.bundle_encoders(plan)["resnet18"]
    assert planned.runtime(plan)["resnet18"] == {"device": "auto", "weights_dir": None, "weights_mirror": None}


def test_the_model_is_named_or_what_a_classification_has_chosen():
    named = plan_run(config(model={"name": "mlp", "parameters": {"alpha": 0.1}}))
    [model] = planned.models(named)
    assert model["id"] == "mlp" and model["parameters"]["alpha"] == 0.1 and model["parameters"]["max_iter"] == 2000
    classify = [{"target": "near_labels", "models": ["decision_tree", "svm"]}]
    chosen = plan_run(config(classify=classify))
    assert [model["id"] for model in planned.models(chosen)] == ["decision_tree", "svm"]
    summary = "results/line/parts/grouping/root/models/near_labels/summary.json"
    assert planned.summary_files(chosen, "parts") == [summary]
    assert planned.summary_files(plan_run(config(classify=classify, model="svm")), "parts") == []
    clusters = plan_run(config(classify=[{"target": "clusters"}]))
    assert planned.summary_files(clusters, "parts") == []


def test_labelling_says_which_labels_there_are_and_which_is_good():
    labelling = {"dataset": "parts", "labels": ["fine", "scratch"], "good": "fine", "folder": "given"}
    plan = plan_run(config(labelling, labels=["dent", "fine"]))
    known = planned.settings(plan)
    assert known["labels"] == ["fine", "scratch", "dent"] and known["normal"] == ["fine"] and known["named_alone"]
    assert planned.answer_folder(plan) == "given"
    assert planned.answer_folder(plan_run(config(labelling, folder="own"))) == "own"
    other = planned.settings(plan_run(config(labelling | {"dataset": "others"})))
    assert other["labels"] == [] and other["normal"] == [] and not other["named_alone"]
    network = plan_run(config(labelling, label_by="network"))
    assert planned.network_files(network, "parts") == [
        f"results/line/parts/labelling/final/{name}" for name in ("model.pt", "predictions.csv")
    ]


def test_answers_and_the_line_count_by_what_they_hold(tmp_path):
    folder, line = tmp_path / "labels", tmp_path / "line"
    plan = plan_run(config(folder=str(folder), line=str(line)))
    assert planned.answer_files(plan) == planned.answer_contents(plan) == []
    before = planned.line_listing(plan)
    for place in (folder, line):
        place.mkdir()
    (folder / "b.csv").write_text("b")
    (folder / "notes.txt").write_text("no")
    (line / "x.png").write_text("x")
    assert planned.answer_files(plan) == [str(folder / "b.csv")] and len(planned.answer_contents(plan)) == 1
    assert planned.line_listing(plan) != before


@pytest.mark.parametrize(
    ("production", "sentence"),
    [
        ({"dataset": "others"}, "production.dataset names 'others', which is not under grouping.datasets"),
        ({"label_by": "network"}, "production.label_by is network, but no section labelling labels 'parts'"),
        ({"label_by": "both"}, "production.label_by"),
        ({"model": "svm", "label_by": "network"}, "production.model is there, but label_by is network"),
        ({"model": "nearest_centre"}, "production.model is nearest_centre, which tells good images from others alone"),
        ({"model": "forest"}, "production.model"),
        ({"model": {"name": "svm", "parameters": {"gama": 1}}}, "gama"),
        ({"held_out": 1}, "production.held_out"),
        ({"coverage": 0}, "production.coverage"),
        ({"false_alarms": 0}, "production.false_alarms"),
        ({"neighbors": 0}, "production.neighbors"),
        ({"reference": 3}, "production.reference"),
        ({"duplicate_distance": 65}, "production.duplicate_distance"),
        ({"labels": ["dent", "dent"]}, "production.labels has 'dent' more than once"),
        ({"normal": [""]}, "production.normal has '' more than once, or empty"),
        ({"fold": "x"}, "production.fold is not a known key; did you mean folder?"),
    ],
)
def test_what_cannot_be_is_one_sentence(production, sentence):
    with pytest.raises(ConfigError) as error:
        plan_run(config(**production))
    assert sentence in str(error.value)


def test_the_target_asks_for_the_section():
    raw = config()
    del raw["production"]
    plan = plan_run(raw)
    assert planned.newest_files(plan) == []
    with pytest.raises(ValueError, match="bundle: the config has no section `production`"):
        planned.bundle_files(plan)
    raw = config()
    del raw["grouping"]
    with pytest.raises(ConfigError, match="which is not under grouping"):
        plan_run(raw | {"labelling": {"dataset": "parts"}})
