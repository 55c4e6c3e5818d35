"""Training the models on top of the clusters: judged by cross-validation, the best fitted on all images."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.grouping.models.catalogue import CLASSIFIER
from nearlabel.grouping.models.pipelines import CATALOGUE, name_components, sort_classes
from nearlabel.grouping.models.tree_rules import describe_tree, write_rules
from nearlabel.grouping.models.validation import (
    SCORES,
    FoldFits,
    Validation,
    cross_validate,
    find_learnable,
    stratified_folds,
)
from nearlabel.seeds import derive_seed

logger = logging.getLogger(__name__)

RESERVED = ("image_id", "fold", "truth")


class Trained(NamedTuple):
    """What `train_models` made.

    Attributes
    ----------
    validation : Validation
        Scores, confusions and predictions of the images that `learnt` marks.
    learnt : ndarray of bool, shape (n,)
        Images that were learnt from and tested.
    pipeline : sklearn.pipeline.Pipeline
        The chosen model, fitted on all of those.
    chosen : mapping
        Its ``id``, ``name`` and ``parameters``.
    rules : str
        Of every decision tree, as text.
    summary : dict
        What ``summary.json`` holds but for data set, node, target and encoder.
    """

    validation: Validation
    learnt: np.ndarray
    pipeline: Any
    chosen: Mapping[str, Any]
    rules: str
    summary: dict[str, Any]


def train_models(
    features: np.ndarray,
    labels: Sequence[str],
    groups: Sequence[int],
    clusters: Sequence[int],
    models: Sequence[Mapping[str, Any]],
    *,
    reduction: Mapping[str, Any],
    folds: int,
    choose: str | None = None,
    normal: str | None = None,
    seed: int,
) -> Trained:
    """Cross-validate models, choose one, and fit it on all images.

    The scores of a model that was chosen for being the best are a little too good; with few models, by less than their
    deviation between folds.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        An encoder's features.
    labels : sequence of str, length n
        What to tell; '' where an image has no label.
    groups : sequence of int, length n
        From `nearlabel.images.duplicates.groups.group_images`: near-duplicates and images of one part are never on both
        sides
        of a fold.
    clusters : sequence of int, length n
        The images' clusters.
    models : sequence of mapping
        ``name`` (a key of `nearlabel.grouping.models.catalogue.CATALOGUE`), and perhaps ``id`` (the name by default)
        and ``parameters``.
    reduction : mapping
        ``method``, ``components``, ``standardise``; see `nearlabel.grouping.models.pipelines.fit_reduction`.
    folds : int
        From 2.
    choose : str, optional
        Id of the model to take. Absent: the classifier with the highest mean balanced accuracy, the first of equals;
        among detectors where there is no classifier.
    normal : str, optional
        The class that detectors learn; absent: the most frequent one.
    seed : int
        Of folds, models and random projection.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        Features that are not finite; too few images or classes; an id or a class that does not exist.
    """
    models = [{"id": model["name"], "parameters": {}} | dict(model) for model in models]
    ids = [model["id"] for model in models]
    if len(set(ids)) < len(ids) or set(ids) & set(RESERVED):
        raise ValueError(f"models have the ids {', '.join(ids)}: each once, and none of {', '.join(RESERVED)}")
    if choose is not None and choose not in ids:
        raise ValueError(f"choose names model '{choose}', which is not among {', '.join(ids)}")
    features, labels = np.asarray(features, dtype=np.float64), np.asarray(labels, dtype=str)
    if not np.isfinite(features).all():
        raise ValueError("features hold NaN or infinity; check the encoder")
    groups = np.asarray(groups)
    learnt, notes = find_learnable(labels, groups)
    features, labels, clusters = features[learnt], labels[learnt], np.asarray(clusters)[learnt]
    classes = sort_classes(labels)
    counts = {name: int((labels == name).sum()) for name in classes}
    if normal is None:
        normal = max(classes, key=counts.__getitem__)
    elif normal not in counts:
        raise ValueError(f"normal names class '{normal}', which is not among {', '.join(map(repr, classes))}")
    fold, more = stratified_folds(labels, groups[learnt], folds, derive_seed(seed, "folds"))
    validation = cross_validate(features, labels, clusters, fold, models, reduction=reduction, normal=normal, seed=seed)
    means = validation.scores.groupby("model", sort=False)[SCORES].agg(["mean", "std"])
    chosen, why = _choose(models, means, choose)

    fits = FoldFits(features, labels, clusters, reduction, normal, seed)
    pipeline, remarks = fits.fit(chosen)
    notes += [*more, *validation.notes, *(f"{remark} on all images" for remark in remarks)]
    trees = {model["id"]: fits.fit(model)[0] for model in models if model["name"] == "decision_tree"}
    for id, tree in trees.items():
        depth = tree["model"].max_depth
        if depth is not None and 2**depth < len(classes):
            notes.append(
                f"{id} cannot tell all {len(classes)} classes by {2**depth} ends; raise its max_depth of {depth}"
            )
    for note in notes:
        logger.warning("%s", note)
    method = reduction["method"]
    summary = {
        "images": int(learnt.sum()),
        "classes": counts,
        "folds": int(fold.max() + 1),
        "components": len(name_components(pipeline, method)),
        "normal": normal,
        "models": [
            model
            | {"kind": CATALOGUE[model["name"]].kind}
            | {key: _number(value) for key, value in _flat(means, model["id"])}
            for model in models
        ],
        "chosen": chosen["id"],
        "why": why,
        "notes": notes,
        "tree": None,
    }
    for id, tree in list(trees.items())[:1]:
        summary["tree"] = {"model": id, "root": describe_tree(tree, method, features, labels)}
    rules = "\n".join(f"{id}\n{write_rules(tree, method)}" for id, tree in trees.items())
    return Trained(validation, learnt, pipeline, chosen, rules, summary)


def _choose(models, means: pd.DataFrame, choose: str | None) -> tuple[Mapping[str, Any], str]:
    if choose is not None:
        return next(model for model in models if model["id"] == choose), "named by choose in the configuration"
    classifiers = [model for model in models if CATALOGUE[model["name"]].kind == CLASSIFIER]
    candidates = classifiers or models
    # Equal to 12 decimals is equal: the rest is rounding.
    accuracy = means["balanced_accuracy", "mean"].round(12)
    best = max(candidates, key=lambda model: accuracy[model["id"]])
    kind = "classifiers" if classifiers else "detectors"
    return best, f"choose names none: highest mean balanced accuracy of the {kind}, {accuracy[best['id']]:.3f}"


def _flat(means: pd.DataFrame, id: str):
    for score in SCORES:
        yield score, means.loc[id, (score, "mean")]
        yield f"{score}_std", means.loc[id, (score, "std")]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
