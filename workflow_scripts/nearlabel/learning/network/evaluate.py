"""Evaluating a classifier on some rows, in passes of a constant size: logits, features, activation maps, scores."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from nearlabel.features.batches import padded
from nearlabel.features.devices import torch_set_up
from nearlabel.learning.network.gradcam import FeatureMaps
from nearlabel.learning.network.logits import log_odds
from nearlabel.learning.network.model import Classifier
from nearlabel.learning.network.outputs import Evaluated

POSITIVE = 1
TARGETS = {"predicted": "predicted", "positive": POSITIVE, "negative": 1 - POSITIVE}


class Evaluator:
    """Evaluates a classifier as it is trained on.

    Parameters
    ----------
    classifier : Classifier
        In evaluation mode during passes.
    values : ndarray, shape (n, …)
        Stored rows.
    batch_size : int
        Rows per pass; the last pass is filled up.
    maps : mapping
        ``target``: class that activation maps explain, ``predicted``, ``positive`` or ``negative``; ``size``: [height,
        width] or None for their own, at least 7 × 7.

    Attributes
    ----------
    features : FeatureMaps
        Says whether activation maps come in closed form.
    """

    def __init__(self, classifier: Classifier, values: np.ndarray, batch_size: int, maps: Mapping[str, Any]):
        self.classifier, self.values, self.batch_size = classifier, values, batch_size
        self.features = FeatureMaps(classifier.trained)
        self._target, self._size = TARGETS[maps["target"]], maps["size"]

    def evaluate(self, rows: np.ndarray, *, maps: bool = False) -> Evaluated:
        """Compute logits and features, and activation maps in [0, 1] where they are wanted.

        Parameters
        ----------
        rows : ndarray of int64, shape (m,)
        maps : bool
            Whether activation maps are wanted.

        Returns
        -------
        Evaluated
            Of m images, in the order of `rows`.
        """
        # In the order of the file, which is read front to back.
        order = np.argsort(rows, kind="stable")
        parts: dict[str, list[np.ndarray]] = {"logits": [], "features": [], "maps": []}
        with torch_set_up(self.classifier.threads):
            for start in range(0, len(rows), self.batch_size):
                some = rows[order[start : start + self.batch_size]]
                batch = self.classifier.take(padded(self.values[some], self.batch_size))
                for name, found in self._pass(batch, maps).items():
                    parts[name].append(found[: len(some)])
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        return Evaluated(len(rows), **{name: np.concatenate(found)[back] for name, found in parts.items() if found})

    def _pass(self, batch: torch.Tensor, maps: bool) -> dict[str, np.ndarray]:
        if maps:
            found = self.features.evaluate(batch, self._target, size=self._size, normalise=True)
            return {"logits": found.logits, "features": found.pooled, "maps": found.activations}
        seen = self.features.forward(batch)
        return {"logits": seen.logits.cpu().numpy(), "features": seen.pooled.cpu().numpy()}


def auc_and_ap(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve and average precision of the positive class, by scikit-learn.

    Parameters
    ----------
    logits : ndarray, shape (n, 2)
        Ranked by the log-odds of the positive class, which do not saturate.
    labels : ndarray of int, shape (n,)
        0 and 1, both there.

    Returns
    -------
    auc, ap : float
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores = log_odds(logits, POSITIVE)
    return float(roc_auc_score(labels, scores)), float(average_precision_score(labels, scores))
