"""The least that extraction can take: a network's forward passes alone, on tensors in memory."""

import multiprocessing
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack

import pandas as pd
import torch
from torch import nn
from torchvision.models import get_model_weights

from nearlabel.features.devices import autocast, torch_set_up
from nearlabel.features.networks import build_network

SEED = 0


def own_side(network: str) -> int:
    """Side in pixels of the images that a network's weights were trained for."""
    return get_model_weights(network).IMAGENET1K_V1.transforms().crop_size[0]


def draw_batch(count: int, side: int, device: str = "cpu") -> torch.Tensor:
    """Random images as the network takes them, in channels-last memory."""
    return torch.randn(count, 3, side, side, device=device).to(memory_format=torch.channels_last)


def bare_processes(images: pd.DataFrame, options: Namespace) -> float:
    """Images per second of as many processes as `options.workers`, each on one thread, which start at a barrier.

    Each has its own batch of `options.batch_size`, and passes as many as its share of the images needs.
    """
    network = build_network(options.network, "seeded", seed=SEED)[0].to(memory_format=torch.channels_last)
    side, processes = own_side(options.network), options.workers
    passes = -(-len(images) // (options.batch_size * processes))
    context = multiprocessing.get_context("fork")
    barrier, ended = context.Barrier(processes), context.SimpleQueue()

    def run() -> None:
        torch.set_num_threads(1)
        batch = draw_batch(options.batch_size, side)
        with torch.inference_mode():
            network(batch)
            barrier.wait()
            start = time.perf_counter()
            for _ in range(passes):
                network(batch)
        # The clock is the machine's: starts and ends of all processes compare.
        ended.put((start, time.perf_counter()))

    running = [context.Process(target=run) for _ in range(processes)]
    for process in running:
        process.start()
    starts, ends = zip(*(ended.get() for _ in running), strict=True)
    for process in running:
        process.join()
    return processes * passes * options.batch_size / (max(ends) - min(starts))


def bare_on_cuda(network: nn.Module, batch: torch.Tensor, precision: str, passes: int) -> Callable[[], float]:
    """Make a measure: seconds of forward passes on a GPU, of a batch that lies there."""

    def run() -> float:
        with ExitStack() as stack:
            for block in (torch.inference_mode(), torch_set_up(1, precision), autocast(batch.device, precision)):
                stack.enter_context(block)
            torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(passes):
                network(batch)
            torch.cuda.synchronize()
            return time.perf_counter() - start

    return run
