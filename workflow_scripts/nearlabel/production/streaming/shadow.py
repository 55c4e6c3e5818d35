"""Groups' centres that follow the images that operators have confirmed, beside the bundle's own."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nearlabel.production.bundle.contents import NodeGroups
from nearlabel.production.streaming.confirmed import (
    Rows,
    changes_earlier,
    last_correction,
    last_followed,
    read_confirmed,
)

FORGETTING = 0.99
"""What an image weighs in its group's centre after another one was confirmed: the last hundred or so count."""

ROOT = "root"


class Shadow:
    """Centres of the root's groups, moved by confirmed images alone.

    A confirmed image x of group c gives ``n_c ← γ n_c + 1`` and ``centre_c ← centre_c + (x − centre_c) / n_c``: the
    mean of the group's images, the training images among them, each weighing γ times as much as the one after it. With
    γ = 1 it is the rule of `sklearn.cluster.MiniBatchKMeans.partial_fit`. Centres that follow their own predictions
    drift into each other; here only a person's word moves one.

    They are computed from the bundle's centres and all words that stand, in the order in which they were given: the
    same words give the same centres, a word taken back leaves no trace, and nothing needs to be kept. Words that an
    adopted bundle's centres come from are not followed once more.

    The database holds the root's vectors only. Below the root the bundle's own decision stands where both agree on the
    root's group; where they differ, the shadow names the root's group alone.

    Parameters
    ----------
    root : NodeGroups
        Of the bundle.
    forgetting : float
        γ, in (0, 1].

    Attributes
    ----------
    centres : dict of str to ndarray of float64, shape (c,)
        By group; groups that the bundle has not, where an operator has put images into one.
    counts : dict of str to float
        Weight of the images in each.
    followed : dict of str to int
        Confirmed images of each.
    """

    def __init__(self, root: NodeGroups, *, forgetting: float = FORGETTING):
        if not 0 < forgetting <= 1:
            raise ValueError(f"the forgetting factor is {forgetting}; give a number above 0, at most 1")
        self._root, self._forgetting = root, forgetting
        self._seen: tuple[str, int] | None = None
        self._start()

    @property
    def confirmed(self) -> int:
        """Images that were followed."""
        return sum(self.followed.values())

    def _start(self) -> None:
        self.centres, self.counts, self.followed = {}, {}, {}
        for cluster, (centre, count) in enumerate(zip(self._root.centres, self._root.counts, strict=True)):
            if count > 0:
                self.centres[f"{ROOT}.{cluster}"] = np.array(centre, np.float64)
                self.counts[f"{ROOT}.{cluster}"] = float(count)

    def refresh(self, connection: sqlite3.Connection, bundle_sha256: str) -> bool:
        """Follow the words in the database, if there are others than before; returns whether there were.

        Words on images without an earlier one are followed after those before; others let all begin anew.
        """
        last = last_correction(connection)
        if self._seen == (bundle_sha256, last):
            return False
        after = last_followed(connection, bundle_sha256)
        if self._seen is not None and self._seen[0] == bundle_sha256 and not changes_earlier(connection, self._seen[1]):
            after = max(after, self._seen[1])
        else:
            self._start()
        self.follow(read_confirmed(connection, bundle_sha256, after=after))
        self._seen = bundle_sha256, last
        return True

    def forget(self) -> None:
        """Have `refresh` begin anew, as where an image with earlier words on it gets its label only now."""
        self._seen = None

    def follow(self, confirmed: Rows) -> None:
        """Move the centres by confirmed images, in their order."""
        for node, vector in zip(confirmed.nodes, confirmed.vectors, strict=True):
            if (group := group_of(node)) is None:
                continue
            count = self._forgetting * self.counts.get(group, 0.0) + 1
            centre = self.centres.get(group, vector)
            self.centres[group] = centre + (vector - centre) / count
            self.counts[group] = count
            self.followed[group] = self.followed.get(group, 0) + 1

    def assign(self, vectors: np.ndarray, nodes: Sequence[str]) -> list[str]:
        """Say which groups images are in.

        Parameters
        ----------
        vectors : ndarray, shape (n, c)
            Reduced features of the root.
        nodes : sequence of str, length n
            The bundle's own leaf groups; empty where an image is novel: it is forced into no group here either.

        Returns
        -------
        list of str
            The group whose centre is nearest (of several, the first), as deep as can be said.
        """
        names = list(self.centres)
        centres = np.stack([self.centres[name] for name in names])
        found = []
        for vector, node in zip(np.asarray(vectors, np.float64), nodes, strict=True):
            between = centres - vector
            group = names[int(np.einsum("ij,ij->i", between, between).argmin())] if node else ""
            found.append(node if node and group_of(node) == group else group)
        return found


class Disagreement(NamedTuple):
    """How often the shadow's groups are others than the bundle's.

    Attributes
    ----------
    images : int
        Labels that both have said a group of.
    differ : int
        Those where the root's group differs.
    """

    images: int
    differ: int


def count_disagreement(connection: sqlite3.Connection, bundle_sha256: str, images: int = 1000) -> Disagreement:
    """Hold the shadow's groups against the bundle's, over a bundle's latest labels; for display.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of the watcher's database.
    bundle_sha256 : str
    images : int
        So many of the latest.
    """
    rows = connection.execute(
        "SELECT node, shadow_node FROM labels WHERE bundle_sha256 = ? AND shadow_node <> '' AND node <> '' "
        "ORDER BY label_id DESC LIMIT ?",
        (bundle_sha256, images),
    ).fetchall()
    return Disagreement(len(rows), sum(group_of(node) != group_of(shadow) for node, shadow in rows))


def group_of(node: str) -> str | None:
    """The root's group that a node lies in or is: ``root.1.3`` → ``root.1``; None for the root and for other texts."""
    parts = node.split(".")
    if len(parts) < 2 or parts[0] != ROOT or not parts[1].isascii() or not parts[1].isdecimal():
        return None
    return f"{ROOT}.{int(parts[1])}"
