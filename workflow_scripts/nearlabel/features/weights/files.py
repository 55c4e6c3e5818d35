"""Where a weights file is, whether it is whole, and how it is downloaded."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from torchvision.models import WeightsEnum

from nearlabel.features.weights.packages import find_packaged, packages_with
from nearlabel.files import hash_file

DOWNLOAD_TIMEOUT = 60
"""Seconds without an answer after which a download is given up."""

USUAL_CACHE = "torchvision's cache"


class WeightsFile(NamedTuple):
    """A weights file that was found and checked.

    Attributes
    ----------
    path : Path
        The file.
    sha256 : str
        Of its bytes, hexadecimal.
    source : str
        Where it was found, in words: ``weights_dir``, ``torchvision's cache`` (also when it was just downloaded into
        it), ``package NAME VERSION``, or ``the named file`` for one of the user's. Changes no number.
    """

    path: Path
    sha256: str
    source: str


def find_weights_file(
    choice: WeightsEnum | Path, weights_dir: str | Path | None = None, weights_mirror: str | None = None
) -> WeightsFile:
    """Find, or download, a weights file and check it.

    An enum's file is taken from the first place that has one of its name: `weights_dir`, torchvision's cache, an
    installed package of `nearlabel.features.weights.packages.PACKAGES`. Where none has, it is downloaded into
    torchvision's cache, from `weights_mirror` or, without one, from the address that torchvision gives.

    Parameters
    ----------
    choice : WeightsEnum or Path
        From `nearlabel.features.weights.choice.choose_weights`.
    weights_dir : str or Path, optional
        Folder with files named as in torchvision's address.
    weights_mirror : str, optional
        Base URL; the file's name is appended.

    Returns
    -------
    WeightsFile
        For an enum the hash's beginning is checked against the one in the file's name, in a package all of it.

    Raises
    ------
    FileNotFoundError
        There is no such file and it cannot be downloaded.
    ValueError
        The first file found is not the published one: damaged, truncated, or another file of this name.
    """
    if isinstance(choice, Path):
        if not choice.is_file():
            raise FileNotFoundError(f"weights file {choice} does not exist; give the path of a state dict (*.pth)")
        return WeightsFile(choice, hash_file(choice), "the named file")
    if weights_dir and not Path(weights_dir).is_dir():
        raise FileNotFoundError(f"`weights_dir` {weights_dir} is no folder; name the folder with the weights files")
    file_name = choice.url.rpartition("/")[2]
    prefix = re.search(r"-([0-9a-f]{8,})\.", file_name).group(1)
    expected = f"{file_name} ({choice}, SHA-256 beginning {prefix})"
    ways = _ways(choice.url, file_name)
    for path, sha256, source in _places(file_name, prefix, weights_dir):
        found = hash_file(path) if path.is_file() else "no file"
        if not found.startswith(sha256):
            raise ValueError(
                f"weights file {path} ({source}) is damaged or another file: expected {expected}, found {found[:8]}; "
                f"put the right one in its place, or install the package again; {ways}"
            )
        return WeightsFile(path, found, source)
    path = _usual_cache() / file_name
    address = f"{weights_mirror.rstrip('/')}/{file_name}" if weights_mirror else choice.url
    searched = f"{f'`weights_dir` {weights_dir}, ' if weights_dir else ''}{path.parent} or an installed package"
    _download(address, path, prefix, f"{expected} is not in {searched}", ways)
    return WeightsFile(path, hash_file(path), USUAL_CACHE)


def _usual_cache() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _places(file_name: str, prefix: str, weights_dir: str | Path | None) -> Iterator[tuple[Path, str, str]]:
    """Yield what lies on this machine, in the order of preference: path, what its hash must begin with, source."""
    folders = {"weights_dir": Path(weights_dir)} if weights_dir else {}
    for source, folder in (folders | {USUAL_CACHE: _usual_cache()}).items():
        if (folder / file_name).is_file():
            yield folder / file_name, prefix, source
    packaged = find_packaged(file_name)
    if packaged:
        yield packaged.path, packaged.sha256, packaged.source


def _ways(url: str, file_name: str) -> str:
    ways = [f"install the package that holds it: `{package.install()}`" for package in packages_with(file_name)]
    ways += [
        f"on a machine with internet run once, or download {url} and put it into {_usual_cache()}",
        "put it into a folder and name that as `weights_dir`",
        "name a base URL that serves it as `weights_mirror`",
    ]
    return "ways to get it: " + "; ".join(f"({number}) {way}" for number, way in enumerate(ways, 1))


def _download(address: str, path: Path, prefix: str, missing: str, ways: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _network_timeout():
            # Under a temporary name until its hash is right.
            torch.hub.download_url_to_file(address, str(path), hash_prefix=prefix)
    except OSError as error:  # urllib's errors are OSErrors
        raise FileNotFoundError(
            f"weights file {missing}, and cannot be downloaded from {address} ({error}); {ways}"
        ) from error
    except RuntimeError as error:
        raise ValueError(
            f"weights file {missing}, and what {address} sends is not this file ({error}); {ways}"
        ) from error


@contextmanager
def _network_timeout():
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
