"""The encoders by name: our own, and torchvision's classifiers, found without importing torchvision."""

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class OwnEncoder:
    """What is known of an encoder that is no torchvision classifier without building it.

    Attributes
    ----------
    weights : bool
        Whether it has any, which are then a file that the user names; where not, neither weights nor batch size nor
        threads tell two of its runs apart.
    power, standardise, normalise, whiten
        How its features are reduced where the config does not say, see
        `nearlabel.grouping.reduction.reduce.reduce_features`.
    """

    weights: bool
    power: str = "none"
    standardise: bool = False
    normalise: str = "none"
    whiten: bool = False


# Texture is standardised, as its features differ in units. On the eight sets of tests/benchmarks/reductions.py, roots
# and l2 on top of it change the mean AMI by about 0.01, up on one set and down on another; whitening 50 components
# lowers it from 0.59 to 0.38.
OWN_ENCODERS = {
    "texture": OwnEncoder(weights=False, standardise=True),
    "custom": OwnEncoder(weights=True),
    "dinov2_small": OwnEncoder(weights=True),
    "timm_vit": OwnEncoder(weights=True),
}
"""Encoders that are no torchvision classifiers; `nearlabel.features.encoders` registers what builds each."""


def complete_reduction(reduction: Mapping[str, Any], network: str) -> dict[str, Any]:
    """Fill in what a reduction leaves to the encoder.

    Parameters
    ----------
    reduction : mapping
        ``method``, ``components``, and perhaps ``power``, ``standardise``, ``normalise`` and ``whiten``: None, or
        absent, for the encoder's own.
    network : str
        The encoder's name.

    Returns
    -------
    dict
        All six.
    """
    own = OWN_ENCODERS.get(network, OwnEncoder(weights=True))
    defaults = {"power": own.power, "standardise": own.standardise, "normalise": own.normalise}
    defaults["whiten"] = own.whiten and reduction["method"] == "pca"
    return defaults | {key: value for key, value in reduction.items() if value is not None}


def list_networks() -> list[str]:
    """List the classifiers of the installed torchvision, as its sources register them.

    Returns
    -------
    list of str
        Empty where torchvision is not installed, as in an environment that only submits jobs.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return []
    files = sorted((Path(spec.origin).parent / "models").glob("*.py"))
    registered = re.compile(
        r"^@register_model\(\)\n(?:@.*\n)*(?:@handle_legacy_interface\((?:.|\n)*?\)\n)?def (\w+)\(", re.M
    )
    return sorted(name for file in files for name in registered.findall(file.read_text(encoding="utf-8")))


# By the first letters of a network's name. Transformers of one grid of patches, whose weights fit no other; networks
# whose layers leave nothing of a smaller image.
_OWN_SIDE = {"vit_": 224, "maxvit_": 224}
_LEAST_SIDE = {"alexnet": 63, "inception_": 75}


def by_family(table: Mapping[str, int], network: str, otherwise: int | None = None) -> int | None:
    """Entry of a table of networks by the first letters of their names."""
    return next((entry for letters, entry in table.items() if network.startswith(letters)), otherwise)


def check_sides(network: str, weights: str, sides: Sequence[int]) -> None:
    """Refuse images of a size that a torchvision classifier cannot take.

    Parameters
    ----------
    network, weights : str
        As the configuration names them.
    sides : sequence of int
        Sides of the images in pixels.

    Raises
    ------
    ValueError
        It takes no images of that size.
    """
    # Weights of whole pictures (SWAG, end to end) were trained on larger ones, each at its own size.
    own = None if "E2E" in weights.upper() else by_family(_OWN_SIDE, network)
    if own and set(sides) != {own}:
        raise ValueError(f"image_size: {network} takes images of {own} pixels alone; leave image_size out")
    least = by_family(_LEAST_SIDE, network, 1)
    if min(sides) < least:
        raise ValueError(f"image_size: {network} takes images of {least} pixels and more, not {min(sides)}")
