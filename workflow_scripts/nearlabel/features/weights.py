"""Weights of networks: what a config's words mean, where the file is, whether it is whole, and what is in it."""

import hashlib
import re
import socket
from contextlib import contextmanager
from pathlib import Path

import torch
import torchvision
from torchvision.models import WeightsEnum

DOWNLOAD_TIMEOUT = 60
"""Seconds without an answer after which a download is given up."""

# DenseNet's published files predate a change of key names; torchvision renames them in the same way.
_OLD_DENSENET_KEY = re.compile(
    r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.(?:weight|bias|running_mean|running_var))$"
)


def choose_weights(name: str, weights: str) -> WeightsEnum | Path | None:
    """Find out what a config's word for weights means.

    Parameters
    ----------
    name : str
        A torchvision classifier, for example ``resnet50``; or ``custom``, which takes files only.
    weights : str
        ``imagenet``: the member ``IMAGENET1K_V1`` of the network's enum. ``IMAGENET1K_V2`` or
        ``ResNet50_Weights.IMAGENET1K_V2``: that member. ``seeded``: no trained weights. Anything that ends in ``.pth``
        or ``.pt``: a file with a state dict.

    Returns
    -------
    WeightsEnum or Path or None
        The enum's member, the file, or None for ``seeded``.

    Raises
    ------
    ValueError
        The network is unknown, or has no such weights.
    """
    if weights.endswith((".pth", ".pt")):
        return Path(weights)
    if name == "custom":
        raise ValueError(f"weights {weights!r}: a custom encoder needs a state dict file, *.pth or *.pt")
    if name not in list_networks():
        raise ValueError(
            f"encoder {name!r} is unknown; take one of config/README.md or a torchvision classifier: "
            f"{', '.join(list_networks())}"
        )
    if weights == "seeded":
        return None
    enum = torchvision.models.get_model_weights(name)
    member = "IMAGENET1K_V1" if weights == "imagenet" else weights.removeprefix(f"{enum.__name__}.")
    if member not in enum.__members__:
        raise ValueError(
            f"{name} has no weights {weights!r}; it has {', '.join(str(entry) for entry in enum)}; or name a *.pth "
            "file, or `seeded`"
        )
    return enum[member]


def list_networks() -> list[str]:
    """List the names of torchvision's classifiers."""
    return torchvision.models.list_models(module=torchvision.models)


def find_weights_file(
    choice: WeightsEnum | Path, weights_dir: str | Path | None = None, weights_mirror: str | None = None
) -> tuple[Path, str]:
    """Find, or download, a weights file and check it.

    An enum's file is looked for in `weights_dir` if that is given, and nowhere else; otherwise in torch's usual cache,
    into which it is downloaded from `weights_mirror` or, without one, from the address that torchvision gives.

    Parameters
    ----------
    choice : WeightsEnum or Path
        From `choose_weights`.
    weights_dir : str or Path, optional
        Folder with files named as in torchvision's address.
    weights_mirror : str, optional
        Base URL; the file's name is appended.

    Returns
    -------
    path : Path
        The file.
    sha256 : str
        Of its bytes, hexadecimal. For an enum its beginning is checked against the one in the file's name.

    Raises
    ------
    FileNotFoundError
        There is no such file and it cannot be downloaded.
    ValueError
        The file is not the published one: damaged, truncated, or another file of this name.
    """
    if isinstance(choice, Path):
        if not choice.is_file():
            raise FileNotFoundError(f"weights file {choice} does not exist; give the path of a state dict (*.pth)")
        return choice, hash_file(choice)
    address = choice.url
    file_name = address.rpartition("/")[2]
    prefix = re.search(r"-([0-9a-f]{8,})\.", file_name).group(1)
    if weights_mirror and not weights_dir:
        address = f"{weights_mirror.rstrip('/')}/{file_name}"
    ways = (
        f"three ways to get it: (1) on a machine with internet run once, or download {choice.url} and put it into "
        f"{_usual_cache()}; (2) put it into a folder and name that as `weights_dir`; (3) name a base URL that serves "
        "it as `weights_mirror`"
    )
    expected = f"{file_name} ({choice}, SHA-256 beginning {prefix})"
    path = Path(weights_dir or _usual_cache()) / file_name
    if not path.is_file():
        if weights_dir:
            raise FileNotFoundError(f"weights file {expected} is not in weights_dir {weights_dir}; {ways}")
        _download(address, path, prefix, expected, ways)
    sha256 = hash_file(path)
    if not sha256.startswith(prefix):
        raise ValueError(
            f"weights file {path} is damaged or another file: expected {expected}, found {sha256[:8]}; delete it; "
            f"{ways}"
        )
    return path, sha256


def load_state(path: Path) -> dict[str, torch.Tensor]:
    """Load a state dict; tensors only, no code is run.

    Parameters
    ----------
    path : Path
        A file written by ``torch.save(network.state_dict(), path)``.

    Returns
    -------
    dict of str to Tensor
        On the CPU.

    Raises
    ------
    ValueError
        The file is damaged, or holds something else than tensors by name.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds: damaged archives, unpickling, end of file
        raise ValueError(
            f"weights file {path} is damaged, truncated, or holds more than tensors, which are the only thing loaded; "
            "get it again, or save the network's state_dict()"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ValueError(f"weights file {path} is not a state dict; save `network.state_dict()`, not the network")
    for key in [key for key in state if _OLD_DENSENET_KEY.match(key)]:
        state[_OLD_DENSENET_KEY.sub(r"\1\2", key)] = state.pop(key)
    return state


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _usual_cache() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _download(address: str, path: Path, prefix: str, expected: str, ways: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _network_timeout():
            # Under a temporary name until its hash is right.
            torch.hub.download_url_to_file(address, str(path), hash_prefix=prefix)
    except OSError as error:  # urllib's errors are OSErrors
        raise FileNotFoundError(
            f"weights file {expected} is not in {path.parent} and cannot be downloaded from {address} ({error}); {ways}"
        ) from error
    except RuntimeError as error:
        raise ValueError(f"weights file {expected}: what {address} sends is not this file ({error}); {ways}") from error


@contextmanager
def _network_timeout():
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def preprocessing(name: str, weights: str):
    """Return torchvision's preprocessing for these weights, that of IMAGENET1K_V1 for seeded weights and files.

    Parameters
    ----------
    name : str
        A torchvision classifier.
    weights : str
        As for `nearlabel.features.weights.choose_weights`.

    Returns
    -------
    callable
        With ``crop_size, resize_size, mean, std, interpolation``.
    """
    choice = choose_weights(name, weights)
    enum = torchvision.models.get_model_weights(name)
    if choice is None or isinstance(choice, Path):
        choice = enum.__members__.get("IMAGENET1K_V1", enum.DEFAULT)
    return choice.transforms()
