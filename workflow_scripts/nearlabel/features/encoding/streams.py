"""Passes on a card: the next batch is copied and under way before what the last one has come to is fetched."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch

Tag = TypeVar("Tag")


class Traffic:
    """Copies to and from a device, on a card beside what it computes."""

    def __init__(self, device: torch.device):
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def bring(self, tiles: torch.Tensor) -> torch.Tensor:
        """Copy to the device; what is computed with it waits there, the host does not."""
        if self._stream is None:
            return tiles
        with torch.cuda.stream(self._stream):
            copied = tiles.to(self._device, non_blocking=True)
        now = torch.cuda.current_stream(self._device)
        now.wait_stream(self._stream)
        # Its memory is not to be given away before what is computed with it is done.
        copied.record_stream(now)
        return copied

    def take(self, features: torch.Tensor) -> Callable[[], np.ndarray]:
        """Begin to copy from the device; what is returned waits for this copy alone, not for later passes."""
        if self._stream is None:
            return features.numpy
        host = torch.empty(features.shape, dtype=features.dtype, pin_memory=True)
        host.copy_(features, non_blocking=True)
        done = torch.cuda.Event()
        done.record(torch.cuda.current_stream(self._device))

        def wait() -> np.ndarray:
            done.synchronize()
            return host.numpy()

        return wait


def stream(
    start: Callable[[torch.Tensor], torch.Tensor],
    batches: Iterable[tuple[torch.Tensor, Tag]],
    device: torch.device,
    size: int,
) -> Iterator[tuple[np.ndarray, Tag]]:
    """Compute batches as they come, and give what each has come to one batch later.

    The host neither waits for a copy nor for a pass before it starts the next one. Passes have a constant size, as in
    `nearlabel.features.batches.encode_images`.

    Parameters
    ----------
    start : callable
        Makes a row of each image of a pass, (size, …) to (size, …), both on the device, and does not wait for it.
    batches : iterable of (Tensor, shape (n, …), object)
        Images, in pinned memory where a card computes, and what is to be given with them.
    device : torch.device
    size : int
        Images of a pass.

    Yields
    ------
    ndarray, shape (n, …), and object
    """
    traffic = Traffic(device)
    under_way: tuple[list[Callable[[], np.ndarray]], int, Tag] | None = None
    for images, tag in batches:
        passes = [filled_up(traffic.bring(some), size) for some in images.split(size)]
        started = [traffic.take(start(some)) for some in passes], len(images), tag
        if under_way:
            yield _fetch(*under_way)
        under_way = started
    if under_way:
        yield _fetch(*under_way)


def filled_up(images: torch.Tensor, count: int) -> torch.Tensor:
    """Fill a batch up with zeros where it lies, as `nearlabel.features.batches.padded` does with arrays."""
    if len(images) == count:
        return images
    batch = torch.zeros((count, *images.shape[1:]), dtype=images.dtype, device=images.device)
    batch[: len(images)] = images
    return batch


def _fetch(passes: Sequence[Callable[[], np.ndarray]], count: int, tag: Tag) -> tuple[np.ndarray, Tag]:
    return np.concatenate([wait() for wait in passes])[:count], tag
