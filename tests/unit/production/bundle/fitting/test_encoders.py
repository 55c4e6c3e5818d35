"""What a bundle keeps of an encoder: nothing of this machine, and the weights files themselves."""

import hashlib
import json
from types import SimpleNamespace

import pytest
import torch

from nearlabel.features.encoders import build_encoder
from nearlabel.production.bundle.fitting import encoders
from nearlabel.production.bundle.fitting.encoders import describe_encoder, find_weights

SCALE = {"bits": 12, "float_range": None}
NOWHERE = {"weights_dir": None, "weights_mirror": None}


def store(sha256):
    return SimpleNamespace(attributes={"weights_sha256": sha256, "library_versions": json.dumps({"torch": "2.14"})})


def describe(sha256, runtime=NOWHERE, **options):
    given = {"id": "own", "name": "resnet18", "weights": "seeded", "seed": 3, "reference_seed": 0, "module": None}
    return describe_encoder("own", given | options, store(sha256), SCALE, runtime)


def test_seeded_weights_need_a_seed_and_no_file():
    facts, files = describe("0" * 64)
    assert files == {} and facts["seed"] == 3 and facts["weights_file"] == "" and not facts["own_weights"]
    assert facts["options"] == {"name": "resnet18", "weights": "seeded", "module": None}
    assert facts["scale"] == SCALE and facts["library_versions"] == {"torch": "2.14"}
    assert describe("", name="texture", weights="none")[1] == {}


@pytest.fixture
def own_file(tmp_path):
    network = build_encoder("squeezenet1_1", "seeded", seed=1, image_size=32, device="cpu").network
    path = tmp_path / "here" / "my weights.pth"
    path.parent.mkdir()
    torch.save(network.state_dict(), path)
    return path


def test_a_file_of_the_users_own_goes_along_under_its_hash(own_file, tmp_path):
    sha256 = hashlib.sha256(own_file.read_bytes()).hexdigest()
    facts, files = describe(sha256, name="squeezenet1_1", weights=str(own_file))
    name = f"{sha256[:12]}-my weights.pth"
    assert files == {name: own_file} and facts["weights_file"] == facts["options"]["weights"] == name
    assert facts["own_weights"] and str(tmp_path) not in json.dumps(facts)
    own_file.write_bytes(b"others")
    with pytest.raises(ValueError, match=rf"begins with .*, but encoder own was computed with {sha256[:12]}"):
        describe(sha256, name="squeezenet1_1", weights=str(own_file))
    own_file.unlink()
    for network in ("squeezenet1_1", "custom"):
        with pytest.raises(FileNotFoundError, match=r"my weights\.pth"):
            find_weights(network, str(own_file), sha256, "encoder own", NOWHERE)


def test_published_weights_go_along_under_their_published_name(tmp_path, monkeypatch):
    # Named by an enum's member, in either spelling; as if it were that file.
    published = tmp_path / "resnet50-11ad3fa6.pth"
    published.write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    asked = []

    def find(choice, weights_dir, weights_mirror):
        asked.append((str(choice), weights_dir))
        return published, sha256, "weights_dir"

    monkeypatch.setattr("nearlabel.features.weights.files.find_weights_file", find)
    runtime = {"weights_dir": str(tmp_path), "weights_mirror": None}
    for word in ("IMAGENET1K_V2", "ResNet50_Weights.IMAGENET1K_V2"):
        facts, files = describe(sha256, runtime, name="resnet50", weights=word)
        assert files == {"resnet50-11ad3fa6.pth": published} and facts["options"]["weights"] == "IMAGENET1K_V2"
        assert facts["weights_file"] == "resnet50-11ad3fa6.pth" and not facts["own_weights"]
    assert set(asked) == {("ResNet50_Weights.IMAGENET1K_V2", str(tmp_path))}


def test_of_a_custom_encoder_the_module_stays_where_it_is(tmp_path):
    module = tmp_path / "mine.py"
    module.write_text("def network(): ...\n")
    facts, files = describe("", name="custom", weights="none", module=str(module))
    assert facts["options"]["module"] == "mine.py" and files == {}
    assert facts["module_sha256"] == hashlib.sha256(module.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("weights", "files", "own"),
    [
        ("seeded", [], ""),
        ("imagenet", ["published.pth"], ""),
        ("/mine/published.pth", ["aaaaaaaaaaaa-published.pth"], "aaaaaaaaaaaa-published.pth"),
    ],
)
def test_a_learnt_network_takes_its_frozen_stages_weights_along(weights, files, own, tmp_path, monkeypatch):
    facts = {"network": {"name": "resnet18", "weights": weights}, "weights_sha256": "a" * 64}
    monkeypatch.setattr(encoders, "read_network_facts", lambda path: facts)
    monkeypatch.setattr(encoders, "find_weights", lambda *_: tmp_path / "published.pth")
    assert encoders.network_weights("model.pt", NOWHERE) == (dict.fromkeys(files, tmp_path / "published.pth"), own)
