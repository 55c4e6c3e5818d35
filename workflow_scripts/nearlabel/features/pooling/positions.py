"""Where a patch lies: how near the border, and which pixels of the image its part of a map covers."""

import numpy as np

from nearlabel.images.geometry import tile_starts

DEPTH = 3
"""Patches of the middle stages that lie farther than this from the border hardly see the padding of convolutions."""

CLASSES = (DEPTH + 1) ** 2


def border_classes(height: int, width: int) -> np.ndarray:
    """Class of every patch of a grid by its distances to the nearer horizontal and to the nearer vertical border.

    Convolutions pad with zeros, so that patches near the border differ from others in every image and from one another
    more than others do. Held against patches of their class only, they are as novel as what they show.

    Returns
    -------
    ndarray of int64, shape (height * width,)
        From 0 (a corner) to `CLASSES` - 1 (inner patches).
    """
    rows, columns = (np.minimum(np.arange(n), n - 1 - np.arange(n)).clip(0, DEPTH) for n in (height, width))
    return (rows[:, None] * (DEPTH + 1) + columns).ravel()


def stitch_tiles(maps: np.ndarray, size: int, width: int, height: int, tile_overlap: float = 0.0) -> np.ndarray:
    """Lay the maps of an image's tiles side by side, as `nearlabel.images.geometry.place_image` cut the tiles.

    Parameters
    ----------
    maps : ndarray, shape (t, g, g)
        Of the tiles, in their order.
    size : int
        Side of a tile in pixels.
    width, height : int
        Of the image.
    tile_overlap : float
        As the tiles were cut with.

    Returns
    -------
    ndarray of float32, shape (h, w)
        Of the whole image; the mean where tiles overlap.
    """
    count, grid = maps.shape[:2]
    length = int(size * max(width, height) / min(width, height))
    starts = tile_starts(length, size, tile_overlap)
    if len(starts) != count:
        raise ValueError(f"{count} tiles do not belong to an image of {width} x {height}; make images.csv again")
    firsts = [round(start * grid / size) for start in starts]
    total, layers = np.zeros((grid, firsts[-1] + grid)), np.zeros(firsts[-1] + grid)
    upright = height > width
    for first, tile in zip(firsts, maps, strict=True):
        total[:, first : first + grid] += tile.T if upright else tile
        layers[first : first + grid] += 1
    stitched = (total / layers).astype(np.float32)
    return stitched.T if upright else stitched
