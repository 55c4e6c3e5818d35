"""Rows of `compare` on networks: extraction on the CPU, decoding, frozen stages."""

import tempfile
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import extraction
import learning_evaluation
import numpy as np
import pandas as pd
import torch
from bare_forward import SEED, bare_processes
from peers import take_turns, thingsvision_versions
from PIL import Image
from table import Row, Sizes

from nearlabel.features.encoding.needs import count_cores
from nearlabel.learning.data.arrays import open_arrays
from nearlabel.learning.data.decode import decode_images
from nearlabel.learning.network.frozen import run_frozen_stages
from nearlabel.learning.network.model import build_classifier

# What a torchvision loop with PyTorch's own threads takes, at most so much of it.
OWN_THREADS = {"resnet50": 0.80, "mobilenet_v2": 0.85}
# Of the rate of bare forward passes in as many processes, and of so many times the rate of one process.
BARE_SHARE, LINEAR_SHARE = 0.95, 0.8
BATCH = 32


def listed(sizes: Sizes, options: Namespace, per_core: int) -> pd.DataFrame:
    """As many images for each core, whole batches where there are so many."""
    return extraction.list_images(options.root, per_core * count_cores())


def extraction_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """Files to features, weights random, on all cores: `extract_features`, torchvision loops, thingsvision."""
    if options.root is None:
        yield Row("features of images", "torchvision loop", [], None, why_not="no folder of images given")
        return
    cores = count_cores()
    versions = thingsvision_versions(options.thingsvision)
    for network in sizes.networks:
        images = listed(sizes, options, sizes.images * (1 + (network == "mobilenet_v2")))
        settings = Namespace(
            network=network, batch_size=BATCH, threads=1, workers=cores, device="cpu", thingsvision=options.thingsvision
        )
        measures = [
            extraction.extraction, extraction.plain_loop_default_threads, extraction.plain_loop, bare_processes
        ]  # fmt: skip
        if versions and network.startswith("resnet"):
            measures.append(extraction.by_thingsvision)
        rates = extraction.measure(images, settings, measures, options.repeats)
        spent = {name: [len(images) / rate for rate in values] for name, values in rates.items()}
        work = f"features of {len(images)} images by {network}: {cores} processes of 1 thread"
        ours = spent["extraction"]
        own = f"torchvision loop, PyTorch's own choice of {extraction.DEFAULT_THREADS} threads"
        yield Row(work, own, ours, spent["plain_loop_default_threads"], OWN_THREADS.get(network))
        yield Row("the same", "torchvision loop, 1 thread", ours, spent["plain_loop"])
        bare = f"bare forward passes in {cores} processes of 1 thread"
        yield Row("the same", bare, ours, spent["bare_processes"], 1 / BARE_SHARE)
        if network.startswith("resnet"):
            yield Row("the same", f"{versions or 'thingsvision'}, 1 thread", ours, spent.get("by_thingsvision"))


def process_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """Extraction by 2, 4, … processes, up to the cores, beside one."""
    if options.root is None:
        yield Row("features by 2 processes", "1 process", [], None, why_not="no folder of images given")
        return
    network = sizes.networks[-1]
    images = listed(sizes, options, 2 * sizes.images)
    counts = [1 << power for power in range(count_cores().bit_length())]
    settings = {"network": network, "batch_size": BATCH, "threads": 1, "device": "cpu"}
    torch.set_num_threads(1)
    turns = {
        # Turns are kept in seconds an image.
        count: lambda count=count: 1 / extraction.extraction(images, Namespace(**settings, workers=count))
        for count in counts
    }
    spent = {
        count: [len(images) * each for each in seconds] for count, seconds in take_turns(turns, options.repeats).items()
    }
    for count in counts[1:]:
        work = f"features of {len(images)} images by {network}: {count} processes of 1 thread"
        yield Row(work, "nearlabel, 1 process of 1 thread", spent[count], spent[1], 1 / (LINEAR_SHARE * count))


def plain_decoding(paths: list[str], side: int, output: Path) -> None:
    """Decode one image after another and save them as an array."""
    values = [np.asarray(Image.open(path).convert("RGB").resize((side, side), Image.BILINEAR)) for path in paths]
    np.save(output, np.stack(values))


def plain_frozen(network: torch.nn.Module, values: np.ndarray, take, output: Path) -> None:
    """Pass batch after batch with PyTorch's own threads, and save what comes out as an array."""
    torch.set_num_threads(extraction.DEFAULT_THREADS)
    with torch.no_grad():
        found = [network(take(values[i : i + BATCH]).contiguous()).numpy() for i in range(0, len(values), BATCH)]
    np.save(output, np.concatenate(found))


def stage_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """What learning computes once: images decoded to one size, and the outputs of stages that are never trained."""
    if options.root is None:
        yield Row("images decoded for learning", "Pillow loop", [], None, why_not="no folder of images given")
        return
    images, cores = extraction.list_images(options.root, sizes.decoded), count_cores()
    network = {
        "name": "resnet18", "weights": "seeded", "geometry": "squash", "image_size": 224, "threads": 1,
        "batch_size": BATCH, "precision": "float32",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored = folder / "images.h5"
        turns = {
            "ours": partial(decode_images, images, network, stored, workers=cores),
            "theirs": partial(plain_decoding, list(images["path"]), 224, folder / "images.npy"),
        }
        work = f"{len(images)} images decoded to 224 px for learning: {cores} cores"
        yield Row(work, "Pillow loop, 1 thread", *take_turns(turns, options.repeats, warm_up=1).values())
        arrays = open_arrays(stored)
        classifier = build_classifier(network, fine_tune="head", seed=SEED, weights_seed=SEED, device="cpu")
        plain = build_classifier(network, fine_tune="head", seed=SEED, weights_seed=SEED, device="cpu")
        plain.frozen.to(memory_format=torch.contiguous_format)
        turns = {
            "ours": partial(
                run_frozen_stages, classifier, arrays, folder / "frozen.h5", batch_size=BATCH, workers=cores
            ),
            "theirs": partial(plain_frozen, plain.frozen, arrays.values, plain.take, folder / "frozen.npy"),
        }
        work = f"frozen stages of {len(images)} decoded images by resnet18, `head`, 224 px: {cores} cores"
        peer = f"PyTorch loop, its own choice of {extraction.DEFAULT_THREADS} threads"
        yield Row(work, peer, *take_turns(turns, options.repeats, warm_up=1).values())


def evaluation_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """A round's evaluation with maps, beside forward passes over images that rest on the device."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    count, size = (sizes.cuda_images, (640, 224)) if device == "cuda" else (sizes.maps, (sizes.side, sizes.side))
    for precision in learning_evaluation.precisions(device):
        spent = learning_evaluation.measure(count, size, device, precision, options.repeats)
        work = f"evaluation with maps of {count} images of {size[0]} × {size[1]}, resnet18, {precision}: {device}"
        peer = "bare forward passes on resident images"
        yield Row(work, peer, spent["evaluation"], spent["bare"], learning_evaluation.LIMIT)
