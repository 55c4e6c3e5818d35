"""The poolings by name, for config, plan and rules; imports nothing."""

POOLINGS = ("average", "max", "generalised_mean", "novelty")
"""How an encoder's patches become an image's features; `nearlabel.features.pooling.pools` has what does it."""

REFERENCE = 150
"""Images of the reference set: where the configuration names no number."""

TEMPERATURE = 0.6
"""Of the weights, in deviations of the patches' novelty."""

_WITHOUT_MAPS = ("vit_", "swin_", "dinov2_", "timm_vit")


def has_maps(network: str) -> bool:
    """Whether a network passes maps of an image on, as convolutional ones do; a custom one counts as if it did."""
    return not network.startswith(_WITHOUT_MAPS)
