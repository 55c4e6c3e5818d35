"""``nearlabel label --model``."""

import hashlib
import json
import subprocess
import sys

import pandas as pd
import pytest
import torch
from torchvision.models import SqueezeNet1_1_Weights, get_model

from helpers.trained_models import NETWORK, TEXTURE, draw_folder, train
from nearlabel.production.commands.main import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw_folder(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def texture_model(folder, tmp_path_factory):
    return train(folder, tmp_path_factory.mktemp("texture"), TEXTURE, {"name": "decision_tree"})


def label(*arguments):
    return main(["label", *arguments])


def test_the_command_writes_what_the_function_gives(texture_model, folder, tmp_path, capsys):
    arguments = [str(folder), "--model", str(texture_model), "--device", "cpu"]
    assert label(*arguments) == 0
    printed = capsys.readouterr().out
    assert label(*arguments, "--output", str(tmp_path / "labels.csv")) == 0
    assert (tmp_path / "labels.csv").read_text() == printed
    found = pd.read_csv(tmp_path / "labels.csv", keep_default_na=False)
    kinds = found["image_id"].str.split("/").str[0]
    summary = json.loads((texture_model.parent / "summary.out").read_text())
    assert summary["chosen"] == "decision_tree"
    assert (found["label"] == kinds).all()


def test_a_shell_reads_one_sentence(tmp_path, capsys, texture_model):
    command = [sys.executable, "-m", "nearlabel.production.commands.main", "label", str(tmp_path), "--model"]
    done = subprocess.run([*command, str(tmp_path / "none.skops")], capture_output=True, text=True)
    assert done.returncode == 1
    said = f"nearlabel label: {tmp_path / 'none.skops'}: there is no such model; run the step that makes it\n"
    assert done.stderr == said
    assert label(str(tmp_path / "nowhere"), "--model", str(texture_model)) == 1
    assert "no such folder" in capsys.readouterr().err


def test_the_command_finds_weights_where_the_run_did_and_names_its_own_options(folder, tmp_path, monkeypatch, capsys):
    """As printed in the report: without the option, offline."""
    published, weights = tmp_path / "weights", SqueezeNet1_1_Weights.IMAGENET1K_V1
    published.mkdir()
    torch.manual_seed(3)
    torch.save(get_model("squeezenet1_1").state_dict(), published / "file")
    name = f"squeezenet1_1-{hashlib.sha256((published / 'file').read_bytes()).hexdigest()[:8]}.pth"
    (published / "file").rename(published / name)
    monkeypatch.setattr(weights.value, "url", f"http://127.0.0.1:9/{name}")  # nobody listens there
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    path = train(folder, tmp_path, NETWORK | {"weights": "imagenet"}, {"name": "svm"}, weights_dir=str(published))
    command = [str(folder), "--model", str(path), "--device", "cpu", "--output", str(tmp_path / "labels.csv")]
    assert label(*command) == 0
    assert len(pd.read_csv(tmp_path / "labels.csv")) == 24
    published.rename(tmp_path / "elsewhere")
    assert label(*command) == 1
    said = capsys.readouterr().err
    assert "name that as --weights-dir" in said and "weights_dir" not in said and "weights_mirror" not in said
    assert label(*command, "--weights-dir", str(tmp_path / "elsewhere")) == 0
    assert label(*command, "--weights-dir", str(published)) == 1
    assert f"--weights-dir {published} is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--coverage", "0.8"], "--coverage is of --bundle"),
        (["--false-alarms", "0.1"], "--false-alarms is of --bundle"),
        (["--runtime", "onnx"], "--runtime onnx is of --bundle"),
        (["--threads", "2"], "--threads is of --bundle"),
        (["--output", "x.jsonl"], "a model alone writes CSV"),
    ],
)
def test_what_a_model_alone_does_not_have_is_refused(folder, texture_model, options, sentence, capsys):
    assert label(str(folder), "--model", str(texture_model), *options) == 1
    assert sentence in capsys.readouterr().err


def test_a_folder_without_an_image_is_no_success(texture_model, tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(b"no image")
    assert label(str(tmp_path), "--model", str(texture_model)) == 1
    assert "a.png" in capsys.readouterr().out
