"""Maps of novelty laid over images: where an image shows what others have not."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from nearlabel.features.store import read_novelty
from nearlabel.hdf5 import opened_hdf5

FAINT, FULL = 1.0, 6.0
"""Novelty, in deviations of what is usual, from which on something is laid over an image, and all in one colour."""

_ALPHA = 0.55


def read_winner_maps(features: Sequence[str | Path], encoder: str) -> dict[str, tuple[np.ndarray, float]]:
    """Read the maps of a node's selected encoder.

    Parameters
    ----------
    features : sequence of path
        Feature files of encoders that pool by novelty.
    encoder : str
        The selected one's id.

    Returns
    -------
    dict of str to (ndarray, float)
        By image_id: the map, and the share of the image's short side that it covers, centred, which is 1 but for
        ``geometry: official``. Empty where the encoder pools in another way.
    """
    for file in features:
        if Path(file).stem != encoder:
            continue
        with opened_hdf5(file) as store:
            covers = json.loads(store.attrs["novelty"])["covers"]
        found = read_novelty(file)
        return {image: (values, covers) for image, values in zip(found.image_id, found.maps, strict=True)}
    return {}


def lay_over(picture: Image.Image, novelty: np.ndarray, covers: float) -> Image.Image:
    """Lay a map over an image, the more novel the brighter and the less transparent.

    Parameters
    ----------
    picture : PIL.Image.Image
        RGB, of any size.
    novelty : ndarray, shape (h, w)
        In deviations of what is usual.
    covers : float
        Share of the short side that the map covers, a centred square; 1: all of the image.

    Returns
    -------
    PIL.Image.Image
        A new one.
    """
    from matplotlib import colormaps

    width, height = picture.size
    side = round(covers * min(width, height))
    size = (width, height) if covers == 1 else (side, side)
    grown = Image.fromarray(novelty.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    strength = ((np.asarray(grown) - FAINT) / (FULL - FAINT)).clip(0, 1)
    colours = Image.fromarray((colormaps["inferno"](strength)[..., :3] * 255).astype(np.uint8))
    alpha = Image.fromarray((np.sqrt(strength) * _ALPHA * 255).astype(np.uint8))
    laid = picture.convert("RGB")
    laid.paste(colours, ((width - size[0]) // 2, (height - size[1]) // 2), alpha)
    return laid
