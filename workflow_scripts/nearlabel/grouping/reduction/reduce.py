"""Fewer dimensions before clustering: PCA, a random projection, or none."""

import logging

import numpy as np

from nearlabel.grouping.reduction.copies import first_copies
from nearlabel.grouping.reduction.reduced import Reduction

logger = logging.getLogger(__name__)


def reduce_features(
    features: np.ndarray, method: str, components: int | float | str, *, standardise: bool, seed: int
) -> Reduction:
    """Reduce features for clustering.

    PCA is exact (no randomised solver) and unwhitened, as whitening ruins clusters in high dimension. Each component's
    sign is fixed by scikit-learn so that its largest loading is positive. Numbers can differ in their last bits between
    machines and numbers of BLAS threads. Images with the same features have the same reduced features, to the last bit.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Finite numbers, n ≥ 2; computed with in float64.
    method : {"pca", "random_projection", "none"}
        ``random_projection`` multiplies by a Gaussian matrix drawn from `seed`.
    components : int, float or "min"
        Columns to keep. ``"min"`` keeps min(n, d), as the paper does (a rotation: it changes no distance); a share in
        (0, 1), PCA only, as many as carry that share of the variance. A number above min(n, d) is cut to it, and
        logged. Not used by ``none``.
    standardise : bool
        Scale each feature to mean 0 and variance 1 first; a constant feature becomes 0.
    seed : int
        Used by ``random_projection`` only.

    Returns
    -------
    Reduction

    Raises
    ------
    ValueError
        Features that are not finite, fewer than two images, a value out of its range.
    """
    # A copy of its own, which is worked on in place: of many images, each further one takes gigabytes.
    features = np.array(features, dtype=np.float64, order="C")
    if features.ndim != 2 or len(features) < 2 or not features.shape[1]:
        raise ValueError(f"features have shape {features.shape}; reducing needs at least 2 images and 1 feature")
    if not np.isfinite(features).all():
        bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
        raise ValueError(
            f"features hold NaN or infinity in {len(bad)} of {len(features)} images (first: row {bad[0]}); "
            "check those images and the encoder"
        )
    if method not in ("pca", "random_projection", "none"):
        raise ValueError(f"unknown reduction method '{method}'; choose pca, random_projection or none")
    if standardise:
        from sklearn.preprocessing import StandardScaler

        features = StandardScaler(copy=False).fit_transform(features)
    if method == "none":
        return Reduction(features, method, features.shape[1], np.empty(0), standardise)
    wanted = _resolve_components(components, method, min(features.shape))
    first = first_copies(features)
    if method == "random_projection":
        from sklearn.random_projection import GaussianRandomProjection

        values, ratio = GaussianRandomProjection(wanted, random_state=seed).fit_transform(features), np.empty(0)
    elif first.any():
        values, ratio = _principal_components(features, wanted)
    else:
        # Of one point repeated, scikit-learn would give the rounding error of its mean.
        columns = 1 if isinstance(wanted, float) else wanted
        values, ratio = np.zeros((len(features), columns)), np.zeros(columns)
    # Matrix products round rows differently, and clusterings would make groups of the difference.
    return Reduction(np.ascontiguousarray(values[first]), method, values.shape[1], ratio, standardise)


def _resolve_components(components: int | float | str, method: str, limit: int) -> int | float:
    if components == "min":
        return limit
    number = isinstance(components, (int, float)) and not isinstance(components, bool)
    if number and method == "pca" and 0 < components < 1:
        return float(components)
    if not number or components < 1 or components != int(components):
        share = ", or a share of variance between 0 and 1" if method == "pca" else ""
        raise ValueError(f"components is {components!r}; give a whole number from 1, 'min'{share}")
    if components > limit:
        logger.info("components cut from %d to %d, the smaller of images and features", components, limit)
    return min(int(components), limit)


def _principal_components(features: np.ndarray, wanted: int | float) -> tuple[np.ndarray, np.ndarray]:
    """Principal components and their shares of the variance; overwrites `features`."""
    from sklearn.decomposition import PCA

    if len(features) < features.shape[1]:
        pca = PCA(wanted, svd_solver="full")
    else:
        # The covariance's eigenvectors are orthogonal to rounding error, so that values are as exact as by the SVD,
        # which takes several times as long on tall data. Uncentred, images that are nearly the same would cancel out.
        features -= features.mean(axis=0)
        pca = PCA(wanted, svd_solver="covariance_eigh", copy=False)
    values = pca.fit_transform(features)
    # n points span n - 1 dimensions at most, copies fewer: the other components are rounding errors.
    spread = values.std(axis=0)
    values[:, spread < 1e-13 * np.linalg.norm(spread)] = 0
    return values, pca.explained_variance_ratio_
