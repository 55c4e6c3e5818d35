"""Time of a whole run of active learning against the bare passes that it must make, and of `head` against `full`.

Run from the repository: ``OMP_NUM_THREADS=1 python tests/benchmarks/learning_run.py``. The bare passes are the same
number of training steps and forward passes, of the same batches, on tensors in memory: no evaluation, maps, scores,
choices, or state on disk. Limits: a run takes at most 1.15 times the bare passes; a round with ``fine_tune: head`` is
at least 30 times faster than one with ``full`` on the same pool, since what is frozen is computed once.
Measures take turns; the ratios are of medians.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from nearlabel.learning.data.arrays import open_arrays, write_arrays
from nearlabel.learning.network.fit import build_optimiser
from nearlabel.learning.network.frozen import run_frozen_stages
from nearlabel.learning.network.model import Classifier, build_classifier
from nearlabel.learning.simulation.engine import Engine
from nearlabel.learning.simulation.protocol import Experiment
from nearlabel.learning.simulation.state import StateFile
from nearlabel.learning.strategies import build_strategy

OPTIMISER = {"name": "adam", "learning_rate": 1e-4, "weight_decay": 0.0, "momentum": 0.0}
NONE = {"horizontal_flip": 0, "vertical_flip": 0, "brightness": 0, "contrast": 0, "translate": 0}


def settings(options: argparse.Namespace) -> dict:
    """Settings of a run as the workflow gives them."""
    return {
        "training": "newest_batch",
        "batch_size": 32,
        "evaluate_every": 1,
        "maps": {"target": "predicted", "size": None},
        "evaluation_batch_size": 32,
        "epochs": options.epochs,
        "minibatch_size": 32,
        "optimiser": OPTIMISER,
        "class_weights": "balanced",
        "augmentation": NONE,
    }


def draw_experiment(count: int) -> Experiment:
    """A tenth tests, a tenth validates, the rest is the pool; a fifth is positive."""
    rows = np.arange(count)
    labels = (rows % 5 == 0).astype(np.int64)
    tenth = count // 10
    ids = np.array([str(row) for row in rows], dtype=object)
    return Experiment(ids, labels, rows[2 * tenth :], rows[tenth : 2 * tenth], rows[:tenth])


def run(experiment: Experiment, classifier: Classifier, values: np.ndarray, strategy: str, options) -> int:
    """Run a strategy to the end; return its number of rounds."""
    classifier.restart()
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(
            experiment, classifier, values, build_strategy(strategy), settings(options),
            fold_seed=0, query_seed=0, state_file=StateFile(folder, {}),
        )  # fmt: skip
        return len(engine.run().rounds)


def bare_passes(experiment: Experiment, classifier: Classifier, batch: torch.Tensor, options) -> None:
    """The same training steps and forward passes, over and over one batch in memory."""
    classifier.restart()
    network, pool = classifier.trained, len(experiment.pool)
    targets, loss = torch.arange(32) % 2, torch.nn.CrossEntropyLoss()
    judged = len(experiment.validation) + len(experiment.test)
    for labelled in range(32, pool + 32, 32):
        new = 32 if labelled <= pool else pool % 32
        network.train()
        optimiser = build_optimiser(classifier.parameters(), OPTIMISER)
        for _ in range(options.epochs):
            optimiser.zero_grad(set_to_none=True)
            loss(network(batch[:new]), targets[:new]).backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            for count in (judged, pool if labelled < pool else 0):
                for _ in range(-(-count // 32)):
                    network(batch)


def main() -> None:
    """Measure and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet18")
    parser.add_argument("--images", type=int, default=320)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    size = {
        "name": options.network,
        "weights": "seeded",
        "geometry": "squash",
        "image_size": options.side,
        "threads": 1,
    }
    experiment = draw_experiment(options.images)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (options.images, options.side, options.side, 3), dtype=np.uint8)
    print(f"{options.network}, {options.images} images of {options.side} px, one thread, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        write_arrays(Path(folder) / "images.h5", "images", [images], list(experiment.image_id), {"fingerprint": ""})
        stored = open_arrays(Path(folder) / "images.h5")
        full = build_classifier(size, fine_tune="full", seed=0, weights_seed=0)
        head = build_classifier(size, fine_tune="head", seed=0, weights_seed=0)
        start = time.perf_counter()
        run_frozen_stages(head, stored, Path(folder) / "frozen.h5", batch_size=32)
        print(f"frozen stages, once for all runs: {time.perf_counter() - start:.2f} s")
        frozen = open_arrays(Path(folder) / "frozen.h5").values
        batch = full.take(np.ascontiguousarray(images[:32]))
        measures = {
            "bare passes": lambda: bare_passes(experiment, full, batch, options),
            "gradcam_avg": lambda: run(experiment, full, stored.values, "gradcam_avg", options),
            "head": lambda: run(experiment, head, frozen, "gradcam_avg", options),
        }
        seconds = {name: [] for name in measures}
        for _ in range(options.repeats):
            for name, measure in measures.items():
                start = time.perf_counter()
                measure()
                seconds[name].append(time.perf_counter() - start)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        print(f"{name:12} median {median[name]:7.2f} s (of {', '.join(f'{value:.2f}' for value in values)})")
    print(f"run / bare passes {median['gradcam_avg'] / median['bare passes']:.3f} (limit: 1.15)")
    print(f"full / head       {median['gradcam_avg'] / median['head']:.1f} (at least 30)")


if __name__ == "__main__":
    main()
