"""What coarser precisions cost in digits: features, clusterings and active learning beside the same in float32.

Run from the repository: ``python tests/benchmarks/precision.py ../magnetic_tile [--images 200]``. Takes a
folder of images as one of the kinds of data sets, by default magnetic tiles, half of them defective. One table, a line
for each network and precision that the device has (the CPU: bfloat16):

- largest difference: max |a − b| / max |a| over all features, a those in float32;
- as a whole: ‖A − B‖ / ‖A‖ of the matrices (Frobenius);
- of a row's norm: max of |‖b‖ − ‖a‖| / ‖a‖ over the images;
- ARI: adjusted Rand index of K-Means of both, PCA 50, at `--k`;
- test AUC: of a short run of active learning that fine-tunes the whole network, its last round and the mean of all.

The lines "float32, another seed" say what the last two columns are worth: K-Means and training with another seed. A
difference of AUCs that is no larger is chance.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from bare_forward import own_side
from learning_run import OPTIMISER, settings
from sklearn.metrics import adjusted_rand_score

from nearlabel.features.batches import encode_images
from nearlabel.features.devices import choose_device, describe_device
from nearlabel.features.encoders import build_encoder
from nearlabel.features.encoding.needs import count_cores
from nearlabel.features.preparation import load_image
from nearlabel.features.weights.packages import PACKAGES, find_packaged
from nearlabel.grouping.clustering.algorithms import cluster
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.images.checks import check_images
from nearlabel.images.near_labels import assign_near_labels
from nearlabel.images.readers import read_dataset
from nearlabel.learning.data.arrays import ImageArrays, open_arrays
from nearlabel.learning.data.decode import decode_images
from nearlabel.learning.network.model import build_classifier
from nearlabel.learning.simulation.engine import Engine
from nearlabel.learning.simulation.protocol import Experiment
from nearlabel.learning.simulation.state import StateFile
from nearlabel.learning.strategies import build_strategy

SEED = 0
BATCH = 32
# On few images a network learns something only at a higher rate, from all that are labelled.
LEARNING = {"training": "warm_all", "optimiser": OPTIMISER | {"learning_rate": 1e-3}}


def default_networks() -> list[str]:
    """Trained weights where a package of them is installed, else random ones."""
    packaged = any(find_packaged(package.file.rpartition("/")[2]) for package in PACKAGES)
    return ["mobilenet_v2:imagenet"] if packaged else ["resnet18:seeded"]


def list_images(options: argparse.Namespace) -> tuple[pd.DataFrame, np.ndarray]:
    """``images.csv`` of as many images of both near-labels, and which of them are positive."""
    near_labels = {options.negative: "0", "default": "1"}
    sample = {"n": options.images, "seed": SEED, "balance": True, "near_labels": near_labels}
    dataset = read_dataset({"kind": options.kind, "root": str(options.root)})
    images = check_images(dataset, sample=sample, workers=count_cores()).images
    return images, (assign_near_labels(images, near_labels)["near_label"] == "1").to_numpy()


def extract(images: pd.DataFrame, network: dict, options: argparse.Namespace) -> np.ndarray:
    """Features of all images, float32 (n, d)."""
    encoder = build_encoder(
        network["name"], network["weights"], seed=SEED, geometry="squash", device=options.device,
        precision=network["precision"], threads=network["threads"],
    )  # fmt: skip
    rows = images[["path", "sha256", "full_range"]].itertuples(index=False, name=None)
    return encode_images(encoder, [encoder.prepare(load_image(*row)) for row in rows], BATCH)


def group(features: np.ndarray, k: int, seed: int) -> np.ndarray:
    """K-Means of the features' principal components."""
    reduced = reduce_features(features, "pca", 50, standardise=False, seed=SEED).values
    return cluster(reduced, "kmeans", [k], seed)[k]


def learn(arrays: ImageArrays, positive: np.ndarray, network: dict, options: argparse.Namespace, seed: int) -> tuple:
    """Test AUC of the last round, and the mean over the rounds; a quarter tests, a quarter validates."""
    order = np.random.default_rng(SEED).permutation(len(positive))
    test, validation, pool = (np.sort(rows) for rows in np.split(order, [len(order) // 4, len(order) // 2]))
    experiment = Experiment(arrays.image_id, positive.astype(np.int64), pool, validation, test)
    classifier = build_classifier(network, fine_tune="full", seed=seed, weights_seed=SEED, device=options.device)
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(
            experiment, classifier, arrays.values, build_strategy("uncertainty"), settings(options) | LEARNING,
            fold_seed=seed, query_seed=seed, state_file=StateFile(folder, {}),
        )  # fmt: skip
        aucs = engine.run().rounds["test_auc"]
    return aucs.iloc[-1], aucs.mean()


def compare(network: dict, images: pd.DataFrame, positive: np.ndarray, options: argparse.Namespace) -> None:
    """Print a network's lines."""
    coarse = ["tf32", "bfloat16"] if choose_device(options.device).type == "cuda" else ["bfloat16"]
    with tempfile.TemporaryDirectory() as folder:
        decode_images(images, network, Path(folder) / "images.h5", workers=count_cores())
        arrays = open_arrays(Path(folder) / "images.h5")
        exact = extract(images, network, options)
        norms, groups = np.linalg.norm(exact, axis=1), group(exact, options.k, SEED)
        last, mean = learn(arrays, positive, network, options, SEED)
        print(f"| {network['name']}, {network['weights']} | float32 | – | – | – | – | {last:.4f}, {mean:.4f} |")
        for seed in range(1, 1 + options.seeds):
            same = adjusted_rand_score(groups, group(exact, options.k, seed))
            last, mean = learn(arrays, positive, network, options, seed)
            print(f"| | float32, another seed | – | – | – | {same:.3f} | {last:.4f}, {mean:.4f} |", flush=True)
        for precision in coarse:
            network = network | {"precision": precision}
            found = extract(images, network, options)
            whole = np.linalg.norm(found - exact) / np.linalg.norm(exact)
            largest = np.abs(found - exact).max() / np.abs(exact).max()
            of_norm = (np.abs(np.linalg.norm(found, axis=1) - norms) / norms).max()
            same = adjusted_rand_score(groups, group(found, options.k, SEED))
            last, mean = learn(arrays, positive, network, options, SEED)
            digits = f"{largest:.1e} | {whole:.1e} | {of_norm:.1e}"
            print(f"| | {precision} | {digits} | {same:.3f} | {last:.4f}, {mean:.4f} |", flush=True)


def main() -> None:
    """Compare each network in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder of images")
    parser.add_argument("--kind", default="magnetic_tile", help="what it is, as in a config: image_folder, …")
    parser.add_argument("--negative", default="MT_Free", help="the class that is not defective")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--networks", nargs="+", default=default_networks(), help="name:weights, weights seeded or …")
    parser.add_argument("--k", type=int, default=6)
    parser.add_argument("--side", type=int, default=96, help="of the images that are learnt, in pixels")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1, help="lines of another seed")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    images, positive = list_images(options)
    start = time.perf_counter()
    print(
        f"{len(images)} images, {describe_device(choose_device(options.device))}, torch {torch.__version__}, K-Means "
        f"with k = {options.k}, learning at {options.side} px\n"
    )
    print("| network | precision | largest difference | as a whole | of a row's norm | ARI | test AUC: last, mean |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for name, _, weights in (network.partition(":") for network in options.networks):
        network = {
            "name": name, "weights": weights or "imagenet", "geometry": "squash", "image_size": options.side,
            "threads": 1, "batch_size": BATCH, "precision": "float32",
        }  # fmt: skip
        compare(network, images, positive, options)
        print(f"\n{name}: features at {own_side(name)} px; {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
