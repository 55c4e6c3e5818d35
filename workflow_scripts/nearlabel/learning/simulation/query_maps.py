"""Activation maps of the images that a run asked for, as they were when it chose them: small, for the report."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nearlabel.files import how_to_remake, written_whole
from nearlabel.hdf5 import TEXT, hdf5_file, opened_hdf5

if TYPE_CHECKING:
    import torch

LARGEST = 14
"""Largest side of a map that is kept."""


class QueryMaps(NamedTuple):
    """What ``maps.h5`` holds; nothing where the strategy looks at no maps.

    Attributes
    ----------
    maps : ndarray of uint8, shape (n, height, width)
        Grad-CAM maps, 255 for 1.
    round : ndarray of int64, shape (n,)
        The round that each image was chosen for, 1 or later: the first batch is chosen by no map.
    image_id : ndarray of object (str), shape (n,)
    """

    maps: np.ndarray
    round: np.ndarray
    image_id: np.ndarray


def pack_maps(maps: np.ndarray) -> "torch.Tensor":
    """Make maps small: sides of at most `LARGEST` by means over areas, values in 8 bits.

    Parameters
    ----------
    maps : ndarray of float, shape (n, height, width)
        In [0, 1].

    Returns
    -------
    Tensor of uint8, shape (n, height, width)
    """
    import torch
    from torch.nn.functional import interpolate

    packed = torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32))
    size = tuple(min(side, LARGEST) for side in packed.shape[1:])
    if size != tuple(packed.shape[1:]):
        packed = interpolate(packed[:, None], size, mode="area")[:, 0]
    return (255 * packed.clamp(0, 1)).round().to(torch.uint8)


def write_query_maps(path, maps: "Sequence[torch.Tensor]", rounds: Sequence[int], image_ids: Sequence[str]) -> None:
    """Write ``maps.h5``.

    Parameters
    ----------
    path : str or Path
        The file; it appears when it is complete.
    maps : sequence of Tensor
        Of each choice, from `pack_maps`; empty where the strategy looks at none.
    rounds : sequence of int
        Of every image chosen, in the order of choice.
    image_ids : sequence of str
        These images.
    """
    found = np.concatenate([chosen.numpy() for chosen in maps]) if maps else np.empty((0, 0, 0), np.uint8)
    with written_whole(path) as partial, hdf5_file(partial, "w") as file:
        file.create_dataset("maps", data=found)
        file.create_dataset("round", data=np.asarray(rounds, dtype=np.int64)[: len(found)])
        file.create_dataset("image_id", data=list(map(str, image_ids))[: len(found)], dtype=TEXT)


def read_query_maps(path) -> QueryMaps:
    """Read ``maps.h5``.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged, or its parts do not fit each other.
    """
    with opened_hdf5(path) as file:
        found = QueryMaps(file["maps"][:], file["round"][:], file["image_id"].asstr()[:])
    if len({len(part) for part in found}) > 1:
        raise ValueError(f"{path} holds {len(found.maps)} maps for {len(found.image_id)} images; {how_to_remake(path)}")
    return found
