"""Images that are listed, read and prepared a batch at a time."""

import os
from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from nearlabel.features.batches import Encoder
from nearlabel.features.encoding.processes import FORKS, end_with
from nearlabel.features.preparation import load_image

AHEAD = 2
"""Batches that each process which decodes may be ahead."""


class ListedBatches:
    """Images as ``images.csv`` lists them, in batches.

    Parameters
    ----------
    encoder : Encoder
        Whose ``prepare`` makes them ready.
    images : DataFrame
        path, sha256, full_range.
    size : int
        Images of a batch.
    """

    def __init__(self, encoder: Encoder, images: pd.DataFrame, size: int):
        self._prepare, self._size = encoder.prepare, size
        self._rows = list(images[["path", "sha256", "full_range"]].itertuples(index=False, name=None))

    def __len__(self) -> int:
        return -(-len(self._rows) // self._size)

    def rows(self, number: int) -> slice:
        """Which of the images a batch has."""
        return slice(number * self._size, min((number + 1) * self._size, len(self._rows)))

    def prepare(self, number: int) -> list[np.ndarray]:
        """Read the images of a batch and prepare them.

        Raises
        ------
        FileNotFoundError, ValueError
            An image is gone or changed since it was listed.
        """
        return [self._prepare(load_image(*row)) for row in self._rows[self.rows(number)]]


class _Prepared:
    """Batches for torch's loader; an error is returned, for the job's own process to raise."""

    def __init__(self, batches: ListedBatches):
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int):
        import torch

        try:
            # As one tensor they come through shared memory, and can be pinned.
            prepared = self._batches.prepare(number)
            return torch.from_numpy(np.concatenate(prepared)), [len(image) for image in prepared]
        except Exception as error:
            return error


def _end_with(parent: int, _worker: int) -> None:
    end_with(parent)


def load_batches(batches: ListedBatches, workers: int, *, pin: bool) -> Iterator:
    """Yield batches in their order, decoded in other processes, at most a few of them ahead.

    Parameters
    ----------
    batches : ListedBatches
        Of images whose tiles are of one shape.
    workers : int
        Processes that decode; 0 decodes in this one.
    pin : bool
        Whether they lie in memory that a card can read by itself.

    Yields
    ------
    tiles : Tensor of uint8, shape (t, h, w, 3)
    counts : list of int
        Tiles of each image.
    """
    import torch
    from torch.utils.data import DataLoader

    workers = workers if FORKS else 0
    loader = DataLoader(
        _Prepared(batches),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=AHEAD if workers else None,
        multiprocessing_context="fork" if workers else None,
        worker_init_fn=partial(_end_with, os.getpid()),
        pin_memory=pin,
        # The loader draws a seed; not from the caller's random numbers.
        generator=torch.Generator(),
    )
    for found in loader:
        if isinstance(found, Exception):
            raise found
        yield found
