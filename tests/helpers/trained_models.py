"""Models on top, trained on images drawn here, for tests of what they say of new images."""

import hashlib

import numpy as np
import pandas as pd
from PIL import Image

from nearlabel.features.extract import extract_features
from nearlabel.files import write_csv
from nearlabel.grouping.models.node import train_node
from nearlabel.grouping.selection.selected import Selection, write_selection
from nearlabel.images.duplicates import hash_images, write_hashes

TEXTURE = {"id": "texture", "name": "texture", "geometry": "squash", "image_size": 32, "batch_size": 8}
NETWORK = {
    "id": "small",
    "name": "squeezenet1_1",
    "weights": "seeded",
    "geometry": "squash",
    "image_size": 32,
    "batch_size": 8,
}
NOVEL = NETWORK | {"image_size": 64, "pooling": "novelty", "novelty": {"reference": 9, "share": 0.5}}


def draw_folder(folder):
    """Twelve striped and twelve noisy images in two sub-folders."""
    rng = np.random.default_rng(0)
    for number in range(24):
        noise = rng.integers(0, 256, (40, 60))
        stripes = np.tile((np.arange(60) // 5 % 2) * 200, (40, 1)) + noise // 20
        kind = "stripes" if number % 2 else "noise"
        (folder / kind).mkdir(exist_ok=True)
        Image.fromarray((stripes if number % 2 else noise).astype(np.uint8)).save(folder / kind / f"{number:02}.png")
    return folder


def train(images_folder, work, encoder, model, seed=None, target="near_labels", **places):
    paths = sorted(images_folder.rglob("*.png"))
    ids = [path.relative_to(images_folder).as_posix() for path in paths]
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    paths = [str(path) for path in paths]
    columns = {"image_id": ids, "path": paths, "width": 60, "height": 40, "sha256": hashes, "part": ""}
    images = pd.DataFrame(columns)
    features = work / "features" / f"{encoder['id']}.h5"
    extract_features(
        images, encoder, output=features, cache=work / "cache", seed=seed, device="cpu", workers=0, **places
    )
    write_csv(work / "images.csv", images)
    write_hashes(work / "hashes.h5", ids, hash_images(images["path"]))
    write_csv(work / "near_labels.csv", pd.DataFrame({"image_id": ids, "near_label": [id.split("/")[0] for id in ids]}))
    write_csv(work / "clusters.csv", pd.DataFrame({"image_id": ids, "cluster": np.arange(24) % 3}))
    write_selection(work / "selection.json", Selection(encoder["id"], "kmeans", 3, "silhouette", [2, 5], [], None))
    names = ("scores", "confusion", "predictions", "rules", "model", "summary")
    train_node(
        [features],
        **{name: work / f"{name}.csv" for name in ("images", "near_labels", "clusters")},
        hashes=work / "hashes.h5",
        selection=work / "selection.json",
        target=target,
        models=[model],
        folds=3,
        duplicate_distance=0,
        choose=None,
        normal="noise" if target == "near_labels" else None,
        reduction={"method": "pca", "components": 6, "standardise": None},
        encoders={encoder["id"]: encoder | {"seed": seed}},
        seed=0,
        dataset="test",
        node="root",
        output={name: work / f"{name}.out" for name in names},
    )
    return work / "model.out"
