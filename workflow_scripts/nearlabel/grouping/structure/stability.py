"""How much each clustering changes when some of the images are left out, beyond what chance explains."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.bars import over
from nearlabel.grouping.structure.null import cluster_by_all
from nearlabel.seeds import derive_seed

SHARE = 0.8
"""Share of the images that each repeat keeps (Ben-Hur, Elisseeff and Guyon 2002)."""


def measure_repeats(
    points: np.ndarray,
    labels: Mapping[str, Mapping[int, np.ndarray]],
    algorithms: Mapping[str, Mapping[str, Any]],
    ks: list[int],
    *,
    repeats: int,
    seed: int,
) -> pd.DataFrame:
    """Cluster random parts of the images and compare with the clustering of all.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        What was clustered.
    labels : mapping of str to mapping of int to ndarray
        Algorithm's id → k → labels of all points.
    algorithms : mapping
        Id → ``name`` and ``parameters``.
    ks : list of int
        Numbers of clusters to look at.
    repeats : int
        Parts to draw.
    seed : int
        Of the draws and the clusterings.

    Returns
    -------
    DataFrame
        Rows the ids, columns the ks: mean adjusted Rand index, over the repeats, of the clustering of a part and that
        of all points, over the part's points. NaN where there is no such clustering.
    """
    from sklearn.metrics import adjusted_rand_score

    found: dict[tuple[str, int], list[float]] = {}
    for repeat in over(range(repeats), "repeats"):
        rng = np.random.default_rng(derive_seed(seed, f"part/{repeat}"))
        part = np.sort(rng.permutation(len(points))[: max(2, round(SHARE * len(points)))])
        fitting = [k for k in ks if k <= len(part)]
        clustered = cluster_by_all(points[part], algorithms, fitting, derive_seed(seed, f"fit/{repeat}"))
        for id, by_k in clustered.items():
            for k in by_k.keys() & labels[id].keys():
                found.setdefault((id, k), []).append(adjusted_rand_score(labels[id][k][part], by_k[k]))
    means = {key: float(np.mean(values)) for key, values in found.items()}
    return pd.DataFrame([[means.get((id, k), np.nan) for k in ks] for id in labels], index=list(labels), columns=ks)
