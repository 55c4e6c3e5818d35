"""Structureless data to hold real data against, and the clusterings of both that are compared."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nearlabel.grouping.clustering.algorithms import cluster
from nearlabel.grouping.clustering.catalogue import CATALOGUE

EVERY_K_TO = 12
"""Numbers of clusters up to which every one is tried on structureless data."""
STEP = 1.15
"""Ratio of consecutive numbers of clusters beyond."""


def choose_ks(first: int, last: int) -> list[int]:
    """Choose the numbers of clusters at which structureless data is clustered.

    Parameters
    ----------
    first, last : int
        Range of the sweep, both ends included.

    Returns
    -------
    list of int
        Every one up to 12, then steps of 15 %, and the last; between them a null is interpolated.
    """
    ks, k = [], float(first)
    while k < last:
        ks.append(round(k))
        k = k + 1 if k < EVERY_K_TO else k * STEP
    return sorted({*ks, last})


def draw_structureless(points: np.ndarray, rng: np.random.Generator, *, uniform: bool) -> np.ndarray:
    """Draw as many points from independent columns with the variances of the given ones.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        Points whose columns are uncorrelated, as principal components are.
    rng : Generator
        Of the draw.
    uniform : bool
        Uniform columns, whose corners algorithms agree on, or normal ones.

    Returns
    -------
    ndarray of float64, shape (n, d)
    """
    side = np.sqrt(3)
    drawn = rng.uniform(-side, side, points.shape) if uniform else rng.standard_normal(points.shape)
    return drawn * points.std(axis=0)


def cluster_by_all(
    points: np.ndarray, algorithms: Mapping[str, Mapping[str, Any]], ks: Sequence[int], seed: int
) -> dict[str, dict[int, np.ndarray]]:
    """Cluster points by every algorithm of a level that takes a number of clusters.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        What to cluster.
    algorithms : mapping
        Id → ``name`` and ``parameters``, as the configuration gives them.
    ks : sequence of int
        Numbers of clusters.
    seed : int
        Of every fit.

    Returns
    -------
    dict of str to dict of int to ndarray
        Id → k → labels (n,). An algorithm that cannot cluster these points (`numpy.linalg.LinAlgError`) is left out.
    """
    labels = {}
    for id, algorithm in algorithms.items():
        if CATALOGUE[algorithm["name"]].own_k:
            continue
        extra = {"vectors": max(ks)} if CATALOGUE[algorithm["name"]].embeds else {}
        try:
            labels[id] = cluster(points, algorithm["name"], ks, seed, **algorithm["parameters"], **extra)
        except np.linalg.LinAlgError:
            continue
    return labels
