"""Mixtures of Gaussians."""

import numpy as np
from sklearn.mixture import GaussianMixture

from nearlabel.bars import over
from nearlabel.grouping.clustering.fits import Found, flagged_not_warned


def gaussian_mixture(features: np.ndarray, ks: list[int], seed: int, settings: dict, recorded: dict) -> Found:
    """Fit a mixture for every k; see `nearlabel.grouping.clustering.algorithms.sweep`."""
    found: Found = {}
    dimension = features.shape[1]
    for k in over(ks, "clusterings"):
        labels, converged, reg_covar = _fit_mixture(features, k, seed, settings)
        raised = [] if converged else ["not_converged"]
        if np.bincount(labels, minlength=k).min() < dimension:
            raised.append("degenerate")
        if reg_covar != settings["reg_covar"]:
            raised.append("reg_covar_raised")
            recorded.setdefault("reg_covar_raised", {})[str(k)] = reg_covar
        found[k] = (labels, raised)
    return found


def _fit_mixture(features: np.ndarray, k: int, seed: int, settings: dict) -> tuple[np.ndarray, bool, float]:
    settings = dict(settings)
    limit = max(1.0, float(features.var(axis=0).max()))
    while True:
        mixture = GaussianMixture(k, random_state=seed, **settings)
        try:
            with flagged_not_warned():
                labels = mixture.fit_predict(features)
            return labels, bool(mixture.converged_), settings["reg_covar"]
        except ValueError as error:
            # scikit-learn's message for a covariance that has no Cholesky factor, or has it only in name.
            if "ill-defined" not in str(error) or settings["reg_covar"] >= limit:
                raise
            settings["reg_covar"] = float(f"{max(settings['reg_covar'], 1e-7) * 10:.1e}")
