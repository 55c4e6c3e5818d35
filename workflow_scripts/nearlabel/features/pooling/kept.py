"""What is kept of the reference set: enough to pool any image as those of the data set were, without its images."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nearlabel.features.pooling.positions import CLASSES


@dataclass(frozen=True)
class Patches:
    """The patches of one image.

    Attributes
    ----------
    values : Tensor of float32, shape (p, c)
    classes : Tensor of int64, shape (p,)
        Of their positions: `nearlabel.features.pooling.positions.border_classes`.
    average : Tensor of float32, shape (d,)
        What average pooling makes of the image.
    """

    values: torch.Tensor
    classes: torch.Tensor
    average: torch.Tensor

    def __reduce__(self):
        """As arrays: what one process sends another must not be memory that both hold."""
        return _as_patches, tuple(one.cpu().numpy() for one in (self.values, self.classes, self.average))


def _as_patches(*arrays: np.ndarray) -> "Patches":
    return Patches(*map(torch.from_numpy, arrays))


@dataclass(frozen=True)
class Standard:
    """Mean and deviation by class of position.

    Attributes
    ----------
    mean, deviation : Tensor of float32, shape (CLASSES,) or (CLASSES, c)
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    @classmethod
    def of(cls, values: torch.Tensor, classes: torch.Tensor) -> "Standard":
        """Take those of values; those of all classes together for a class that has too few values.

        Parameters
        ----------
        values : Tensor, shape (n,) or (n, c)
        classes : Tensor of int64, shape (n,)
        """
        exact = values.double()
        means, deviations = [], []
        for number in range(CLASSES):
            some = exact[classes == number]
            some = some if len(some) > 1 else exact
            deviation = some.std(0, correction=0)
            means.append(some.mean(0))
            # What hardly varies, but for the last bits, is left as it is.
            deviations.append(torch.where(deviation > 1e-6 * (1 + means[-1].abs()), deviation, 1.0))
        return cls(torch.stack(means).float(), torch.stack(deviations).float())

    def __call__(self, values: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Standardise values of the same kind, of any number."""
        return (values - self.mean[classes]) / self.deviation[classes]


class Bank:
    """Patches of the images of the reference set, and how far others are from them.

    Parameters
    ----------
    keys : sequence of str
        SHA-256 of the images' files.
    images : sequence of Tensor of float32, each (p, k)
        Their patches, standardised and projected.
    """

    def __init__(self, keys: Sequence[str], images: Sequence[torch.Tensor]):
        self.keys, self.images = list(keys), list(images)
        self._row = {key: row for row, key in enumerate(keys)}
        most = max(len(patches) for patches in images)
        # Rows (-2 b, |b|²): times (q, 1) they give the squared distance less |q|². Places left over are infinitely far.
        self.rows = images[0].new_zeros((len(images), most, images[0].shape[1] + 1))
        self.rows[:, :, -1] = math.inf
        for row, patches in enumerate(images):
            self.rows[row, : len(patches), :-1] = -2 * patches
            self.rows[row, : len(patches), -1] = patches.square().sum(1)

    def distances(self, compared: torch.Tensor, key: str) -> torch.Tensor:
        """Mean over the images, but for that of `key`, of the smallest distance to one's patches: (q, k) to (q,)."""
        own = self._row.get(key)
        others = len(self.rows) - (own is not None)
        if not others:
            return compared.new_zeros(len(compared))
        turned = torch.cat([compared, compared.new_ones(len(compared), 1)], 1).T.contiguous()
        # On a CPU, two images at a time stay in its cache.
        step = len(self.rows) if compared.is_cuda else 2
        smallest = torch.cat(
            [(some.flatten(0, 1) @ turned).unflatten(0, some.shape[:2]).amin(1) for some in self.rows.split(step)]
        )
        distances = (smallest + compared.square().sum(1)).clamp_min(0).sqrt()
        if own is not None:
            distances[own] = 0
        return distances.sum(0) / others


@dataclass(frozen=True)
class KeptReference:
    """How patches are standardised and compared, and how new one is.

    Attributes
    ----------
    standard : Standard
        Of the patches' channels.
    projection : Tensor of float32, shape (c, k), or None
        To the space in which patches are compared; None: they are compared as they are.
    bank : Bank
    usual : Standard
        Of the patches' mean smallest distances.
    """

    standard: Standard
    projection: torch.Tensor | None
    bank: Bank
    usual: Standard

    def assess(self, image: Patches, key: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardise an image's patches and say how novel each is.

        Parameters
        ----------
        image : Patches
        key : str
            SHA-256 of the image's file; held against all images of the reference set but itself.

        Returns
        -------
        values : Tensor of float32, shape (p, c)
            Standardised by channel and class of position over the reference set.
        novelty : Tensor of float32, shape (p,)
            Mean over the reference set of the smallest distance to an image's patches, in deviations from what is usual
            at such a position in the reference set.
        """
        values = self.standard(image.values, image.classes)
        return values, self.usual(self.bank.distances(project(values, self.projection), key), image.classes)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Give all of it as arrays, from which `from_arrays` makes it again, to the last bit.

        Returns
        -------
        dict
            ``keys`` (r,), bytes; ``patches`` float32 (p, k), of all images, and ``counts`` int64 (r,), of each;
            ``mean`` and ``deviation`` float32 (16, c), ``usual_mean`` and ``usual_deviation`` float32 (16,); and
            ``projection`` float32 (c, k), where there is one.
        """
        arrays = {
            "patches": torch.cat(self.bank.images),
            "mean": self.standard.mean,
            "deviation": self.standard.deviation,
            "usual_mean": self.usual.mean,
            "usual_deviation": self.usual.deviation,
        }
        if self.projection is not None:
            arrays["projection"] = self.projection
        counts = np.array([len(patches) for patches in self.bank.images], dtype=np.int64)
        found = {name: tensor.cpu().numpy() for name, tensor in arrays.items()}
        return {"keys": np.array(self.bank.keys, dtype="S"), "counts": counts, **found}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], channels: int, device) -> "KeptReference":
        """Make it of what `to_arrays` gave.

        Parameters
        ----------
        arrays : mapping
            May come from anybody, as models do.
        channels : int
            Of the patches that it is for.
        device : torch.device
            Where it is to be.

        Raises
        ------
        ValueError
            Arrays are missing or do not fit one another or the channels.
        """
        counts, dimensions = arrays.get("counts", np.empty(0)), np.shape(arrays.get("patches"))[-1:]
        if counts.dtype.kind != "i" or counts.ndim != 1 or not len(counts) or counts.min() < 1:
            raise ValueError("the reference set has no counts of its patches")
        shapes = {
            "patches": (counts.sum(), *dimensions),
            "keys": counts.shape,
            "mean": (CLASSES, channels),
            "deviation": (CLASSES, channels),
            "usual_mean": (CLASSES,),
            "usual_deviation": (CLASSES,),
        }
        if "projection" in arrays or dimensions != (channels,):
            shapes["projection"] = (channels, *dimensions)
        for name, shape in shapes.items():
            kind = "S" if name == "keys" else "f"
            if name not in arrays or arrays[name].dtype.kind != kind or arrays[name].shape != shape:
                raise ValueError(f"the reference set has no {name} that fits the network")
        tensors = {
            # Arrays of a file may be read-only, which a tensor cannot be.
            name: torch.from_numpy(np.array(arrays[name], dtype=np.float32)).to(device)
            for name in shapes
            if name != "keys"
        }
        bank = Bank([key.decode() for key in arrays["keys"]], tensors["patches"].split(counts.tolist()))
        return cls(
            Standard(tensors["mean"], tensors["deviation"]),
            tensors.get("projection"),
            bank,
            Standard(tensors["usual_mean"], tensors["usual_deviation"]),
        )


def project(values: torch.Tensor, projection: torch.Tensor | None) -> torch.Tensor:
    """Bring standardised patches into the space in which they are compared."""
    return values if projection is None else values @ projection
