"""From prepared images to one row of features each, in forward passes of a constant size."""

from collections.abc import Sequence

import numpy as np

from nearlabel.features.encoders import Encoder


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
        batch = np.zeros((batch_size, *chosen[0].shape), chosen[0].dtype)
        np.stack(chosen, out=batch[: len(chosen)])
        encoded.append(encoder.encode(batch)[: len(chosen)])
    features = np.concatenate(encoded).astype(np.float32, copy=False)
    ends = np.cumsum([len(image) for image in prepared])
    pool = {"mean": np.mean, "max": np.max}[encoder.tile_pool]
    return np.stack([pool(rows, axis=0) for rows in np.split(features, ends[:-1])])
