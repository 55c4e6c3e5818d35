import http.server
import threading
from functools import partial
from pathlib import Path

import pytest
import torch
from torchvision.models import Inception_V3_Weights, ResNet18_Weights, ResNet50_Weights, get_model

from nearlabel.features.networks import build_custom_network, build_network
from nearlabel.features.weights import choose_weights, find_weights_file, hash_file, load_state

V1 = ResNet18_Weights.IMAGENET1K_V1


@pytest.fixture(autouse=True)
def usual_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture(scope="session")
def resnet18_state():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return get_model("resnet18").state_dict()


@pytest.fixture
def published(tmp_path, monkeypatch, resnet18_state):
    """A folder with a file that the enum's address names, as if torchvision published this one."""
    folder = tmp_path / "published"
    folder.mkdir()
    torch.save(resnet18_state, folder / "file")
    path = folder / f"resnet18-{hash_file(folder / 'file')[:8]}.pth"
    (folder / "file").rename(path)
    monkeypatch.setattr(V1.value, "url", f"http://127.0.0.1:9/models/{path.name}")  # nobody listens there
    return path


@pytest.fixture
def server(published):
    handler = partial(QuietHandler, directory=published.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_imagenet_means_the_first_published_weights():
    assert choose_weights("resnet50", "imagenet") is ResNet50_Weights.IMAGENET1K_V1
    assert choose_weights("resnet50", "IMAGENET1K_V2") is ResNet50_Weights.IMAGENET1K_V2
    assert choose_weights("resnet50", "ResNet50_Weights.IMAGENET1K_V2") is ResNet50_Weights.IMAGENET1K_V2
    assert choose_weights("inception_v3", "imagenet") is Inception_V3_Weights.IMAGENET1K_V1
    assert choose_weights("resnet50", "seeded") is None
    assert choose_weights("resnet50", "a/b.pth") == Path("a/b.pth")


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("resnet5", "imagenet", "resnet5.*resnet50"),
        ("resnet50", "IMAGENET1K_V9", "IMAGENET1K_V9.*IMAGENET1K_V2"),
        ("resnet50", "ResNet18_Weights.IMAGENET1K_V1", "ResNet18.*IMAGENET1K_V2"),
        ("custom", "imagenet", "custom.*file"),
    ],
)
def test_unknown_names_are_named_with_what_there_is(name, weights, message):
    with pytest.raises(ValueError, match=message):
        choose_weights(name, weights)


def test_file_from_weights_dir(published, resnet18_state):
    network, label, sha256 = build_network("resnet18", "imagenet", weights_dir=published.parent)
    assert label == "ResNet18_Weights.IMAGENET1K_V1"
    assert sha256 == hash_file(published)
    assert not network.training
    assert all(torch.equal(network.state_dict()[key], value) for key, value in resnet18_state.items())


def test_mirror_fills_the_usual_cache_which_then_serves_alone(server, published, usual_cache):
    path, sha256 = find_weights_file(V1, weights_mirror=server + "/")
    assert path == usual_cache / published.name
    assert sha256 == hash_file(published)
    assert find_weights_file(V1) == (path, sha256)


def explained(error, published):
    text = str(error.value)
    return all(
        part in text
        for part in (published.name, published.stem.rpartition("-")[2], "weights_dir", "weights_mirror", "(3)")
    )


def test_missing_file_says_three_ways_to_get_it(server, published, tmp_path, usual_cache):
    with pytest.raises(FileNotFoundError) as error:
        find_weights_file(V1)
    assert explained(error, published)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="empty") as error:
        find_weights_file(V1, weights_dir=tmp_path / "empty", weights_mirror=server)
    assert explained(error, published)
    with pytest.raises(FileNotFoundError, match="404") as error:
        find_weights_file(V1, weights_mirror=f"{server}/elsewhere")
    assert explained(error, published)
    assert list(usual_cache.iterdir()) == []


def test_damaged_and_truncated_files_are_refused(server, published, usual_cache):
    content = published.read_bytes()
    published.write_bytes(content[:-1000])
    with pytest.raises(ValueError, match="damaged") as error:
        find_weights_file(V1, weights_dir=published.parent)
    assert explained(error, published)
    with pytest.raises(ValueError, match=r"127\.0\.0\.1") as error:
        find_weights_file(V1, weights_mirror=server)
    assert explained(error, published)
    assert list(usual_cache.iterdir()) == []


def test_file_with_another_number_of_classes(tmp_path):
    torch.save(get_model("resnet18", num_classes=3).state_dict(), tmp_path / "mine.pth")
    network, label, sha256 = build_network("resnet18", str(tmp_path / "mine.pth"))
    assert network.fc.out_features == 3
    assert (label, sha256) == ("mine.pth", hash_file(tmp_path / "mine.pth"))


def test_files_that_do_not_fit_are_named(tmp_path, resnet18_state):
    path = tmp_path / "mine.pth"
    with pytest.raises(FileNotFoundError, match=r"mine\.pth"):
        build_network("resnet18", str(path))
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"mine\.pth"):
        build_network("resnet18", str(path))
    torch.save(resnet18_state, path)
    with pytest.raises(ValueError, match=r"mine\.pth does not fit resnet50"):
        build_network("resnet50", str(path))
    with pytest.raises(ValueError, match=r"mine\.pth does not fit vgg16"):
        build_network("vgg16", str(path))


def test_a_pickle_is_never_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"fc.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ValueError, match="holds more than tensors"):
        load_state(tmp_path / "evil.pth")
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    with pytest.raises(ValueError, match="not a state dict"):
        load_state(tmp_path / "tensor.pth")
    assert not (tmp_path / "ran").exists()


def test_densenet_files_with_old_key_names_load(tmp_path):
    with torch.device("meta"):  # only names and shapes are asked
        shapes = get_model("densenet121").state_dict()
    generator = torch.Generator().manual_seed(0)
    state = {key: torch.rand(value.shape, generator=generator).to(value.dtype) for key, value in shapes.items()}
    old = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "old.pth")
    network, _, _ = build_network("densenet121", str(tmp_path / "old.pth"))
    assert all(torch.equal(network.state_dict()[key], value) for key, value in state.items())


def test_inception_files_behave_as_the_enum_does(tmp_path):
    state = get_model("inception_v3", init_weights=False).state_dict()
    torch.save(state, tmp_path / "whole.pth")
    torch.save({key: value for key, value in state.items() if "Aux" not in key}, tmp_path / "no_aux.pth")
    for file in ("whole.pth", "no_aux.pth"):
        network, _, _ = build_network("inception_v3", str(tmp_path / file))
        assert network.transform_input
    assert not build_network("inception_v3", "seeded", seed=0)[0].transform_input


def test_seeded_weights_follow_their_seed_and_leave_the_callers_alone():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    hashes = [build_network("resnet18", "seeded", seed=seed)[2] for seed in (3, 3, 4)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert torch.equal(torch.random.get_rng_state(), before)
    with pytest.raises(ValueError, match="seed"):
        build_network("resnet18", "seeded")


def test_custom_network_says_what_is_missing(tmp_path):
    module = tmp_path / "mine.py"
    torch.save({}, tmp_path / "w.pth")
    weights = str(tmp_path / "w.pth")
    with pytest.raises(ValueError, match="needs `module`"):
        build_custom_network(None, None, weights)
    with pytest.raises(FileNotFoundError, match=r"mine\.py"):
        build_custom_network(module, "make", weights)
    module.write_text(
        "import torch\nmake = torch.nn.ReLU\nother = dict\nwith_weights = lambda: torch.nn.Linear(2, 2)\n"
    )
    assert build_custom_network(module, "make", weights)[1:] == ("w.pth", hash_file(tmp_path / "w.pth"))
    with pytest.raises(ValueError, match="'absent'"):
        build_custom_network(module, "absent", weights)
    with pytest.raises(ValueError, match=r"must return a torch\.nn\.Module"):
        build_custom_network(module, "other", weights)
    with pytest.raises(ValueError, match=r"w\.pth does not fit with_weights of mine\.py"):
        build_custom_network(module, "with_weights", weights)
