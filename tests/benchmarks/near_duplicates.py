"""How much better models on top of the clusters look when near-duplicates lie on both sides of a fold.

Run: ``python tests/benchmarks/near_duplicates.py MAGNETIC_TILE [--encoder texture]``, the folder with the ``MT_*``
folders. The models of `nearlabel.grouping.models` learn near-labels and classes from one encoder's features, judged by
five-fold cross-validation in which near-duplicates stay together at several distances of their perceptual hashes; only
exact copies do in the first row, as they did before. Balanced accuracy, mean and deviation over the folds.
"""

import argparse
import logging
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from nearlabel.features.extract import extract_features
from nearlabel.features.store import read_features
from nearlabel.grouping.models.catalogue import CATALOGUE, CLASSIFIER
from nearlabel.grouping.models.training import train_models
from nearlabel.images.checks import check_images
from nearlabel.images.duplicates import group_images, hash_images
from nearlabel.images.readers import read_dataset

DISTANCES = (None, 0, 4, 8)
REDUCTION = {"method": "pca", "components": 50}


def load(folder: Path, encoder: str, weights: str, work: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Images of the data set and their features."""
    images = check_images(read_dataset({"kind": "magnetic_tile", "root": str(folder)}), workers=2).images
    options = {"name": encoder, "id": encoder, "weights": weights}
    extract_features(images, options, output=work / "features.h5", cache=work / "cache", seed=0, workers=1)
    return images, read_features(work / "features.h5").features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default="texture")
    parser.add_argument("--weights", default="seeded")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    threadpool_limits(1)
    with tempfile.TemporaryDirectory() as work:
        images, features = load(arguments.folder, arguments.encoder, arguments.weights, Path(work))
    hashes = hash_images(images["path"], workers=2)
    models = [{"name": name} for name, model in CATALOGUE.items() if model.kind == CLASSIFIER]
    targets = {
        "near-labels": np.where(images["class"] == "MT_Free", "0", "1"),
        "classes": images["class"].to_numpy(dtype=str),
    }
    print(f"{'target':12} {'distance':>9} {'groups':>7}  " + "  ".join(f"{model['name']:>15}" for model in models))
    for target, labels in targets.items():
        for distance in DISTANCES:
            groups = group_images(images) if distance is None else group_images(images, hashes, distance)
            summary = train_models(
                features,
                labels,
                groups,
                np.zeros(len(images), dtype=int),
                models,
                reduction=REDUCTION | {"standardise": arguments.encoder == "texture"},
                folds=5,
                seed=0,
            ).summary
            scores = [f"{m['balanced_accuracy']:.3f} ± {m['balanced_accuracy_std']:.3f}" for m in summary["models"]]
            shown = "copies" if distance is None else distance
            print(f"{target:12} {shown:>9} {len(set(groups)):>7}  " + "  ".join(f"{score:>15}" for score in scores))


if __name__ == "__main__":
    main()
