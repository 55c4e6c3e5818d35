"""What fitting an algorithm gives for each k, and how its warnings become flags."""

import logging
import warnings
from contextlib import contextmanager

import numpy as np

logger = logging.getLogger(__name__)

Found = dict[int, tuple[np.ndarray, list[str]]]
"""k → labels, shape (n,), and flags; without the k that an algorithm of its own k did not find."""

OUTLIER = -1
"""Label of points that an algorithm leaves out of every group."""


@contextmanager
def flagged_not_warned():
    """Log scikit-learn's warnings but for those that flags tell or that a few points raise for no reason."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    if not caught:
        return
    from scipy.cluster.hierarchy import ClusterWarning
    from sklearn.exceptions import ConvergenceWarning

    # A ClusterWarning takes two points such as (0, 1) and (1, 0) for a matrix of distances.
    told = (ConvergenceWarning, ClusterWarning)
    for text in sorted({str(w.message) for w in caught if not issubclass(w.category, told)}):
        logger.warning("%s", text)
