"""A fitted pipeline's steps for one image at a time: the same numbers without scikit-learn's checks of every call.

Those take longer than the arithmetic of one image, and a bundle's pipelines were checked when it was read.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from nearlabel.grouping.reduction.reduce import signed_root

Step = Callable[[np.ndarray], np.ndarray]


def compile_steps(pipeline: Any) -> Step:
    """Compile the steps before a model.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted; from `nearlabel.grouping.models.pipelines.fit_reduction` or, with a step ``model`` that is left out,
        `fit_model` there.

    Returns
    -------
    callable
        Takes one image's features, float64 (d,), and returns what the model or a node's centres take, (c,).
    """
    steps = [_compile(step) for name, step in pipeline.steps if name != "model"]

    def run(row: np.ndarray) -> np.ndarray:
        for step in steps:
            row = step(row)
        return row

    return run


def transform_rows(steps: Step, features: np.ndarray) -> np.ndarray:
    """Run compiled steps on features (n, d), row by row, so that no row depends on how many there are: (n, c)."""
    return np.stack([steps(row) for row in np.asarray(features, dtype=np.float64)])


def _compile(step: Any) -> Step:
    match type(step).__name__:
        case "SignedRoot":
            return signed_root
        case "StandardScaler":
            mean = step.mean_ if step.with_mean else 0.0
            scale = 1.0 if step.scale_ is None else step.scale_
            return lambda row: (row - mean) / scale
        case "Normalizer":
            return _normalise
        case "PCA":
            axes, centre = step.components_, step.mean_ @ step.components_.T
            spread = np.sqrt(np.maximum(step.explained_variance_, np.finfo(float).eps ** 2)) if step.whiten else 1.0
            return lambda row: (axes @ row - centre) / spread
        case "GaussianRandomProjection":
            axes = np.ascontiguousarray(step.components_)
            return lambda row: axes @ row
        case "VarianceThreshold":
            kept = step.get_support(indices=True)
            return lambda row: row[kept]
    # Steps of a later version.
    return lambda row: step.transform(row[np.newaxis])[0]


def _normalise(row: np.ndarray) -> np.ndarray:
    length = np.sqrt(row @ row)
    return row / length if length > 0 else row


def compile_svm(model: Any) -> Step | None:
    """Compile the decision values of a support vector machine, as `sklearn.svm.SVC.decision_function` gives them.

    Parameters
    ----------
    model : sklearn.svm.SVC
        Fitted.

    Returns
    -------
    callable or None
        From (c,) to the scores of all classes, (classes,): of two classes, of the second and its negative; None for a
        kernel that bundles have not.
    """
    if model.kernel not in ("rbf", "linear") or model.decision_function_shape != "ovr":
        return None
    vectors, pairs = model.support_vectors_, _pair_weights(model)
    squares = np.einsum("ij,ij->i", vectors, vectors)
    gamma, intercept, count = model._gamma, model.intercept_, len(model.classes_)
    first, second = np.triu_indices(count, 1)

    def score(row: np.ndarray) -> np.ndarray:
        kernel = vectors @ row
        if model.kernel == "rbf":
            kernel = np.exp(-gamma * np.maximum(squares + row @ row - 2 * kernel, 0))
        decided = pairs @ kernel + intercept
        if count == 2:
            return np.array([-decided[0], decided[0]])
        # One against one to one against the rest: votes, ties by confidence, which stays below a third of a vote.
        votes, confidence = np.zeros(count), np.zeros(count)
        np.add.at(votes, np.where(decided < 0, second, first), 1)
        np.add.at(confidence, first, decided)
        np.subtract.at(confidence, second, decided)
        return votes + confidence / (3 * (np.abs(confidence) + 1))

    return score


def _pair_weights(model: Any) -> np.ndarray:
    """Weight of each support vector in the decision between each two classes, (pairs, vectors)."""
    if len(model.classes_) == 2:
        return np.asarray(model.dual_coef_)
    of = np.repeat(np.arange(len(model.classes_)), model.n_support_)
    rows = []
    for first, second in zip(*np.triu_indices(len(model.classes_), 1), strict=True):
        # A vector's coefficients leave its own class out.
        rows.append(np.where(of == first, model.dual_coef_[second - 1], 0))
        rows[-1] = np.where(of == second, model.dual_coef_[first], rows[-1])
    return np.stack(rows)
