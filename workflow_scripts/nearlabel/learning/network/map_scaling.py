"""Activation maps brought to one size and to one range."""

import torch
from torch.nn import functional

# Smallest side of a map: the window of SSIM.
MIN_SIDE = 7
# Share of its largest value within which a map is constant: float32 noise, which min-max scaling would blow up.
CONSTANT = 1e-6
# As in pytorch-grad-cam, against division by zero.
SCALE_EPSILON = 1e-7


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
