"""The distance to the nearest cluster centre as an anomaly detector, in scikit-learn's manner."""

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.metrics import pairwise_distances
from sklearn.utils.validation import check_is_fitted, validate_data


class NearestCentreDetector(OutlierMixin, BaseEstimator):
    """Calls abnormal what lies far from the centres of all clusters of normal images.

    Parameters
    ----------
    quantile : float
        Of the training distances: the largest distance that is normal. 1 takes all of them in.

    Attributes
    ----------
    centres_ : ndarray of shape (c, d)
        The clusters' means.
    threshold_ : float
        The largest Euclidean distance to the nearest centre that is normal.
    n_features_in_ : int
        Number of features, d.
    """

    def __init__(self, quantile: float = 0.95):
        self.quantile = quantile

    def fit(self, X, y=None):
        """Learn centres and threshold from normal images.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Features.
        y : array_like, shape (n,), optional
            The images' clusters; one cluster without it.

        Returns
        -------
        NearestCentreDetector
            Itself.

        Raises
        ------
        ValueError
            A quantile beyond 0 and 1, features that are not finite, or another number of clusters than of images.
        """
        if not 0 <= self.quantile <= 1:
            raise ValueError(f"quantile is {self.quantile!r}; give a number from 0 to 1")
        X = validate_data(self, X, dtype=np.float64)
        clusters = np.zeros(len(X), dtype=int) if y is None else np.unique(y, return_inverse=True)[1]
        if len(clusters) != len(X):
            raise ValueError(f"{len(clusters)} clusters are named for {len(X)} images")
        sums = np.zeros((clusters.max() + 1, X.shape[1]))
        np.add.at(sums, clusters, X)
        self.centres_ = sums / np.bincount(clusters)[:, None]
        self.threshold_ = float(np.quantile(-self.score_samples(X), self.quantile))
        return self

    def score_samples(self, X) -> np.ndarray:
        """Return the negative distance to the nearest centre, shape (n,): the lower, the less normal."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return -pairwise_distances(X, self.centres_).min(axis=1)

    def decision_function(self, X) -> np.ndarray:
        """Return the threshold less the distance, shape (n,): negative for what is not normal."""
        return self.threshold_ + self.score_samples(X)

    def predict(self, X) -> np.ndarray:
        """Return 1 for normal and -1 for other images, shape (n,)."""
        return np.where(self.decision_function(X) >= 0, 1, -1)
