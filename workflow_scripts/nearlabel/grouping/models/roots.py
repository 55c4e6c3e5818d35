"""The signed square root as a step before a model, in scikit-learn's manner."""

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import validate_data

from nearlabel.grouping.reduction.reduce import signed_root


class SignedRoot(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Takes sign(x) √|x| of each feature; see `nearlabel.grouping.reduction.reduce.reduce_features`.

    Attributes
    ----------
    n_features_in_ : int
        Number of features, d.
    """

    def fit(self, X, y=None):
        """Remember how many features there are.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Features.
        y : ignored

        Returns
        -------
        self
        """
        validate_data(self, X, dtype=np.float64)
        return self

    def transform(self, X):
        """Take the roots.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Features.

        Returns
        -------
        ndarray of float64, shape (n, d)
        """
        return signed_root(validate_data(self, X, dtype=np.float64, reset=False))
