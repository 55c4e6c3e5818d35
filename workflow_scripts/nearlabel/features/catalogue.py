"""The encoders by name: our own, and torchvision's classifiers, found without importing torchvision."""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OwnEncoder:
    """What is known of an encoder that is no torchvision classifier without building it.

    Attributes
    ----------
    weights : bool
        Whether it has any; where not, neither weights nor batch size nor threads tell two of its runs apart.
    standardise : bool
        Whether its features have different units, so that each is scaled to unit variance unless the config says.
    """

    weights: bool
    standardise: bool = False


OWN_ENCODERS = {"texture": OwnEncoder(weights=False, standardise=True), "custom": OwnEncoder(weights=True)}
"""Encoders that are no torchvision classifiers; `nearlabel.features.encoders` registers what builds each."""


def standardised(network: str) -> bool:
    """Whether the features of an encoder are scaled to unit variance where the config does not say."""
    return network in OWN_ENCODERS and OWN_ENCODERS[network].standardise


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
