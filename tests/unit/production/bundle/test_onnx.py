import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.bundles import OPTIONS, draw_images, make_bundle
from helpers.written_bundles import write_made_up_bundle
from nearlabel.production.labeller.labeller import Labeller

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from nearlabel.production.bundle.onnx import PARITY, export_encoder

slow = pytest.mark.slow

WITHOUT_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision"):
            raise ModuleNotFoundError(f"no {name} here", name=name)

sys.meta_path.insert(0, NoTorch())
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    bundle = make_bundle(folder, encoder="squeezenet", child_encoder="texture")
    return bundle, folder, export_encoder(bundle, folder / "squeezenet.onnx")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return draw_images(tmp_path_factory.mktemp("images"), 12)


@slow
def test_parity_is_measured_and_said(exported):
    _, folder, said = exported
    assert 0 < said["parity"] <= PARITY and said["images"] == 19
    assert said["bytes"] == (folder / "squeezenet.onnx").stat().st_size
    assert f"--weights-dir {folder}" in said["use"]


@slow
def test_says_the_same_as_torch(exported, images):
    bundle, folder, _ = exported
    by_torch, by_onnx = Labeller(bundle, device="cpu"), Labeller(bundle, runtime="onnx", weights_dir=folder)
    ours = by_torch.label([by_torch.prepare(path) for path in images])
    prepared = [by_onnx.prepare(path) for path in images]
    theirs = by_onnx.label(prepared)
    for one, other in zip(ours, theirs, strict=True):
        for name in ("sha256", "lineage", "group", "label", "label_by", "label_set", "novel"):
            assert getattr(one, name) == getattr(other, name), name
        assert one.novelty == pytest.approx(other.novelty, rel=1e-4)
        np.testing.assert_allclose(one.vector, other.vector, atol=1e-3)
    # As by torch: no image's result depends on another.
    for one, alone in zip(theirs, (by_onnx.label([image])[0] for image in prepared), strict=True):
        assert dataclasses.replace(one, vector=None) == dataclasses.replace(alone, vector=None)


@slow
def test_labels_where_torch_is_not_installed(exported, images, tmp_path):
    _, folder, _ = exported
    write_made_up_bundle(tmp_path / "bundles", encoder="squeezenet", child_encoder="texture")
    call = ["label", str(images[0].parent), "--bundle", str(tmp_path / "bundles"), "--runtime", "onnx"]
    call += ["--weights-dir", str(folder), "--output", str(tmp_path / "labels.csv")]
    code = (
        f"{WITHOUT_TORCH}from nearlabel.production.commands.main import main\n"
        f"status = main({call!r})\nassert 'torch' not in sys.modules\nsys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 13


@slow
def test_a_file_of_another_bundle_is_said(exported, tmp_path):
    folder = exported[1]
    other = make_bundle(tmp_path, encoder="squeezenet")
    other.facts["encoders"]["squeezenet"]["weights_sha256"] = "0" * 64
    with pytest.raises(ValueError, match="export it from this bundle"):
        Labeller(other, runtime="onnx", weights_dir=folder)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "texture"}, "needs no torch"),
        ({"pooling": "novelty"}, "reference set"),
        ({"geometry": "native"}, "its own shape"),
        ({"precision": "bfloat16"}, "float32"),
    ],
)
def test_what_is_not_exported_is_said_with_the_reason(options, said, tmp_path):
    bundle = make_bundle(tmp_path)
    bundle.facts["encoders"]["squeezenet"] = {"options": OPTIONS["squeezenet"] | options}
    with pytest.raises(ValueError, match=said):
        export_encoder(bundle, tmp_path / "squeezenet.onnx", "squeezenet")
    assert not (tmp_path / "squeezenet.onnx").exists()


def test_no_file_and_nothing_installed(tmp_path, monkeypatch):
    bundle = make_bundle(tmp_path)
    bundle.facts["encoders"]["texture"]["options"] = OPTIONS["squeezenet"]
    with pytest.raises(FileNotFoundError, match="nearlabel bundle export"):
        Labeller(bundle, runtime="onnx")
    (tmp_path / "texture.onnx").write_bytes(b"no model")
    with pytest.raises(ValueError, match="is no ONNX model"):
        Labeller(bundle, runtime="onnx", weights_dir=tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ValueError, match="pip install"):
        Labeller(bundle, runtime="onnx", weights_dir=tmp_path)
    with pytest.raises(ValueError, match="pip install"):
        export_encoder(bundle, tmp_path / "texture.onnx")


def test_a_name_under_which_it_would_not_be_found(tmp_path):
    bundle = make_bundle(tmp_path)
    with pytest.raises(ValueError, match="has no encoder 'other'"):
        export_encoder(bundle, tmp_path / "other.onnx", "other")
    with pytest.raises(ValueError, match=r"call the file texture\.onnx"):
        export_encoder(bundle, Path("model.onnx"))


@slow
def test_features_that_differ_too_much_are_refused(exported, tmp_path, monkeypatch):
    bundle = exported[0]
    monkeypatch.setattr("nearlabel.production.bundle.onnx.PARITY", 1e-12)
    with pytest.raises(ValueError, match="of the largest feature, more than"):
        export_encoder(bundle, tmp_path / "squeezenet.onnx")
    assert not list(tmp_path.iterdir())
