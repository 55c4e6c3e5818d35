"""Fewer dimensions before clustering: PCA, a random projection, or none."""

import logging

import numpy as np

from nearlabel.grouping.reduction.copies import first_copies
from nearlabel.grouping.reduction.reduced import Reduction

logger = logging.getLogger(__name__)

SMALLEST_SHARE = 1e-10
"""Share of the variance below which a direction is the rounding error of features in single precision.

Scaled up to a variance of 1 it would count as much as any other.
"""


def reduce_features(
    features: np.ndarray,
    method: str,
    components: int | float | str,
    *,
    standardise: bool,
    power: str = "none",
    normalise: str = "none",
    whiten: bool = False,
    seed: int,
) -> Reduction:
    """Reduce features for clustering.

    In this order: power, standardise, normalise, then the method, and of PCA whitening. The square root comes before
    the mean is taken off, so that of a histogram's shares the distances are Hellinger's (Rao 1995; Arandjelović and
    Zisserman, CVPR 2012); after it, roots of deviations would be left. Whitening gives directions in which the images
    hardly differ the weight of those in which they do: it ruins clusters in high dimension, see
    ``tests/benchmarks/reductions.py``.

    PCA is exact (no randomised solver). Each component's sign is fixed by scikit-learn so that its largest loading is
    positive. Numbers can differ in their last bits between machines and numbers of BLAS threads. Images with the same
    features have the same reduced features, to the last bit.

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
        Scale each feature to mean 0 and variance 1; a constant feature becomes 0.
    power : {"none", "sqrt"}
        ``sqrt``: sign(x) √|x| of each feature. Signed, as some networks give negative features (those that end in
        SiLU, for one): a larger feature stays larger, and equal and opposite ones stay so.
    normalise : {"none", "l2"}
        ``l2``: divide each image's features by their Euclidean length; an image whose features are all 0, but for
        rounding, keeps them.
    whiten : bool
        PCA only: divide each component by its standard deviation (of n - 1), as scikit-learn's ``PCA(whiten=True)``.
        A component with less than `SMALLEST_SHARE` of the variance becomes 0.
    seed : int
        Used by ``random_projection`` only.

    Returns
    -------
    Reduction

    Raises
    ------
    ValueError
        Features that are not finite, fewer than two images, a value out of its range, whitening without PCA.
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
    if power not in ("none", "sqrt") or normalise not in ("none", "l2"):
        raise ValueError(f"power is '{power}' and normalise '{normalise}'; choose none or sqrt, and none or l2")
    if whiten and method != "pca":
        raise ValueError(f"whiten scales principal components; it needs method pca, not {method}")
    before = (standardise, power, normalise, whiten)
    if power == "sqrt":
        signed_root(features, out=features)
    if standardise:
        from sklearn.preprocessing import StandardScaler

        features = StandardScaler(copy=False).fit_transform(features)
    if normalise == "l2":
        from sklearn.preprocessing import normalize

        features = normalize(features, copy=False)
    if method == "none":
        return Reduction(features, method, features.shape[1], np.empty(0), *before)
    wanted = _resolve_components(components, method, min(features.shape))
    first = first_copies(features)
    if method == "random_projection":
        from sklearn.random_projection import GaussianRandomProjection

        values, ratio = GaussianRandomProjection(wanted, random_state=seed).fit_transform(features), np.empty(0)
    elif first.any():
        values, ratio = _principal_components(features, wanted, whiten)
    else:
        # Of one point repeated, scikit-learn would give the rounding error of its mean.
        columns = 1 if isinstance(wanted, float) else wanted
        values, ratio = np.zeros((len(features), columns)), np.zeros(columns)
    # Matrix products round rows differently, and clusterings would make groups of the difference.
    return Reduction(np.ascontiguousarray(values[first]), method, values.shape[1], ratio, *before)


def signed_root(features: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Take sign(x) √|x| of each number; see `reduce_features`.

    Parameters
    ----------
    features : ndarray of float
        Finite numbers.
    out : ndarray, optional
        Where the roots go; may be `features`.

    Returns
    -------
    ndarray
        Of the same shape.
    """
    negative = np.signbit(features)
    roots = np.abs(features, out=out)
    np.sqrt(roots, out=roots)
    return np.negative(roots, out=roots, where=negative)


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


def _principal_components(features: np.ndarray, wanted: int | float, whiten: bool) -> tuple[np.ndarray, np.ndarray]:
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
    if whiten:
        # By the values' own deviation: that of a small eigenvalue of the covariance is less exact.
        kept = pca.explained_variance_ratio_ >= SMALLEST_SHARE
        values[:, ~kept] = 0
        values[:, kept] /= values[:, kept].std(axis=0, ddof=1)
    return values, pca.explained_variance_ratio_
