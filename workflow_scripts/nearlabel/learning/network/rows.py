"""Stored rows as tensors on the device that learns: read from a file, resting on a card, or streamed to it."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from nearlabel.features.batches import padded
from nearlabel.features.encoding.streams import Traffic, filled_up

CARD_SHARE = 0.35
"""Of a card's memory, all of it whatever is free: rows that take no more rest there. Two jobs at a time have room."""


# Rows copied at a time: an array may be larger than the memory that a job has asked for.
_PIECE = 1024


def bring_all(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy an array to a device, a piece at a time."""
    # Mapped files cannot be written to, of which torch warns: each piece is a copy.
    brought = torch.empty(values.shape, dtype=torch.from_numpy(np.array(values[:0])).dtype, device=device)
    for start in range(0, len(values), _PIECE):
        brought[start : start + _PIECE] = torch.from_numpy(np.array(values[start : start + _PIECE])).to(device)
    return brought


class StoredRows:
    """Rows of an array as tensors on a device.

    On the CPU they are read when they are asked for. On a card all of them rest there, if they fit; else those of the
    next batch are copied while the last one is at work.

    Parameters
    ----------
    values : ndarray, shape (n, …)
        Stored rows, perhaps mapped from a file.
    device : torch.device
    share : float
        Of the card's memory that rows may rest in.

    Attributes
    ----------
    values : ndarray
    device : torch.device
    """

    def __init__(self, values: np.ndarray, device: torch.device, share: float = CARD_SHARE):
        self.values, self.device = values, device
        self._resting: torch.Tensor | None = None
        if device.type == "cuda" and values.nbytes <= share * torch.cuda.get_device_properties(device).total_memory:
            self._resting = bring_all(values, device)

    @classmethod
    def of(cls, values: "np.ndarray | StoredRows", device: torch.device) -> "StoredRows":
        """Take an array, or what it was made into before."""
        return values if isinstance(values, cls) else cls(values, device)

    def batches(self, chunks: Sequence[np.ndarray], size: int | None = None) -> Iterator[torch.Tensor]:
        """Yield batches of rows.

        Parameters
        ----------
        chunks : sequence of ndarray of int64
            Rows of each batch.
        size : int, optional
            Rows that a batch is filled up to, with zeros.
        """
        if self._resting is not None:
            yield from (self._pick(self._resting, some, size) for some in chunks)
        elif self.device.type == "cuda":
            yield from self._streamed(chunks, size)
        else:
            yield from (self._read(some, size) for some in chunks)

    def _read(self, some: np.ndarray, size: int | None) -> torch.Tensor:
        rows = self.values[some]
        return torch.from_numpy(padded(rows, size) if size else np.require(rows, requirements="W"))

    @staticmethod
    def _pick(resting: torch.Tensor, some: np.ndarray, size: int | None) -> torch.Tensor:
        picked = resting[torch.from_numpy(some).to(resting.device, non_blocking=True)]
        return filled_up(picked, size or len(some))

    def _streamed(self, chunks: Sequence[np.ndarray], size: int | None) -> Iterator[torch.Tensor]:
        traffic, pin = Traffic(self.device), self.device.type == "cuda"
        coming: torch.Tensor | None = None
        for some in chunks:
            read = self._read(some, size)
            brought = traffic.bring(read.pin_memory() if pin else read)
            if coming is not None:
                yield coming
            coming = brought
        if coming is not None:
            yield coming
