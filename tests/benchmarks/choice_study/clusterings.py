"""Features and clusterings of a labelled set, kept on disk so that a second run of the study takes minutes."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from labelled_sets import LabelledSet
from PIL import Image

from nearlabel.features.batches import encode_images
from nearlabel.features.catalogue import complete_reduction
from nearlabel.features.encoders import build_encoder
from nearlabel.files import written_whole
from nearlabel.grouping.clustering.algorithms import sweep
from nearlabel.grouping.clustering.labels import LabelBlock
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.grouping.scores.quality import score_clusterings
from nearlabel.sources import fingerprint, sources_of

ALGORITHMS = ("kmeans", "agglomerative", "minibatch_kmeans", "spectral", "gaussian_mixture")
"""The paper's five."""

KS = range(2, 31)
SEED = 0
COMPONENTS = 50
PIXELS = "pixels"
BATCH = 32


class Clusterings(NamedTuple):
    """What was made of a set by one encoder.

    Attributes
    ----------
    encoder : str
        Its name.
    reduced : ndarray, shape (n, d)
        What was clustered.
    blocks : dict of str to LabelBlock
        By algorithm.
    scores : DataFrame
        ``quality.csv``, and ``ami`` with the main classes.
    folder : Path
        Where all of it is kept.
    key : str
        Of what the clusterings depend on.
    """

    encoder: str
    reduced: np.ndarray
    blocks: dict[str, LabelBlock]
    scores: pd.DataFrame
    folder: Path
    key: str


def encoders_of(found: LabelledSet) -> list[str]:
    """List the encoders that a set takes part with."""
    return ["texture", "mobilenet_v2", *([PIXELS] if found.pixels else [])]


def set_features(found: LabelledSet, encoder: str, weights: str, folder: Path) -> np.ndarray:
    """Encode a set, or read the features that an earlier run kept in `folder`: float32, (n, d).

    Features are computed anew when an image, the encoder or its code changed.
    """
    built, size = None, None
    facts = {"images": _hash_images(found), "encoder": encoder}
    if encoder != PIXELS:
        size = None if encoder == "texture" else found.image_size
        built = build_encoder(encoder, weights, geometry="squash", image_size=size, threads=1, device="cpu")
        facts["code"] = sources_of(type(built).__module__, "nearlabel.features.batches").describe()
        facts |= {"weights": built.weights_sha256, "settings": built.settings, "batch": BATCH}
    key, file = fingerprint(facts), folder / f"{encoder}.npz"
    features = read_kept(file, key, "features")
    if features is not None:
        return features
    if built is None:
        features = np.stack([image.ravel() for image in found.images]).astype(np.float32)
    else:
        rows = []
        for start in range(0, len(found.images), BATCH):
            images = [Image.fromarray(image).convert("RGB") for image in found.images[start : start + BATCH]]
            rows.append(encode_images(built, [built.prepare(image) for image in images], BATCH))
        features = np.concatenate(rows)
    keep(file, key, features=features, labels=found.labels.astype(str))
    return features


def set_clusterings(labels: np.ndarray | None, encoder: str, features: np.ndarray, folder: Path) -> Clusterings:
    """Cluster features by every algorithm and k, or read what an earlier run kept in `folder`.

    The features are reduced as the workflow does where a config says nothing. Without `labels` there is no ``ami``.
    """
    reduction = complete_reduction({"method": "pca", "components": COMPONENTS}, encoder)
    modules = (
        "nearlabel.grouping.reduction.reduce",
        "nearlabel.grouping.clustering.algorithms",
        "nearlabel.grouping.scores.quality",
    )
    facts = {
        "features": hashlib.sha256(np.ascontiguousarray(features)).hexdigest(),
        "labels": None if labels is None else list(labels.astype(str)),
        "code": sources_of(*modules).describe(),
        "settings": [reduction, list(ALGORITHMS), list(KS), SEED],
    }
    key = fingerprint(facts)
    labels_file, reduced_file, scores_file = (
        folder / f"{encoder}_{part}" for part in ("labels.npz", "reduced.npy", "quality.csv")
    )
    if labels_file.is_file() and reduced_file.is_file() and scores_file.is_file():
        with np.load(labels_file) as kept:
            if str(kept["key"]) == key:
                scores = pd.read_csv(scores_file, keep_default_na=False, na_values=[""]).fillna({"flags": ""})
                return Clusterings(encoder, np.load(reduced_file), _blocks(kept, scores), scores, folder, key)
    reduced = reduce_features(features, **reduction, seed=SEED).values
    blocks = cluster_all(reduced)
    scores = score_clusterings(reduced, blocks)
    if labels is not None:
        scores["ami"] = agreement_with(labels, scores, blocks)
    folder.mkdir(parents=True, exist_ok=True)
    scores.to_csv(scores_file, index=False)
    np.save(reduced_file, reduced)
    arrays = {f"{name}_{k}": labels for name, block in blocks.items() for k, labels in block.labels.items()}
    keep(labels_file, key, **arrays)
    return Clusterings(encoder, reduced, blocks, scores, folder, key)


def keep(file: Path, key: str, **arrays: np.ndarray) -> None:
    """Keep arrays for a later run, with the `key` of what they depend on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(file) as partial, open(partial, "wb") as stream:
        np.savez_compressed(stream, key=key, **arrays)


def read_kept(file: Path, key: str, name: str) -> np.ndarray | None:
    """Read an array that an earlier run kept; None where it is not there or `key` tells that it depends on others."""
    if not file.is_file():
        return None
    with np.load(file) as kept:
        return kept[name] if str(kept["key"]) == key else None


def cluster_all(reduced: np.ndarray, ks: range = KS) -> dict[str, LabelBlock]:
    """Cluster by all of `ALGORITHMS`."""
    ids = np.array([str(row) for row in range(len(reduced))], dtype=object)
    found = {}
    for name in ALGORITHMS:
        swept = sweep(reduced, name, ks, SEED)
        found[name] = LabelBlock(name, swept.labels, swept.flags, swept.cut, ids, swept.recorded)
    return found


def agreement_with(labels: np.ndarray, scores: pd.DataFrame, blocks: dict[str, LabelBlock]) -> list[float]:
    """Adjusted mutual information of each row's clustering with some labels."""
    from sklearn.metrics import adjusted_mutual_info_score

    pairs = zip(scores["algorithm"], scores["k"], strict=True)
    return [adjusted_mutual_info_score(labels, blocks[name].labels[k]) for name, k in pairs]


def _blocks(kept, scores: pd.DataFrame) -> dict[str, LabelBlock]:
    found = {}
    for name, rows in scores.groupby("algorithm", sort=False):
        labels = {int(k): kept[f"{name}_{k}"] for k in rows["k"]}
        flags = {int(k): text.split(";") if text else [] for k, text in zip(rows["k"], rows["flags"], strict=True)}
        n = len(next(iter(labels.values())))
        ids = np.array([str(row) for row in range(n)], dtype=object)
        found[name] = LabelBlock(name, labels, flags, [k for k in KS if k > n], ids, {"seed": SEED})
    return found


def _hash_images(found: LabelledSet) -> str:
    digest = hashlib.sha256()
    for image in found.images:
        digest.update(f"{image.shape}{image.dtype}".encode())
        digest.update(np.ascontiguousarray(image))
    return digest.hexdigest()
