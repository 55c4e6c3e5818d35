"""The classifier that is trained: a torchvision network with a new last layer, and the stages that stay as they are."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from nearlabel.features.devices import choose_device, describe_device, require_precision, torch_set_up
from nearlabel.features.networks import build_network, classifier_name
from nearlabel.features.weights.choice import preprocessing
from nearlabel.learning.data.decode import network_placement
from nearlabel.learning.network.split import split_network

FINE_TUNING = ("full", "last_block", "head")
CLASSES = 2


class Classifier:
    """A network of two classes, cut where its training begins.

    Attributes
    ----------
    name, weights, weights_sha256, weights_source : str
        As of `nearlabel.features.networks.build_network`.
    frozen : torch.nn.Module or None
        The stages that are never trained, from images to what `trained` takes; None where all are trained. In
        evaluation mode.
    trained : torch.nn.Module
        From images, or from what `frozen` gives, to logits (n, 2): column 1 is the positive class.
    head : torch.nn.Linear
        Its last layer.
    fine_tune : str
        What is trained.
    seed : int
        Of the last layer's first weights.
    device : torch.device
    threads : int
        Of torch on the CPU.
    precision : str
        Of forward passes; see `nearlabel.features.devices.torch_set_up`. Weights stay float32.
    """

    def __init__(
        self,
        name,
        weights,
        weights_sha256,
        frozen,
        trained,
        head,
        normalisation,
        fine_tune,
        seed,
        device,
        threads,
        *,
        weights_source="",
        precision="float32",
    ):
        self.name, self.weights, self.weights_sha256, self.seed = name, weights, weights_sha256, seed
        self.weights_source, self.precision = weights_source, precision
        self.fine_tune, self.device, self.threads = fine_tune, device, threads
        self.frozen = frozen if frozen is None else frozen.eval().requires_grad_(False).to(device)
        self.trained, self.head = trained.to(device), head
        self._normalisation = [
            torch.tensor(values, dtype=torch.float32, device=device).reshape(1, 3, 1, 1) for values in normalisation
        ]
        if fine_tune == "head":
            self.trained.requires_grad_(False)
            self.head.requires_grad_(True)
        self._start = copy.deepcopy(self.trained.state_dict())

    def parameters(self) -> list[nn.Parameter]:
        """What training changes."""
        return [parameter for parameter in self.trained.parameters() if parameter.requires_grad]

    def restart(self) -> None:
        """Set all weights back to what they were before any training."""
        self.trained.load_state_dict(self._start)

    def draw_head(self, seed: int) -> None:
        """Set all weights back to what they were before any training, the last layer's to those of another seed."""
        self.restart()
        self.head.load_state_dict(_draw_head(self.head.in_features, seed).state_dict())
        self.seed, self._start = seed, copy.deepcopy(self.trained.state_dict())

    def train_mode(self) -> None:
        """Set the trained stages to training: with `head` only dropout, since no normalisation is trained."""
        self.trained.train()
        if self.fine_tune == "head":
            for layer in self.trained.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    layer.eval()

    def take(self, values: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Bring stored rows to the device: images are normalised, what frozen stages gave is left as it is.

        Parameters
        ----------
        values : ndarray or Tensor of uint8, shape (n, height, width, 3), or of float32
            Decoded images, or outputs of the frozen stages.

        Returns
        -------
        Tensor of float32
        """
        if isinstance(values, np.ndarray):
            # torch warns about arrays that cannot be written to, as mapped files are.
            values = torch.from_numpy(np.require(values, requirements="W"))
        tensor = values.to(self.device)
        return self.normalise(tensor) if tensor.dtype == torch.uint8 else tensor

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Turn uint8 images (n, height, width, 3) into what the network expects: float32 (n, 3, height, width)."""
        mean, std = self._normalisation
        # (n, h, w, 3) seen as (n, 3, h, w) is in channels-last memory already, and stays so.
        return images.permute(0, 3, 1, 2).to(torch.float32).div_(255).sub_(mean).div_(std)

    def describe(self) -> dict[str, Any]:
        """Everything that the classifier's numbers depend on but for the last layer's seed; JSON-able."""
        return {
            "name": self.name,
            "weights_sha256": self.weights_sha256,
            "fine_tune": self.fine_tune,
            "normalisation": [values.flatten().tolist() for values in self._normalisation],
            "threads": self.threads if self.device.type == "cpu" else None,
            "device": describe_device(self.device),
            "precision": self.precision,
        }


def build_classifier(
    network: Mapping[str, Any],
    *,
    fine_tune: str = "full",
    seed: int,
    weights_seed: int | None = None,
    weights_dir=None,
    weights_mirror: str | None = None,
    device: str = "auto",
) -> Classifier:
    """Build a classifier of two classes.

    The network's last linear layer is replaced by a new one with two outputs. What is frozen: with ``full`` nothing;
    with ``last_block`` everything before the last stage of the trunk that has convolutions or linear layers (ResNet:
    layer4; RegNet: block4; EfficientNet, MobileNet, ConvNeXt: the last entry of ``features``); with ``head`` everything
    up to the feature maps that the head pools, and all of the head but its last layer.

    Parameters
    ----------
    network : mapping
        ``name, weights, geometry, image_size, threads``, perhaps ``precision``: a torchvision classifier as
        `nearlabel.features.encoders.build_encoder` takes them.
    fine_tune : {"full", "last_block", "head"}
        What is trained.
    seed : int
        Of the new last layer.
    weights_seed : int, optional
        Of ``seeded`` weights.
    weights_dir, weights_mirror : optional
        See `nearlabel.features.weights.files.find_weights_file`.
    device : str
        auto, cpu, cuda or cuda:N.

    Returns
    -------
    Classifier

    Raises
    ------
    ValueError, FileNotFoundError
        As `build_network`; the network does not end in a linear layer, or cannot be cut; the device has no such
        precision.
    """
    if fine_tune not in FINE_TUNING:
        raise ValueError(f"fine_tune {fine_tune!r} is unknown; choose one of {', '.join(FINE_TUNING)}")
    name, chosen, precision = network["name"], choose_device(device), network.get("precision", "float32")
    require_precision(precision, chosen)
    model, label, sha256, source = build_network(
        name, network["weights"], seed=weights_seed, weights_dir=weights_dir, weights_mirror=weights_mirror
    )
    _drop_side_heads(model)
    head = _replace_head(model, name, seed)
    frozen, trained = None, model
    if fine_tune != "full":
        size = network_placement(network).size
        sample = torch.zeros(1, 3, *((size, size) if isinstance(size, int) else size))
        with torch_set_up(network["threads"]):
            frozen, trained = split_network(model, fine_tune, sample)
        head = trained.get_submodule(classifier_name(trained))
    trained = trained.to(memory_format=torch.channels_last)
    frozen = frozen if frozen is None else frozen.to(memory_format=torch.channels_last)
    preset = preprocessing(name, network["weights"])
    normalisation = (preset.mean, preset.std)
    return Classifier(
        name,
        label,
        sha256,
        frozen,
        trained,
        head,
        normalisation,
        fine_tune,
        seed,
        chosen,
        network["threads"],
        weights_source=source,
        precision=precision,
    )


def _drop_side_heads(model: nn.Module) -> None:
    """Inception and GoogLeNet have further heads, which only their own training looks at."""
    if getattr(model, "aux_logits", False):
        model.aux_logits = False
        for side in ("AuxLogits", "aux1", "aux2"):
            if hasattr(model, side):
                setattr(model, side, None)


def _replace_head(model: nn.Module, name: str, seed: int) -> nn.Linear:
    last = classifier_name(model)
    layer = model.get_submodule(last)
    if not isinstance(layer, nn.Linear):
        raise ValueError(f"{name} ends in a convolution; take a network that ends in a linear layer, such as resnet18")
    head = _draw_head(layer.in_features, seed)
    parent, _, attribute = last.rpartition(".")
    setattr(model.get_submodule(parent), attribute, head)
    return head


def _draw_head(features: int, seed: int) -> nn.Linear:
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        return nn.Linear(features, CLASSES)
