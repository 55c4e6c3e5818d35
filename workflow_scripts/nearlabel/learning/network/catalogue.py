"""What torchvision's classifiers can do in active learning; standard library only, for it is asked at every parse."""

from collections.abc import Sequence

from nearlabel.features.catalogue import by_family

# By the first letters of a network's name; tests hold them against the networks.
_WITHOUT_LINEAR = ("squeezenet",)
_WITHOUT_MAPS = ("vit_",)
_LEAST_MAP_SIDE = {
    "alexnet": 95,
    "convnext_": 64,
    "densenet": 61,
    "googlenet": 47,
    "inception_": 107,
    "swin_": 36,
    "vgg": 64,
}
_STRIDE = 32


def check_head(network: str) -> None:
    """Refuse a network that does not end in a linear layer, which a new one of two classes could take the place of.

    Parameters
    ----------
    network : str
        A torchvision classifier.

    Raises
    ------
    ValueError
    """
    if network.startswith(_WITHOUT_LINEAR):
        raise ValueError(f"{network} ends in a convolution; take a network that ends in a linear layer, as resnet18")


def check_maps(network: str, sides: Sequence[int] | None) -> None:
    """Refuse a network that has no activation maps, or none with a pattern.

    Parameters
    ----------
    network : str
        A torchvision classifier.
    sides : sequence of int, optional
        Height and width of its images in pixels; without them the weights' own, which are large enough.

    Raises
    ------
    ValueError
    """
    if network.startswith(_WITHOUT_MAPS):
        raise ValueError(f"{network} has none; take a convolutional network, as resnet18, or another strategy")
    least = by_family(_LEAST_MAP_SIDE, network, _STRIDE + 1)
    if sides and max(sides) < least:
        raise ValueError(
            f"those of {network} are of a single position where images are of {max(sides)} pixels; set "
            f"learning.encoder.image_size to {least} or more"
        )
