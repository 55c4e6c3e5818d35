"""BADGE: images of large and unlike gradients."""

import math

import numpy as np
from scipy.special import log_softmax

from nearlabel.learning.network.logits import confidence
from nearlabel.learning.strategies.base import Selection, Strategy, pick_highest
from nearlabel.learning.strategies.distances import (
    COINCIDENT,
)
from nearlabel.learning.strategies.views import FEATURES, PROBABILITIES, View


class Badge(Strategy):
    """Images of large and unlike gradients: k-means++ on gradient embeddings (Ash et al., ICLR 2020, Algorithm 1).

    The embedding of an image is the gradient of the cross-entropy with respect to the last layer's weights, the
    predicted class taken for the truth: (p − e) ⊗ h, with e the predicted class's unit vector and h the features. It is
    never formed, since distances need only the products of its two factors. With two classes it is ±(1 − max p) · h in
    both rows. As in the authors' code the first image is the one of the largest gradient; each further one is drawn
    with a probability proportional to its squared distance from the nearest chosen (at random once all distances are
    0). Labelled images play no part.

    Score: that distance when the image is drawn; the gradient's norm for the first.
    """

    name = "badge"
    needs = frozenset({PROBABILITIES, FEATURES})

    def _choose(self, view: View, n: int, rng: np.random.Generator) -> Selection:
        errors, scale = _scaled_errors(view.pool.logits)
        features = np.asarray(view.pool.features, dtype=np.float64)
        norms = np.einsum("ij,ij->i", errors, errors) * np.einsum("ij,ij->i", features, features)
        indices, scores = np.empty(n, np.int64), np.empty(n)
        squared = norms.copy()
        for i in range(n):
            chosen = pick_highest(squared, rng) if i == 0 else _draw(squared, indices[:i], rng)
            indices[i], scores[i] = chosen, math.sqrt(squared[chosen])
            products = (errors @ errors[chosen]) * (features @ features[chosen])
            both = norms + norms[chosen]
            found = both - 2 * products
            found[found < COINCIDENT * both] = 0
            squared = found if i == 0 else np.minimum(squared, found)
            squared[indices[: i + 1]] = 0
        return Selection(indices, scores * scale, {})


def _scaled_errors(logits: np.ndarray) -> tuple[np.ndarray, float]:
    """Errors p − e over the largest 1 − max p, (n, C), and that divisor: squares of tiny ones underflow."""
    logits = np.asarray(logits, dtype=np.float64)
    rows, predicted = np.arange(len(logits)), np.argmax(logits, axis=1)
    log_doubt = -np.logaddexp(0, confidence(logits))
    log_largest = log_doubt.max()
    errors = np.exp(log_softmax(logits, axis=1) - log_largest)
    errors[rows, predicted] = -np.exp(log_doubt - log_largest)
    return errors, math.exp(log_largest)


def _draw(squared: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> int:
    total = np.cumsum(squared)
    if total[-1] > 0:
        # Never one of weight 0: the first sum that exceeds the drawn part belongs to a positive weight.
        return int(np.searchsorted(total, rng.random() * total[-1], side="right"))
    return int(rng.choice(np.setdiff1d(np.arange(len(squared)), chosen)))
