"""Paths in a configuration: home folders and variables are expanded, wherever a key names a file."""

import unicodedata

import pytest

from nearlabel.config import ConfigError, hash_config
from nearlabel.config.base import expand_path
from nearlabel.images.readers import read_dataset
from nearlabel.plan import plan_run
from nearlabel.plan.datasets import reader_spec
from nearlabel.plan.networks import encoder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LINE", "line 4")
    monkeypatch.delenv("UNSET", raising=False)
    return tmp_path


def test_home_and_variables(home):
    assert expand_path("~/a") == f"{home}/a" and expand_path("~") == str(home)
    assert expand_path("$LINE/${LINE}x") == "line 4/line 4x"
    assert expand_path("a~b/c$") == "a~b/c$"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("$UNSET/a", r"'\$UNSET/a' names the environment variable UNSET, which is not set; set it or write the path"),
        ("x/${UNSET}/a", "the environment variable UNSET, which is not set"),
        ("~nobody-here/a", "begins with the home folder of a user who is not known here"),
    ],
)
def test_what_is_not_set_is_one_sentence(path, sentence):
    with pytest.raises(ValueError, match=sentence):
        expand_path(path)


def test_a_file_with_a_dollar_sign_stays(tmp_path):
    (tmp_path / "$UNSET").touch()
    assert expand_path(str(tmp_path / "$UNSET")) == str(tmp_path / "$UNSET")


def test_letters_may_be_composed_otherwise_on_disk(tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "Prüfung")).mkdir()
    assert expand_path(str(tmp_path / "Prüfung")) == str(tmp_path / unicodedata.normalize("NFD", "Prüfung"))


def config(root="data", **grouping):
    return {
        "run": "r",
        "datasets": {"d": {"kind": "image_folder", "root": root}},
        "grouping": {"datasets": ["d"], "levels": [{"encoders": ["texture"]}]} | grouping,
    }


@pytest.mark.parametrize("key", [
    ("datasets", "d", "root"),
    ("datasets", "d", "near_labels"),
    ("datasets", "l", "file"),
    ("datasets", "l", "root"),
    ("features", "weights"),
    ("features", "weights_dir"),
    ("grouping", "names", "d"),
    ("grouping", "levels", 0, "encoders", 0, "module"),
    ("grouping", "levels", 0, "encoders", 0, "weights"),
    ("grouping", "levels", 0, "encoders", 0, "weights_dir"),
    ("learning", "encoder", "weights"),
])  # fmt: skip
def test_every_key_that_names_a_file_is_expanded(home, key):
    def plan_with(path):
        raw = config() | {"features": {}, "learning": {"datasets": ["d"], "encoder": {"name": "resnet18"}}}
        raw["datasets"]["l"] = {"kind": "csv", "file": "list.csv"}
        raw["grouping"]["names"] = {}
        custom = {"name": "custom", "module": "m.py", "callable": "f", "weights": "w.pth"}
        raw["grouping"]["levels"] = [{"encoders": [custom]}]
        place = raw
        for part in key[:-1]:
            place = place[part]
        place[key[-1]] = path
        return plan_run(raw)

    assert "~" not in str(vars(plan_with("~/x.pth"))) and f"{home}/x.pth" in str(vars(plan_with("~/x.pth")))
    with pytest.raises(ConfigError, match="names the environment variable UNSET"):
        plan_with("$UNSET/x.pth")


def test_paths_of_images_begin_with_the_root_as_it_is_expanded(home, monkeypatch):
    """What jobs open needs no variable; a run in which it has another value is another run."""
    (home / "data").mkdir()
    (home / "data/a.png").touch()
    plan = plan_run(config("~/data"))
    assert read_dataset(reader_spec(plan, "d")).images["path"].tolist() == [f"{home}/data/a.png"]
    assert hash_config(plan.config) == hash_config(plan_run(config("${HOME}/data")).config)
    monkeypatch.setenv("HOME", "/elsewhere")
    assert hash_config(plan.config) != hash_config(plan_run(config("~/data")).config)


def test_an_encoder_is_made_of_the_expanded_file(home):
    entry = {"name": "resnet18", "weights": "~/own.pth"}
    plan = plan_run(config(levels=[{"encoders": [entry]}]))
    assert encoder(plan, "resnet18")["weights"] == f"{home}/own.pth"
