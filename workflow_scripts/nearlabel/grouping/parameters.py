"""Parameters of the clustering algorithms and of the post-clustering models: names, defaults, what values make sense.

Standard library only: the configuration is checked against these tables whenever the workflow is parsed.
"""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of an algorithm or a model.

    Attributes
    ----------
    default : object
        Value when the user names none.
    words : tuple of str
        Texts allowed.
    number : type or None
        ``int`` or ``float`` where numbers are allowed; a whole number serves as float too.
    least, most : float
        Smallest and largest number allowed.
    """

    default: Any
    words: tuple[str, ...] = ()
    number: type | None = None
    least: float = 0
    most: float = math.inf

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with a value, as ``"must be …"``; None when nothing is."""
        if isinstance(value, str) and value in self.words:
            return None
        whole = isinstance(value, int) and not isinstance(value, bool)
        number = whole or (self.number is float and isinstance(value, float))
        if self.number is not None and number and self.least <= value <= self.most:
            return None
        allowed = [f"'{word}'" for word in self.words]
        if self.number is not None:
            end = "" if self.most == math.inf else f" to {self.most}"
            allowed.append(f"a {'whole ' if self.number is int else ''}number from {self.least}{end}")
        return f"must be {' or '.join(allowed)}"


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
    },
    "spectral": {
        "affinity": Parameter("rbf", ("rbf", "nearest_neighbors")),
        "gamma": Parameter("median", ("median",), float, 0),
        "n_neighbors": Parameter(10, (), int, 1),
        "n_init": Parameter(10, ("auto",), int, 1),
    },
    "gaussian_mixture": {
        "covariance_type": Parameter("full", ("full", "tied", "diag", "spherical")),
        "n_init": Parameter(1, (), int, 1),
        "max_iter": Parameter(100, (), int, 1),
        "reg_covar": Parameter(1e-6, (), float, 0),
    },
}

# Of the reduced features: each to a variance of 1; as they are; or `each` unless the features were standardised before
# the reduction, whose result then tells which components matter. Trees do not see the difference.
