"""Novelty-weighted pooling: an image's features are those of its patches that other images have not."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

from nearlabel.features.batches import padded
from nearlabel.features.network_encoder import NetworkEncoder
from nearlabel.features.pooling.catalogue import REFERENCE, TEMPERATURE
from nearlabel.features.pooling.kept import KeptReference, Patches
from nearlabel.features.pooling.positions import border_classes, stitch_tiles
from nearlabel.features.pooling.reference import Reference, choose_share
from nearlabel.features.pooling.stages import hooked, last_of_strides
from nearlabel.features.pooling.wrapped import WrappedEncoder

STRIDES = (8, 16)
LOCAL = 3
"""Side in patches over which each stage is averaged."""

TOP_SHARE = 0.05
"""Of an image's patches, the most novel, whose mean novelty is the image's score."""


class Mixture(NamedTuple):
    """How an image's features are put together.

    Attributes
    ----------
    share : float
        Of the weighted patches, against the average-pooled features: 1 and 0 leave the other out.
    scale : float
        Brings the weighted patches to the spread of the average-pooled features, over the reference set.
    between : float
        Share of the patches' variance that lies between the images of the reference set.
    """

    share: float
    scale: float
    between: float


class NoveltyEncoder(WrappedEncoder):
    """A network whose features are its patches, weighed by their novelty (after Sohn et al., WACV 2023).

    Patches are the outputs of the last blocks of the network's trunk at 1/8 and 1/16 of the image's size, each averaged
    over 3 x 3, the finer brought to the coarser grid, joined along channels. `KeptReference.assess` says how novel each
    is. Weights are the softmax over an image's patches of novelty / `temperature`; tiles of an image share one softmax.
    Calls other than `prepare` belong into `torch.inference_mode` and `nearlabel.features.devices.torch_set_up`.

    Sohn, Yoon, Li, Lee and Pfister, "Anomaly Clustering: Grouping Images into Coherent Clusters of Anomaly Types".

    Parameters
    ----------
    encoder : NetworkEncoder
    reference : int
        Images of the reference set, at least 2.
    temperature : float
        In deviations of the novelty.
    share : float or "auto"
        See `Mixture`; ``auto``: `nearlabel.features.pooling.reference.choose_share`.

    Raises
    ------
    ValueError
        The network has no maps at 1/8 and 1/16.
    """

    def __init__(
        self,
        encoder: NetworkEncoder,
        *,
        reference: int = REFERENCE,
        temperature: float = TEMPERATURE,
        share: float | str = "auto",
    ):
        super().__init__(encoder, "novelty")
        self.reference, self.temperature, self.share = reference, temperature, share
        self.stages = last_of_strides(self.blocks, STRIDES, encoder.name)
        self.channels = sum(stage.channels for stage in self.stages)
        self.dimension = self.channels + encoder.dimension
        self.settings |= {
            "stages": [stage.name for stage in self.stages],
            "reference": reference,
            "temperature": temperature,
            "share": share,
        }

    def patches(self, prepared: Sequence[np.ndarray], batch_size: int) -> Iterator[tuple[Patches, tuple[int, int]]]:
        """Yield the patches of each image, and the grid of one of its tiles; see `encode_images` for the passes.

        Parameters
        ----------
        prepared : sequence of ndarray, each (t, h, w, 3)
            As for `nearlabel.features.batches.encode_images`.
        batch_size : int
            Tiles per forward pass.
        """
        tiles = [tile for image in prepared for tile in image]
        counts = iter([len(image) for image in prepared])
        wanted, found = next(counts), []
        for start in range(0, len(tiles), batch_size):
            chosen = tiles[start : start + batch_size]
            found += self._pass(padded(chosen, batch_size), len(chosen))
            while wanted and len(found) >= wanted:
                yield self._join(found[:wanted])
                del found[:wanted]
                wanted = next(counts, 0)

    def _pass(self, batch: np.ndarray, count: int) -> list[tuple[torch.Tensor, np.ndarray, tuple[int, int]]]:
        """Patches, average-pooled features and grid of the first tiles of a batch."""
        with hooked(self.encoder.network, self.stages, _average_locally) as taken:
            averages = self.encoder.encode(batch)
        fine, coarse = (taken[stage.name] for stage in self.stages)
        grid = tuple(coarse.shape[2:])
        joined = torch.cat([adaptive_avg_pool2d(fine, grid), coarse], 1)[:count]
        values = joined.float().flatten(2).transpose(1, 2).contiguous()
        return [(own, average, grid) for own, average in zip(values, averages[:count], strict=True)]

    def _join(self, tiles: list[tuple[torch.Tensor, np.ndarray, tuple[int, int]]]) -> tuple[Patches, tuple[int, int]]:
        values, averages, grids = zip(*tiles, strict=True)
        classes = torch.from_numpy(border_classes(*grids[0])).to(self.encoder.device)
        pool = {"mean": np.mean, "max": np.max}[self.tile_pool]
        average = torch.from_numpy(pool(np.stack(averages), axis=0)).to(self.encoder.device)
        return Patches(torch.cat(values), classes.repeat(len(tiles)), average), grids[0]

    def mix(self, reference: Reference) -> Mixture:
        """Choose how features are put together, by the reference set alone."""
        between = reference.between_share()
        share = choose_share(between) if self.share == "auto" else float(self.share)
        weighted = torch.stack(
            [
                self._weigh(values, novelty)
                for (values, _), novelty in zip(reference.images, reference.novelties, strict=True)
            ]
        )
        spreads = [
            math.sqrt(float(features.double().var(0, correction=0).sum()))
            for features in (reference.averages, weighted)
        ]
        return Mixture(share, spreads[0] / spreads[1] if min(spreads) > 0 else 1.0, between)

    def pool(
        self, image: Patches, key: str, reference: KeptReference, mixture: Mixture
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Pool an image's patches: its features, the novelty of each patch, and its score.

        Parameters
        ----------
        image : Patches
        key : str
            SHA-256 of the image's file.
        reference : KeptReference
        mixture : Mixture

        Returns
        -------
        features : ndarray of float32, shape (d,)
        novelty : ndarray of float32, shape (p,)
        score : float
            Mean novelty of the `TOP_SHARE` most novel patches.
        """
        values, novelty = reference.assess(image, key)
        parts = []
        if mixture.share > 0:
            parts.append(self._weigh(values, novelty) * (mixture.share * mixture.scale))
        if mixture.share < 1:
            parts.append(image.average * (1 - mixture.share))
        top = novelty.topk(math.ceil(TOP_SHARE * len(novelty))).values
        return torch.cat(parts).cpu().numpy(), novelty.cpu().numpy(), float(top.mean())

    def describe(self, mixture: Mixture) -> dict[str, object]:
        """What the features are, for their file: JSON-able."""
        names = ("stages", "reference", "temperature")
        facts = {name: self.settings[name] for name in names} | {"share": mixture.share, "between": mixture.between}
        # Of the short side, what the crop of `official` keeps.
        resized = self.prepare.resize
        return facts | {"covers": self.image_size / resized if resized else 1.0}

    def _weigh(self, values: torch.Tensor, novelty: torch.Tensor) -> torch.Tensor:
        return torch.softmax(novelty / self.temperature, 0) @ values

    def lay_out(self, novelty: np.ndarray, grid: tuple[int, int], frame: tuple[int, int]) -> np.ndarray:
        """Lay the novelty of an image's patches out as a map of the placed image; `frame`: its own width and height."""
        tiles = novelty.reshape(-1, *grid)
        if self.geometry != "tile":
            return tiles[0]
        return stitch_tiles(tiles, self.image_size, *frame, self.prepare.tile_overlap)


def _average_locally(maps: torch.Tensor) -> torch.Tensor:
    return avg_pool2d(maps, LOCAL, stride=1, padding=LOCAL // 2, count_include_pad=False)
