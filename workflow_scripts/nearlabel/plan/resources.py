"""What a job asks of a cluster: memory by the size of its inputs, time, GPUs; more with each attempt.

The functions that these functions return are Snakemake's: of ``wildcards``, ``attempt`` and, where sizes count, the
named ``input``.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nearlabel.config.grouping import Algorithm
from nearlabel.grouping.clustering.catalogue import CATALOGUE
from nearlabel.plan.resolve import Plan


def memory(base: int, per_input: float = 0, of: Sequence[str] | None = None) -> Callable[..., int]:
    """Input function: MB for what a job imports, Snakemake beside it included, and for its inputs, `per_input` times.

    Measured on the demo: 0.1 GB without torch, scikit-learn and matplotlib, 0.2 GB with the last two, 0.9 to 1.3 GB
    with torch; 0.2 GB for Snakemake. An attempt after a failed one asks for as much again.

    Parameters
    ----------
    base : int
        MB whatever the inputs.
    per_input : float
        Times the size of the inputs.
    of : sequence of str, optional
        Names of the inputs that count, where others are made in the same group: they are not there yet when the group
        asks.
    """
    if not per_input:
        return lambda wildcards, attempt: attempt * base

    def mem_mb(wildcards, input, attempt):
        total = sum(sum(sizes_mb(input[name])) for name in (input.keys() if of is None else of))
        return attempt * (base + math.ceil(per_input * total))

    return mem_mb


def sizes_mb(files: str | Sequence[str]) -> list[float]:
    """Size of each file of an input, by one name or several."""
    files = [files] if isinstance(files, str) else files
    return [os.path.getsize(file) / 1e6 for file in files]


def clustering_memory(plan: Plan, algorithms: Callable[..., Sequence[str]]) -> Callable[..., int]:
    """Input function: MB for clustering the input ``reduced`` by any of some algorithms.

    Parameters
    ----------
    plan : Plan
    algorithms : callable
        From the wildcards to the ids of the algorithms.
    """

    def mem_mb(wildcards, input, attempt):
        level = plan.level(wildcards.node)
        files = [input.reduced] if isinstance(input.reduced, str) else input.reduced
        size, images = max(sizes_mb(files)), max(map(count_images, files))
        pairs = max(pairs_mb(level.algorithms[id], images) for id in algorithms(wildcards))
        return attempt * math.ceil(1000 + 6 * size + pairs)

    return mem_mb


def pairs_mb(algorithm: Algorithm, images: float) -> float:
    """MB that an algorithm holds for all pairs of images."""
    pairs = CATALOGUE[algorithm.name].pairs(algorithm.parameters)
    return pairs.bytes_per_pair * min(images, pairs.most) ** 2 / 1e6 if pairs else 0


def count_images(reduced: str) -> float:
    """How many images a file of reduced features holds, by its header; more than any where that cannot be read."""
    try:
        # Only where there is such a file: plans are made without the library.
        from nearlabel.hdf5 import hdf5_file

        with hdf5_file(reduced, "r") as file:
            return file["features"].shape[0]
    except (ImportError, OSError, KeyError):
        return math.inf


def minutes(count: int) -> Callable[..., int]:
    """Input function: time limit in minutes, more with each attempt."""
    return lambda wildcards, attempt: attempt * count


def hours(count: int) -> Callable[..., int]:
    """Input function: time limit of so many hours, in minutes, more with each attempt."""
    return minutes(60 * count)


def count_gpus(device: str) -> int:
    """GPUs to ask for: only where the config says cuda, so that `auto` runs on clusters without any, too."""
    return int(device.startswith("cuda"))


def count_card_jobs(device: str) -> int:
    """1 for a job that will compute on this machine's card, of which only some may at a time; 0 without a card."""
    return int(device.startswith("cuda") or (device == "auto" and has_card()))


def has_card() -> bool:
    """Whether this machine has a CUDA device that jobs may see; told without torch, as plans are made without it."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible not in ("", "-1", "NoDevFiles") and any(Path("/dev").glob("nvidia[0-9]*"))


def merging(algorithms: Mapping[str, Algorithm]) -> dict[str, Algorithm]:
    """Those of a level's algorithms that cut a tree of merges, by id."""
    return {id: algorithm for id, algorithm in algorithms.items() if CATALOGUE[algorithm.name].merges}
