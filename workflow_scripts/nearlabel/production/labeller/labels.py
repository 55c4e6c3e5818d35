"""Who labels: the model on top of the groups, or the learnt network; both as scores of every label."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nearlabel.production.bundle.contents import NETWORK, WEIGHTS, Bundle
from nearlabel.production.labelled import Prepared
from nearlabel.production.labeller.steps import compile_steps, compile_svm, transform_rows


class Giver(Protocol):
    """What gives labels.

    Attributes
    ----------
    labels : list of str
        Columns of the scores.
    """

    labels: list[str]

    def scores(self, images: Sequence[Prepared], features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score every label.

        Parameters
        ----------
        images : sequence of Prepared, length n
        features : ndarray of float32, shape (n, d)
            Of the root's encoder.

        Returns
        -------
        likeliest : ndarray of int, shape (n,)
            Column of the label that is given.
        scores : ndarray of float64, shape (n, c)
        """


class ModelLabels:
    """Labels by the model on top.

    Parameters
    ----------
    model : dict
        A classifier, as `nearlabel.grouping.models.saved.load_model` gives it.
    """

    def __init__(self, model: dict[str, Any]):
        pipeline = model["pipeline"]
        self._score = _scorer(pipeline.steps[-1][1])
        self._steps = compile_steps(pipeline)
        self.labels = [str(name) for name in pipeline.classes_]

    def scores(self, images: Sequence[Prepared], features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score every label; see `Giver.scores`."""
        scores = self._score(transform_rows(self._steps, features))
        return scores.argmax(axis=1), scores


def _scorer(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return what scores rows (n, c), each as if it were alone."""
    from nearlabel.grouping.models.pipelines import class_scores

    name = type(model).__name__
    compiled = compile_svm(model) if name == "SVC" else None
    if compiled is not None:
        return lambda rows: np.stack([compiled(row) for row in rows])
    if name == "DecisionTreeClassifier":
        return lambda rows: class_scores(model, rows)
    # Of a product of matrices the last bits depend on how many rows those have, so each image is asked alone.
    return lambda rows: np.concatenate([class_scores(model, rows[row : row + 1]) for row in range(len(rows))])


def network_scores(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Return the scores of good and defective that a network's probability of a defect and its threshold come to.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (n,)
    threshold : float
        An image is defective from it on.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Good: the threshold; defective: the probability.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    return np.column_stack([np.full(len(probabilities), float(threshold)), probabilities])


class NetworkLabels:
    """Labels by the network that labelling ended with.

    Parameters
    ----------
    bundle : Bundle
    device : str
        auto, cpu, cuda or cuda:N.
    weights_dir : str or Path, optional
        Folder with published weights; the bundle's own by default.
    """

    def __init__(self, bundle: Bundle, *, device: str = "auto", weights_dir: str | Path | None = None):
        from nearlabel.labelling.final.saved import load_model
        from nearlabel.learning.data.decode import network_placement

        own = bundle.folder / WEIGHTS
        weights_dir = weights_dir or (own if own.is_dir() else None)
        weights = own / name if (name := bundle.facts["network_weights"]) else None
        self._network = load_model(bundle.folder / NETWORK, weights, device=device, weights_dir=weights_dir)
        self.prepare = network_placement(self._network.facts["network"])
        self.labels = list(bundle.facts["labels"])

    def scores(self, images: Sequence[Prepared], features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score good and defective; see `Giver.scores`."""
        import torch

        from nearlabel.features.devices import autocast, torch_set_up

        classifier, threshold = self._network.classifier, self._network.threshold
        classifier.trained.eval()
        found = []
        with torch.inference_mode(), torch_set_up(classifier.threads, classifier.precision):
            for image in images:
                with autocast(classifier.device, classifier.precision):
                    values = classifier.take(image.placed[NETWORK])
                    values = values if classifier.frozen is None else classifier.frozen(values)
                    logits = classifier.trained(values).double()
                # As for tiles of one image: the mean.
                found.append(float(torch.softmax(logits, 1)[:, 1].mean()))
        scores = network_scores(np.array(found), threshold)
        return (scores[:, 1] >= scores[:, 0]).astype(int), scores
