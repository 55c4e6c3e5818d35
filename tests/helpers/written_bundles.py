"""Bundles on disk: written of a made-up one, or fitted on the tiny run."""

import copy
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.bundles import make_bundle
from nearlabel.files import hash_file
from nearlabel.production.bundle.contents import Bundle
from nearlabel.production.bundle.facts import hash_facts
from nearlabel.production.bundle.fitting.fit import fit_bundle
from nearlabel.production.bundle.writing import HELD_OUT_COLUMNS, Content, write_bundle

SETTINGS = {
    "label_by": "auto",
    "labels": [],
    "named_alone": False,
    "normal": ["0"],
    "held_out": 0.3,
    "coverage": 0.9,
    "false_alarms": 0.25,
    "neighbors": 3,
    "reference": 10_000,
    "distance": 4,
    "line": "line",
}
SVM = {"id": "svm", "name": "svm", "parameters": {}}
SEEDED = {"name": "resnet18", "weights": "seeded", "image_size": 32, "batch_size": 8}


@cache
def _made() -> Bundle:
    return make_bundle(Path("nowhere"))


def made_content(
    known: dict[str, str] | None = None,
    held_out: pd.DataFrame | None = None,
    bundle: Bundle | None = None,
    **facts,
) -> Content:
    """What a made-up bundle would be written of; some of it as it is wanted."""
    bundle = bundle or _made()
    own = {key: copy.deepcopy(value) for key, value in bundle.facts.items() if key not in ("number", "sha256", "files")}
    for encoder in own["encoders"].values():
        encoder |= {"own_weights": False}
    own["images"] |= {"good": len(bundle.calibration.novelty)}
    own |= {"groups": {name: len(node.centres) for name, node in bundle.nodes.items()}}
    own |= {"scores": {"balanced_accuracy": 0.75, "labels": {}, "how": "held-out images"}}
    if held_out is None:
        held_out = pd.DataFrame(columns=HELD_OUT_COLUMNS)
    return Content(
        own | facts,
        bundle.names,
        bundle.nodes,
        bundle.reference,
        bundle.calibration,
        bundle.model,
        known or bundle.known,
        held_out,
        {},
        None,
        {},
    )


def write_made(bundles: Path, **options) -> Path:
    """Write a made-up bundle; returns its folder."""
    return write_bundle(bundles, made_content(**options))


def write_made_up_bundle(bundles: Path, **options) -> Path:
    """Write one that is made with options of `helpers.bundles.make_bundle`; returns its folder."""
    return write_bundle(bundles, made_content(bundle=make_bundle(bundles, **options)))


def held_out_table(labels: str, said: str, first: int = 0) -> pd.DataFrame:
    """A table of held-out images: one letter each for the label and what was said."""
    ids = [f"{first + row:064x}" for row in range(len(labels))]
    columns = {"image_id": ids, "sha256": ids, "group": ids, "label": list(labels), "said": list(said)}
    return pd.DataFrame(columns | {"novelty": np.nan, "weight": 1.0})


def sign(folder: Path) -> None:
    """Make hashes fit again what was changed in a bundle, as one who tampers with it would."""
    path = folder / "bundle.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["files"] = {name: hash_file(folder / name) for name in facts["files"] if (folder / name).is_file()}
    path.write_text(json.dumps(facts | {"sha256": hash_facts(facts)}), encoding="utf-8")


def fit_tiny(bundles: Path, *, answers=(), model=SVM, **settings) -> Path:
    """Fit a bundle on the tiny run of `helpers.workspace`, in whose folder the process is."""
    steel = Path("results/tiny/steel")
    nodes = [steel / "grouping" / node for node in ("root", "root.0")]
    options = {"texture": {"name": "texture", "weights": "none"}, "resnet18": SEEDED}
    return fit_bundle(
        bundles,
        images=steel / "images.csv",
        hashes=steel / "hashes.h5",
        near_labels=steel / "near_labels.csv",
        features=[steel / f"features/{name}.h5" for name in options],
        clusters=[node / "clusters.csv" for node in nodes],
        selections=[node / "selection.json" for node in nodes],
        place=steel / "grouping/root/map.h5",
        names=None,
        answers=answers,
        network=None,
        predictions=None,
        settings=SETTINGS | settings,
        model=model,
        reductions=[{"method": "pca", "components": 5}],
        encoders={name: one | {"seed": 1, "reference_seed": 0} for name, one in options.items()},
        runtime={name: {"device": "cpu", "weights_dir": None, "weights_mirror": None} for name in options},
        cache=bundles.parent / "cache",
        run="tiny",
        dataset="steel",
        config_hash="",
        seed=1,
    )
