"""What a config's words for weights mean, and the preprocessing that belongs to them."""

from pathlib import Path

import torchvision
from torchvision.models import WeightsEnum

from nearlabel.features.catalogue import OWN_ENCODERS


def choose_weights(name: str, weights: str) -> WeightsEnum | Path | None:
    """Find out what a config's word for weights means.

    Parameters
    ----------
    name : str
        A torchvision classifier, for example ``resnet50``; or one of ours, such as ``custom``, which takes files only.
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
    if name in OWN_ENCODERS:
        raise ValueError(f"weights {weights!r}: the encoder {name} needs a state dict file, *.pth or *.pt")
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


def preprocessing(name: str, weights: str):
    """Return torchvision's preprocessing for these weights, that of IMAGENET1K_V1 for seeded weights and files.

    Parameters
    ----------
    name : str
        A torchvision classifier.
    weights : str
        As for `choose_weights`.

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
