"""The spectral embedding of a sparse graph too large to be factored."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, laplacian
from scipy.sparse.linalg import LinearOperator, eigsh

# Of the eigenvalues, which lie between -1 and 1. K-Means sees no difference beyond.
TOLERANCE = 1e-6


def graph_vectors(affinity: Any, vectors: int, seed: int) -> np.ndarray:
    """Embed a sparse graph without factoring its matrix.

    As `nearlabel.grouping.clustering.spectral_embedding.spectral_vectors` does otherwise. The factors of a graph of
    neighbours in many dimensions fill up: they would take the memory of all pairs. Here ARPACK multiplies by the graph
    instead. The eigenvectors of separate parts are known beforehand (each part's own, constant but for degrees) and
    taken out first, because such a method may miss some of equal eigenvalues; they are mixed by a seeded rotation, as
    any solver mixes them.

    Parameters
    ----------
    affinity : sparse matrix, shape (n, n)
        Symmetric, not negative.
    vectors : int
        Columns wanted, fewer than n.
    seed : int
        Of the rotation and of ARPACK.

    Returns
    -------
    ndarray, shape (n, vectors)
        As from `spectral_vectors`, but only to 6 digits.

    Raises
    ------
    ValueError
        ARPACK does not settle.
    """
    matrix, root_degree = laplacian(affinity, normed=True, return_diag=True)
    adjacency = -csr_array(matrix)
    adjacency.setdiag(0)
    adjacency.eliminate_zeros()
    n = adjacency.shape[0]
    rng = np.random.default_rng(seed)
    parts = _part_vectors(adjacency, root_degree)
    count = parts.shape[1]
    rotation = np.linalg.qr(rng.normal(size=(count, min(count, vectors))))[0]
    found = parts @ rotation
    if count < vectors:
        # Moves the eigenvalue 1 of the parts to -1.
        rest = LinearOperator((n, n), matvec=lambda v: adjacency @ v - 2 * (parts @ (parts.T @ v)), dtype=float)
        start = rng.uniform(-1, 1, n)
        try:
            values, others = eigsh(rest, k=vectors - count, which="LA", tol=TOLERANCE, v0=start, rng=seed)
        except RuntimeError as error:  # ArpackError
            raise ValueError(
                f"spectral: the neighbour graph's eigenvectors do not settle ({error}); "
                "raise n_neighbors or take kmeans"
            ) from error
        found = np.hstack([found, others[:, np.argsort(-values, kind="stable")]])
    embedding = found / root_degree[:, np.newaxis]
    peak = embedding[np.abs(embedding).argmax(axis=0), np.arange(vectors)]
    return embedding * np.sign(peak)


def _part_vectors(adjacency: csr_array, root_degree: np.ndarray) -> csr_array:
    """Eigenvectors of eigenvalue 1: of each part but isolated points, the roots of its degrees, of length 1."""
    n = len(root_degree)
    _, part = connected_components(adjacency, directed=False)
    together = np.bincount(part)[part] > 1
    kept, numbers = np.unique(part[together], return_inverse=True)
    vectors = csr_array((root_degree[together], (np.flatnonzero(together), numbers)), shape=(n, len(kept)))
    vectors.data /= np.sqrt(np.bincount(numbers, weights=root_degree[together] ** 2))[vectors.indices]
    return vectors
