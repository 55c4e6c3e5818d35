"""Numbers read off a network's logits without losing the confident end: float32 1 − max p is 0 at a logit gap of 20."""

import numpy as np
from scipy.special import log_softmax, logsumexp


def log_odds(logits: np.ndarray, classes: int | np.ndarray) -> np.ndarray:
    """Logarithm of the odds of a class: ln p / (1 − p), p the softmax probability.

    Rises with p, and never saturates. With two classes it is exactly the difference of the two logits.

    Parameters
    ----------
    logits : ndarray, shape (n, C)
        C ≥ 2; computed with in float64.
    classes : int or ndarray of int, shape (n,)
        One class for all rows, or one for each.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    logits = np.array(logits, dtype=np.float64)
    rows = np.arange(len(logits))
    own = logits[rows, classes]
    if logits.shape[1] == 2:
        return own - logits[rows, 1 - np.asarray(classes)]
    logits[rows, classes] = -np.inf
    return own - logsumexp(logits, axis=1)


def confidence(logits: np.ndarray) -> np.ndarray:
    """Log-odds of the predicted class, which rank as its probability does; two classes: |logit margin|.

    Parameters
    ----------
    logits : ndarray, shape (n, C)

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    return log_odds(logits, np.argmax(logits, axis=1))


def margins(logits: np.ndarray) -> np.ndarray:
    """Difference of the two highest probabilities, as the logarithm of their ratio: the two highest logits' difference.

    Ranks images of two classes as the margin of probabilities does; of more classes approximately, but does not
    saturate.

    Parameters
    ----------
    logits : ndarray, shape (n, C)

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    highest = np.sort(np.asarray(logits, dtype=np.float64), axis=1)[:, -2:]
    return highest[:, 1] - highest[:, 0]


def dropout_probabilities(
    features: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    *,
    passes: int,
    dropout: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Class probabilities of several passes through the last layer with dropout before it (Monte Carlo dropout).

    Gal & Ghahramani, ICML 2016, on cached features: what comes before the last layer is not run again. Each pass drops
    the same features of every image, so that a pass is one network drawn from the posterior, as in Kirsch et al.,
    NeurIPS 2019 ("consistent" dropout); an image's numbers then do not depend on the other images. Kept features are
    divided by 1 − dropout, as in ``torch.nn.Dropout``.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        What the last layer is given.
    weight : ndarray, shape (C, d)
    bias : ndarray, shape (C,)
    passes : int
    dropout : float
        Probability that a feature is dropped, in (0, 1).
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (passes, n, C)
    """
    features, weight = np.asarray(features, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    kept = rng.random((passes, weight.shape[1])) >= dropout
    masked = (kept[:, np.newaxis, :] / (1 - dropout)) * weight  # (passes, C, d)
    logits = features @ masked.reshape(-1, weight.shape[1]).T
    logits = logits.reshape(len(features), passes, len(weight)) + np.asarray(bias, dtype=np.float64)
    return np.ascontiguousarray(np.exp(log_softmax(logits, axis=2)).transpose(1, 0, 2))
