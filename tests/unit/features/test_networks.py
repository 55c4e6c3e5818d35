import pytest
import torch
from torchvision.models import get_model

from nearlabel.features.networks import build_custom_network, build_network
from nearlabel.files import hash_file


def test_file_with_another_number_of_classes(tmp_path):
    torch.save(get_model("resnet18", num_classes=3).state_dict(), tmp_path / "mine.pth")
    network, label, sha256, _ = build_network("resnet18", str(tmp_path / "mine.pth"))
    assert network.fc.out_features == 3
    assert (label, sha256) == ("mine.pth", hash_file(tmp_path / "mine.pth"))


def test_files_that_do_not_fit_are_named(tmp_path):
    path = tmp_path / "mine.pth"
    with pytest.raises(FileNotFoundError, match=r"mine\.pth"):
        build_network("resnet18", str(path))
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"mine\.pth"):
        build_network("resnet18", str(path))
    torch.save(get_model("resnet18").state_dict(), path)
    with pytest.raises(ValueError, match=r"mine\.pth does not fit resnet50"):
        build_network("resnet50", str(path))
    with pytest.raises(ValueError, match=r"mine\.pth does not fit vgg16"):
        build_network("vgg16", str(path))


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
    network = build_network("densenet121", str(tmp_path / "old.pth")).network
    assert all(torch.equal(network.state_dict()[key], value) for key, value in state.items())


def test_inception_files_behave_as_the_enum_does(tmp_path):
    state = get_model("inception_v3", init_weights=False).state_dict()
    torch.save(state, tmp_path / "whole.pth")
    torch.save({key: value for key, value in state.items() if "Aux" not in key}, tmp_path / "no_aux.pth")
    for file in ("whole.pth", "no_aux.pth"):
        network = build_network("inception_v3", str(tmp_path / file)).network
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
    assert build_custom_network(module, "make", weights)[1:3] == ("w.pth", hash_file(tmp_path / "w.pth"))
    with pytest.raises(ValueError, match="'absent'"):
        build_custom_network(module, "absent", weights)
    with pytest.raises(ValueError, match=r"must return a torch\.nn\.Module"):
        build_custom_network(module, "other", weights)
    with pytest.raises(ValueError, match=r"w\.pth does not fit with_weights of mine\.py"):
        build_custom_network(module, "with_weights", weights)


@pytest.mark.parametrize("content", ["import a_library\nmake = dict\n", "def make():\n    import a_library\n"])
def test_a_custom_network_whose_library_is_not_installed_is_one_sentence(tmp_path, content):
    torch.save({}, tmp_path / "w.pth")
    (tmp_path / "mine.py").write_text(content)
    with pytest.raises(ValueError, match=r"mine\.py of the custom encoder needs what is not installed .*'a_library'"):
        build_custom_network(tmp_path / "mine.py", "make", str(tmp_path / "w.pth"))
