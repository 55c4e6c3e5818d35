"""Time of a node's whole C-Score table: 1000 images, 5 algorithms, k = 2 to 50, 200 permutations each, one thread.

Run: ``python tests/benchmarks/c_scores.py [--near-labels 6]``. Limit: 10 s, the imports included. The same table is
made for ten times the images, and each with 1 permutation too: the null's cost should hardly grow with the images.
"""

import argparse
import os
import time

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})
start = time.perf_counter()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import scipy.stats  # noqa: E402, F401
import sklearn.metrics  # noqa: E402, F401

from nearlabel.grouping.clustering.labels import LabelBlock  # noqa: E402
from nearlabel.grouping.scores.agreement import evaluate_c_score  # noqa: E402

IMPORT_SECONDS = time.perf_counter() - start
LIMIT_SECONDS = 10
KS = range(2, 51)
ALGORITHMS = 5


def draw_node(images: int, near_labels: int, seed: int) -> tuple[pd.DataFrame, dict[str, LabelBlock], pd.DataFrame]:
    """Near-labels, and clusters that follow them: algorithm 0's as far as k allows, the last one's not at all."""
    rng = np.random.default_rng(seed)
    near = rng.integers(0, near_labels, images)
    ids = np.array([f"{i}.png" for i in range(images)], dtype=object)
    blocks = {}
    for i in range(ALGORITHMS):
        name = f"algorithm{i}"
        labels = {}
        for k in KS:
            chance = rng.integers(0, k, images)
            labels[k] = np.where(rng.random(images) < i / (ALGORITHMS - 1), chance, (chance * near_labels + near) % k)
        blocks[name] = LabelBlock(name, labels, {k: [] for k in KS}, [], ids, {})
    quality = pd.DataFrame([(name, k) for name in blocks for k in KS], columns=["algorithm", "k"])
    return quality, blocks, pd.DataFrame({"image_id": ids, "near_label": near.astype(str)})


def time_table(images: int, near_labels: int, permutations: int, repeats: int) -> list[float]:
    """Seconds of each repeat, ascending."""
    node = draw_node(images, near_labels, 0)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        evaluate_c_score(*node, permutations=permutations, seed=0)
        seconds.append(round(time.perf_counter() - start, 2))
    return sorted(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--near-labels", type=int, default=6)
    parser.add_argument("--permutations", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(
        f"{ALGORITHMS * len(KS)} clusterings, near-labels: {arguments.near_labels}, nulls of {arguments.permutations}"
    )
    print(f"imports: {IMPORT_SECONDS:.2f} s")
    for images in (arguments.images, 10 * arguments.images):
        table = time_table(images, arguments.near_labels, arguments.permutations, arguments.repeats)
        plain = time_table(images, arguments.near_labels, 1, arguments.repeats)
        print(f"{images} images: least of {table} s with the null, of {plain} s with 1 permutation")
        print(f"  the null: {table[0] - plain[0]:.2f} s")
        print(f"  imports and table: {IMPORT_SECONDS + table[0]:.2f} s of the limit of {LIMIT_SECONDS} s,", end=" ")
        print(f"{(IMPORT_SECONDS + table[0]) / LIMIT_SECONDS:.2f} of it")


if __name__ == "__main__":
    main()
