"""Evaluating a classifier on some rows, in passes of a constant size: logits, features, activation maps, scores."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from nearlabel.features.devices import choose_batch_size, torch_set_up
from nearlabel.learning.network.feature_maps import require_finite
from nearlabel.learning.network.gradcam import BegunEvaluation, FeatureMaps
from nearlabel.learning.network.logits import log_odds
from nearlabel.learning.network.model import Classifier
from nearlabel.learning.network.outputs import Evaluated
from nearlabel.learning.network.rows import StoredRows

POSITIVE = 1
TARGETS = {"predicted": "predicted", "positive": POSITIVE, "negative": 1 - POSITIVE}


# Passes whose outcome stays on the device before it is fetched.
_FETCHED = 64


class Evaluator:
    """Evaluates a classifier as it is trained on.

    Parameters
    ----------
    classifier : Classifier
        In evaluation mode during passes.
    values : ndarray or StoredRows, shape (n, …)
        Stored rows.
    batch_size : int or "auto"
        Rows per pass, see `nearlabel.features.devices.choose_batch_size`; the last pass is filled up.
    maps : mapping
        ``target``: class that activation maps explain, ``predicted``, ``positive`` or ``negative``; ``size``: [height,
        width] or None for their own, at least 7 × 7.

    Attributes
    ----------
    features : FeatureMaps
        Says whether activation maps come in closed form.
    """

    def __init__(
        self,
        classifier: Classifier,
        values: np.ndarray | StoredRows,
        batch_size: int | str,
        maps: Mapping[str, Any],
    ):
        self.classifier, self.rows = classifier, StoredRows.of(values, classifier.device)
        of_images = self.rows.values.dtype == np.uint8
        # What frozen stages gave does not tell the images' size.
        size = self.rows.values.shape[1:3] if of_images else (224, 224)
        self.batch_size = choose_batch_size(batch_size, classifier.device, size)
        self.features = FeatureMaps(classifier.trained, classifier.precision)
        self._target, self._size = TARGETS[maps["target"]], maps["size"]

    def evaluate(self, rows: np.ndarray, *, maps: bool | int = False) -> Evaluated:
        """Compute logits and features, and activation maps in [0, 1] where they are wanted.

        Parameters
        ----------
        rows : ndarray of int64, shape (m,)
        maps : bool or int
            Whether activation maps are wanted, or of how many of the first rows.

        Returns
        -------
        Evaluated
            Of m images, in the order of `rows`; maps of rows that they are not wanted of mean nothing.

        Raises
        ------
        ValueError
            As `nearlabel.learning.network.gradcam.FeatureMaps.evaluate`.
        """
        wanted = len(rows) if maps is True else int(maps)
        with torch_set_up(self.classifier.threads, self.classifier.precision):
            if wanted and self.features.closed_form is None:
                first = next(self.rows.batches([rows[: self.batch_size]], self.batch_size))
                self.features.forward(self.classifier.take(first))
            found = self._evaluate(rows, wanted)
            if found is None:
                # The closed form has ceased to hold.
                self.features.note(False)
                found = self._evaluate(rows, wanted)
        return found

    def _evaluate(self, rows: np.ndarray, wanted: int) -> Evaluated | None:
        """Evaluate; None where maps were by a closed form that does not hold."""
        # In the order of the file, which is read front to back.
        order = np.argsort(rows, kind="stable")
        parts = [order]
        if 0 < wanted < len(rows) and not self.features.closed_form:
            # Maps by autograd are dear: those that want none go by themselves.
            parts = [order[order < wanted], order[order >= wanted]]
        chunks = [
            part[start : start + self.batch_size] for part in parts for start in range(0, len(part), self.batch_size)
        ]
        gathered = _Gathered()
        for chunk, batch in zip(chunks, self.rows.batches([rows[c] for c in chunks], self.batch_size), strict=True):
            images = self.classifier.take(batch)
            if wanted and (len(parts) == 1 or chunk[0] < wanted):
                begun = self.features.begin_maps(images, self._target, size=self._size, normalise=True)
            else:
                begun = self.features.begin(images)
            gathered.add(begun, len(chunk))
        gathered.fetch()
        require_finite(self.classifier.trained, gathered.finite)
        if not gathered.exact:
            return None
        back = np.empty(len(rows), np.int64)
        back[np.concatenate(chunks)] = np.arange(len(rows))
        return gathered.evaluated(back)


class _Gathered:
    """What passes have given; it is waited for when some have come together."""

    def __init__(self):
        self.finite, self.exact = torch.ones((), dtype=torch.bool), True
        self._waiting: list[tuple[BegunEvaluation, int]] = []
        self._arrays: dict[str, list[np.ndarray]] = {"logits": [], "features": [], "maps": []}

    def add(self, begun: BegunEvaluation, count: int) -> None:
        self._waiting.append((begun, count))
        if len(self._waiting) == _FETCHED:
            self.fetch()

    def fetch(self) -> None:
        for name, field in (("logits", "logits"), ("features", "pooled"), ("maps", "activations")):
            there = [(getattr(begun, field), count) for begun, count in self._waiting]
            rows = [values[:count] for values, count in there if values is not None]
            if rows:
                self._arrays[name].append(torch.cat(rows).cpu().numpy())
        if self._waiting:
            self.finite &= torch.stack([begun.finite for begun, _ in self._waiting]).all().cpu()
            exact = [begun.exact for begun, _ in self._waiting if begun.exact is not None]
            self.exact = self.exact and (not exact or bool(torch.stack(exact).all()))
        self._waiting.clear()

    def evaluated(self, back: np.ndarray) -> Evaluated:
        """All of them, in the order that `back` brings them to; maps are filled up where there are fewer."""
        arrays = {name: np.concatenate(found) for name, found in self._arrays.items() if found}
        if "maps" in arrays and len(arrays["maps"]) < len(back):
            filled = np.zeros((len(back), *arrays["maps"].shape[1:]), arrays["maps"].dtype)
            filled[: len(arrays["maps"])] = arrays["maps"]
            arrays["maps"] = filled
        return Evaluated(len(back), **{name: values[back] for name, values in arrays.items()})


def auc_and_ap(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve and average precision of the positive class.

    To the last bit what scikit-learn's ``roc_auc_score`` and ``average_precision_score`` give, whose import takes
    longer than the rounds of a short run.

    Parameters
    ----------
    logits : ndarray, shape (n, 2)
        Ranked by the log-odds of the positive class, which do not saturate.
    labels : ndarray of int, shape (n,)
        0 and 1, both there.

    Returns
    -------
    auc, ap : float

    Raises
    ------
    ValueError
        Logits are not finite.
    """
    scores = log_odds(logits, POSITIVE)
    if not np.isfinite(scores).all():
        raise ValueError(
            "training diverged: the network's outputs are not finite; lower learning.optimiser.learning_rate"
        )
    order = np.argsort(-scores, kind="stable")
    # Images of equal scores are found together.
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(labels[order] == POSITIVE, dtype=np.float64)[last]
    misses = 1.0 + last - hits
    # Corners of the ROC curve: between them it is straight.
    corner = np.full(len(last), True)
    corner[1:-1] = (np.diff(hits, 2) != 0) | (np.diff(misses, 2) != 0)
    rates = (np.concatenate([[0.0], found[corner]]) / found[-1] for found in (hits, misses))
    auc = np.trapezoid(*rates)
    precision, recall = (hits / (hits + misses))[::-1], np.append((hits / hits[-1])[::-1], 0.0)
    return float(auc), float(max(0.0, -np.sum(np.diff(recall) * precision)))
