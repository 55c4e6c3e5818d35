"""Maps laid over images."""

import numpy as np
from PIL import Image

_ALPHA = 0.55


def lay_map_over(picture: Image.Image, values: np.ndarray, covers: float, faint: float, full: float) -> Image.Image:
    """Lay a map over an image, the higher its values the brighter and the less transparent.

    Parameters
    ----------
    picture : PIL.Image.Image
        RGB, of any size.
    values : ndarray, shape (h, w)
        The map; brought to the image's size linearly.
    covers : float
        Share of the short side that the map covers, a centred square; 1: all of the image.
    faint, full : float
        Value from which on something is laid over the image, and from which on all has one colour.

    Returns
    -------
    PIL.Image.Image
        A new one.
    """
    from matplotlib import colormaps

    width, height = picture.size
    side = round(covers * min(width, height))
    size = (width, height) if covers == 1 else (side, side)
    grown = Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    strength = ((np.asarray(grown) - faint) / (full - faint)).clip(0, 1)
    colours = Image.fromarray((colormaps["inferno"](strength)[..., :3] * 255).astype(np.uint8))
    alpha = Image.fromarray((np.sqrt(strength) * _ALPHA * 255).astype(np.uint8))
    laid = picture.convert("RGB")
    laid.paste(colours, ((width - size[0]) // 2, (height - size[1]) // 2), alpha)
    return laid
