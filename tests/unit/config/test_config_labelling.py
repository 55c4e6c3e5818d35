import pytest

from nearlabel.config import ConfigError
from nearlabel.labelling.catalogue import RESERVED_KEYS
from nearlabel.plan import labelling as planned
from nearlabel.plan import networks, plan_run
from nearlabel.plan.learning import frozen_stages


def config(learning=None, **labelling):
    whole = {
        "run": "mine",
        "datasets": {"parts": {"kind": "synthetic", "count": 40}},
        "labelling": {"dataset": "parts", **labelling},
    }
    return whole | ({"learning": {"datasets": ["parts"], **learning}} if learning is not None else {})


def test_defaults():
    plan = plan_run(config())
    assert [(kind.name, kind.key) for kind in plan.labelling.labels] == [("good", "1"), ("defect", "2")]
    assert (plan.labelling.fine_tune, plan.labelling.optimiser.learning_rate) == ("head", 1e-3)
    assert plan.network.name == "resnet18" and plan.learning is None
    assert planned.queries(plan)["start"]["name"] == "typiclust"
    assert networks.learnt_values(plan).endswith("frozen.h5") and frozen_stages(plan)["fine_tune"] == "head"


def test_keys_are_given_where_there_is_none():
    plan = plan_run(config(labels=["good", {"name": "a", "key": "1"}, {"name": "b", "key": "X"}, "c"]))
    assert [kind.key for kind in plan.labelling.labels] == ["2", "1", "X", "3"]
    many = [f"kind {i}" for i in range(24)]
    keys = [kind.key for kind in plan_run(config(labels=many, good="kind 0")).labelling.labels]
    assert len(set(keys)) == 24 and not set(keys) & set(RESERVED_KEYS)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": ["good"]}, "labelling.labels"),
        ({"labels": ["fine", "bad"]}, "labelling.good is 'good', which is not one of labelling.labels (fine, bad)"),
        ({"labels": ["good", "good"]}, "labelling.labels has 'good' more than once"),
        ({"labels": ["good", "unsure"]}, "'unsure' is what the page writes for an image without a decision"),
        ({"labels": ["good", " bad"]}, "begins or ends with a space"),
        ({"labels": ["good", {"name": "bad", "key": "U"}]}, "'U' is a key of the page itself (undo)"),
        ({"labels": ["good", {"name": "bad", "key": "ab"}]}, "must be one sign that a key gives, not 'ab'"),
        ({"labels": [{"name": "good", "key": "x"}, {"name": "b", "key": "X"}]}, "has the key 'x' more than once"),
        ({"audit": 32}, "labelling.audit is 32, but a batch has 32 images"),
        ({"strategy": "oracle"}, "oracle sees the labels, which nobody has yet"),
        ({"strategy": {"name": "balanced", "parameters": {"strategy": "oracle"}}}, "oracle sees the labels"),
        ({"strategy": "best"}, "unknown strategy 'best'"),
        ({"start": "random"}, "labelling.start"),
        ({"certify": {"recall": 1}}, "labelling.certify.recall"),
        ({"certify": {"quiet": 0}}, "labelling.certify.quiet"),
        ({"threshold": {"aim": "f1"}}, "labelling.threshold.aim"),
        ({"dataset": "other"}, "'other', which is not under datasets"),
        ({"encoder": "resnet-50x"}, "labelling.encoder"),
        ({"augmentation": {"vertical_flip": 0.5}}, "labelling.augmentation.vertical_flip is 0.5, but the stages"),
        (
            {"strategy": "gradcam_avg", "maps": {"size": [3, 3]}},
            "labelling.strategy: the window of gradcam_avg is 7, too large for the maps of labelling.maps.size [3, 3]",
        ),
        ({"labelz": []}, "labelling.labelz is not a known key"),
    ],
)
def test_refusals(changes, sentence):
    with pytest.raises(ConfigError) as error:
        plan_run(config(**changes))
    assert sentence in str(error.value)


def test_a_run_has_one_network():
    plan = plan_run(config({"encoder": "resnet50", "fine_tune": "last_block"}))
    assert plan.labelling.encoder == "resnet50" and plan.labelling.fine_tune == "last_block"
    with pytest.raises(ConfigError, match=r"labelling\.encoder is 'resnet18', but learning\.encoder is 'resnet50'"):
        plan_run(config({"encoder": "resnet50"}, encoder="resnet18"))
    # What else is trained by may differ.
    assert plan_run(config({"epochs": 3})).labelling.epochs == 30


def test_novelty_to_start_with_asks_for_its_features():
    assert planned.novelty_files(plan_run(config()), "parts") == []
    [file] = planned.novelty_files(plan_run(config(start="novelty")), "parts")
    assert file == "results/mine/parts/features/query_novelty.h5"


def test_files_of_labels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = plan_run(config(folder="given"))
    assert planned.label_files(plan) == []
    (tmp_path / "given/rounds").mkdir(parents=True)
    for name in ("b.csv", "a.csv", "notes.txt", "rounds/x.csv"):
        (tmp_path / "given" / name).touch()
    assert planned.label_files(plan) == ["given/a.csv", "given/b.csv"]
    assert planned.rounds_folder(plan) == "given/rounds"


def test_targets_say_what_they_lack():
    plan = plan_run({"run": "x", "datasets": config()["datasets"], "learning": {"datasets": ["parts"]}})
    assert planned.per_labelled(plan, "results/{run}/{dataset}/x") == []
    for files in (planned.batch_files, planned.final_files):
        with pytest.raises(ValueError, match="the config has no section `labelling`"):
            files(plan)
