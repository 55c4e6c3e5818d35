"""What gives labels, fitted or taken over, and what images that it has not learnt from say of it."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.files import read_table
from nearlabel.grouping.models.catalogue import CATALOGUE, CLASSIFIER
from nearlabel.grouping.models.pipelines import class_scores, sort_classes
from nearlabel.grouping.models.validation import FoldFits
from nearlabel.production.bundle.fitting.holdout import first_of_groups
from nearlabel.production.bundle.fitting.images import BundleImages
from nearlabel.production.labelled import MODEL, NETWORK
from nearlabel.production.labeller.labels import network_scores
from nearlabel.production.novelty.sets import always_in, least_calibration, nonconformity

LIBRARIES = ("numpy", "scikit-learn", "skops")
"""Whose versions a model depends on."""

HELD = "held-out images"

DEFECTIVE = "defective"
"""What a network calls defects of several labels."""


class Given(NamedTuple):
    """What gives labels, and what it says of images that it has not learnt from.

    Attributes
    ----------
    label_by : str
        ``model``, ``network`` or ``""``.
    labels, normal : list of str
        All that may be given, those of good images first; those of good images.
    model : dict or None
        As `nearlabel.grouping.models.saved.save_model` takes it, but for ``dataset`` and ``encoder``.
    rows : ndarray of int, shape (h,)
        Images that it has not learnt from.
    truth, said : ndarray of object (str), shape (h,)
        Their labels, and what it says; '' where it says nothing.
    nonconformity : dict of str to ndarray of float64
        By label, of those that stand for their groups, ascending.
    scores : dict
        From `score_labels`.
    notes : list of str
        What a reader should know.
    """

    label_by: str
    labels: list[str]
    normal: list[str]
    model: dict[str, Any] | None
    rows: np.ndarray
    truth: np.ndarray
    said: np.ndarray
    nonconformity: dict[str, np.ndarray]
    scores: dict[str, Any]
    notes: list[str]


def give_by_model(
    found: BundleImages,
    features: np.ndarray,
    settings: Mapping[str, Any],
    model: Mapping[str, Any],
    reduction: Mapping[str, Any],
    seed: int,
) -> Given:
    """Fit the model on top on what is learnt from, and ask it about what is held out.

    Parameters
    ----------
    found : BundleImages
    features : ndarray, shape (n, d)
        The root encoder's, of all images.
    settings : mapping
        ``label_by, normal``.
    model : mapping
        ``id, name, parameters`` of a classifier.
    reduction : mapping
        As for `nearlabel.grouping.models.pipelines.fit_reduction`, complete.
    seed : int

    Raises
    ------
    ValueError
        A model is asked for, and fewer than two labels have images to learn from.
    """
    labels, held_out, normal = found.labels, found.held.held_out, list(settings["normal"])
    learnt, rows = ~held_out & (labels != ""), np.flatnonzero(held_out)
    classes = sort_classes(labels[learnt])
    if len(classes) < 2:
        told = f"images of {classes[0]!r} alone" if classes else "no image"
        if settings["label_by"] == MODEL:
            raise ValueError(f"production.label_by is model, which takes two labels, and {told} can be learnt from")
        silent = np.full(len(rows), "", dtype=object)
        note = f"no labels are given: {told} can be learnt from"
        return Given("", found.names, normal, None, rows, labels[rows], silent, {}, score_labels([], [], HELD), [note])
    saved, notes = fit_label_model(features[learnt], labels[learnt], model, reduction, normal, seed)
    said, strange = np.empty(0, dtype=object), {}
    if len(rows):
        asked = features[rows].astype(np.float64)
        pipeline = saved["pipeline"]
        columns = list(map(str, pipeline.classes_))
        rated = class_scores(pipeline, asked)
        # As the labeller does; where votes tie, a support vector machine itself takes the first class.
        said = np.array(columns, dtype=object)[rated.argmax(axis=1)]
        strange = _by_label(nonconformity(rated), columns, labels[rows], _firsts(found, rows))
    scores = score_labels(labels[rows], said, HELD)
    return Given(MODEL, found.names, normal, saved, rows, labels[rows], said, strange, scores, notes)


def give_by_network(found: BundleImages, network: str | Path, predictions: str | Path) -> Given:
    """Take over the network that labelling ended with, and what networks without an image said of it.

    Parameters
    ----------
    found : BundleImages
    network, predictions : path
        ``model.pt`` and ``predictions.csv``; see `nearlabel.labelling.final.train.train_final`.
    """
    facts = read_network_facts(network)
    labels, threshold = network_labels(facts), facts["threshold"]
    table = read_table(predictions, ("image_id", "defective", "judged_without"))
    judged = table[(table["judged_without"] != "") & (table["defective"] != "")]
    places = pd.Series(np.arange(found.count), index=found.table["image_id"][: found.count])
    rows = places.loc[judged["image_id"]].to_numpy()
    without, names = judged["judged_without"].to_numpy(dtype=float), np.array(labels, dtype=object)
    truth = names[judged["defective"].astype(int)]
    strange = nonconformity(network_scores(without, threshold))
    by_label = _by_label(strange, labels, truth, _firsts(found, rows))
    said = names[(without >= threshold).astype(int)]
    scores = score_labels(truth, said, "labelled images, each by a network that had not learnt from it")
    return Given(NETWORK, labels, labels[:1], None, rows, truth, said, by_label, scores, [])


def choose_model(models: Sequence[Mapping[str, Any]], summary: str | Path | None) -> dict[str, Any]:
    """Choose the model on top.

    Parameters
    ----------
    models : sequence of mapping
        ``id, name, parameters``.
    summary : path or None
        ``summary.json`` of the classification that has chosen one of them; None for the first.

    Returns
    -------
    dict
        That one where it is a classifier, else ``svm``.
    """
    chosen = None if summary is None else json.loads(Path(summary).read_text(encoding="utf-8"))["chosen"]
    wanted = [model for model in models if chosen in (None, model["id"])]
    classifiers = [dict(model) for model in wanted if CATALOGUE[model["name"]].kind == CLASSIFIER]
    return classifiers[0] if classifiers else {"id": "svm", "name": "svm", "parameters": {}}


def fit_label_model(
    features: np.ndarray,
    labels: np.ndarray,
    model: Mapping[str, Any],
    reduction: Mapping[str, Any],
    normal: Sequence[str],
    seed: int,
) -> tuple[dict[str, Any], list[str]]:
    """Fit the model on top.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        The root encoder's, of the images to learn from.
    labels : ndarray of object (str), shape (n,)
        Theirs, none empty, two at least.
    model : mapping
        ``id, name, parameters`` of a classifier.
    reduction : mapping
        As for `nearlabel.grouping.models.pipelines.fit_reduction`, complete.
    normal : sequence of str
        Labels of good images.
    seed : int

    Returns
    -------
    dict
        As `nearlabel.grouping.models.saved.save_model` takes it, but for ``dataset`` and ``encoder``.
    notes : list of str
        As of `nearlabel.grouping.models.pipelines.fit_model`.
    """
    labels = labels.astype(str)
    fits = FoldFits(features.astype(np.float64), labels, np.zeros(len(labels)), reduction, "", seed)
    pipeline, notes = fits.fit(model)
    saved = {
        "pipeline": pipeline,
        "model": dict(model),
        "kind": CLASSIFIER,
        "classes": sort_classes(labels),
        "normal": normal[0] if normal else "",
        "node": "root",
        "target": "labels",
        "scores": {},
        "library_versions": {library: version(library) for library in LIBRARIES},
    }
    return saved, notes


def network_labels(facts: Mapping[str, Any]) -> list[str]:
    """What a network's two classes are called: the good label, and the only other one or `DEFECTIVE`."""
    others = [name for name in facts["labels"] if name != facts["good"]]
    return [facts["good"], others[0] if len(others) == 1 else DEFECTIVE]


def list_uncalibrated(labels: Sequence[str], held_out: Mapping[str, np.ndarray], coverage: float) -> list[str]:
    """Say which labels are in every set, though some of their images are held out: a sentence each.

    Parameters
    ----------
    labels : sequence of str
    held_out : mapping of str to ndarray
        By label, the nonconformity of its held-out images.
    coverage : float
    """
    needed = least_calibration(coverage)
    return [
        f"{label!r} has {count} held-out images, near-duplicates counted once; a coverage of {coverage:g} takes "
        f"{needed}: every set of labels holds it"
        for label, count in always_in(labels, held_out, coverage).items()
        if count
    ]


def read_network_facts(path: str | Path) -> dict[str, Any]:
    """Read what `nearlabel.labelling.final.saved.save_model` noted of a network, without building it."""
    import torch

    return json.loads(torch.load(path, map_location="cpu", weights_only=True)["facts"])


def score_labels(labels: np.ndarray, said: np.ndarray, how: str) -> dict[str, Any]:
    """Score what was said: recall of each label, and their mean, the balanced accuracy.

    Parameters
    ----------
    labels, said : ndarray of object (str), shape (n,)
        Images without a label are left out.
    how : str
        On which images, in words.

    Returns
    -------
    dict
        ``balanced_accuracy`` (None without an image), ``labels`` (label → images, recall), ``how``.
    """
    labels, said = np.asarray(labels, dtype=object), np.asarray(said, dtype=object)
    known = labels != ""
    recalls = {
        label: {"images": int((labels == label).sum()), "recall": float((said[labels == label] == label).mean())}
        for label in sort_classes(labels[known])
    }
    mean = float(np.mean([one["recall"] for one in recalls.values()])) if recalls else None
    return {"balanced_accuracy": mean, "labels": recalls, "how": how}


def _firsts(found: BundleImages, rows: np.ndarray) -> np.ndarray:
    """Which of some images stand for their groups."""
    contents = found.table["sha256"].to_numpy(dtype=object)
    return np.isin(rows, first_of_groups(rows, found.held.group, contents))


def _by_label(strange: np.ndarray, columns: Sequence[str], labels: np.ndarray, firsts: np.ndarray) -> dict:
    return {
        label: np.sort(strange[(labels == label) & firsts, column])
        for column, label in enumerate(columns)
        if ((labels == label) & firsts).any()
    }
