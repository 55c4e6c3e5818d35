"""A small bundle of made-up strips, in memory: texture, a node within the root, labels, a map; and strips to label."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from nearlabel.features.batches import encode_images
from nearlabel.features.encoders import build_encoder
from nearlabel.grouping.models.pipelines import fit_model, fit_reduction, predict
from nearlabel.images.synthetic import draw_strip
from nearlabel.production.bundle.contents import Bundle, Calibration, NodeGroups, Reference
from nearlabel.production.labeller.reading import draw_thumbnail, measure_grey
from nearlabel.production.novelty.distances import NearestReference, measure_novelty, novelty_features
from nearlabel.production.novelty.sets import nonconformity
from nearlabel.seeds import derive_seed

KINDS = ("good", "scratches", "inclusions")
"""Labels of the bundle."""

UNSEEN = "crazing"
"""A kind that the bundle has never seen."""

HEIGHT, WIDTH = 48, 96
OPTIONS = {
    "texture": {"name": "texture", "geometry": "squash", "image_size": 32},
    "squeezenet": {"name": "squeezenet1_1", "weights": "seeded", "geometry": "squash", "image_size": 64},
}
"""Of the encoders that it may have, by id."""

SEEDS = {"texture": None, "squeezenet": 3}


class _Drawn(NamedTuple):
    labels: np.ndarray
    images: list[Image.Image]
    features: np.ndarray
    weights_sha256: str


def draw_image(kind: str, number: int, seed: int = 0) -> Image.Image:
    """One strip; of another number, another."""
    rng = np.random.default_rng(derive_seed(seed, f"helpers/bundles/{kind}/{number}"))
    return Image.fromarray(draw_strip(kind, HEIGHT, WIDTH, rng))


def draw_images(
    folder: Path, count: int, *, kinds=(*KINDS, UNSEEN), seed: int = 1, prefix: str = "strip"
) -> list[Path]:
    """Write strips as PNG, the kinds in turn; ``strip_0000_good.png``, …"""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{prefix}_{number:04d}_{kinds[number % len(kinds)]}.png" for number in range(count)]
    for number, path in enumerate(paths):
        draw_image(kinds[number % len(kinds)], number, seed).save(path)
    return paths


@cache
def _drawn(count: int, seed: int, encoder: str) -> _Drawn:
    labels = np.array([KINDS[number % len(KINDS)] for number in range(count)], dtype=object)
    images = [draw_image(label, number, seed).convert("RGB") for number, label in enumerate(labels)]
    built = build_encoder(**OPTIONS[encoder], seed=SEEDS[encoder], device="cpu")
    features = encode_images(built, [built.prepare(image) for image in images], 1)
    return _Drawn(labels, images, features, built.weights_sha256)


def make_bundle(
    folder: Path,
    *,
    number: int = 1,
    count: int = 120,
    seed: int = 0,
    coverage: float = 0.9,
    false_alarms: float = 0.1,
    labels: bool = True,
    known: dict[str, str] | None = None,
    names: dict[str, str] | None = None,
    encoder: str = "texture",
    child_encoder: str | None = None,
) -> Bundle:
    """Make a bundle of `count` strips, a third of them held out; nothing is written to `folder`.

    The root's cluster i is kind i; ``root.0`` has two groups of its own, of another encoder's features if one is named.
    """
    drawn, inner = _drawn(count, seed, encoder), child_encoder or encoder
    encoded = {name: _drawn(count, seed, name) for name in dict.fromkeys((encoder, inner))}
    held_out = np.arange(count) % 9 >= 6
    kind = np.array([KINDS.index(label) for label in drawn.labels])
    ids = np.array([f"strip_{row:05d}" for row in range(count)], dtype=object)
    learnt = np.flatnonzero(~held_out)
    root = _make_node("root", encoder, drawn.features[learnt], kind[learnt], seed)
    good = learnt[kind[learnt] == 0]
    halves = (np.arange(len(good)) % 2).astype(int)
    child = _make_node("root.0", inner, encoded[inner].features[good], halves, seed)
    node = np.array([f"root.{cluster}" for cluster in kind], dtype=object)
    node[good] = [f"root.0.{half}" for half in halves]
    reference = Reference(
        image_id=ids[learnt],
        sha256=np.array([f"{row:064x}" for row in learnt], dtype=object),
        label=drawn.labels[learnt] if labels else np.full(len(learnt), "", dtype=object),
        node=node[learnt],
        features=novelty_features(drawn.features[learnt]),
        place=root.reduction.transform(drawn.features[learnt].astype(float))[:, :2].astype(np.float32),
        thumbnails=[draw_thumbnail(drawn.images[row], 64) for row in learnt],
    )
    model = _fit_svm(drawn, encoder, learnt, seed) if labels else None
    neighbors = 5
    held_good = np.flatnonzero(held_out & (kind == 0)) if labels else np.flatnonzero(held_out)
    query = novelty_features(drawn.features[held_good])
    scores = measure_novelty(query, NearestReference(reference.features), neighbors).scores
    order = np.argsort(scores, kind="stable")
    grey = np.array([measure_grey(drawn.images[row]) for row in held_good])[order]
    strange = {}
    if labels:
        classes = [str(name) for name in model["pipeline"].classes_]
        rows = np.flatnonzero(held_out)
        found = nonconformity(predict(model["pipeline"], "classifier", drawn.features[rows], "")[1])
        strange = {name: np.sort(found[drawn.labels[rows] == name, column]) for column, name in enumerate(classes)}
    return Bundle(
        folder=Path(folder),
        number=number,
        sha256=f"{derive_seed(seed, f'helpers/bundle/{number}/{count}/{labels}/{encoder}/{inner}'):064x}",
        facts={
            "number": number,
            "run": "made_up",
            "dataset": "strips",
            "commit": "",
            "config_hash": "",
            "library_versions": {},
            "encoders": {
                name: {
                    "id": name,
                    "options": dict(OPTIONS[name]),
                    "seed": SEEDS[name],
                    "weights_sha256": of.weights_sha256,
                    "weights_file": "",
                    "own_weights": False,
                    "module_sha256": "",
                    "library_versions": {},
                    "scale": {"bits": 16, "float_range": None},
                }
                for name, of in encoded.items()
            },
            "labels": list(KINDS) if labels else [],
            "normal": [KINDS[0]] if labels else [],
            "label_by": "model" if labels else "",
            "network_weights": "",
            "unlearnt": [],
            "coverage": coverage,
            "false_alarms": false_alarms,
            "images": {"learnt": len(learnt), "held_out": int(held_out.sum()), "people": 0},
            "scores": {},
            "files": {},
        },
        names={"root.1": "Scratched", "root.0.1": "Clean"} if names is None else names,
        nodes={"root": root, "root.0": child},
        reference=reference,
        calibration=Calibration(scores[order], neighbors, strange, grey[:, 0], grey[:, 1]),
        model=model,
        known=known or {},
    )


def _make_node(name: str, encoder: str, features: np.ndarray, cluster: np.ndarray, seed: int) -> NodeGroups:
    features = features.astype(np.float64)
    options = {"method": "pca", "components": 8, "standardise": True}
    reduction = fit_reduction(features, options, seed, scale=False)
    reduced = reduction.transform(features)
    centres = np.stack([reduced[cluster == one].mean(axis=0) for one in range(cluster.max() + 1)])
    nearest = ((reduced[:, np.newaxis] - centres) ** 2).sum(axis=2).argmin(axis=1)
    return NodeGroups(name, encoder, reduction, centres, np.bincount(cluster), float((nearest == cluster).mean()))


def _fit_svm(drawn: _Drawn, encoder: str, learnt: np.ndarray, seed: int) -> dict:
    features = drawn.features[learnt].astype(np.float64)
    options = {"method": "pca", "components": 8, "standardise": True}
    reduction = fit_reduction(features, options, seed, scale=False)
    model = {"id": "svm", "name": "svm", "parameters": {}}
    pipeline, _ = fit_model(reduction, features, drawn.labels[learnt].astype(str), model, seed)
    return {
        "pipeline": pipeline,
        "model": model,
        "kind": "classifier",
        "classes": list(KINDS),
        "normal": "",
        "dataset": "strips",
        "node": "root",
        "target": "near_labels",
        "encoder": {"id": encoder, "options": dict(OPTIONS[encoder])},
        "scores": {},
        "library_versions": {},
    }
