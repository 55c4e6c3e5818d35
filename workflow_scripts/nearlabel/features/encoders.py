"""Encoders by name: from placed images to feature vectors."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nearlabel.features.batches import Encoder
from nearlabel.features.pooling.catalogue import POOLINGS, has_maps
from nearlabel.images.geometry import GEOMETRIES

TILE_POOLS = ("mean", "max")


def find_builder(name: str) -> Callable[..., Encoder]:
    """Find what builds an encoder; takes the arguments of `build_encoder`, complete.

    Imports no other encoder's module: those of networks take longer to load than the texture of many images.
    """
    match name:
        case "texture":
            from nearlabel.features.texture import build_texture_encoder as build
        case "dinov2_small" | "timm_vit":
            from nearlabel.features.vision_transformer import build_transformer_encoder as build
        case "custom":
            from nearlabel.features.network_encoder import build_custom_encoder as build
        case _:
            from nearlabel.features.network_encoder import build_torchvision_encoder as build
    return build


def build_encoder(
    name: str,
    weights: str = "imagenet",
    *,
    geometry: str = "squash",
    image_size: int | None = None,
    tile_overlap: float = 0.0,
    tile_pool: str = "mean",
    seed: int | None = None,
    weights_dir: str | Path | None = None,
    weights_mirror: str | None = None,
    device: str = "auto",
    threads: int = 1,
    precision: str = "float32",
    module: str | Path | None = None,
    callable: str | None = None,
    pooling: str = "average",
    novelty: Mapping[str, Any] | None = None,
) -> Encoder:
    """Build an encoder.

    A torchvision network gives the input of its last classifier layer: global average pooling for most, the output of
    the second fully connected layer after ReLU for VGG.

    Parameters
    ----------
    name : str
        ``texture``, ``custom``, ``dinov2_small`` or ``timm_vit`` (vision transformers from a file), or a torchvision
        classifier.
    weights : str
        ``imagenet`` (the member IMAGENET1K_V1 of the network's enum), another member, a state dict file, or ``seeded``
        (not trained). Preprocessing is the member's own; that of IMAGENET1K_V1 for a file and for ``seeded``. Ignored
        by ``texture``; a file for all others that are no torchvision classifier.
    geometry : {"official", "squash", "tile", "native"}
        See `nearlabel.images.geometry.place_image`. ``official`` at another `image_size` keeps the ratio of resized
        side and crop.
    image_size : int, optional
        Side in pixels; the weights' own by default.
    tile_overlap : float
        Least overlap of neighbouring tiles, as a share of a tile.
    tile_pool : {"mean", "max"}
        How the features of tiles become those of the image.
    seed : int, optional
        Of ``seeded`` weights.
    weights_dir, weights_mirror : optional
        See `nearlabel.features.weights.files.find_weights_file`.
    device : str
        auto, cpu, cuda or cuda:N.
    threads : int
        Of torch, on the CPU.
    precision : {"float32", "tf32", "bfloat16"}
        See `nearlabel.features.devices.torch_set_up`; ``texture`` has one precision.
    module : str or Path, optional
        ``custom``: a Python file. It is run.
    callable : str, optional
        ``custom``: name of a function in it that takes no arguments and returns a `torch.nn.Module` that maps
        (n, 3, h, w), normalised by ImageNet's mean and deviation, to features (n, d).
    pooling : {"average", "max", "generalised_mean", "novelty"}
        ``average``: what the network itself does. See `nearlabel.features.pooling.pools` for the others, which need a
        network that passes maps on; ``texture`` has no pooling.
    novelty : mapping, optional
        ``reference, temperature, share`` of `nearlabel.features.pooling.novelty.NoveltyEncoder`.

    Returns
    -------
    Encoder

    Raises
    ------
    ValueError, FileNotFoundError
        An unknown name, geometry, pooling or device; a precision that the device has not; weights that are missing or
        do not fit.
    """
    if geometry not in GEOMETRIES:
        raise ValueError(f"geometry {geometry!r} is unknown; choose one of {', '.join(GEOMETRIES)}")
    if tile_pool not in TILE_POOLS:
        raise ValueError(f"tile_pool {tile_pool!r} is unknown; choose one of {', '.join(TILE_POOLS)}")
    if pooling not in POOLINGS:
        raise ValueError(f"pooling {pooling!r} is unknown; choose one of {', '.join(POOLINGS)}")
    if pooling != "average" and (name == "texture" or not has_maps(name)):
        raise ValueError(f"{name} passes no maps on, which pooling {pooling} needs; set pooling to average")
    encoder = find_builder(name)(
        name,
        weights,
        geometry=geometry,
        image_size=image_size,
        tile_overlap=tile_overlap,
        tile_pool=tile_pool,
        seed=seed,
        weights_dir=weights_dir,
        weights_mirror=weights_mirror,
        device=device,
        threads=threads,
        precision=precision,
        module=module,
        callable=callable,
    )
    if pooling == "average":
        return encoder
    from nearlabel.features.pooling.pools import pooled

    return pooled(encoder, pooling, novelty if pooling == "novelty" else None)
