"""One evaluation pass of a classifier that also gives its last feature maps, and whether its head is linear in them.

Which tensor the last feature maps A are. What the head gets: the input of the network's last pooling over all
positions, however that is written (a layer, a function, a mean). What the network does before pooling belongs to A:
DenseNet's last ReLU, Swin's last norm. Where positions are flattened instead (VGG, AlexNet), A is what is flattened or,
where that comes from average pooling to a fixed grid, the input of that pooling; in torchvision's networks this is the
output of ``model.features``. A vision transformer has none: its patches never form a map behind the first layer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from nearlabel.features.devices import autocast

TAKE_OTHER = "take a convolutional classifier, such as resnet18"
_AVERAGES = (functional.adaptive_avg_pool2d, functional.avg_pool2d, torch.mean, torch.Tensor.mean)


class ForwardPass(NamedTuple):
    """What one evaluation pass saw; tensors on the model's device.

    Attributes
    ----------
    maps : Tensor, shape (n, k, h, w), or None
        The last feature maps A; None where the network has none.
    pooled : Tensor, shape (n, d)
        Input of the last linear layer; without one behind the maps, their mean over positions.
    logits : Tensor, shape (n, classes)
        The network's output.
    weight : Tensor, shape (classes, k), or None
        Of the last linear layer W, where logits = W · mean(A) + b and `pooled` = mean(A); else None.
    """

    maps: torch.Tensor | None
    pooled: torch.Tensor
    logits: torch.Tensor
    weight: torch.Tensor | None


class BegunPass(NamedTuple):
    """A pass whose outcome nobody has waited for; on a card it may still be under way.

    Attributes
    ----------
    seen : ForwardPass
        With the weight of the last linear layer wherever its shape suits the closed form.
    finite : Tensor of bool, shape ()
        Whether all logits are finite.
    exact : Tensor of bool, shape (), or None
        Whether the closed form holds; None where the shapes forbid it.
    """

    seen: ForwardPass
    finite: torch.Tensor
    exact: torch.Tensor | None


def forward_pass(model: nn.Module, images: torch.Tensor | np.ndarray, **options: Any) -> ForwardPass:
    """Run a classifier in evaluation mode, batch norm included; each layer's own training mode is restored.

    Parameters
    ----------
    model : torch.nn.Module
        Gives logits (n, classes) for images.
    images : Tensor or ndarray, shape (n, channels, height, width)
        Normalised as the model expects; moved to the model's device.
    **options
        Of `begin_pass`.

    Returns
    -------
    ForwardPass

    Raises
    ------
    ValueError
        There are no images; the network gives no logits, or some that are not finite, or it has neither feature maps
        nor a linear layer that would tell its features.
    """
    begun = begin_pass(model, images, **options)
    require_finite(model, begun.finite)
    exact = begun.exact is not None and bool(begun.exact)
    return begun.seen if exact else begun.seen._replace(weight=None)


def require_finite(model: nn.Module, finite: torch.Tensor) -> None:
    """Raise a ValueError where logits were not finite."""
    if not finite.all():
        raise ValueError(
            f"{type(model).__name__} gives logits that are not finite; check the images for NaN, or lower the "
            "learning rate"
        )


def begin_pass(
    model: nn.Module, images: torch.Tensor | np.ndarray, *, gradients: bool = False, precision: str = "float32"
) -> BegunPass:
    """Run a classifier as `forward_pass` does, without waiting for a card.

    Parameters
    ----------
    model, images
        As for `forward_pass`.
    gradients : bool
        Keep what is needed to differentiate `logits` by `maps`: the activations of the batch, as in training.
    precision : str
        See `nearlabel.features.devices.autocast`; what the pass has seen is float32 with any, but for maps with
        `gradients`.
    """
    if not len(images):
        raise ValueError("there are no images to evaluate; give at least one")
    name = type(model).__name__
    parameter = next((one for one in model.parameters() if one.is_floating_point()), torch.empty(0))
    images = torch.as_tensor(images).to(parameter)
    with _evaluation_mode(model), torch.set_grad_enabled(gradients):
        if gradients:
            # A clone may be worked on in place, which a leaf that asks for gradients may not.
            images = images.detach().requires_grad_().clone()
        with _Recorder() as recorder, autocast(images.device, precision):
            output = model(images)
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != len(images):
        raise ValueError(f"{name} gives no logits of shape (n, classes); activation maps need a classifier")
    logits, finite = output.float(), torch.isfinite(output.detach()).all()
    if recorder.maps is None:
        if recorder.linear is None:
            raise ValueError(f"{name} has neither feature maps nor a linear layer; {TAKE_OTHER}")
        return BegunPass(ForwardPass(None, recorder.linear[0].float(), logits, None), finite, None)
    maps = recorder.maps if gradients else recorder.maps.float()
    means = maps.float().mean(dim=(2, 3))
    if recorder.linear is None:
        return BegunPass(ForwardPass(maps, means, logits, None), finite, None)
    pooled, weight, last = recorder.linear
    exact = None
    if pooled.shape == means.shape and last.shape == output.shape:
        exact = _same_means(pooled, means, recorder.maps) & (last == output).all()
    return BegunPass(ForwardPass(maps, pooled.float(), logits, None if exact is None else weight), finite, exact)


def _same_means(pooled: torch.Tensor, means: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Compare up to rounding; means of values of either sign lose digits of the values, not of the means."""
    with torch.no_grad():
        # A coarser mean is summed up in float32 and rounded once, by half of eps at most.
        relative = max(1e-5, 0.75 * torch.finfo(pooled.dtype).eps)
        most = 1e-6 * maps.abs().max().float() + relative * means.abs()
        return ((pooled.float() - means).abs() <= most).all()


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Set all layers to evaluation, then each back to the mode that it had."""
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training


class _Recorder(TorchFunctionMode):
    """Watch a pass, function by function, for the last feature maps and the last linear layer behind them.

    Hooks on layers would miss pooling that is written as a function: DenseNet, MobileNetV2, ShuffleNet.
    """

    def __init__(self):
        super().__init__()
        self.maps: torch.Tensor | None = None
        self.linear: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None  # input, weight, output
        self._grid: tuple[torch.Tensor, torch.Tensor] | None = None  # output and input of average pooling to a grid

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        given = args[0] if args else kwargs.get("input")
        if not isinstance(given, torch.Tensor) or not isinstance(result, torch.Tensor):
            return result
        if func is functional.linear and given.ndim == 2:
            self.linear = given, args[1] if len(args) > 1 else kwargs["weight"], result
        elif given.ndim == 4 and len(result) == len(given):
            self._see(func, given, result)
        return result

    def _see(self, func: Callable, given: torch.Tensor, result: torch.Tensor) -> None:
        averages = func in _AVERAGES
        positions = given.shape[2] * given.shape[3]
        pools = result.shape[1:].numel() == given.shape[1] == result.shape[1]
        flattens = result.ndim == 2 and result.numel() == given.numel()
        # What was pooled to one position is flattened too, but that is not the maps.
        if pools and (averages or positions > 1):
            self._enter_head(given)
        elif flattens and positions > 1:
            self._enter_head(self._grid[1] if self._grid and self._grid[0] is given else given)
        elif averages and result.ndim == 4:
            self._grid = result, given

    def _enter_head(self, maps: torch.Tensor) -> None:
        self.maps = maps
        self.linear = None
