"""From prepared images to one row of features each, in forward passes of a constant size."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from PIL import Image


class Encoder(Protocol):
    """What turns images into features.

    Attributes
    ----------
    name : str
        The encoder's name.
    weights : str
        What its weights are: an enum's member, a file's name, ``seeded`` or ``none``.
    weights_sha256 : str
        Hexadecimal; empty without weights.
    weights_source : str
        Where the weights were found, in words; empty without a file. No number depends on it.
    geometry : str
        official, squash, tile or native.
    image_size : int or None
        Side in pixels; None for native.
    dimension : int
        Length of a feature vector.
    tile_pool : str
        How the features of an image's tiles become one row: mean or max.
    prepare : callable
        Turns an RGB image into an array of shape (t, …), t tiles; picklable, for processes that decode. Its method
        ``refusal`` is that of `nearlabel.features.placement.Placement`.
    settings : dict
        Everything else that the features depend on; JSON-able.
    """

    name: str
    weights: str
    weights_sha256: str
    weights_source: str
    geometry: str
    image_size: int | None
    dimension: int
    tile_pool: str
    prepare: Callable[[Image.Image], np.ndarray]
    settings: dict

    def encode(self, batch: np.ndarray) -> np.ndarray:
        """Turn what `prepare` made, stacked to (n, …), into float32 features of shape (n, d)."""


def encode_images(encoder: Encoder, prepared: Sequence[np.ndarray], batch_size: int) -> np.ndarray:
    """Encode images that the encoder's ``prepare`` made ready.

    Tiles of consecutive images share forward passes. Every pass has `batch_size` tiles of one shape, the last one
    filled with zeros, so that the library's choice of kernels, and with it the last bits of a row, does not depend on
    how many images there are. Images of unlike shapes (geometry ``native``) take passes of one image each; the caller
    then gives a `batch_size` of 1.

    Parameters
    ----------
    encoder : Encoder
        Also says how tiles are pooled.
    prepared : sequence of ndarray, each (t, …)
        One array per image, t tiles each.
    batch_size : int
        Tiles per forward pass.

    Returns
    -------
    ndarray of float32, shape (n, d)
        One row per image.
    """
    tiles = [tile for image in prepared for tile in image]
    encoded = []
    for start in range(0, len(tiles), batch_size):
        chosen = tiles[start : start + batch_size]
        encoded.append(encoder.encode(padded(chosen, batch_size))[: len(chosen)])
    features = np.concatenate(encoded).astype(np.float32, copy=False)
    return pool_tiles(features, [len(image) for image in prepared], encoder.tile_pool)


def pool_tiles(features: np.ndarray, counts: Sequence[int], tile_pool: str) -> np.ndarray:
    """Make one row of each image's tiles.

    Parameters
    ----------
    features : ndarray of float32, shape (t, d)
        Of the tiles of all images, in their order.
    counts : sequence of int, length n
        Tiles of each image.
    tile_pool : str
        mean or max.

    Returns
    -------
    ndarray of float32, shape (n, d)
    """
    pool = {"mean": np.mean, "max": np.max}[tile_pool]
    return np.stack([pool(rows, axis=0) for rows in np.split(features, np.cumsum(counts)[:-1])])


def padded(rows: Sequence[np.ndarray] | np.ndarray, count: int) -> np.ndarray:
    """Fill a batch up with zeros, so that every pass has one size, and with it one choice of kernels.

    Parameters
    ----------
    rows : ndarray, shape (m, …), or sequence of m ndarrays of one shape
        1 ≤ m ≤ count.
    count : int
        Rows of the result.

    Returns
    -------
    ndarray, shape (count, …)
        A copy.
    """
    batch = np.zeros((count, *rows[0].shape), rows[0].dtype)
    np.stack(rows, out=batch[: len(rows)])
    return batch
