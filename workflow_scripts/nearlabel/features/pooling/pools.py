"""The poolings: a registry, and those of a network's last maps."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from nearlabel.features.network_encoder import NetworkEncoder
from nearlabel.features.pooling.novelty import NoveltyEncoder
from nearlabel.features.pooling.stages import hooked
from nearlabel.features.pooling.wrapped import WrappedEncoder

POWER = 3
"""Of the generalised mean, where its authors' training began and nearly ended."""

_LEAST = 1e-6


def pool_max(maps: torch.Tensor) -> torch.Tensor:
    """Largest value of each channel: (n, c, h, w) to (n, c)."""
    return maps.amax((2, 3))


def pool_generalised_mean(maps: torch.Tensor) -> torch.Tensor:
    """Generalised mean of each channel (Radenović, Tolias and Chum, TPAMI 2018): (n, c, h, w) to (n, c).

    Between average and maximum; values below 1e-6 count as that, as in the authors' code.
    """
    return maps.clamp_min(_LEAST).pow(POWER).mean((2, 3)).pow(1 / POWER)


class MapEncoder(WrappedEncoder):
    """A network whose last map of more than one cell is pooled otherwise than by its average.

    Parameters
    ----------
    encoder : NetworkEncoder
    pooling : str
    pool : callable
        Maps (n, c, h, w) to features (n, c).

    Raises
    ------
    ValueError
        The network has no map.
    """

    def __init__(self, encoder: NetworkEncoder, pooling: str, pool: Callable[[torch.Tensor], torch.Tensor]):
        super().__init__(encoder, pooling)
        if not self.blocks:
            raise ValueError(
                f"pooling {pooling} needs a network that passes maps on; {encoder.name} has none at "
                f"image_size {encoder.image_size}: set pooling to average"
            )
        self._pool, self._last = pool, self.blocks[-1]
        self.dimension = self._last.channels
        self.settings["stages"] = [self._last.name]

    def encode(self, batch: np.ndarray) -> np.ndarray:
        """Encode placed images; see `NetworkEncoder.encode`."""
        return self.start(self.encoder.send(batch)).cpu().numpy()

    def start(self, batch: torch.Tensor) -> torch.Tensor:
        """Encode placed images that are on the device; see `NetworkEncoder.start`."""
        with hooked(self.encoder.network, [self._last], lambda maps: self._pool(maps.float())) as taken:
            self.encoder.start(batch)
        return taken[self._last.name]


POOLS: dict[str, Callable[..., Any]] = {
    "max": lambda encoder, **_: MapEncoder(encoder, "max", pool_max),
    "generalised_mean": lambda encoder, **_: MapEncoder(encoder, "generalised_mean", pool_generalised_mean),
    "novelty": NoveltyEncoder,
}
"""What each of `nearlabel.features.pooling.catalogue.POOLINGS` but ``average`` makes of a network's encoder."""


def pooled(encoder: NetworkEncoder, pooling: str, settings: Mapping[str, Any] | None = None):
    """Make an encoder pool in another way.

    Parameters
    ----------
    encoder : NetworkEncoder
    pooling : str
        Key of `POOLS`.
    settings : mapping, optional
        Of ``novelty``: see `NoveltyEncoder`.

    Raises
    ------
    ValueError
        The network has not the maps that the pooling needs.
    """
    return POOLS[pooling](encoder, **(settings or {}))
