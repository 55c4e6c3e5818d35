"""Networks: torchvision's classifiers, built as torchvision builds them, from a file's weights or from a seed."""

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import torchvision
from torch import nn
from torchvision.models import WeightsEnum

from nearlabel.features.weights.choice import choose_weights
from nearlabel.features.weights.files import find_weights_file
from nearlabel.features.weights.state import load_state

# Architectures whose published weights expect inputs scaled to [-1, 1]: torchvision rescales inside the network.
_TRANSFORMS_INPUT = ("inception_v3", "googlenet")


class BuiltNetwork(NamedTuple):
    """A network with its weights, in evaluation mode.

    Attributes
    ----------
    network : torch.nn.Module
        Whole, its last classifier layer included.
    weights : str
        What they are: the enum's member, the file's name, or ``seeded``.
    weights_sha256 : str
        Of the weights file; of the state dict for seeded weights.
    weights_source : str
        See `nearlabel.features.weights.files.WeightsFile`; empty for seeded weights.
    """

    network: nn.Module
    weights: str
    weights_sha256: str
    weights_source: str


def build_network(
    name: str,
    weights: str,
    *,
    seed: int | None = None,
    weights_dir: str | Path | None = None,
    weights_mirror: str | None = None,
) -> BuiltNetwork:
    """Build a torchvision classifier with its weights, in evaluation mode.

    Parameters
    ----------
    name : str
        A torchvision classifier.
    weights : str
        As for `choose_weights`. A file may have another number of classes than ImageNet.
    seed : int, optional
        Of ``seeded`` weights; needed for those only.
    weights_dir, weights_mirror : optional
        As for `nearlabel.features.weights.files.find_weights_file`.

    Returns
    -------
    BuiltNetwork

    Raises
    ------
    ValueError, FileNotFoundError
        As `choose_weights`, `find_weights_file` and `load_state`; or the file does not fit the network.
    """
    choice = choose_weights(name, weights)
    if choice is None:
        if seed is None:
            raise ValueError(f"{name}: `weights: seeded` needs a seed")
        network = _seeded(lambda: torchvision.models.get_model(name, **_arguments(name)), seed)
        return BuiltNetwork(network.eval(), "seeded", hash_state(network.state_dict()), "")
    path, sha256, source = find_weights_file(choice, weights_dir, weights_mirror)
    state = load_state(path)
    with torch.device("meta"):
        empty = torchvision.models.get_model(name, **_arguments(name))
    head = f"{classifier_name(empty)}.weight"
    if head not in state:
        raise ValueError(f"weights file {path} does not fit {name}: it has no {head}")
    # Under a seed as well, so that building a network leaves the caller's random numbers alone.
    arguments = _arguments(name, choice, state, len(state[head]))
    network = _seeded(lambda: torchvision.models.get_model(name, **arguments), 0)
    _load_into(network, state, path, name)
    label = choice.name if isinstance(choice, Path) else str(choice)
    return BuiltNetwork(network.eval(), label, sha256, source)


def build_custom_network(module: str | Path | None, callable: str | None, weights: str) -> BuiltNetwork:
    """Build a user's network: run a Python file, call a function in it, load a state dict into what it returns.

    Parameters
    ----------
    module : str or Path
        The Python file.
    callable : str
        Function, or class, in it that takes no arguments and returns a `torch.nn.Module`.
    weights : str
        State dict, ``*.pth`` or ``*.pt``; it must have the network's keys, all of them.

    Returns
    -------
    BuiltNetwork

    Raises
    ------
    ValueError, FileNotFoundError
        The module, the function or the file is missing, or does not fit.
    """
    if not module or not callable:
        raise ValueError("a custom encoder needs `module` (a Python file) and `callable` (a function in it)")
    module = Path(module)
    if not module.is_file():
        raise FileNotFoundError(f"module {module} of the custom encoder does not exist")
    path, sha256, source = find_weights_file(choose_weights("custom", weights))
    spec = importlib.util.spec_from_file_location(f"nearlabel_custom_{module.stem}", module)
    if spec is None:
        raise ValueError(f"module {module} of the custom encoder is not a Python file")
    namespace = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(namespace)
        make = getattr(namespace, callable, None)
        if make is None:
            raise ValueError(f"module {module} has no function {callable!r}")
        network = _seeded(make, 0)
    except ImportError as error:
        raise ValueError(f"module {module} of the custom encoder needs what is not installed here: {error}") from error
    if not isinstance(network, nn.Module):
        raise ValueError(f"{callable} of {module} must return a torch.nn.Module, not {type(network).__name__}")
    _load_into(network, load_state(path), path, f"{callable} of {module.name}")
    return BuiltNetwork(network.eval(), path.name, sha256, source)


def _load_into(network: nn.Module, state: dict[str, torch.Tensor], path: Path, name: str) -> None:
    """Load a state dict into a network, all keys, or say in one sentence what does not fit."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reasons = " ".join(str(error).split())
        raise ValueError(f"weights file {path} does not fit {name}: {reasons[:500]}") from error


def classifier_name(network: nn.Module) -> str:
    """Find the last classifier layer: the last linear layer or, in a network without one, the last convolution."""
    layers = dict(network.named_modules())
    for kind in (nn.Linear, nn.Conv2d):
        names = [name for name, layer in layers.items() if isinstance(layer, kind)]
        if names:
            return names[-1]
    raise ValueError(f"{type(network).__name__} has neither a linear layer nor a convolution")


def _seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Make a network from a seed; the caller's random numbers stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        return make()


def hash_state(state: dict[str, torch.Tensor]) -> str:
    """Return the SHA-256 of a state dict: names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy())
    return digest.hexdigest()


def _arguments(
    name: str,
    choice: WeightsEnum | Path | None = None,
    state: dict[str, torch.Tensor] | None = None,
    classes: int = 1000,
) -> dict:
    """Arguments with which torchvision itself builds this network for these weights."""
    arguments = {"weights": None, "num_classes": classes}
    if name in _TRANSFORMS_INPUT:
        trained = state is not None
        arguments |= {"transform_input": trained, "init_weights": not trained}
        arguments["aux_logits"] = not trained or any(key.lower().startswith("aux") for key in state)
    if name.startswith("vit_") and isinstance(choice, WeightsEnum):
        arguments["image_size"] = choice.meta["min_size"][0]
    return arguments
