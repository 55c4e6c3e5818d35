"""Grad-CAM: where a network looks for a class; without a backward pass where the network's head allows it.

Selvaraju et al. 2017: the weights of the last feature maps A_k are the gradients ∂y_c/∂A_k averaged over positions, the
map is ReLU(Σ_k weight_k A_k). Where A feeds global average pooling and that feeds one linear layer W, every gradient is
W_ck/Z, Z the number of positions, so that the map is ReLU(Σ_k W_ck A_k)/Z (Zhou et al. 2016). y_c is the network's
output for the class, before any softmax.

Which tensor A is, `nearlabel.learning.network.feature_maps` says. ``pytorch-grad-cam`` gives the same maps for a target
layer whose output is A. On a DenseNet's ``features`` it does not: it takes A behind the last ReLU, which works in
place, but gradients before it.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from nearlabel.learning.network.feature_maps import (
    TAKE_OTHER,
    ForwardPass,
    begin_pass,
    forward_pass,
    require_finite,
)
from nearlabel.learning.network.map_scaling import scale_maps

logger = logging.getLogger(__name__)


class Evaluation(NamedTuple):
    """Activation maps and what else their pass gave, as arrays.

    Attributes
    ----------
    activations : ndarray of float32, shape (n, height, width)
        One Grad-CAM map per image.
    pooled, logits : ndarray of float32, shape (n, d) and (n, classes)
        As of `nearlabel.learning.network.feature_maps.ForwardPass`.
    degenerate : ndarray of bool, shape (n,)
        Maps that say nothing: zero everywhere, or constant.
    """

    activations: np.ndarray
    pooled: np.ndarray
    logits: np.ndarray
    degenerate: np.ndarray


class BegunEvaluation(NamedTuple):
    """What a pass gives before anybody has waited for it, on the model's device.

    Attributes
    ----------
    logits, pooled : Tensor
        As of `Evaluation`.
    activations, degenerate : Tensor or None
        As of `Evaluation`; None where no maps are wanted.
    finite : Tensor of bool, shape ()
        Whether all logits are finite.
    exact : Tensor of bool, shape (), or None
        Whether the closed form holds, which the maps are by; None where they are not.
    """

    logits: torch.Tensor
    pooled: torch.Tensor
    activations: torch.Tensor | None
    degenerate: torch.Tensor | None
    finite: torch.Tensor
    exact: torch.Tensor | None


class FeatureMaps:
    """A classifier whose evaluation passes also give feature maps and activation maps.

    Each pass finds the feature maps anew and checks that the closed form holds, so that the model may be trained on
    between passes. Once it does not hold, maps are by autograd from there on.

    Parameters
    ----------
    model : torch.nn.Module
        Gives logits (n, classes) for images.
    precision : str
        Of the passes; see `nearlabel.features.devices.autocast`.

    Attributes
    ----------
    closed_form : bool or None
        Whether maps come without a backward pass; None before the first pass. The log says it too.
    """

    def __init__(self, model: nn.Module, precision: str = "float32"):
        self.model, self.precision = model, precision
        self.closed_form: bool | None = None

    def forward(self, images: torch.Tensor | np.ndarray) -> ForwardPass:
        """Run the network without gradients: feature maps if it has any, pooled features, logits.

        Parameters, result and errors are those of `nearlabel.learning.network.feature_maps.forward_pass`.
        """
        seen = forward_pass(self.model, images, precision=self.precision)
        if seen.maps is not None:
            self.note(seen.weight is not None)
        return seen

    def note(self, closed_form: bool) -> None:
        """Note whether the closed form held in a pass."""
        if self.closed_form is None or (self.closed_form and not closed_form):
            self.closed_form = closed_form
            logger.info(
                "%s: Grad-CAM %s global average pooling and one linear layer",
                type(self.model).__name__,
                "in closed form, its head is" if closed_form else "by autograd, its head is not",
            )

    def begin(self, images: torch.Tensor | np.ndarray) -> BegunEvaluation:
        """Begin a pass without maps: logits and features; a card is not waited for."""
        seen, finite, _ = begin_pass(self.model, images, precision=self.precision)
        return BegunEvaluation(seen.logits, seen.pooled, None, None, finite, None)

    def begin_maps(
        self,
        images: torch.Tensor | np.ndarray,
        target: int | str | Sequence[int] | np.ndarray,
        *,
        size: tuple[int, int] | None = None,
        normalise: bool = False,
    ) -> BegunEvaluation:
        """Begin a pass with maps; a card is not waited for, but by autograd, and in the first pass.

        Whoever takes what this gives calls `require_finite` and, where ``exact`` turns out false, begins again after
        `note`. Parameters and errors are those of `evaluate`, but that logits may not be finite.
        """
        if self.closed_form is None:
            self._require_maps(self.forward(images))
        if self.closed_form:
            begun = begin_pass(self.model, images, precision=self.precision)
            if begun.exact is None:
                self.note(False)
        if not self.closed_form:
            begun = begin_pass(self.model, images, gradients=True, precision=self.precision)
            require_finite(self.model, begun.finite)
        seen = begun.seen
        self._require_maps(seen)
        height, width = seen.maps.shape[2:]
        if height * width == 1:
            raise ValueError(
                f"feature maps of {type(self.model).__name__} have a single position, and so no pattern to compare; "
                "use larger images (image_size)"
            )
        classes = _target_classes(target, seen.logits)
        if self.closed_form:
            activations = closed_form_maps(seen.maps, seen.weight, classes)
        else:
            with torch.enable_grad():
                scores = seen.logits.gather(1, classes[:, None]).sum()
            (gradients,) = torch.autograd.grad(scores, seen.maps)
            weights = gradients.float().mean(dim=(2, 3))
            activations = torch.einsum("nkhw,nk->nhw", seen.maps.detach().float(), weights).relu()
        activations, degenerate = scale_maps(activations, size=size, normalise=normalise)
        arrays = (seen.logits, seen.pooled, activations, degenerate)
        exact = begun.exact if self.closed_form else None
        return BegunEvaluation(*(array.detach() for array in arrays), begun.finite, exact)

    def _require_maps(self, seen: ForwardPass) -> None:
        if seen.maps is None:
            raise ValueError(
                f"{type(self.model).__name__} neither pools nor flattens feature maps of shape (n, channels, "
                f"height, width), so there are no activation maps; {TAKE_OTHER}"
            )

    def evaluate(
        self,
        images: torch.Tensor | np.ndarray,
        target: int | str | Sequence[int] | np.ndarray,
        *,
        size: tuple[int, int] | None = None,
        normalise: bool = False,
    ) -> Evaluation:
        """Compute activation maps, features and logits in one pass.

        In closed form it costs little more than the forward pass. By autograd it holds a batch's activations in memory,
        as training does, and goes back from the logits to the feature maps; the first batch takes a second pass; it
        cannot work under ``torch.inference_mode``.

        Parameters
        ----------
        images : Tensor or ndarray, shape (n, channels, height, width)
            Normalised as the model expects; moved to the model's device.
        target : int, "predicted" or ndarray of int, shape (n,)
            Class to explain: one for all images, that of the highest logit, or one for each image.
        size, normalise
            As for `scale_maps`.

        Returns
        -------
        Evaluation

        Raises
        ------
        ValueError
            As `forward` and `scale_maps`; no such class; no feature maps, or maps of a single position, which have no
            pattern.
        """
        begun = self.begin_maps(images, target, size=size, normalise=normalise)
        require_finite(self.model, begun.finite)
        if begun.exact is not None and not begun.exact:
            self.note(False)
            begun = self.begin_maps(images, target, size=size, normalise=normalise)
        arrays = (begun.activations, begun.pooled, begun.logits, begun.degenerate)
        return Evaluation(*(array.cpu().numpy() for array in arrays))


def activation_maps(
    model: nn.Module,
    images: torch.Tensor | np.ndarray,
    target: int | str | Sequence[int] | np.ndarray,
    *,
    size: tuple[int, int] | None = None,
    normalise: bool = False,
) -> np.ndarray:
    """Grad-CAM maps of a batch of images, in one pass of the network.

    Parameters
    ----------
    model
        As for `FeatureMaps`.
    images, target, size, normalise
        As for `FeatureMaps.evaluate`.

    Returns
    -------
    ndarray of float32, shape (n, height, width)
        Not negative. The log counts those that are zero everywhere or constant.

    Raises
    ------
    ValueError
        As `FeatureMaps.evaluate`.
    """
    found = FeatureMaps(model).evaluate(images, target, size=size, normalise=normalise)
    if found.degenerate.any():
        logger.warning("%d of %d activation maps are zero or constant", found.degenerate.sum(), len(found.degenerate))
    return found.activations


def closed_form_maps(maps: torch.Tensor, weight: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Grad-CAM of a head that is global average pooling and one linear layer: ReLU(Σ_k W_ck A_k)/Z.

    Parameters
    ----------
    maps : Tensor, shape (n, k, h, w)
        What is pooled.
    weight : Tensor, shape (classes, k)
        Of the linear layer.
    classes : Tensor of int64, shape (n,)
        Class to explain for each image.

    Returns
    -------
    Tensor, shape (n, h, w)
    """
    with torch.no_grad():
        return torch.einsum("nkhw,nk->nhw", maps, weight[classes]).relu() / (maps.shape[2] * maps.shape[3])


def _target_classes(target: int | str | Sequence[int] | np.ndarray, logits: torch.Tensor) -> torch.Tensor:
    """Return the class to explain for each image, int64 (n,)."""
    if isinstance(target, str) and target == "predicted":
        return logits.argmax(dim=1)
    count, classes = logits.shape
    wanted = target.detach().cpu().numpy() if isinstance(target, torch.Tensor) else np.asarray(target)
    if wanted.dtype.kind not in "iu" or wanted.shape not in ((), (count,)):
        raise ValueError(f"target {target!r} is not a class, 'predicted' or a class for each of {count} images")
    if count and not 0 <= wanted.min() <= wanted.max() < classes:
        raise ValueError(f"target {target!r} is not among the model's {classes} classes, which count from 0")
    return torch.from_numpy(np.broadcast_to(wanted, count).astype(np.int64)).to(logits.device)
