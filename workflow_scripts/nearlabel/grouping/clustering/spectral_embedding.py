"""Parts of spectral clustering: the width of the affinity, and the embedding of the graph."""

import logging
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import issparse
from scipy.sparse.csgraph import laplacian
from scipy.sparse.linalg import eigsh
from scipy.spatial.distance import pdist

logger = logging.getLogger(__name__)


def median_gamma(features: np.ndarray) -> float:
    """Width of the rbf affinity by the median heuristic.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Points.

    Returns
    -------
    float
        1 / (2 s²), s the median Euclidean distance over all pairs i < j; over the pairs that differ when that median is
        0; 1.0 when all points coincide.
    """
    distances = pdist(features)
    scale = float(np.median(distances)) if distances.size else 0.0
    if scale == 0.0:
        distances = distances[distances > 0]
        scale = float(np.median(distances)) if distances.size else 0.0
    return 1.0 / (2.0 * scale**2) if scale else 1.0


def spectral_vectors(affinity: Any, vectors: int, seed: int) -> np.ndarray:
    """Embed a graph by the first eigenvectors of its normalised Laplacian, the constant one included.

    The steps of scikit-learn's ``spectral_embedding(..., drop_first=False, random_state=seed)`` with its ARPACK solver,
    bit for bit, but the same every time: where eigenvalues coincide (identical points, separate components), ARPACK
    restarts at random, which scikit-learn does not seed, or fails. Here restarts are seeded; LAPACK, with the whole
    matrix in memory, takes over where ARPACK fails and where all n vectors are wanted.

    Parameters
    ----------
    affinity : ndarray or sparse matrix, shape (n, n)
        Symmetric, not negative.
    vectors : int
        Columns wanted, up to n.
    seed : int
        For ARPACK's start.

    Returns
    -------
    ndarray, shape (n, vectors)
        By ascending eigenvalue, each divided by the root of the degrees; the entry of largest magnitude in each column
        is positive.
    """
    matrix, root_degree = laplacian(affinity, normed=True, return_diag=True)
    n = matrix.shape[0]
    # An isolated point has 0 on the Laplacian's diagonal; scikit-learn sets 1 so that it does not count as a cluster.
    if issparse(matrix):
        matrix = matrix.tocsr()
        matrix.setdiag(1)
    else:
        np.fill_diagonal(matrix, 1)
    found = None
    if vectors < n:
        start = np.random.RandomState(seed).uniform(-1, 1, n)
        try:
            found = eigsh(matrix, k=vectors, sigma=-1e-5, which="LM", tol=0, v0=start, rng=seed)[1]
        except RuntimeError as error:  # ArpackError
            logger.info("ARPACK found no spectral embedding (%s); LAPACK does", error)
    if found is None:
        found = eigh(matrix.toarray() if issparse(matrix) else matrix, subset_by_index=[0, vectors - 1])[1]
    embedding = found.T / root_degree
    peak = embedding[np.arange(len(embedding)), np.abs(embedding).argmax(axis=1)]
    return (embedding * np.sign(peak)[:, np.newaxis]).T
