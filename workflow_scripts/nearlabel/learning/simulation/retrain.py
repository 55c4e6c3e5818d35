"""Fresh models on given images: the full pool, which bounds what labelling can reach, and those up to a cut-off."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.files import read_table, write_json
from nearlabel.learning.network.evaluate import Evaluator, auc_and_ap
from nearlabel.learning.network.fit import Trainer
from nearlabel.learning.network.model import Classifier
from nearlabel.learning.network.rows import StoredRows
from nearlabel.learning.simulation.fold import Fold
from nearlabel.learning.simulation.protocol import Experiment
from nearlabel.seeds import derive_seed


def train_fresh(
    experiment: Experiment,
    classifier: Classifier,
    values: np.ndarray | StoredRows,
    rows: np.ndarray,
    settings: Mapping[str, Any],
    *,
    fold_seed: int,
) -> dict[str, Any]:
    """Train a model from the start on given images, stopping early by validation AUC, and test it.

    Parameters
    ----------
    experiment, classifier, values
        As for `nearlabel.learning.simulation.engine.Engine`; the classifier is set back first.
    rows : ndarray of int64
        Rows to train on.
    settings : mapping
        ``retrain`` (``epochs``, ``patience``), ``evaluation_batch_size``, ``maps`` and what `Trainer` takes.
    fold_seed : int
        Of the fold.

    Returns
    -------
    dict
        n_labelled, val_auc, test_auc, test_ap, and epochs, those of the model that was kept.
    """
    classifier.restart()
    stored = StoredRows.of(values, classifier.device)
    trainer = Trainer(classifier, stored, experiment.labels, settings)
    evaluator = Evaluator(classifier, stored, settings["evaluation_batch_size"], settings["maps"])

    def validate() -> float:
        return auc_and_ap(evaluator.evaluate(experiment.validation).logits, experiment.labels[experiment.validation])[0]

    seed = derive_seed(fold_seed, "retrain")
    epochs, val_auc = trainer.fit(np.sort(rows), seed, score=validate, **settings["retrain"])
    test_auc, test_ap = auc_and_ap(evaluator.evaluate(experiment.test).logits, experiment.labels[experiment.test])
    return {
        "n_labelled": len(rows),
        "val_auc": val_auc,
        "test_auc": test_auc,
        "test_ap": test_ap,
        "epochs": epochs,
    }


def retrain_cutoffs(
    experiment: Experiment,
    classifier: Classifier,
    values: np.ndarray | StoredRows,
    queries: pd.DataFrame,
    cutoffs: Mapping[str, Mapping[str, Any] | None],
    settings: Mapping[str, Any],
    *,
    fold_seed: int,
) -> dict[str, dict[str, Any] | None]:
    """Train a fresh model on the images that a run had labelled at each cut-off.

    Parameters
    ----------
    queries : DataFrame
        ``queries.csv`` of the run.
    cutoffs : mapping
        ``knees.json`` of the run. Cut-offs at one round share a model.
    experiment, classifier, values, settings, fold_seed
        As for `train_fresh`.

    Returns
    -------
    dict
        `train_fresh` by cut-off; None where there is no such cut-off.
    """
    row_of = {image: row for row, image in enumerate(experiment.image_id)}
    stored = StoredRows.of(values, classifier.device)
    found: dict[int, dict[str, Any]] = {}
    models: dict[str, dict[str, Any] | None] = {}
    for name, cutoff in cutoffs.items():
        if cutoff is not None and cutoff["round"] not in found:
            images = queries.loc[queries["round"] <= cutoff["round"], "image_id"]
            rows = np.array([row_of[image] for image in images], dtype=np.int64)
            found[cutoff["round"]] = train_fresh(experiment, classifier, stored, rows, settings, fold_seed=fold_seed)
        models[name] = None if cutoff is None else found[cutoff["round"]]
    return models


def train_on_pool(fold: Fold, settings: Mapping[str, Any], *, fold_seed: int, output) -> None:
    """Train on the whole pool, the bound of what labelling can reach; arguments as for `train_fresh`.

    The file holds what that returns, and ``weights_source``: where the network's weights were found.
    """
    experiment = fold.experiment
    found = train_fresh(experiment, fold.classifier, fold.rows, experiment.pool, settings, fold_seed=fold_seed)
    write_json(output, found | {"weights_source": fold.classifier.weights_source})


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
        As for `train_fresh`.
    output : mapping of str to path
        By cut-off.
    """
    models = retrain_cutoffs(
        fold.experiment,
        fold.classifier,
        fold.rows,
        read_queries(queries),
        json.loads(Path(knees).read_text(encoding="utf-8")),
        settings,
        fold_seed=fold_seed,
    )
    for cutoff, model in models.items():
        write_json(output[cutoff], model)


def read_queries(path) -> pd.DataFrame:
    """Read ``queries.csv``: image_id as text, round as int, score as float (NaN for the first batch)."""
    table = read_table(path, ("round", "image_id", "score"))
    return table.assign(round=table["round"].astype(np.int64), score=pd.to_numeric(table["score"]))
