"""Rate of `extract_features` against the bare forward pass and against a plain torchvision loop.

Run from the repository: ``python tests/benchmarks/extraction.py ../magnetic_tile --images 320``.
Targets: at least 0.9 of the bare forward rate, 1.3 times the plain loop's.
"""

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import torch
from peers import call_thingsvision, take_turns, thingsvision_versions
from PIL import Image
from torchvision.models import get_model_weights

from nearlabel.features.devices import choose_device
from nearlabel.features.extract import extract_features
from nearlabel.features.networks import build_network

SEED = 0
DEFAULT_THREADS = torch.get_num_threads()


def list_images(root: Path, count: int | None) -> pd.DataFrame:
    """List the data set's images, evenly over its classes' folders if not all of them."""
    paths = sorted(root.glob("MT_*/Imgs/*.jpg"))
    if not paths:
        raise SystemExit(f"{root}: no MT_*/Imgs/*.jpg there")
    if count and count < len(paths):
        paths = [paths[i * len(paths) // count] for i in range(count)]
    return pd.DataFrame(
        {
            "image_id": [path.relative_to(root).as_posix() for path in paths],
            "path": [str(path) for path in paths],
            "sha256": [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths],
        }
    ).drop_duplicates("sha256")


def extraction(images: pd.DataFrame, options: argparse.Namespace) -> float:
    """Images per second of ours: everything from reading files to the finished feature file, the cache empty."""
    encoder = {
        "name": options.network, "weights": "seeded", "geometry": "squash",
        "batch_size": options.batch_size, "threads": options.threads,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        extract_features(
            images, encoder, output=Path(folder) / "x.h5", cache=folder, seed=SEED,
            device=options.device, workers=options.workers,
        )  # fmt: skip
        return len(images) / (time.perf_counter() - start)


def bare_forward(images: pd.DataFrame, options: argparse.Namespace) -> float:
    """Images per second of the network alone: channels-last tensors in memory, as many passes as ours needs."""
    device = choose_device(options.device)
    network = build_network(options.network, "seeded", seed=SEED)[0].to(device, memory_format=torch.channels_last)
    side = get_model_weights(options.network).IMAGENET1K_V1.transforms().crop_size[0]
    batch = torch.randn(options.batch_size, 3, side, side, device=device).to(memory_format=torch.channels_last)
    passes = -(-len(images) // options.batch_size)
    with torch.inference_mode():
        network(batch)
        synchronise(device)
        start = time.perf_counter()
        for _ in range(passes):
            network(batch)
        synchronise(device)
    return passes * options.batch_size / (time.perf_counter() - start)


def plain_loop(images: pd.DataFrame, options: argparse.Namespace) -> float:
    """Images per second of what one writes first: Pillow, the weights' transforms, batches, one process."""
    device = choose_device(options.device)
    network = build_network(options.network, "seeded", seed=SEED)[0].to(device)
    transforms = get_model_weights(options.network).IMAGENET1K_V1.transforms()
    paths = list(images["path"])
    start = time.perf_counter()
    with torch.no_grad():
        for first in range(0, len(paths), options.batch_size):
            chosen = paths[first : first + options.batch_size]
            batch = torch.stack([transforms(Image.open(path).convert("RGB")) for path in chosen])
            network(batch.to(device)).cpu()
    return len(paths) / (time.perf_counter() - start)


def plain_loop_default_threads(images: pd.DataFrame, options: argparse.Namespace) -> float:
    """Images per second of the plain loop with as many threads as PyTorch takes by itself."""
    torch.set_num_threads(DEFAULT_THREADS)
    try:
        return plain_loop(images, options)
    finally:
        torch.set_num_threads(options.threads)


def by_thingsvision(images: pd.DataFrame, options: argparse.Namespace) -> float:
    """Images per second of thingsvision, always on the CPU, in the interpreter `options.thingsvision`."""
    paths = list(images["path"])
    return len(paths) / call_thingsvision(
        options.thingsvision, paths, options.network, options.batch_size, options.threads
    )


def synchronise(device: torch.device) -> None:
    """Wait for the device, where it works on its own."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(
    images: pd.DataFrame,
    options: argparse.Namespace,
    measures: Sequence[Callable[[pd.DataFrame, argparse.Namespace], float]] = (extraction, bare_forward, plain_loop),
    repeats: int = 3,
) -> dict[str, list[float]]:
    """Images per second of each, by its name, which take turns; PyTorch has `options.threads` threads."""
    torch.set_num_threads(options.threads)
    # Turns are kept in seconds an image.
    turns = {one.__name__: lambda one=one: 1 / one(images, options) for one in measures}
    return {name: [1 / spent for spent in seconds] for name, seconds in take_turns(turns, repeats).items()}


def main() -> None:
    """Measure each in turn, several times, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder of the magnetic tile data set")
    parser.add_argument("--images", type=int, help="how many; all by default")
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--thingsvision", help="interpreter that has thingsvision, see peers.py")
    options = parser.parse_args()
    images = list_images(options.root, options.images)
    print(
        f"{options.network}, {len(images)} images, batches of {options.batch_size}, {options.threads} threads, "
        f"{options.workers} workers, {choose_device(options.device)}, {os.cpu_count()} cores"
    )
    measures = [extraction, bare_forward, plain_loop]
    if options.thingsvision:
        versions = thingsvision_versions(options.thingsvision)
        print(versions or f"thingsvision is not installed in {options.thingsvision}: left out")
        measures += [by_thingsvision] if versions else []
    rates = measure(images, options, measures, options.repeats)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, values in rates.items():
        print(f"{name:13} {medians[name]:8.2f} images/s (of {', '.join(f'{value:.2f}' for value in values)})")
    print(f"extraction / bare_forward {medians['extraction'] / medians['bare_forward']:.3f} (target: at least 0.9)")
    print(f"extraction / plain_loop   {medians['extraction'] / medians['plain_loop']:.3f} (target: at least 1.3)")


if __name__ == "__main__":
    main()
