"""Time of a GradCAM_avg query against a plain forward pass, and against pytorch-grad-cam with scikit-image.

Run from the repository: ``python tests/benchmarks/gradcam_query.py``. A query is what the strategy asks for every
round: activation maps of all images, and their structural similarity to the labelled images' average map.
Target: at most 1.15 times the forward pass.
Measures take turns; the ratios are of the shortest times, which other work on the machine disturbs least.
"""

import argparse
import importlib.util
import os
import statistics
from functools import partial

import numpy as np
import torch
from peers import take_turns
from skimage.metrics import structural_similarity

from nearlabel.features.networks import build_network
from nearlabel.learning.network.gradcam import FeatureMaps
from nearlabel.learning.strategies.ssim import ssim_to_reference

SEED = 0
LABELLED = 32


def forward(network: torch.nn.Module, batches: list[torch.Tensor]) -> None:
    """Run the network alone."""
    with torch.no_grad():
        for batch in batches:
            network(batch)


def query(network: torch.nn.Module, batches: list[torch.Tensor]) -> None:
    """Score all images by ours: maps in the forward passes themselves, similarities of all at once."""
    features = FeatureMaps(network)
    maps = np.concatenate([features.evaluate(batch, 1, normalise=True).activations for batch in batches])
    ssim_to_reference(maps, maps[:LABELLED].mean(axis=0))


def reference(network: torch.nn.Module, batches: list[torch.Tensor]) -> None:
    """Score all images by pytorch-grad-cam, which resizes maps to the images, and scikit-image."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    with GradCAM(model=network, target_layers=[network.layer4[-1]]) as cam:
        maps = np.concatenate([cam(batch, [ClassifierOutputTarget(1)] * len(batch)) for batch in batches])
    average = maps[:LABELLED].mean(axis=0)
    for one in maps:
        structural_similarity(one, average, data_range=1.0)


def measure(
    network_name: str, count: int, side: int, *, batch_size: int = 32, threads: int = 1, repeats: int = 7
) -> dict[str, list[float]]:
    """Seconds of each, by its name, which take turns; the first turn warms up."""
    torch.set_num_threads(threads)
    network = build_network(network_name, "seeded", seed=SEED)[0]
    images = torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(SEED))
    batches = list(images.split(batch_size))
    measures = [forward, query, *([reference] if importlib.util.find_spec("pytorch_grad_cam") else [])]
    return take_turns({one.__name__: partial(one, network, batches) for one in measures}, repeats, warm_up=1)


def main() -> None:
    """Measure each in turn, several times, and print medians, shortest times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet18", help="a ResNet")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    print(
        f"{options.network}, {options.images} images of {options.side} × {options.side}, batches of "
        f"{options.batch_size}, {options.threads} threads, {os.cpu_count()} cores"
    )
    seconds = measure(
        options.network, options.images, options.side,
        batch_size=options.batch_size, threads=options.threads, repeats=options.repeats,
    )  # fmt: skip
    for name, values in seconds.items():
        listed = ", ".join(f"{value:.2f}" for value in values)
        print(f"{name:9} median {statistics.median(values):6.2f} s, shortest {min(values):6.2f} s (of {listed})")
    base = min(seconds["forward"])
    print(f"query / forward     {min(seconds['query']) / base:.3f} (target: at most 1.15)")
    if "reference" not in seconds:
        print("pytorch-grad-cam is not installed: left out")
    else:
        print(f"reference / forward {min(seconds['reference']) / base:.3f}")
        print(f"reference / query   {min(seconds['reference']) / min(seconds['query']):.3f}")


if __name__ == "__main__":
    main()
