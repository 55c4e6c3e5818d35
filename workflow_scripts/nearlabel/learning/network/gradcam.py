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
from torch.nn import functional

from nearlabel.learning.network.feature_maps import TAKE_OTHER, ForwardPass, forward_pass

logger = logging.getLogger(__name__)

# Smallest side of a map: the window of SSIM.
MIN_SIDE = 7
# Share of its largest value within which a map is constant: float32 noise, which min-max scaling would blow up.
CONSTANT = 1e-6
# As in pytorch-grad-cam, against division by zero.
SCALE_EPSILON = 1e-7


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


class FeatureMaps:
    """A classifier whose evaluation passes also give feature maps and activation maps.

    Each pass finds the feature maps anew and checks that the closed form holds, so that the model may be trained on
    between passes. Once it does not hold, maps are by autograd from there on.

    Parameters
    ----------
    model : torch.nn.Module
        Gives logits (n, classes) for images.

    Attributes
    ----------
    closed_form : bool or None
        Whether maps come without a backward pass; None before the first pass. The log says it too.
    """

    def __init__(self, model: nn.Module):
        self.model = model
        self.closed_form: bool | None = None

    def forward(self, images: torch.Tensor | np.ndarray) -> ForwardPass:
        """Run the network without gradients: feature maps if it has any, pooled features, logits.

        Parameters, result and errors are those of `nearlabel.learning.network.feature_maps.forward_pass`.
        """
        seen = forward_pass(self.model, images)
        if seen.maps is None:
            return seen
        closed_form = seen.weight is not None
        if self.closed_form is None or (self.closed_form and not closed_form):
            self.closed_form = closed_form
            logger.info(
                "%s: Grad-CAM %s global average pooling and one linear layer",
                type(self.model).__name__,
                "in closed form, its head is" if closed_form else "by autograd, its head is not",
            )
        return seen

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
        if self.closed_form is not False:
            seen = self.forward(images)
            if seen.maps is None:
                raise ValueError(
                    f"{type(self.model).__name__} neither pools nor flattens feature maps of shape (n, channels, "
                    f"height, width), so there are no activation maps; {TAKE_OTHER}"
                )
        if not self.closed_form:
            seen = forward_pass(self.model, images, gradients=True)
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
            activations = torch.einsum("nkhw,nk->nhw", seen.maps.detach(), gradients.mean(dim=(2, 3))).relu()
        activations, degenerate = scale_maps(activations, size=size, normalise=normalise)
        arrays = (activations, seen.pooled, seen.logits, degenerate)
        return Evaluation(*(array.detach().cpu().numpy() for array in arrays))


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


def scale_maps(
    maps: torch.Tensor, *, size: tuple[int, int] | None = None, normalise: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Bring activation maps to one size and, if asked for, to values from 0 to 1.

    Resizing is bilinear between centres of pixels, as ``cv2.resize`` does it by default. Normalising is that of
    ``pytorch-grad-cam``: (map − min) / (1e-7 + max − min), before and after resizing.

    Parameters
    ----------
    maps : Tensor, shape (n, h, w)
        Not negative.
    size : (height, width), optional
        By default the maps' own, at least 7 × 7.
    normalise : bool
        Scale every map by itself; one that says nothing becomes zero.

    Returns
    -------
    maps : Tensor, shape (n, height, width)
    degenerate : Tensor of bool, shape (n,)
        Maps that were zero everywhere, or constant but for rounding.

    Raises
    ------
    ValueError
        `size` is not two numbers of at least 1.
    """
    own = tuple(maps.shape[1:])
    size = tuple(max(side, MIN_SIDE) for side in own) if size is None else tuple(size)
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size of the activation maps is {size}; give height and width, each at least 1")
    smallest, largest = maps.amin(dim=(1, 2)), maps.amax(dim=(1, 2))
    degenerate = largest - smallest <= CONSTANT * largest
    if normalise:
        maps = _min_max(maps.masked_fill(degenerate[:, None, None], 0))
    if size != own:
        maps = functional.interpolate(maps[:, None], size, mode="bilinear", align_corners=False)[:, 0]
    return _min_max(maps) if normalise else maps, degenerate


def _min_max(maps: torch.Tensor) -> torch.Tensor:
    maps = maps - maps.amin(dim=(1, 2), keepdim=True)
    return maps / (SCALE_EPSILON + maps.amax(dim=(1, 2), keepdim=True))


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
