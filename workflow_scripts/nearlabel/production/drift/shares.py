"""Shares of the groups among labelled images, beside those among the training images: for display, no alarm."""

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from nearlabel.production.bundle.contents import Bundle


class Share(NamedTuple):
    """A group's share.

    Attributes
    ----------
    node, name : str
        Group, and a person's name for it; may be empty.
    images : int
        Labelled images in it.
    share, expected : float
        Among labelled images that are in a group, and among the training images.
    residual : float
        Standardised: how many standard deviations above what the training images' share lets one expect, as both are
        samples (adjusted residual of a 2 × k table; Haberman 1973).
    """

    node: str
    name: str
    images: int
    share: float
    expected: float
    residual: float


class Shares(NamedTuple):
    """Groups' shares.

    Attributes
    ----------
    groups : list of Share
        In the order of the clusters.
    images, novel : int
        Labelled images that were counted, and how many of them are in no group.
    p_value : float
        χ² test of homogeneity; NaN without images. Looked at every hour it would be small some day: it is no alarm.
    """

    groups: list[Share]
    images: int
    novel: int
    p_value: float


def count_groups(connection: sqlite3.Connection, bundle_sha256: str, images: int) -> dict[str, int]:
    """Count a bundle's latest labels by group below the root; novel images are under the empty text.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of the watcher's database.
    bundle_sha256 : str
    images : int
        So many of the latest.
    """
    rows = connection.execute(
        "SELECT coalesce(json_extract(lineage, '$[0]'), ''), count(*) FROM (SELECT lineage FROM labels "
        "WHERE bundle_sha256 = ? ORDER BY label_id DESC LIMIT ?) GROUP BY 1",
        (bundle_sha256, images),
    )
    return {node: count for node, count in rows}


def compare_shares(bundle: Bundle, counts: Mapping[str, int]) -> Shares:
    """Hold groups of labelled images against those of the training images.

    Parameters
    ----------
    bundle : Bundle
    counts : mapping of str to int
        By group below the root, as `count_groups` gives them.
    """
    known = np.asarray(bundle.nodes["root"].counts, dtype=np.float64)
    nodes = [f"root.{cluster}" for cluster in range(len(known))]
    found = np.array([counts.get(node, 0) for node in nodes], dtype=np.float64)
    n, m = found.sum(), known.sum()
    share = found / n if n else np.full(len(nodes), np.nan)
    expected = known / m
    pooled = (found + known) / (n + m)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m)) if n else np.full(len(nodes), np.nan)
    residual = np.divide(share - expected, spread, out=np.zeros(len(nodes)), where=spread > 0)
    groups = [
        Share(node, bundle.names.get(node, ""), int(found[i]), float(share[i]), float(expected[i]), float(residual[i]))
        for i, node in enumerate(nodes)
    ]
    novel = counts.get("", 0)
    return Shares(groups, int(n) + novel, novel, _homogeneity(found, known))


def _homogeneity(found: np.ndarray, known: np.ndarray) -> float:
    table = np.stack([found, known])[:, (found + known) > 0]
    if not found.sum() or table.shape[1] < 2:
        return float("nan")
    from scipy.stats import chi2_contingency

    return float(chi2_contingency(table, correction=False).pvalue)
