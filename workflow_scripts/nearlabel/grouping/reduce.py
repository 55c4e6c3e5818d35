"""Fewer dimensions before clustering: PCA, a random projection, or none.

scikit-learn is imported where it computes: most who import this module only read a file.
"""

import json
import logging
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from nearlabel.grouping.files import TEXT, opened_hdf5
from nearlabel.images.files import written_whole

logger = logging.getLogger(__name__)


class Reduction(NamedTuple):
    """Reduced features.

    Attributes
    ----------
    values : ndarray of float64, shape (n, c)
        One row per image.
    method : str
        ``pca``, ``random_projection`` or ``none``.
    components : int
        Columns that came out, c.
    explained_variance_ratio : ndarray of float64, shape (c,) or (0,)
        Share of the variance that each principal component carries; empty for the other methods.
    standardise : bool
        Whether each feature was first scaled to mean 0 and variance 1.
    """

    values: np.ndarray
    method: str
    components: int
    explained_variance_ratio: np.ndarray
    standardise: bool


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


def first_copies(points: np.ndarray) -> np.ndarray:
    """For each point the number of the first point that is exactly the same.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        Numbers.

    Returns
    -------
    ndarray of int, shape (n,)
        Row i holds i where no earlier point is the same; all 0 where there is one point only, repeated.
    """
    seen: dict[bytes, int] = {}
    # Adding 0 makes -0 the 0 that it equals.
    digests = (blake2b((point + 0.0).tobytes(), digest_size=16).digest() for point in points)
    return np.array([seen.setdefault(digest, row) for row, digest in enumerate(digests)], dtype=int)


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


def write_reduced(path: str | Path, reduction: Reduction, image_ids: Sequence[str], encoder: str) -> None:
    """Write reduced features as HDF5: ``features``, ``image_id``, and the rest of the reduction as attributes.

    Parameters
    ----------
    path : str or Path
        The file.
    reduction : Reduction
        What `reduce_features` gave.
    image_ids : sequence of str, length n
        The rows' images.
    encoder : str
        Id of the encoder.

    Raises
    ------
    ValueError
        The number of ids is not the number of rows.
    """
    if len(image_ids) != len(reduction.values):
        raise ValueError(f"{path}: {len(reduction.values)} rows for {len(image_ids)} image ids")
    with written_whole(path) as partial, h5py.File(partial, "w") as file:
        file.create_dataset("features", data=reduction.values)
        file.create_dataset("image_id", data=list(image_ids), dtype=TEXT)
        file.attrs["encoder"] = encoder
        file.attrs["method"] = reduction.method
        file.attrs["components"] = reduction.components
        file.attrs["standardise"] = json.dumps(bool(reduction.standardise))
        file.attrs["explained_variance_ratio"] = reduction.explained_variance_ratio


class Reduced(NamedTuple):
    """What a file of reduced features holds.

    Attributes
    ----------
    reduction : Reduction
        The features, and how they came about.
    image_id : ndarray of object (str), shape (n,)
        The rows' images.
    encoder : str
        Id of the encoder.
    """

    reduction: Reduction
    image_id: np.ndarray
    encoder: str


def read_reduced(path: str | Path) -> Reduced:
    """Read a file that `write_reduced` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Reduced

    Raises
    ------
    FileNotFoundError, ValueError
        No file, or a damaged one.
    """
    with opened_hdf5(path) as file:
        reduction = Reduction(
            file["features"][:],
            file.attrs["method"],
            int(file.attrs["components"]),
            file.attrs["explained_variance_ratio"],
            json.loads(file.attrs["standardise"]),
        )
        return Reduced(reduction, file["image_id"].asstr()[:], file.attrs["encoder"])
