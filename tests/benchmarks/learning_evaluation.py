"""Time of a round's evaluation with activation maps against bare forward passes on images that rest on the device.

Run: ``python tests/benchmarks/learning_evaluation.py [--device cuda --images 3335 --size 640 224]``.
Limit: 1.25 times the bare passes, at each precision that the device has. On a card it also says how long the paper's 30
runs of 84 rounds would take by it, training left out.
"""

import argparse
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter

import numpy as np
import torch
from bare_forward import SEED
from peers import take_turns

from nearlabel.features.devices import autocast, choose_device, torch_set_up
from nearlabel.learning.network.evaluate import Evaluator
from nearlabel.learning.network.model import Classifier, build_classifier

LIMIT = 1.25
RUNS, ROUNDS = 30, 84
MAPS = {"target": "predicted", "size": None}


def precisions(device: str) -> tuple[str, ...]:
    """Those that the device has and that are worth a time: bfloat16 is no faster on most processors."""
    return ("float32", "tf32", "bfloat16") if choose_device(device).type == "cuda" else ("float32",)


def bare_passes(classifier: Classifier, images: torch.Tensor, batch_size: int) -> Callable[[], float]:
    """Make a measure: seconds of the network alone, over images that are normalised and rest on the device."""

    def wait() -> None:
        if classifier.device.type == "cuda":
            torch.cuda.synchronize(classifier.device)

    def run() -> float:
        classifier.trained.eval()
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            stack.enter_context(torch_set_up(classifier.threads, classifier.precision))
            stack.enter_context(autocast(classifier.device, classifier.precision))
            wait()
            start = perf_counter()
            for first in range(0, len(images), batch_size):
                classifier.trained(images[first : first + batch_size])
            wait()
            return perf_counter() - start

    return run


def measure(count: int, size: tuple[int, int], device: str, precision: str, repeats: int) -> dict[str, list[float]]:
    """Seconds of ``evaluation`` and of ``bare``, which take turns; the first turn warms up."""
    network = {
        "name": "resnet18", "weights": "seeded", "geometry": "squash", "image_size": list(size), "threads": 1,
        "precision": precision,
    }  # fmt: skip
    classifier = build_classifier(network, seed=SEED, weights_seed=SEED, device=device)
    values = np.random.default_rng(SEED).integers(0, 256, (count, *size, 3), dtype=np.uint8)
    evaluator = Evaluator(classifier, values, "auto", MAPS)
    # Whole batches, as the evaluation fills its last one up.
    whole = -(-count // evaluator.batch_size) * evaluator.batch_size
    resting = classifier.take(np.resize(values, (whole, *size, 3)))
    rows = np.arange(count)
    turns = {
        "evaluation": lambda: evaluator.evaluate(rows, maps=True),
        "bare": bare_passes(classifier, resting, evaluator.batch_size),
    }
    return take_turns(turns, repeats, warm_up=1)


def main() -> None:
    """Measure at each precision, and print medians, ratios and the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--images", type=int, default=320)
    parser.add_argument("--size", type=int, nargs=2, default=(128, 128), help="height and width")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    for precision in precisions(options.device):
        spent = measure(options.images, tuple(options.size), options.device, precision, options.repeats)
        ours, bare = (statistics.median(spent[name]) for name in ("evaluation", "bare"))
        print(
            f"{precision}: evaluation with maps {ours:.3f} s, bare passes {bare:.3f} s, ratio {ours / bare:.2f}", end=""
        )
        print(f" (limit {LIMIT}); {RUNS} runs of {ROUNDS} such rounds: {RUNS * ROUNDS * ours / 60:.0f} min")


if __name__ == "__main__":
    main()
