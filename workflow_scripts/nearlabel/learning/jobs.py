"""What the workflow's jobs of active learning do, from files to files."""

import json
import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.features.cache import hash_sources
from nearlabel.images.files import write_csv, written_whole
from nearlabel.images.table import read_table
from nearlabel.learning.arrays import ImageArrays, open_arrays
from nearlabel.learning.engine import Engine
from nearlabel.learning.folds import read_folds
from nearlabel.learning.frozen import run_frozen_stages
from nearlabel.learning.model import Classifier, build_classifier
from nearlabel.learning.protocol import Experiment, plan_experiment
from nearlabel.learning.retrain import retrain_cutoffs, train_fresh
from nearlabel.learning.state import StateFile
from nearlabel.learning.strategies import build_strategy

logger = logging.getLogger(__name__)

_SOURCES = tuple(
    f"nearlabel.learning.{name}"
    for name in (
        "distances", "diversity", "engine", "evaluate", "feature_maps", "fit", "frozen", "gradcam", "logits", "model",
        "protocol", "selection", "ssim", "strategies", "views", "wrappers",
    )
)  # fmt: skip
_LIBRARIES = ("numpy", "scikit-learn", "scipy", "torch", "torchvision")


class Fold(NamedTuple):
    """One fold of a data set, ready to be learnt: its images, the classifier, the stored rows."""

    experiment: Experiment
    classifier: Classifier
    arrays: ImageArrays


def open_fold(
    values, folds, manifest, *, positive: str, fold: int, network: Mapping[str, Any], fine_tune: str, **build: Any
) -> Fold:
    """Read what a fold's jobs start from.

    Parameters
    ----------
    values, folds, manifest : str or Path
        Decoded images or outputs of frozen stages; ``folds.csv``; ``manifest.csv``.
    positive : str
        The near-label that counts as defective.
    fold : int
        The fold that tests.
    network, fine_tune, **build
        Of `nearlabel.learning.model.build_classifier`.

    Returns
    -------
    Fold
    """
    arrays = open_arrays(values)
    experiment = plan_experiment(
        arrays, read_folds(folds), read_table(manifest, ("image_id", "near_label")), positive=positive, test_fold=fold
    )
    classifier = build_classifier(network, fine_tune=fine_tune, **build)
    made_by = arrays.attributes.get("weights_sha256", classifier.weights_sha256)
    if made_by != classifier.weights_sha256:
        raise ValueError(f"{values} was made with other weights of {classifier.name}; delete it and run again")
    return Fold(experiment, classifier, arrays)


def encode_frozen_stages(images, output, *, network: Mapping[str, Any], fine_tune: str, **build: Any) -> None:
    """Compute what the stages that are never trained give for every image.

    Parameters
    ----------
    images : str or Path
        Decoded images.
    output : str or Path
        See `nearlabel.learning.frozen.run_frozen_stages`.
    network, fine_tune, **build
        Of `nearlabel.learning.model.build_classifier`.
    """
    classifier = build_classifier(network, fine_tune=fine_tune, **build)
    run_frozen_stages(classifier, open_arrays(images), output, batch_size=network["batch_size"])


def run_strategy(
    fold: Fold,
    strategy: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    fold_seed: int,
    query_seed: int,
    states,
    output: Mapping[str, Any],
) -> None:
    """Run one strategy on one fold and write what it did.

    Parameters
    ----------
    fold : Fold
    strategy : mapping
        ``name`` and ``parameters``.
    settings, fold_seed, query_seed
        As for `nearlabel.learning.engine.Engine`.
    states : str or Path
        Folder of the states of unfinished runs.
    output : mapping of str to path
        ``rounds, queries, choices``.
    """
    experiment = fold.experiment
    parts = {
        "images": str(fold.arrays.attributes["fingerprint"]),
        "labels": experiment.labels.tolist(),
        "roles": [rows.tolist() for rows in (experiment.pool, experiment.validation, experiment.test)],
        "classifier": fold.classifier.describe(),
        "seed": fold.classifier.seed,
        "strategy": dict(strategy),
        "settings": dict(settings),
        "seeds": [fold_seed, query_seed],
        "versions": {library: version(library) for library in _LIBRARIES},
        "sources": hash_sources(_SOURCES),
    }
    run = Engine(
        experiment,
        fold.classifier,
        fold.arrays.values,
        build_strategy(strategy["name"], strategy["parameters"]),
        settings,
        fold_seed=fold_seed,
        query_seed=query_seed,
        state_file=StateFile(states, parts),
    ).run()
    write_csv(output["rounds"], run.rounds)
    write_csv(output["queries"], run.queries)
    _write_json(output["choices"], run.choices)


def train_on_pool(fold: Fold, settings: Mapping[str, Any], *, fold_seed: int, output) -> None:
    """Train on the whole pool, the bound of what labelling can reach; arguments as for `train_fresh`."""
    experiment = fold.experiment
    found = train_fresh(experiment, fold.classifier, fold.arrays.values, experiment.pool, settings, fold_seed=fold_seed)
    _write_json(output, found)


def retrain_run(
    fold: Fold, queries, knees, settings: Mapping[str, Any], *, fold_seed: int, output: Mapping[str, Any]
) -> None:
    """Retrain at each cut-off of a run.

    Parameters
    ----------
    fold : Fold
    queries, knees : str or Path
        ``queries.csv`` and ``knees.json`` of the run.
    settings, fold_seed
        As for `nearlabel.learning.retrain.train_fresh`.
    output : mapping of str to path
        By cut-off.
    """
    models = retrain_cutoffs(
        fold.experiment,
        fold.classifier,
        fold.arrays.values,
        read_queries(queries),
        json.loads(Path(knees).read_text(encoding="utf-8")),
        settings,
        fold_seed=fold_seed,
    )
    for cutoff, model in models.items():
        _write_json(output[cutoff], model)


def read_queries(path) -> pd.DataFrame:
    """Read ``queries.csv``: image_id as text, round as int, score as float (NaN for the first batch)."""
    table = read_table(path, ("round", "image_id", "score"))
    return table.assign(round=table["round"].astype(np.int64), score=pd.to_numeric(table["score"]))


def _write_json(path, content: Any) -> None:
    with written_whole(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
