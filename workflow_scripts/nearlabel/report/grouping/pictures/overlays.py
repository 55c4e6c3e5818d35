"""Maps of novelty: where an image shows what others have not."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nearlabel.features.store import read_novelty
from nearlabel.hdf5 import opened_hdf5

FAINT, FULL = 1.0, 6.0
"""Novelty, in deviations of what is usual, from which on something is laid over an image, and all in one colour."""


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
