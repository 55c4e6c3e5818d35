"""The clustering algorithms: parameters, what they hold for all pairs of images, what they leave behind.

Standard library only: the configuration is checked against this table, and jobs are sized by it, whenever the workflow
is parsed. What each algorithm computes is registered in `nearlabel.grouping.clustering.algorithms`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nearlabel.parameters import Parameter

# Images that algorithms take which hold numbers for all pairs, so that a job stays below 8 GiB: measured, SciPy's
# linkage holds 8 bytes · n² (6.7 GiB at this limit), spectral clustering with rbf affinities 34 bytes · n² (7.1 GiB).
MOST_AGGLOMERATIVE = 30_000
MOST_SPECTRAL = 15_000
# Images up to which the neighbour graph's eigenvectors come from its factors, which fill up: 9 bytes · n², time n³.
MOST_FACTORED = 5_000


@dataclass(frozen=True)
class PairMemory:
    """What an algorithm holds for all pairs of images.

    Attributes
    ----------
    bytes_per_pair : int
        Times n² for n images.
    most : int
        Images up to which it holds them.
    instead : str
        Parameter that holds less, for the message that refuses more images; empty where more take another way.
    """

    bytes_per_pair: int
    most: int
    instead: str = ""


@dataclass(frozen=True)
class Algorithm:
    """What is known of an algorithm without running it.

    Attributes
    ----------
    parameters : dict of str to Parameter
        Under scikit-learn's names where the parameter is scikit-learn's.
    pairs : callable
        From the complete parameters to `PairMemory`, None where memory grows with the images only.
    merges : bool
        Whether it cuts a tree of merges, which a dendrogram draws.
    embeds : bool
        Whether all blocks of a sweep must name its largest k, as ``vectors``.
    own_k : bool
        Whether it finds its own number of groups, so that most k have no clustering.
    """

    parameters: dict[str, Parameter]
    pairs: Callable[[Mapping[str, Any]], PairMemory | None] = lambda parameters: None
    merges: bool = False
    embeds: bool = False
    own_k: bool = False


def _pairs_of_agglomerative(parameters: Mapping[str, Any]) -> PairMemory | None:
    if parameters["connectivity"] != "none" or parameters["linkage"] == "single":
        return None
    return PairMemory(8, parameters["max_images"], "connectivity: nearest_neighbors")


def _pairs_of_spectral(parameters: Mapping[str, Any]) -> PairMemory:
    if parameters["affinity"] == "rbf":
        return PairMemory(34, parameters["max_images"], "affinity: nearest_neighbors")
    return PairMemory(9, MOST_FACTORED)


CATALOGUE: dict[str, Algorithm] = {
    "kmeans": Algorithm(
        {
            "n_init": Parameter("auto", ("auto",), int, 1),
            "init": Parameter("k-means++", ("k-means++", "random")),
            "max_iter": Parameter(300, (), int, 1),
        }
    ),
    "minibatch_kmeans": Algorithm(
        {
            "n_init": Parameter("auto", ("auto",), int, 1),
            "init": Parameter("k-means++", ("k-means++", "random")),
            "max_iter": Parameter(100, (), int, 1),
            "batch_size": Parameter(1024, (), int, 1),
        }
    ),
    "agglomerative": Algorithm(
        {
            "linkage": Parameter("ward", ("ward", "average", "complete", "single")),
            "connectivity": Parameter("none", ("none", "nearest_neighbors")),
            "n_neighbors": Parameter(10, (), int, 2),
            "max_images": Parameter(MOST_AGGLOMERATIVE, (), int, 2),
        },
        pairs=_pairs_of_agglomerative,
        merges=True,
    ),
    "spectral": Algorithm(
        {
            "affinity": Parameter("rbf", ("rbf", "nearest_neighbors")),
            "gamma": Parameter("median", ("median",), float, 0),
            "n_neighbors": Parameter(10, (), int, 1),
            "n_init": Parameter(10, ("auto",), int, 1),
            "max_images": Parameter(MOST_SPECTRAL, (), int, 2),
        },
        pairs=_pairs_of_spectral,
        embeds=True,
    ),
    "gaussian_mixture": Algorithm(
        {
            "covariance_type": Parameter("full", ("full", "tied", "diag", "spherical")),
            "n_init": Parameter(1, (), int, 1),
            "max_iter": Parameter(100, (), int, 1),
            "reg_covar": Parameter(1e-6, (), float, 0),
        }
    ),
    "hdbscan": Algorithm(
        {
            "min_cluster_size": Parameter("auto", ("auto",), int, 2),
            "min_samples": Parameter("auto", ("auto",), int, 1),
            "cluster_selection_method": Parameter("eom", ("eom", "leaf")),
            "cluster_selection_epsilon": Parameter(0.0, (), float, 0),
        },
        own_k=True,
    ),
}
"""Algorithm by name, in the order in which they are shown."""
