"""Agreement of the algorithms beyond what they show on structureless data: evidence for groups, and how many."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.bars import over
from nearlabel.grouping.clustering.catalogue import CATALOGUE
from nearlabel.grouping.structure.agreement import Labels, mean_agreement, measure_agreement
from nearlabel.grouping.structure.null import choose_ks, cluster_by_all, draw_structureless
from nearlabel.grouping.structure.stability import measure_repeats
from nearlabel.seeds import derive_seed

logger = logging.getLogger(__name__)

AGREEMENT_COLUMNS = ["algorithm", "k", "agreement", "mean", "null", "null_deviation", "excess", "stability"]

Algorithms = Mapping[str, Mapping[str, Any]]
"""Id → ``name`` and ``parameters``, as the configuration gives them."""


def measure_structure(
    values: np.ndarray,
    labels: Labels,
    algorithms: Algorithms,
    *,
    draws: int,
    sample: int,
    seed: int,
    stability: bool = False,
) -> pd.DataFrame:
    """Hold the agreement of the algorithms on a node's images against that on structureless data.

    Algorithms agree on the halves of a single cloud too, at small k above all, and the more the longer the cloud is in
    some directions. So the same algorithms cluster independent columns with the variances of the images' principal
    components, uniform in one half of the draws (the gap statistic's reference (b), Tibshirani, Walther and Hastie
    2001) and normal in the other, and the more that they agree on there is subtracted.

    Parameters
    ----------
    values : ndarray, shape (n, d)
        Reduced features of the node's images.
    labels : mapping of str to mapping of int to ndarray
        Algorithm's id → k → labels, on all images.
    algorithms : mapping
        Those of `labels`, and perhaps others.
    draws : int
        Sets of structureless data, at least 4.
    sample : int
        With more images than this, agreement and null are both of so many images, drawn by `seed` and clustered anew,
        as agreement depends on their number.
    seed : int
        Of the sample, the draws, and their clusterings.
    stability : bool
        Whether to measure that as well, which clusters `draws` parts of the images and one of each draw.

    Returns
    -------
    DataFrame
        ``agreement.csv``: algorithm, k, agreement (of this clustering with the others at this k), mean (over all pairs
        of algorithms that take a number of clusters), null (the larger of the means of the same over uniform and over
        normal draws) and null_deviation (over draws of a kind, smoothed over three numbers of clusters), excess,
        stability (of this clustering when 20 % of the images are left out, see
        `nearlabel.grouping.structure.stability.measure_repeats`, less the same on structureless data; NaN where not
        asked for). Between the k that were drawn (`nearlabel.grouping.structure.null.choose_ks`) what rests on draws is
        interpolated over log k. NaN from null on where fewer than two algorithms share a k or all images are the same.
    """
    table = measure_agreement(labels).reindex(columns=AGREEMENT_COLUMNS)
    # What finds its own number of groups has no counterpart on structureless data.
    given, labels = labels, {id: own for id, own in labels.items() if not CATALOGUE[algorithms[id]["name"]].own_k}
    if len(labels) < len(given):
        table["mean"] = table["k"].map(mean_agreement(labels))
    points = _principal_axes(values)
    shared = table.loc[table["mean"].notna(), "k"]
    ks = [k for k in choose_ks(shared.min(), shared.max()) if k <= sample] if len(shared) else []
    if not ks or not points.shape[1]:
        return table.astype({"stability": float})
    taken = {id: algorithms[id] for id in labels}
    n = len(values)
    if n > sample:
        rows = np.sort(np.random.default_rng(derive_seed(seed, "sample")).permutation(n)[:sample])
        values, points = values[rows], points[rows]
        logger.info("agreement beyond chance from %d of %d images", sample, n)
        labels = cluster_by_all(values, taken, ks, derive_seed(seed, "fit"))
        table["mean"] = _interpolated(table["k"], mean_agreement(labels))
    drawn = []
    for draw in over(range(draws), "draws"):
        rng = np.random.default_rng(derive_seed(seed, f"draw/{draw}"))
        noise = draw_structureless(points, rng, uniform=bool(draw % 2))
        drawn.append((noise, cluster_by_all(noise, taken, ks, derive_seed(seed, f"fit/{draw}"))))
    means = [mean_agreement(clustered).reindex(ks) for _, clustered in drawn]
    kinds = [pd.concat(means[kind::2], axis=1) for kind in (0, 1)]
    variance = sum(kind.var(axis=1, ddof=1) for kind in kinds) / 2
    deviation = np.sqrt(variance.rolling(3, center=True, min_periods=1).mean())
    table["null"] = _interpolated(table["k"], pd.concat([kind.mean(axis=1) for kind in kinds], axis=1).max(axis=1))
    table["null_deviation"] = _interpolated(table["k"], deviation)
    table["excess"] = table["mean"] - table["null"]
    if stability:
        repeated = measure_repeats(values, labels, taken, ks, repeats=draws, seed=derive_seed(seed, "repeats"))
        for draw, (noise, clustered) in enumerate(over(drawn, "draws")):
            seed_of_draw = derive_seed(seed, f"repeats/{draw}")
            repeated -= measure_repeats(noise, clustered, taken, ks, repeats=1, seed=seed_of_draw) / draws
        for id in labels:
            own = table["algorithm"] == id
            table.loc[own, "stability"] = _interpolated(table.loc[own, "k"], repeated.loc[id])
    return table.astype({"stability": float})


def measure_group(values: np.ndarray, algorithms: Algorithms, ks: Sequence[int], **settings: Any) -> pd.DataFrame:
    """Measure the structure of images that have not been clustered yet.

    Parameters
    ----------
    values : ndarray, shape (n, d)
        Their features.
    algorithms : mapping
        What to cluster them by.
    ks : sequence of int
        First and last number of clusters.
    **settings
        ``draws, sample, seed`` of `measure_structure`.

    Returns
    -------
    DataFrame
        As of `measure_structure`, at some of the numbers of clusters.
    """
    rng = np.random.default_rng(derive_seed(settings["seed"], "sample"))
    points = _principal_axes(values[np.sort(rng.permutation(len(values))[: settings["sample"]])])
    last = min(ks[1], len(points) - 1)
    if last < ks[0] or not points.shape[1]:
        return pd.DataFrame(columns=AGREEMENT_COLUMNS)
    tried = choose_ks(ks[0], last)
    labels = cluster_by_all(points, algorithms, tried, derive_seed(settings["seed"], "fit"))
    return measure_structure(points, labels, algorithms, **settings)


def _principal_axes(values: np.ndarray) -> np.ndarray:
    """Turn points so that their columns are uncorrelated, without the directions in which they do not differ."""
    centred = np.asarray(values, dtype=np.float64) - np.mean(values, axis=0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    scale = np.abs(values).max(initial=0)
    return centred @ axes[lengths > 1e-10 * max(lengths.max(initial=0), scale)].T


def _interpolated(ks: pd.Series, of_k: pd.Series) -> np.ndarray:
    known = of_k.dropna()
    if known.empty:
        return np.full(len(ks), np.nan)
    inside = np.interp(np.log(ks), np.log(known.index.to_numpy(dtype=float)), known)
    return np.where(ks.between(known.index.min(), known.index.max()), inside, np.nan)
