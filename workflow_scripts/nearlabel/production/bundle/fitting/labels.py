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
from nearlabel.production.bundle.fitting.images import BundleImages
from nearlabel.production.bundle.fitting.judging import score_labels, sort_by_label, stand_for_groups
from nearlabel.production.labelled import MODEL, NETWORK
from nearlabel.production.labeller.labels import network_scores
from nearlabel.production.novelty.sets import nonconformity

LIBRARIES = ("numpy", "scikit-learn", "skops")
"""Whose versions a model depends on."""

HELD = "held-out images"

UNDRAWN = (
    "the labelled images do not stand for the data set: no draw at random is answered whole, or all in it is of one "
    "class; recalls and the coverage of sets of labels hold for images like those that a strategy chose, and are not "
    "promised for others: answer such a draw (labelling.audit, or the certificate's) for a bundle that promises them"
)
"""Of a network that was judged by images that a strategy chose, alone."""

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
    weights : ndarray of float64, shape (h,)
        How many images of the data set each of them stands for; 0: it says nothing that is not said already.
    stand_for : dict of str to ndarray of float64
        The same of those in `nonconformity`; empty where each stands for itself.
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
    weights: np.ndarray
    stand_for: dict[str, np.ndarray]
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
    alike = np.ones(len(rows))
    classes = sort_classes(labels[learnt])
    if len(classes) < 2:
        told = f"images of {classes[0]!r} alone" if classes else "no image"
        if settings["label_by"] == MODEL:
            raise ValueError(f"production.label_by is model, which takes two labels, and {told} can be learnt from")
        silent = np.full(len(rows), "", dtype=object)
        note = f"no labels are given: {told} can be learnt from"
        scores = score_labels([], [], [], HELD)
        return Given("", found.names, normal, None, rows, labels[rows], silent, {}, alike, {}, scores, [note])
    saved, notes = fit_label_model(features[learnt], labels[learnt], model, reduction, normal, seed)
    said, strange = np.empty(0, dtype=object), {}
    if len(rows):
        asked = features[rows].astype(np.float64)
        pipeline = saved["pipeline"]
        columns = list(map(str, pipeline.classes_))
        rated = class_scores(pipeline, asked)
        # As the labeller does; where votes tie, a support vector machine itself takes the first class.
        said = np.array(columns, dtype=object)[rated.argmax(axis=1)]
        strange, _ = _by_label(found, rows, nonconformity(rated), columns, labels[rows], alike)
    scores = score_labels(labels[rows], said, alike, HELD)
    return Given(MODEL, found.names, normal, saved, rows, labels[rows], said, strange, alike, {}, scores, notes)


def give_by_network(found: BundleImages, network: str | Path, predictions: str | Path) -> Given:
    """Take over the network that labelling ended with, and what networks without an image said of it.

    Of the labelled images some were drawn at random and others chosen by a strategy: they count as what they stand for.

    Parameters
    ----------
    found : BundleImages
    network, predictions : path
        ``model.pt`` and ``predictions.csv``; see `nearlabel.labelling.final.train.train_final`.
    """
    facts = read_network_facts(network)
    labels, threshold = network_labels(facts), facts["threshold"]
    table = read_table(predictions, ("image_id", "defective", "judged_without", "weight"))
    table["weight"] = table["weight"].astype(float)
    judged = table[(table["judged_without"] != "") & (table["defective"] != "")]
    places = pd.Series(np.arange(found.count), index=found.table["image_id"][: found.count])
    rows = places.loc[judged["image_id"]].to_numpy()
    without, names = judged["judged_without"].to_numpy(dtype=float), np.array(labels, dtype=object)
    weights = judged["weight"].to_numpy()
    truth = names[judged["defective"].astype(int)]
    strange = nonconformity(network_scores(without, threshold))
    by_label, stand_for = _by_label(found, rows, strange, labels, truth, weights)
    said = names[(without >= threshold).astype(int)]
    scores = score_labels(truth, said, weights, "labelled images, each by a network that had not learnt from it")
    # Rounded as sums are.
    notes = [] if table["weight"].sum() > 0.999 * len(table) else [UNDRAWN]
    return Given(NETWORK, labels, labels[:1], None, rows, truth, said, by_label, weights, stand_for, scores, notes)


def list_unpromised(found: BundleImages, settings: Mapping[str, Any], network: bool) -> list[str]:
    """Say what may be otherwise on the line, where labelling has chosen the images with a label: a sentence or none.

    Parameters
    ----------
    found : BundleImages
    settings : mapping
        ``named_alone``: labels are those of labelling.
    network : bool
        Whether the network gives labels: its images count as what they stand for, but the good ones of novelty alike.
    """
    labelled = int((found.labels[: found.count] != "").sum())
    if not settings["named_alone"] or labelled in (0, found.count):
        return []
    what = "the rate of false alarms holds"
    if not network:
        what = "recalls, the coverage of sets of labels and the rate of false alarms hold"
    return [
        f"{labelled} of {found.count} images of the data set have a label, most of them chosen by a strategy: {what} "
        "for images like these, and may be otherwise on the line"
    ]


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


def read_network_facts(path: str | Path) -> dict[str, Any]:
    """Read what `nearlabel.labelling.final.saved.save_model` noted of a network, without building it."""
    import torch

    return json.loads(torch.load(path, map_location="cpu", weights_only=True)["facts"])


def _by_label(found: BundleImages, rows: np.ndarray, strange: np.ndarray, columns: Sequence[str], labels, weights):
    """Nonconformity by label, and what its images stand for, of those that stand for their groups."""
    contents = found.table["sha256"].to_numpy(dtype=object)
    firsts = stand_for_groups(rows, weights, found.held.group, contents)
    return sort_by_label(strange[firsts], columns, labels[firsts], weights[firsts])
