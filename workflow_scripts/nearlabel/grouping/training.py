"""The post-clustering layer from files to files: models that tell a node's clusters or near-labels, the best kept."""

import json
import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.features.store import read_features
from nearlabel.grouping.classifiers import CLASSIFIER, KINDS, name_components, sort_classes
from nearlabel.grouping.rules import describe_tree, introduce_rules, write_rules
from nearlabel.grouping.saved_models import save_model
from nearlabel.grouping.selected import read_selection
from nearlabel.grouping.validation import (
    SCORES,
    FoldFits,
    Validation,
    cross_validate,
    find_learnable,
    group_images,
    split_folds,
)
from nearlabel.images.files import write_csv, written_whole
from nearlabel.seeds import derive_seed

logger = logging.getLogger(__name__)

LIBRARIES = ("numpy", "scikit-learn", "skops")
RESERVED = ("image_id", "fold", "truth")


class Trained(NamedTuple):
    """What `train_classifiers` made.

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


def train_classifiers(
    features: np.ndarray,
    labels: Sequence[str],
    contents: Sequence[str],
    clusters: Sequence[int],
    models: Sequence[Mapping[str, Any]],
    *,
    parts: Sequence[str] | None = None,
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
    contents : sequence of str, length n
        SHA-256 of the images' files: exact copies are never on both sides of a fold.
    clusters : sequence of int, length n
        The images' clusters.
    models : sequence of mapping
        ``name`` (a key of `nearlabel.grouping.classifiers.KINDS`), and perhaps ``id`` (the name by default) and
        ``parameters``.
    parts : sequence of str, length n, optional
        Parts that the images show, '' where none is known: images of one part are never on both sides of a fold.
    reduction : mapping
        ``method``, ``components``, ``standardise``; see `nearlabel.grouping.classifiers.fit_reduction`.
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
    groups = group_images(contents, [""] * len(contents) if parts is None else parts)
    learnt, notes = find_learnable(labels, groups)
    features, labels, clusters = features[learnt], labels[learnt], np.asarray(clusters)[learnt]
    classes = sort_classes(labels)
    counts = {name: int((labels == name).sum()) for name in classes}
    if normal is None:
        normal = max(classes, key=counts.__getitem__)
    elif normal not in counts:
        raise ValueError(f"normal names class '{normal}', which is not among {', '.join(map(repr, classes))}")
    fold, more = split_folds(labels, groups[learnt], folds, derive_seed(seed, "folds"))
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
            model | {"kind": KINDS[model["name"]]} | {key: _number(value) for key, value in _flat(means, model["id"])}
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
    classifiers = [model for model in models if KINDS[model["name"]] == CLASSIFIER]
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


def train_node(
    features: Sequence[str | Path],
    *,
    images: str | Path,
    manifest: str | Path,
    clusters: str | Path,
    selection: str | Path,
    target: str,
    models: Sequence[Mapping[str, Any]],
    folds: int,
    choose: str | None,
    normal: str | None,
    reduction: Mapping[str, Any],
    encoders: Mapping[str, Mapping[str, Any]],
    seed: int,
    dataset: str,
    node: str,
    output: Mapping[str, str | Path],
) -> None:
    """Train the post-clustering models of a node on its selected encoder's features.

    Parameters
    ----------
    features : sequence of path
        ``features/{encoder}.h5`` of every encoder that the selection may name.
    images, manifest : path
        ``images.csv`` (for the files' hashes and the parts) and ``manifest.csv`` (near-labels).
    clusters, selection : path
        ``clusters.csv`` and ``selection.json`` of the node.
    target : {"clusters", "near_labels"}
        What the models learn to tell.
    models, folds, choose, normal, seed
        As for `train_classifiers`.
    reduction : mapping
        Of the node; ``standardise`` None: only for the texture encoder, as in `nearlabel.grouping.node.reduce_node`.
    encoders : mapping of str to mapping
        By encoder id, what new images need: the options of `nearlabel.features.extract.extract_features` and ``seed``.
    dataset, node : str
        Names, for the record.
    output : mapping of str to path
        Files to write: ``scores``, ``confusion``, ``predictions`` (CSV), ``rules`` (text), ``model`` (skops),
        ``summary`` (JSON).

    Raises
    ------
    ValueError
        As of `train_classifiers`; says of which data set, node and target.
    """
    encoder = read_selection(selection).encoder
    store = read_features(next(file for file in features if Path(file).stem == encoder))
    table = pd.read_csv(clusters, dtype={"image_id": str}, keep_default_na=False).set_index("image_id")["cluster"]
    rows = pd.Series(np.arange(len(store.image_id)), index=store.image_id).loc[table.index]
    image_id = table.index.to_numpy(dtype=object)
    labels = table.astype(str) if target == "clusters" else _read_column(manifest, "near_label").loc[image_id]
    reduction = dict(reduction)
    if reduction["standardise"] is None:
        reduction["standardise"] = store.attributes["network"] == "texture"
    what = f"{target.replace('_', '-')} of node {node} of {dataset}"
    try:
        trained = train_classifiers(
            store.features[rows.to_numpy()],
            labels.to_numpy(dtype=str),
            _read_column(images, "sha256").loc[image_id].to_numpy(dtype=str),
            table.to_numpy(),
            models,
            parts=_read_column(images, "part").loc[image_id].to_numpy(dtype=str),
            reduction=reduction,
            folds=folds,
            choose=choose,
            normal=normal,
            seed=seed,
        )
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error
    validation, summary = trained.validation, trained.summary
    place = {"dataset": dataset, "node": node, "target": target}
    options = dict(encoders[encoder])
    saved = {
        "pipeline": trained.pipeline,
        "model": dict(trained.chosen),
        "kind": KINDS[trained.chosen["name"]],
        "classes": list(summary["classes"]),
        "normal": summary["normal"],
        **place,
        "encoder": {
            "id": encoder,
            "seed": options.pop("seed", None),
            "options": options,
            "weights_sha256": str(store.attributes["weights_sha256"]),
            "library_versions": json.loads(store.attributes["library_versions"]),
        },
        "scores": {
            key: value
            for model in summary["models"]
            if model["id"] == summary["chosen"]
            for key, value in model.items()
            if key.removesuffix("_std") in SCORES
        },
        "library_versions": {library: version(library) for library in LIBRARIES},
    }
    summary = {**place, "encoder": encoder, **summary}
    write_csv(output["scores"], validation.scores)
    write_csv(output["confusion"], validation.confusion)
    predictions = validation.predictions.copy()
    predictions.insert(0, "image_id", image_id[trained.learnt])
    write_csv(output["predictions"], predictions)
    _write_text(output["rules"], introduce_rules(trained.rules, summary, what))
    _write_text(output["summary"], json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    save_model(output["model"], saved)


def _read_column(path: str | Path, column: str) -> pd.Series:
    return pd.read_csv(path, dtype=str, keep_default_na=False).set_index("image_id")[column]


def _write_text(path: str | Path, text: str) -> None:
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
