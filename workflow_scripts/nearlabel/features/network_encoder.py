"""Encoding by a network: batches of placed images to features."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from nearlabel.features.devices import (
    autocast,
    choose_device,
    describe_device,
    require_precision,
    torch_set_up,
)
from nearlabel.features.networks import build_custom_network, build_network, classifier_name
from nearlabel.features.placement import choose_placement
from nearlabel.features.weights.choice import preprocessing
from nearlabel.files import hash_file

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class NetworkEncoder:
    """A network that maps a batch of normalised images (n, 3, h, w) to features (n, d).

    Parameters
    ----------
    name, weights, weights_sha256, weights_source : str
        See `nearlabel.features.batches.Encoder`.
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
    precision : str
        float32, tf32 or bfloat16; see `nearlabel.features.devices.torch_set_up`.
    dimension : int, optional
        Length of a feature vector; found by a trial where it is not given.
    """

    def __init__(
        self,
        name,
        weights,
        weights_sha256,
        network,
        placement,
        mean,
        std,
        tile_pool,
        device,
        threads,
        dimension=None,
        *,
        weights_source="",
        precision="float32",
    ):
        self.name, self.weights, self.weights_sha256 = name, weights, weights_sha256
        self.weights_source = weights_source
        self.geometry, self.image_size, self.tile_pool = placement.geometry, placement.size, tile_pool
        self.prepare = placement
        self.device, self.threads, self.precision = choose_device(device), threads, precision
        require_precision(precision, self.device)
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
            "precision": precision,
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
        return self.start(self.send(batch)).cpu().numpy()

    def send(self, batch: np.ndarray) -> torch.Tensor:
        """Bring placed images to the device."""
        # torch warns about arrays that cannot be written to, as Pillow's are.
        return torch.from_numpy(np.require(batch, requirements="W")).to(self.device)

    def start(self, batch: torch.Tensor) -> torch.Tensor:
        """Encode placed images that are on the device; a card is not waited for.

        Parameters
        ----------
        batch : Tensor of uint8, shape (n, h, w, 3)

        Returns
        -------
        Tensor of float32, shape (n, d)
            On the device.
        """
        with torch.inference_mode(), torch_set_up(self.threads, self.precision):
            # (n, h, w, 3) seen as (n, 3, h, w) is in channels-last memory already, and stays so.
            values = batch.permute(0, 3, 1, 2).to(torch.float32)
            values = values.div_(255).sub_(self._mean).div_(self._std)
            try:
                with autocast(self.device, self.precision):
                    features = self.network(values)
            except (RuntimeError, ValueError) as error:  # too small for the network's strides, out of memory
                shape = " x ".join(map(str, batch.shape))
                advice = "; set batch_size lower" if isinstance(error, torch.OutOfMemoryError) else ""
                raise ValueError(f"encoder {self.name} fails on a batch of {shape}: {error}{advice}") from error
            if not isinstance(features, torch.Tensor) or len(features) != len(batch):
                raise ValueError(f"encoder {self.name}: the network must return one tensor with a row per image")
            return features.flatten(1).float()


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


def build_torchvision_encoder(
    name,
    weights,
    *,
    geometry,
    image_size,
    tile_overlap,
    tile_pool,
    seed,
    weights_dir,
    weights_mirror,
    device,
    threads,
    precision,
    **_,
) -> NetworkEncoder:
    """Build the encoder that a torchvision classifier is; see `nearlabel.features.encoders.build_encoder`."""
    network, label, sha256, source = build_network(
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
        name,
        label,
        sha256,
        network,
        placement,
        preset.mean,
        preset.std,
        tile_pool,
        device,
        threads,
        dimension,
        weights_source=source,
        precision=precision,
    )


def build_custom_encoder(
    name, weights, *, geometry, image_size, tile_overlap, tile_pool, device, threads, precision, module, callable, **_
) -> NetworkEncoder:
    """Build the encoder that a user's own network is; see `nearlabel.features.encoders.build_encoder`."""
    network, label, sha256, source = build_custom_network(module, callable, weights)
    placement = choose_placement(geometry, image_size, 224, 256, "bilinear", tile_overlap)
    encoder = NetworkEncoder(
        name,
        label,
        sha256,
        network,
        placement,
        IMAGENET_MEAN,
        IMAGENET_STD,
        tile_pool,
        device,
        threads,
        weights_source=source,
        precision=precision,
    )
    encoder.settings["module"] = hash_file(Path(module))
    encoder.settings["callable"] = callable
    return encoder
