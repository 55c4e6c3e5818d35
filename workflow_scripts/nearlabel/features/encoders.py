"""Encoders: from placed images to feature vectors, by the penultimate layer of a network or by texture."""

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn

from nearlabel.features.networks import build_custom_network, build_network, classifier_name
from nearlabel.features.preparation import Placement
from nearlabel.features.texture import TextureEncoder
from nearlabel.features.weights import choose_weights, hash_file
from nearlabel.images.geometry import GEOMETRIES

TILE_POOLS = ("mean", "max")

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Encoder(Protocol):
    """What turns images into features.

    Attributes
    ----------
    name : str
        The encoder's name.
    weights : str
        What its weights are: an enum's member, a file's name, ``seeded`` or ``none``.
    weights_sha256 : str
        Hexadecimal; empty without weights.
    geometry : str
        official, squash, tile or native.
    image_size : int or None
        Side in pixels; None for native.
    dimension : int
        Length of a feature vector.
    tile_pool : str
        How the features of an image's tiles become one row: mean or max.
    prepare : callable
        Turns an RGB image into an array of shape (t, …), t tiles; picklable, for processes that decode.
    settings : dict
        Everything else that the features depend on; JSON-able.
    """

    name: str
    weights: str
    weights_sha256: str
    geometry: str
    image_size: int | None
    dimension: int
    tile_pool: str
    prepare: Callable[[Image.Image], np.ndarray]
    settings: dict

    def encode(self, batch: np.ndarray) -> np.ndarray:
        """Turn what `prepare` made, stacked to (n, …), into float32 features of shape (n, d)."""


class NetworkEncoder:
    """A network that maps a batch of normalised images (n, 3, h, w) to features (n, d).

    Parameters
    ----------
    name, weights, weights_sha256 : str
        See `Encoder`.
    network : torch.nn.Module
        Gets a float32 batch in channels-last memory; is moved to the device and set to evaluation mode.
    placement : Placement
        How images are placed.
    mean, std : sequence of 3 floats
        Of the values in [0, 1] that the network was trained with.
    tile_pool : str
        mean or max.
    device : str
        auto (CUDA where there is one), cpu, cuda, cuda:N.
    threads : int
        Of torch while it encodes, on the CPU.
    dimension : int, optional
        Length of a feature vector; found by a trial where it is not given.
    """

    def __init__(
        self, name, weights, weights_sha256, network, placement, mean, std, tile_pool, device, threads, dimension=None
    ):
        self.name, self.weights, self.weights_sha256 = name, weights, weights_sha256
        self.geometry, self.image_size, self.tile_pool = placement.geometry, placement.size, tile_pool
        self.prepare = placement
        self.device, self.threads = choose_device(device), threads
        self.network = network.eval().to(self.device, memory_format=torch.channels_last)
        self._mean, self._std = (
            torch.tensor(values, dtype=torch.float32, device=self.device).reshape(1, 3, 1, 1) for values in (mean, std)
        )
        self.settings = {
            "placement": vars(placement),
            "mean": list(mean),
            "std": list(std),
            "tile_pool": tile_pool if placement.geometry == "tile" else None,
            "threads": threads if self.device.type == "cpu" else None,
            "device": describe_device(self.device),
        }
        if dimension is None:
            side = placement.size or 224
            dimension = self.encode(np.zeros((1, side, side, 3), np.uint8)).shape[1]
        self.dimension = dimension

    def encode(self, batch: np.ndarray) -> np.ndarray:
        """Encode placed images.

        Parameters
        ----------
        batch : ndarray of uint8, shape (n, h, w, 3)
            Stacked tiles or images.

        Returns
        -------
        ndarray of float32, shape (n, d)
        """
        with torch.inference_mode(), torch_set_up(self.threads):
            # torch warns about arrays that cannot be written to, as Pillow's are.
            values = torch.from_numpy(np.require(batch, requirements="W")).to(self.device)
            # (n, h, w, 3) seen as (n, 3, h, w) is in channels-last memory already, and stays so.
            values = values.permute(0, 3, 1, 2).to(torch.float32)
            values = values.div_(255).sub_(self._mean).div_(self._std)
            try:
                features = self.network(values)
            except (RuntimeError, ValueError) as error:  # too small for the network's strides, out of memory
                shape = " x ".join(map(str, batch.shape))
                raise ValueError(f"encoder {self.name} fails on a batch of {shape}: {error}") from error
            if not isinstance(features, torch.Tensor) or len(features) != len(batch):
                raise ValueError(f"encoder {self.name}: the network must return one tensor with a row per image")
            return features.flatten(1).float().cpu().numpy()


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
    module: str | Path | None = None,
    callable: str | None = None,
) -> Encoder:
    """Build an encoder.

    A torchvision network gives the input of its last classifier layer: global average pooling for most, the output of
    the second fully connected layer after ReLU for VGG.

    Parameters
    ----------
    name : str
        ``texture``, ``custom``, or a torchvision classifier.
    weights : str
        ``imagenet`` (the member IMAGENET1K_V1 of the network's enum), another member, a state dict file, or ``seeded``
        (not trained). Preprocessing is the member's own; that of IMAGENET1K_V1 for a file and for ``seeded``. Ignored
        by ``texture``; a file for ``custom``.
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
        See `nearlabel.features.weights.find_weights_file`.
    device : str
        auto, cpu, cuda or cuda:N.
    threads : int
        Of torch, on the CPU.
    module : str or Path, optional
        ``custom``: a Python file. It is run.
    callable : str, optional
        ``custom``: name of a function in it that takes no arguments and returns a `torch.nn.Module` that maps
        (n, 3, h, w), normalised by ImageNet's mean and deviation, to features (n, d).

    Returns
    -------
    Encoder

    Raises
    ------
    ValueError, FileNotFoundError
        An unknown name, geometry or device; weights that are missing or do not fit.
    """
    if geometry not in GEOMETRIES:
        raise ValueError(f"geometry {geometry!r} is unknown; choose one of {', '.join(GEOMETRIES)}")
    if tile_pool not in TILE_POOLS:
        raise ValueError(f"tile_pool {tile_pool!r} is unknown; choose one of {', '.join(TILE_POOLS)}")
    if name == "texture":
        return TextureEncoder(geometry, image_size, tile_overlap=tile_overlap, tile_pool=tile_pool)
    if name == "custom":
        network, label, sha256 = build_custom_network(module, callable, weights)
        placement = choose_placement(geometry, image_size, 224, 256, "bilinear", tile_overlap)
        encoder = NetworkEncoder(
            name, label, sha256, network, placement, IMAGENET_MEAN, IMAGENET_STD, tile_pool, device, threads
        )
        encoder.settings["module"] = hash_file(Path(module))
        encoder.settings["callable"] = callable
        return encoder

    network, label, sha256 = build_network(
        name, weights, seed=seed, weights_dir=weights_dir, weights_mirror=weights_mirror
    )
    preset = preprocessing(name, weights)
    own_size = preset.crop_size[0]
    placement = choose_placement(
        geometry, image_size, own_size, preset.resize_size[0], preset.interpolation.value, tile_overlap
    )
    fixed_size = getattr(network, "image_size", None)
    if fixed_size is not None and placement.size != fixed_size:
        raise ValueError(
            f"{name} takes images of {fixed_size} x {fixed_size} only; set geometry to squash, official or tile and "
            f"image_size to {fixed_size}"
        )
    dimension = _cut_classifier(network)
    return NetworkEncoder(
        name, label, sha256, network, placement, preset.mean, preset.std, tile_pool, device, threads, dimension
    )


def choose_device(device: str) -> torch.device:
    """Return the device that a config's word means: ``auto`` is CUDA where there is one, else the CPU.

    Raises
    ------
    ValueError
        CUDA is asked for and there is none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chosen = torch.device(device)
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {device!r} is asked for but torch finds no CUDA device; use auto or cpu")
    return chosen


def describe_device(device: torch.device) -> str:
    """Name the hardware on which the last bits of features depend."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {torch.backends.cpu.get_cpu_capability()}" if device.type == "cpu" else device.type


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


def choose_placement(
    geometry: str,
    image_size: int | tuple[int, int] | None,
    own_size: int,
    own_resize: int,
    interpolation: str,
    tile_overlap: float = 0.0,
) -> Placement:
    """Return how images are placed: at the size asked for, else at the weights' own.

    ``official`` at another size keeps the weights' ratio of resized side and crop.
    """
    if geometry == "native":
        return Placement(geometry, None)
    size = image_size or own_size
    short = size if isinstance(size, int) else min(size)
    return Placement(
        geometry,
        size,
        resize=round(own_resize * short / own_size) if geometry == "official" else None,
        interpolation=interpolation,
        tile_overlap=tile_overlap if geometry == "tile" else 0.0,
    )


def _cut_classifier(network: nn.Module) -> int:
    """Replace the last classifier layer by the identity, in place, and return the number of its inputs.

    In evaluation mode dropout is the identity, so that the network now returns this layer's input; of a network that
    classifies by a convolution (SqueezeNet), its global average.
    """
    head = classifier_name(network)
    parent, _, last = head.rpartition(".")
    layer = network.get_submodule(head)
    setattr(network.get_submodule(parent), last, nn.Identity())
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels


@contextmanager
def torch_set_up(threads: int):
    """Set torch so that the same input gives the same bits: its threads, and no choice of algorithm by timing.

    Parameters
    ----------
    threads : int
        Of torch on the CPU, while the block runs.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_num_threads(before)
