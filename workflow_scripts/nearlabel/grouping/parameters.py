"""Parameters of the clustering algorithms: names, defaults and what values make sense; standard library only."""

from nearlabel.grouping.limits import MOST_AGGLOMERATIVE, MOST_SPECTRAL
from nearlabel.parameters import Parameter

ALGORITHM_PARAMETERS: dict[str, dict[str, Parameter]] = {
    "kmeans": {
        "n_init": Parameter("auto", ("auto",), int, 1),
        "init": Parameter("k-means++", ("k-means++", "random")),
        "max_iter": Parameter(300, (), int, 1),
    },
    "minibatch_kmeans": {
        "n_init": Parameter("auto", ("auto",), int, 1),
        "init": Parameter("k-means++", ("k-means++", "random")),
        "max_iter": Parameter(100, (), int, 1),
        "batch_size": Parameter(1024, (), int, 1),
    },
    "agglomerative": {
        "linkage": Parameter("ward", ("ward", "average", "complete", "single")),
        "connectivity": Parameter("none", ("none", "nearest_neighbors")),
        "n_neighbors": Parameter(10, (), int, 2),
        "max_images": Parameter(MOST_AGGLOMERATIVE, (), int, 2),
    },
    "spectral": {
        "affinity": Parameter("rbf", ("rbf", "nearest_neighbors")),
        "gamma": Parameter("median", ("median",), float, 0),
        "n_neighbors": Parameter(10, (), int, 1),
        "n_init": Parameter(10, ("auto",), int, 1),
        "max_images": Parameter(MOST_SPECTRAL, (), int, 2),
    },
    "gaussian_mixture": {
        "covariance_type": Parameter("full", ("full", "tied", "diag", "spherical")),
        "n_init": Parameter(1, (), int, 1),
        "max_iter": Parameter(100, (), int, 1),
        "reg_covar": Parameter(1e-6, (), float, 0),
    },
}
