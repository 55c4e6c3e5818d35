"""The clustering algorithms' parameters: names, defaults and what values make sense.

Standard library only: the configuration is checked against this table whenever the workflow is parsed.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of an algorithm.

    Attributes
    ----------
    default : object
        Value when the user names none.
    words : tuple of str
        Texts allowed.
    number : type or None
        ``int`` or ``float`` where numbers are allowed; a whole number serves as float too.
    least : float
        Smallest number allowed.
    """

    default: Any
    words: tuple[str, ...] = ()
    number: type | None = None
    least: float = 0

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with a value, as ``"must be …"``; None when nothing is."""
        if isinstance(value, str) and value in self.words:
            return None
        whole = isinstance(value, int) and not isinstance(value, bool)
        if self.number is int and whole and value >= self.least:
            return None
        if self.number is float and (whole or isinstance(value, float)) and value >= self.least:
            return None
        allowed = [f"'{word}'" for word in self.words]
        if self.number is not None:
            allowed.append(f"a {'whole ' if self.number is int else ''}number from {self.least}")
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
