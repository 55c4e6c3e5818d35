"""The models of the post-clustering layer: classifiers, and detectors that learn the normal images only.

Mathias et al. 2025, section 3.4, names support vector machines, decision trees, neural networks, anomaly detection and
rule-based systems as layers on top of the clusters. Each is one scikit-learn `Pipeline` that starts at an encoder's
features: scaled and reduced in the node's way, scaled component by component, then the model.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nearlabel.grouping.models.catalogue import CATALOGUE, DETECTOR
from nearlabel.grouping.reduction.reduce import SMALLEST_SHARE
from nearlabel.parameters import complete_parameters


def fit_reduction(features: np.ndarray, reduction: Mapping[str, Any], seed: int, *, scale: bool = True):
    """Fit the steps before a model: what the node's reduction does, then scaling to mean 0 and variance 1.

    PCA is that of `nearlabel.grouping.reduction.reduce.reduce_features`, on centred features where it is by the
    covariance, in which images far from 0 that are nearly the same would cancel out. Directions in which the images do
    not differ are dropped before scaling: PCA to min(n, d) components always has one where n ≤ d. Where they differ in
    nothing, only their mean is taken off.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        An encoder's features of the images to learn from, float64.
    reduction : mapping
        ``method``, ``components``, ``standardise`` and perhaps ``power``, ``normalise`` and ``whiten``, as for
        `nearlabel.grouping.reduction.reduce.reduce_features`; components are cut to min(n, d). What whitening does,
        scaling does here, so that a whitened reduction is always scaled.
    seed : int
        Of a random projection.
    scale : bool
        Whether to scale what the reduction gives.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Fitted; without a step ``varies`` where the images differ in nothing.
    """
    from sklearn.decomposition import PCA
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import Normalizer, StandardScaler
    from sklearn.random_projection import GaussianRandomProjection

    from nearlabel.grouping.models.roots import SignedRoot

    # Equal numbers can have a variance of rounding errors.
    if not np.ptp(features, axis=0).any():
        return Pipeline([("scale", StandardScaler())]).fit(features)
    steps = [("power", SignedRoot())] if reduction.get("power") == "sqrt" else []
    if reduction["standardise"]:
        steps.append(("standardise", StandardScaler()))
    if reduction.get("normalise") == "l2":
        steps.append(("normalise", Normalizer()))
    scaled = Pipeline(steps).fit_transform(features) if steps else features
    variance = scaled.var(axis=0).sum()
    limit, components = min(features.shape), reduction["components"]
    if components == "min":
        components = limit
    elif components >= 1:
        components = min(int(components), limit)
    if reduction["method"] == "pca":
        tall = len(features) >= features.shape[1]
        if tall:
            steps.append(("centre", StandardScaler(with_std=False)))
        steps.append(("reduce", PCA(components, svd_solver="covariance_eigh" if tall else "full")))
    elif reduction["method"] == "random_projection":
        steps.append(("reduce", GaussianRandomProjection(components, random_state=seed)))
    steps.append(("varies", VarianceThreshold(float(SMALLEST_SHARE * variance))))
    if scale or reduction.get("whiten"):
        steps.append(("scale", StandardScaler()))
    return Pipeline(steps).fit(features)


def wants_scaling(model: Mapping[str, Any], standardise: bool) -> bool:
    """Whether a model wants its components scaled, given whether the features are standardised before the reduction.

    By default not if they are: PCA then orders directions by how many features share them, and scaling each up to a
    variance of 1 gives the least of them the same weight. On 1344 magnetic tiles (texture, 50 components, 5 folds) it
    lowered the balanced accuracy of ``svm`` from 0.88 to 0.72. Features that are not standardised need it: the largest
    component would drown the others (a seeded resnet18: 0.29 without, 0.53 with). Trees do not see the difference;
    theirs are scaled so that rules count in standard deviations.
    """
    parameters = CATALOGUE[model["name"]].parameters
    if "scaling" not in parameters:
        return True
    scaling = model["parameters"].get("scaling", parameters["scaling"].default)
    return not standardise if scaling == "auto" else scaling == "each"


def fit_model(reduction, features: np.ndarray, target: np.ndarray, model: Mapping[str, Any], seed: int):
    """Fit a model behind steps that `fit_reduction` fitted on the same images.

    Parameters
    ----------
    reduction : sklearn.pipeline.Pipeline
        From `fit_reduction`.
    features : ndarray, shape (n, d)
        The encoder's features of the same images.
    target : ndarray of str or int, shape (n,)
        Their classes; for a detector, which learns from normal images, their clusters.
    model : mapping
        ``id``, ``name`` (one of the catalogue) and ``parameters``.
    seed : int
        ``random_state``.

    Returns
    -------
    sklearn.pipeline.Pipeline
        From the encoder's features to predictions, fitted.
    notes : list of str
        What a reader should know: a perceptron that did not converge.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import Pipeline

    notes = []
    estimator = make_model(model["name"], model["parameters"], seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        # A node has fewer images than max_samples names: the forest takes what there is, as it should.
        warnings.filterwarnings("ignore", message="max_samples")
        estimator.fit(reduction.transform(features), target)
    for entry in caught:
        if issubclass(entry.category, ConvergenceWarning):
            notes.append(f"{model['id']} did not converge in max_iter = {estimator.max_iter} iterations")
        else:
            warnings.warn_explicit(entry.message, entry.category, entry.filename, entry.lineno)
    # What only serves to go on learning, and would have to be trusted when the file is read.
    vars(estimator).pop("_optimizer", None)
    return Pipeline([*reduction.steps, ("model", estimator)]), notes


def make_model(name: str, parameters: Mapping[str, Any], seed: int):
    """Make a model that is not fitted.

    Parameters
    ----------
    name : str
        A name of `nearlabel.grouping.models.catalogue.CATALOGUE`.
    parameters : mapping
        As the catalogue lists them; defaults for those that are not given.
    seed : int
        ``random_state`` of models that draw random numbers.

    Returns
    -------
    sklearn estimator

    Raises
    ------
    ValueError
        Unknown model or parameter, a value out of its range.
    """
    from sklearn.ensemble import IsolationForest
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    from nearlabel.grouping.models.detectors import NearestCentreDetector

    if name not in CATALOGUE:
        raise ValueError(f"unknown model '{name}'; choose one of {', '.join(CATALOGUE)}")
    settings = complete_parameters(name, parameters, CATALOGUE[name].parameters)
    settings.pop("scaling", None)  # Of the step before.
    # scikit-learn's None, in words.
    settings = {key: None if value in ("none", "unlimited") else value for key, value in settings.items()}
    if name == "nearest_centre":
        return NearestCentreDetector(**settings)
    if name == "decision_tree":
        # Rounding errors of weights look like impurity, and would be split.
        settings["min_impurity_decrease"] = 1e-9
    makers = {
        "svm": SVC,
        "decision_tree": DecisionTreeClassifier,
        "mlp": MLPClassifier,
        "isolation_forest": IsolationForest,
    }
    return makers[name](**settings, random_state=seed)


def class_scores(pipeline, features: np.ndarray) -> np.ndarray:
    """Score every class of a fitted classifier: its probability where the model has one, else its decision value.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        A classifier, from `fit_model`.
    features : ndarray, shape (n, d)
        The encoder's features.

    Returns
    -------
    ndarray of float64, shape (n, classes)
        Columns as in ``pipeline.classes_``.
    """
    if hasattr(pipeline, "predict_proba"):
        return pipeline.predict_proba(features)
    scores = pipeline.decision_function(features)
    return np.column_stack([-scores, scores]) if scores.ndim == 1 else scores


def anomaly_scores(pipeline, features: np.ndarray) -> np.ndarray:
    """Score how abnormal images are for a fitted detector: above 0 is not normal, shape (n,)."""
    return -pipeline.decision_function(features)


def not_normal(normal: str) -> str:
    """Return what a detector calls an image that is not normal."""
    return f"not {normal}"


def predict(pipeline, kind: str, features: np.ndarray, normal: str) -> tuple[np.ndarray, np.ndarray]:
    """Label images by a fitted model.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        From `fit_model`.
    kind : str
        ``classifier`` or ``detector``.
    features : ndarray, shape (n, d)
        The encoder's features.
    normal : str
        The class that a detector learnt.

    Returns
    -------
    labels : ndarray of str, shape (n,)
    scores : ndarray of float64, shape (n, classes) or (n,)
        Of every class, columns as in ``pipeline.classes_``; a detector's anomaly scores.
    """
    features = np.asarray(features, dtype=np.float64)
    if kind == DETECTOR:
        said = np.where(pipeline.predict(features) == 1, normal, not_normal(normal))
        return said, anomaly_scores(pipeline, features)
    return pipeline.predict(features), class_scores(pipeline, features)


def name_components(pipeline, method: str) -> list[str]:
    """Name what a fitted pipeline's model sees, in words, counted from 1.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        From `fit_reduction` or `fit_model`.
    method : str
        Of the reduction.

    Returns
    -------
    list of str
        ``component 1``, ... after PCA; ``projection 1``, ... after a random projection; ``feature 1``, ... otherwise.
    """
    word = {"pca": "component", "random_projection": "projection", "none": "feature"}[method]
    if "varies" not in pipeline.named_steps:
        return [f"feature {number + 1}" for number in range(pipeline.n_features_in_)]
    return [f"{word} {number + 1}" for number in pipeline["varies"].get_support(indices=True)]


def sort_classes(labels: Sequence[str]) -> list[str]:
    """Return the classes among labels: whole numbers by value, otherwise by text."""
    classes = sorted(set(map(str, labels)))
    return sorted(classes, key=int) if all(name.isdecimal() for name in classes) else classes
