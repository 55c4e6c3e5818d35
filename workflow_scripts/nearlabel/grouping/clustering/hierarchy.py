"""The tree of merges of agglomerative clustering: of all pairs of points, or along a graph of neighbours."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from nearlabel.grouping.clustering.fits import flagged_not_warned


class Tree(NamedTuple):
    """A tree of merges of n points.

    Attributes
    ----------
    merges : ndarray of int, shape (n - 1, 2)
        Nodes joined by each merge, in order; node i < n is point i, node n + j the result of merge j.
    distances : ndarray of float64, shape (n - 1,) or None
        Between the two nodes of each merge; along a graph, a later merge may be of a smaller distance.
    components : int or None
        Separate parts that the graph of neighbours had before they were joined; None without a graph.
    """

    merges: np.ndarray
    distances: np.ndarray | None
    components: int | None


def build_tree(
    points: np.ndarray, linkage: str, neighbors: int | None = None, *, compute_distances: bool = False
) -> Tree:
    """Build the tree of scikit-learn's ``AgglomerativeClustering``, which is SciPy's where there is no graph.

    Parameters
    ----------
    points : ndarray of float64, shape (n, d)
        Points, n ≥ 2.
    linkage : {"ward", "average", "complete", "single"}
        What is merged next. Without a graph all but ``single`` hold the distances of all pairs, 8 bytes · n².
    neighbors : int, optional
        Merge only what is joined by the graph of each point's nearest neighbours, that many with itself, as
        `join_components` completes it. ``ward``'s criterion stays exact for the merges that the graph allows;
        ``average`` and ``complete`` see the graph's distances only.
    compute_distances : bool
        Whether distances are wanted.

    Returns
    -------
    Tree
    """
    if neighbors is None and linkage != "single":
        from scipy.cluster import hierarchy

        merges = hierarchy.linkage(points, linkage)
        return Tree(merges[:, :2].astype(np.intp), merges[:, 2] if compute_distances else None, None)
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.neighbors import kneighbors_graph

    graph, components = None, None
    if neighbors is not None:
        graph = kneighbors_graph(points, min(neighbors, len(points)), include_self=True)
        graph, components = join_components(points, graph + graph.T, neighbors)
    fitted = AgglomerativeClustering(
        n_clusters=2, linkage=linkage, connectivity=graph, compute_distances=compute_distances
    ).fit(points)
    return Tree(fitted.children_, fitted.distances_ if compute_distances else None, components)


def cut_tree(merges: np.ndarray, ks: Iterable[int]) -> dict[int, np.ndarray]:
    """Cut a tree of merges into k clusters, for every k.

    Parameters
    ----------
    merges : ndarray of int, shape (n - 1, 2)
        Nodes joined by each merge, in order; node i < n is point i, node n + j the result of merge j
        (``AgglomerativeClustering.children_``, the first columns of SciPy's linkage matrix).
    ks : iterable of int
        Numbers of clusters, 1 to n.

    Returns
    -------
    dict of int to ndarray
        Labels (n,) for each k, ascending in k: the partition after the first n - k merges, numbered by each cluster's
        first point. Unlike ``scipy.cluster.hierarchy.cut_tree``, the order of tied merges is kept.
    """
    n = len(merges) + 1
    labels = {}
    parent = np.arange(2 * n - 1)
    done = 0
    for k in sorted(set(ks), reverse=True):
        for step in range(done, n - k):
            parent[merges[step]] = n + step
        done = n - k
        # Parents have larger numbers than children: from the top down, one pass finds every node's root.
        root = parent.copy()
        for node in range(n + done - 1, n - 1, -1):
            root[node] = root[parent[node]]
        _, first, inverse = np.unique(root[root[:n]], return_index=True, return_inverse=True)
        labels[k] = np.argsort(np.argsort(first))[inverse]
    return dict(sorted(labels.items()))


def join_components(points: np.ndarray, graph: Any, neighbors: int) -> tuple[Any, int]:
    """Make a graph connected: each part is joined to the parts nearest to it, by mean, until there is one.

    scikit-learn would compute the distances of all pairs of points of any two parts. Of each part the point nearest its
    mean takes the edges.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        Points.
    graph : sparse matrix, shape (n, n)
        Symmetric.
    neighbors : int
        How many parts each is joined to, itself included; at least 2 count.

    Returns
    -------
    graph : sparse matrix, shape (n, n)
        Connected.
    components : int
        Parts that there were.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components
    from sklearn.neighbors import kneighbors_graph

    first = None
    while True:
        count, part = connected_components(graph, directed=False)
        first = first or count
        if count == 1:
            return graph, first
        members = csr_array((np.ones(len(part)), (part, np.arange(len(part)))), shape=(count, len(part)))
        means = (members @ points) / np.bincount(part)[:, np.newaxis]
        far = np.linalg.norm(points - means[part], axis=1)
        # The first of each part in the order of distance.
        order = np.lexsort((far, part))
        middle = order[np.searchsorted(part[order], np.arange(count))]
        between = kneighbors_graph(means, min(max(neighbors, 2), count), include_self=True).tocoo()
        edges = csr_array(
            (np.ones(between.nnz), (middle[between.row], middle[between.col])), shape=(len(part), len(part))
        )
        graph = graph + edges + edges.T


def find_largest_step(points: np.ndarray, first: int, last: int) -> int:
    """Find the number of clusters at which the ward tree of merges has its largest step.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        Points.
    first, last : int
        Numbers of clusters to look at, 2 ≤ first ≤ last < n.

    Returns
    -------
    int
        The k whose next merge is, by the ratio of distances, farthest above the last merge that made it; where that
        was of the same points, at no distance, it does not count.
    """
    with flagged_not_warned():
        heights = build_tree(np.asarray(points, dtype=np.float64), "ward", compute_distances=True).distances
    ks = np.arange(first, last + 1)
    after, before = heights[len(points) - ks], heights[len(points) - ks - 1]
    positive = before > 1e-12 * max(heights[-1], np.finfo(float).tiny)
    return int(ks[np.argmax(np.divide(after, before, out=np.zeros(len(ks)), where=positive))])
