"""The texture encoder: local binary patterns at several scales and gradient orientations; no weights."""

import numpy as np
from PIL import Image

from nearlabel.features.placement import Placement

IMAGE_SIZE = 128
"""Side in pixels where the config names none: on magnetic tile images no larger one separated the classes better."""

_PATTERNS = ((8, 1), (16, 2), (24, 3))
_COARSE_PATTERN = (16, 2)
_COARSE_FACTORS = (2, 4)
_HOG_SIDE, _HOG_CELL, _HOG_ORIENTATIONS = 128, 16, 9
_SMALLEST_SIDE = 8

DIMENSION = sum(points + 2 for points, _ in _PATTERNS) + len(_COARSE_FACTORS) * (_COARSE_PATTERN[0] + 2)
DIMENSION += 2 * _HOG_ORIENTATIONS


def describe_texture(image: np.ndarray) -> np.ndarray:
    """Describe a grey image by its texture.

    Histograms of rotation-invariant uniform local binary patterns (Ojala, Pietikäinen and Mäenpää, 2002) with 8, 16
    and 24 points at radius 1, 2 and 3, and with 16 points at radius 2 of the image at a half and a quarter of its size;
    then mean and standard deviation over the image of each orientation of a histogram of oriented gradients (Dalal and
    Triggs, 2005) at 128 x 128. Statistics of brightness and Gaussian differences made the classes of the magnetic
    tiles harder to tell apart, and are left out.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
        Grey values.

    Returns
    -------
    ndarray of float32, shape (108,)
        All in [0, 1].
    """
    from skimage.feature import hog

    picture = Image.fromarray(image)
    parts = [_pattern_histogram(image, *pattern) for pattern in _PATTERNS]
    for factor in _COARSE_FACTORS:
        size = tuple(max(_SMALLEST_SIDE, side // factor) for side in picture.size)
        parts.append(_pattern_histogram(np.asarray(picture.resize(size, Image.Resampling.BILINEAR)), *_COARSE_PATTERN))
    gradients = hog(
        np.asarray(picture.resize((_HOG_SIDE, _HOG_SIDE), Image.Resampling.BILINEAR)),
        orientations=_HOG_ORIENTATIONS,
        pixels_per_cell=(_HOG_CELL, _HOG_CELL),
        cells_per_block=(2, 2),
        feature_vector=False,
    ).reshape(-1, _HOG_ORIENTATIONS)
    return np.concatenate([*parts, gradients.mean(axis=0), gradients.std(axis=0)]).astype(np.float32)


def _pattern_histogram(image: np.ndarray, points: int, radius: int) -> np.ndarray:
    from skimage.feature import local_binary_pattern

    codes = local_binary_pattern(image, points, radius, method="uniform")
    return np.bincount(codes.astype(np.intp).ravel(), minlength=points + 2) / codes.size


class TexturePreparation:
    """Places an image and describes its tiles; runs in the processes that decode, where the time goes."""

    def __init__(self, placement: Placement):
        self.placement = placement
        self.refusal = placement.refusal

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Describe an RGB image: float32, (t, 108), a row per tile."""
        return np.stack(
            [describe_texture(np.asarray(Image.fromarray(tile).convert("L"))) for tile in self.placement(image)]
        )


class TextureEncoder:
    """Texture as an encoder; see `nearlabel.features.batches.Encoder`.

    Parameters
    ----------
    geometry : str
        official, squash, tile or native. ``official`` means a centre crop of 7/8 of the short side.
    image_size : int or None
        Side in pixels; None for 128.
    tile_overlap : float
        Least overlap of neighbouring tiles, as a share of a tile.
    tile_pool : str
        mean or max over tiles.
    """

    name, weights, weights_sha256, weights_source, dimension = "texture", "none", "", "", DIMENSION

    def __init__(self, geometry: str, image_size: int | None, *, tile_overlap: float = 0.0, tile_pool: str = "mean"):
        size = None if geometry == "native" else image_size or IMAGE_SIZE
        placement = Placement(
            geometry,
            size,
            resize=round(size * 8 / 7) if geometry == "official" else None,
            tile_overlap=tile_overlap if geometry == "tile" else 0.0,
        )
        self.geometry, self.image_size, self.tile_pool = geometry, size, tile_pool
        self.prepare = TexturePreparation(placement)
        self.settings = {"placement": vars(placement), "tile_pool": tile_pool if geometry == "tile" else None}

    def encode(self, batch: np.ndarray) -> np.ndarray:
        """Return the descriptors that `prepare` made, as they are: float32, (n, 108)."""
        return batch


def build_texture_encoder(name, weights, *, geometry, image_size, tile_overlap, tile_pool, **_) -> TextureEncoder:
    """Build the texture encoder; see `nearlabel.features.encoders.build_encoder`."""
    return TextureEncoder(geometry, image_size, tile_overlap=tile_overlap, tile_pool=tile_pool)
