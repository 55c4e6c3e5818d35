"""Stratified cross-validation of the post-clustering models: scaling and reduction are learnt inside the fold."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.grouping.models.catalogue import CLASSIFIER, DETECTOR
from nearlabel.grouping.models.pipelines import (
    CATALOGUE,
    fit_model,
    fit_reduction,
    not_normal,
    predict,
    sort_classes,
    wants_scaling,
)
from nearlabel.seeds import derive_seed

logger = logging.getLogger(__name__)

SCORES = ["balanced_accuracy", "macro_f1", "roc_auc"]


class Validation(NamedTuple):
    """What `cross_validate` found.

    Attributes
    ----------
    scores : DataFrame
        model (its id), kind, fold, balanced_accuracy, macro_f1, roc_auc; a row per model and fold.
    confusion : DataFrame
        model, truth, predicted, count over all folds; every pair has a row, count 0 included. A detector predicts the
        normal label or ``not`` that label.
    predictions : DataFrame
        fold, truth, then a column per model: what it said of each image when it had not seen it; rows as given.
    notes : list of str
        What a reader should know.
    """

    scores: pd.DataFrame
    confusion: pd.DataFrame
    predictions: pd.DataFrame
    notes: list[str]


def find_learnable(labels: Sequence[str], groups: Sequence[int]) -> tuple[np.ndarray, list[str]]:
    """Find the images of classes with images of at least two groups, which can be both learnt and tested.

    Parameters
    ----------
    labels : sequence of str, length n
        Classes; '' where an image has none.
    groups : sequence of int, length n
        Near-duplicates and images of one part count as one.

    Returns
    -------
    keep : ndarray of bool, shape (n,)
    notes : list of str
        What was left out, in words.

    Raises
    ------
    ValueError
        Fewer than four images or two classes are left.
    """
    frame = pd.DataFrame({"label": np.asarray(labels, dtype=object), "group": np.asarray(groups)})
    named = frame[frame["label"] != ""]
    different = named.groupby("label")["group"].nunique()
    alone = sort_classes(different[different < 2].index)
    keep = ((frame["label"] != "") & ~frame["label"].isin(alone)).to_numpy()
    notes = []
    if len(named) < len(frame):
        notes.append(f"{len(frame) - len(named)} of {len(frame)} images have no label and were left out")
    if alone:
        images = int(named["label"].isin(alone).sum())
        notes.append(
            "classes of one image, near-duplicates and images of the same part apart, were left out, as they cannot be "
            f"both learnt and tested: {_some(alone)} "
            f"({len(alone)} of {len(different)} classes, {images} of {len(named)} images)"
        )
    classes = len(different) - len(alone)
    if keep.sum() < 4 or classes < 2:
        left_out = f" ({'; '.join(notes)})" if notes else ""
        raise ValueError(
            f"there are {keep.sum()} images of {classes} classes to learn from{left_out}; models need at least 4 "
            "images, and 2 classes with 2 different images each; near-duplicates and images of one part count once: "
            "write duplicate_distance: none if they are not the same thing"
        )
    return keep, notes


def stratified_folds(
    labels: Sequence[str], groups: Sequence[int], folds: int, seed: int
) -> tuple[np.ndarray, list[str]]:
    """Divide images into stratified folds; near-duplicates and images of one part stay in one.

    scikit-learn's ``StratifiedKFold`` or, where there are such groups, ``StratifiedGroupKFold``, shuffled.

    Parameters
    ----------
    labels : sequence of str, length n
        Classes.
    groups : sequence of int, length n
        Images of one group stay in one fold.
    folds : int
        Number of folds, from 2; cut to the smallest number of groups that a class has images of.
    seed : int
        Of the shuffle.

    Returns
    -------
    fold : ndarray of int, shape (n,)
        From 0.
    notes : list of str
        Whether the number was cut, and images kept together.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels, groups = np.asarray(labels, dtype=str), np.asarray(groups)
    different = pd.Series(groups).groupby(labels).nunique()
    notes = []
    if different.min() < folds:
        notes.append(
            f"folds were cut from {folds} to {different.min()}, the number of different images of class "
            f"{different.idxmin()!r}, near-duplicates and images of one part counted once"
        )
        folds = int(different.min())
    count = len(np.unique(groups))
    grouped = count < len(groups)
    if grouped:
        notes.append(
            f"near-duplicates and images of one part are kept in one fold: {len(groups)} images are {count} groups"
        )
    splitter = (StratifiedGroupKFold if grouped else StratifiedKFold)(folds, shuffle=True, random_state=seed)
    fold = np.empty(len(labels), dtype=int)
    for number, (_, test) in enumerate(splitter.split(labels, labels, groups if grouped else None)):
        fold[test] = number
    # Large groups can leave a fold without an image.
    fold = np.unique(fold, return_inverse=True)[1]
    return fold, notes


def cross_validate(
    features: np.ndarray,
    labels: Sequence[str],
    clusters: Sequence[int],
    fold: np.ndarray,
    models: Sequence[Mapping[str, Any]],
    *,
    reduction: Mapping[str, Any],
    normal: str,
    seed: int,
) -> Validation:
    """Fit every model without each fold and test it on that fold.

    Standardising, reduction and scaling are fitted on the fold's training images, for detectors on the normal ones
    among them. Where the labels are the clusters themselves, those were found on all images together, so that the
    scores tell how well a model repeats the clustering, not how stable the clustering is.

    Scores of a fold: balanced accuracy is the mean recall of the classes among its images; macro F1 is over the classes
    among its images and predictions; ROC AUC is one against the rest, the mean of all classes (of two classes: the
    usual one), NaN where a class is missing among the fold's images or its training images. A detector's are those of
    the decision normal or not, and of its anomaly score.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        An encoder's features.
    labels : sequence of str, length n
        The classes, none empty.
    clusters : sequence of int, length n
        The images' clusters; ``nearest_centre`` learns the centres of those of the normal images.
    fold : ndarray of int, shape (n,)
        From `stratified_folds`.
    models : sequence of mapping
        ``id``, ``name``, ``parameters``; see `nearlabel.grouping.models.pipelines.make_model`.
    reduction : mapping
        See `nearlabel.grouping.models.pipelines.fit_reduction`.
    normal : str
        The class that detectors learn.
    seed : int
        Of the models.

    Returns
    -------
    Validation

    Raises
    ------
    ValueError
        All training images of a fold have one class, or none is normal.
    """
    features, labels = np.asarray(features, dtype=np.float64), np.asarray(labels, dtype=str)
    clusters, classes = np.asarray(clusters), sort_classes(labels)
    predicted = {model["id"]: np.empty(len(labels), dtype=object) for model in models}
    rows, notes, unconverged = [], [], {}
    for number in range(fold.max() + 1):
        test = fold == number
        fitted = FoldFits(features[~test], labels[~test], clusters[~test], reduction, normal, seed)
        if missing := sorted(set(classes) - set(labels[~test])):
            if len(classes) - len(missing) < 2 or normal in missing:
                raise ValueError(
                    f"fold {number} leaves one class to learn, or no image of the normal one, because near-"
                    "duplicates and images of one part stay in one fold; use another number of folds or more parts"
                )
            notes.append(f"fold {number} was trained without an image of {_some(missing)}")
        for model in models:
            pipeline, remarks = fitted.fit(model)
            for remark in remarks:
                unconverged[remark] = unconverged.get(remark, 0) + 1
            said, scores = _test(pipeline, model, features[test], labels[test], classes, normal)
            predicted[model["id"]][test] = said
            rows.append({"model": model["id"], "kind": CATALOGUE[model["name"]].kind, "fold": number, **scores})
            logger.info("fold %d, %s: balanced accuracy %.3f", number, model["id"], scores["balanced_accuracy"])
    notes += [f"{remark} in {count} of {fold.max() + 1} folds" for remark, count in unconverged.items()]
    order = {model["id"]: position for position, model in enumerate(models)}
    scores = pd.DataFrame(rows).sort_values("model", key=lambda ids: ids.map(order), kind="stable", ignore_index=True)
    predictions = pd.DataFrame({"fold": fold, "truth": labels, **predicted})
    return Validation(scores, _count_confusions(predictions, models, classes, normal), predictions, notes)


class FoldFits:
    """Fits models on one set of images; models of one kind and scaling share the fitted reduction.

    Parameters
    ----------
    features, labels, clusters, reduction, normal, seed
        As for `cross_validate`; of the images to learn from only.
    """

    def __init__(self, features, labels, clusters, reduction, normal, seed):
        self.reduction, self.seed = reduction, seed
        self._features = {CLASSIFIER: features, DETECTOR: features[labels == normal]}
        self._targets = {CLASSIFIER: labels, DETECTOR: clusters[labels == normal]}
        self._reductions = {}

    def fit(self, model: Mapping[str, Any]):
        """Fit one model; returns what `nearlabel.grouping.models.pipelines.fit_model` does."""
        kind, scale = CATALOGUE[model["name"]].kind, wants_scaling(model, self.reduction["standardise"])
        if (kind, scale) not in self._reductions:
            seed = derive_seed(self.seed, "reduction")
            steps = fit_reduction(self._features[kind], self.reduction, seed, scale=scale)
            self._reductions[kind, scale] = steps
        seed = derive_seed(self.seed, f"model/{model['id']}")
        return fit_model(self._reductions[kind, scale], self._features[kind], self._targets[kind], model, seed)


def _test(pipeline, model, features, truth, classes, normal) -> tuple[np.ndarray, dict[str, float]]:
    from sklearn.metrics import f1_score, recall_score, roc_auc_score

    kind = CATALOGUE[model["name"]].kind
    said, scores = predict(pipeline, kind, features, normal)
    if kind == DETECTOR:
        actual, guess = truth != normal, said != normal
        auc = roc_auc_score(actual, scores) if len(np.unique(actual)) == 2 else np.nan
    else:
        actual, guess = truth, said
        known = list(pipeline.classes_)
        whole = set(classes) <= set(truth) and set(classes) <= set(known)
        rated = classes[1:] if len(classes) == 2 else classes
        areas = [roc_auc_score(truth == name, scores[:, known.index(name)]) for name in rated] if whole else [np.nan]
        auc = float(np.mean(areas))
    # The balanced accuracy, which scikit-learn's own function gives with a warning where a class was only predicted.
    recall = recall_score(actual, guess, labels=np.unique(actual), average="macro", zero_division=0)
    f1 = f1_score(actual, guess, average="macro", zero_division=0)
    return said, {"balanced_accuracy": float(recall), "macro_f1": float(f1), "roc_auc": float(auc)}


def _count_confusions(predictions, models, classes, normal) -> pd.DataFrame:
    rows = []
    for model in models:
        answers = classes if CATALOGUE[model["name"]].kind == CLASSIFIER else [normal, not_normal(normal)]
        counts = predictions.groupby(["truth", model["id"]]).size().to_dict()
        rows += [(model["id"], truth, said, counts.get((truth, said), 0)) for truth in classes for said in answers]
    return pd.DataFrame(rows, columns=["model", "truth", "predicted", "count"])


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
