"""Images decoded and brought to the network's size once, for all runs of active learning."""

import json
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.bars import Progress
from nearlabel.features.placement import Placement, choose_placement, require_placeable
from nearlabel.features.preparation import load_image
from nearlabel.features.weights.choice import preprocessing
from nearlabel.images.scales import content_keys, full_ranges
from nearlabel.learning.data.arrays import write_arrays
from nearlabel.sources import fingerprint, sources_of

# Images held decoded at a time.
BLOCK = 256


def network_placement(network: Mapping[str, Any]) -> Placement:
    """How a network's images are placed: its weights' own preprocessing, at the size and geometry asked for.

    Parameters
    ----------
    network : mapping
        ``name, weights, geometry, image_size``, the last a side, (height, width), or None for the weights' own.

    Returns
    -------
    Placement
    """
    preset = preprocessing(network["name"], network["weights"])
    size = network["image_size"]
    return choose_placement(
        network["geometry"],
        tuple(size) if isinstance(size, list | tuple) else size,
        preset.crop_size[0],
        preset.resize_size[0],
        preset.interpolation.value,
    )


def decode_images(images: pd.DataFrame, network: Mapping[str, Any], output, *, workers: int = 1) -> None:
    """Decode all images, place them and write them to one file.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``: image_id, path, width, height, sha256, full_range. Rows of the output follow it.
    network : mapping
        As for `network_placement`.
    output : str or Path
        HDF5 file with data set ``images``, uint8 (n, height, width, 3).
    workers : int
        Images decoded at a time, in threads; changes no bit.

    Raises
    ------
    FileNotFoundError, ValueError
        An image is gone or changed since it was listed, or too thin a strip to be placed; there are no images.
    """
    if images.empty:
        raise ValueError(f"{output}: images.csv lists no image to decode")
    placement = network_placement(network)
    require_placeable(placement.refusal, images)
    parts = {
        "images": content_keys(images),
        "placement": vars(placement),
        "sources": sources_of(__name__).describe(),
    }
    attributes = {"fingerprint": fingerprint(parts), "placement": json.dumps(vars(placement), sort_keys=True)}
    write_arrays(output, "images", _decoded(images, placement, workers), list(images["image_id"]), attributes)
    logging.getLogger(__name__).info("%d images decoded: %s", len(images), attributes["placement"])


def _decoded(images: pd.DataFrame, placement: Placement, workers: int) -> Iterator[np.ndarray]:
    def decode(row) -> np.ndarray:
        return placement(load_image(*row))[0]

    rows = list(zip(images["path"], images["sha256"], full_ranges(images), strict=True))
    with ThreadPoolExecutor(workers) as pool, Progress(len(rows), "images") as progress:
        for start in range(0, len(rows), BLOCK):
            block = np.stack(list(pool.map(decode, rows[start : start + BLOCK])))
            progress.update(len(block))
            yield block
