"""Novel images that are alike: proposals of new groups."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nearlabel.production.bundle.contents import Bundle
from nearlabel.production.streaming.confirmed import Rows, read_latest, read_said, same_groups
from nearlabel.production.streaming.shadow import ROOT, group_of

KIND = "proposal"
"""Of the event."""

LEAST = 8
"""Images of different parts that make a proposal."""

# Images that are looked at: the latest that are not novel, filled up with training images where the line has not made
# as many yet, and at most a fifth as many novel ones. With more of these the outskirts of a large group, where all
# images are novel, would be near to each other by number alone; see tests/benchmarks/proposals.py.
_KNOWN, _SHARE = 1000, 5
# Labels read for each of the novel ones, as views of one part are one image.
_VIEWS = 4
# Others that each image of a group must be mutually near to.
_MATES = 3


class Proposal(NamedTuple):
    """Novel images that may be a group.

    Attributes
    ----------
    node : str
        The group that they would be: the root's next number, which no other proposal has, of another clustering either.
    bundle_sha256 : str
        Of the bundle whose vectors these are.
    label_ids, image_ids : tuple of int
        One image for each part.
    centre : ndarray of float64, shape (c,)
        Mean of their vectors.
    radius : float
        Root of the mean squared distance to it.
    tightness : float
        Mean distance to the nearest image of the group, over that to the nearest image that is not novel: below 1.
    """

    node: str
    bundle_sha256: str
    label_ids: tuple[int, ...]
    image_ids: tuple[int, ...]
    centre: np.ndarray
    radius: float
    tightness: float

    @property
    def sentence(self) -> str:
        """For operators."""
        return (
            f"{len(self.label_ids)} novel images are like each other and like no group that is known; they may be a "
            f"group of their own, {self.node}: look at them, and give them a name if they are."
        )

    @property
    def detail(self) -> dict[str, Any]:
        """Of the event; JSON-able."""
        return {
            "node": self.node,
            "bundle_sha256": self.bundle_sha256,
            "label_ids": list(self.label_ids),
            "image_ids": list(self.image_ids),
            "centre": [float(value) for value in self.centre],
            "radius": self.radius,
            "tightness": self.tightness,
        }


def propose(connection: sqlite3.Connection, bundle: Bundle, *, least: int = LEAST) -> list[Proposal]:
    """Find groups of novel images that were not proposed before.

    Two novel images are mates when each is nearer to the other than to any known image. A group is made of images with
    at least three mates within it, connected by mates. So what counts as near is what is near among the bundle's own
    images there, and good images that were flagged by chance, scattered around their group, make no group.

    It reads what is committed and writes nothing: the caller records an event of kind `KIND` for each, with its
    ``sentence`` and ``detail``, and asks again after further novel images.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of the watcher's database.
    bundle : Bundle
    least : int
        Images of different parts, at least.

    Returns
    -------
    list of Proposal
        The largest first.
    """
    return [group for group, is_new in find_groups(connection, bundle, least=least) if is_new]


def find_groups(connection: sqlite3.Connection, bundle: Bundle, *, least: int = LEAST) -> list[tuple[Proposal, bool]]:
    """Find all groups among the latest novel images, each with whether it is new; one proposed before has its number.

    Parameters
    ----------
    connection, bundle, least
        As for `propose`.
    """
    known = read_latest(connection, bundle.sha256, novel=False, limit=_KNOWN).vectors
    missing = min(_KNOWN - len(known), len(bundle.reference.features))
    most = (len(known) + missing) // _SHARE
    novel = _open_ones(
        read_latest(connection, bundle.sha256, novel=True, limit=_VIEWS * most), connection, bundle, most
    )
    if len(novel.nodes) < least:
        return []
    if missing:
        training = _training_vectors(bundle, missing)
        known = np.concatenate([known, training]) if len(known) else training
    earlier = read_proposals(connection)
    number = _next_number(earlier, bundle)
    same = [detail for detail in earlier if same_groups(connection, bundle, detail["bundle_sha256"])]
    found = []
    for rows, tightness in group_novel(novel.vectors, known, least):
        vectors = novel.vectors[rows]
        centre = vectors.mean(axis=0)
        group = Proposal(
            node=f"{ROOT}.{number}",
            bundle_sha256=bundle.sha256,
            label_ids=tuple(novel.label_ids[rows].tolist()),
            image_ids=tuple(novel.image_ids[rows].tolist()),
            centre=centre,
            radius=float(np.sqrt(((vectors - centre) ** 2).sum(axis=1).mean())),
            tightness=tightness,
        )
        node = next((detail["node"] for detail in same if _is_same(detail, group)), None)
        number += node is None
        found.append((group if node is None else group._replace(node=node), node is None))
    return found


def group_novel(novel: np.ndarray, known: np.ndarray, least: int) -> list[tuple[np.ndarray, float]]:
    """Find groups of novel images that are nearer to each other than to known ones.

    Parameters
    ----------
    novel, known : ndarray of float64, shapes (n, c) and (m, c)
    least : int
        Images that make a group.

    Returns
    -------
    list of (ndarray of int, float)
        Rows of each group, ascending, and its tightness; the largest first, of equal ones that with the first row.
    """
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial.distance import cdist

    between = cdist(novel, novel)
    np.fill_diagonal(between, np.inf)
    outside = cdist(novel, known).min(axis=1)
    mates = between < np.minimum(outside[:, np.newaxis], outside)
    left = np.arange(len(novel))
    while len(lonely := np.flatnonzero(mates[np.ix_(left, left)].sum(axis=1) < _MATES)):
        left = np.delete(left, lonely)
    if not len(left):
        return []
    _, parts = connected_components(mates[np.ix_(left, left)], directed=False)
    groups = [left[parts == part] for part in range(parts.max() + 1)]
    groups = sorted((rows for rows in groups if len(rows) >= least), key=lambda rows: (-len(rows), rows[0]))
    return [(rows, float(between[np.ix_(rows, rows)].min(axis=1).mean() / outside[rows].mean())) for rows in groups]


def read_proposals(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Read what was proposed: `Proposal.detail` of each, in the order of proposing."""
    rows = connection.execute("SELECT detail FROM events WHERE kind = ? ORDER BY event_id", (KIND,))
    return [json.loads(row[0]) for row in rows]


def _training_vectors(bundle: Bundle, count: int) -> np.ndarray:
    """Reduced features of so many training images, evenly taken from all, as labels have them: (count, c)."""
    from nearlabel.production.labeller.steps import compile_steps, transform_rows

    features = bundle.reference.features
    rows = np.linspace(0, len(features) - 1, count).astype(int)
    return transform_rows(compile_steps(bundle.nodes[ROOT].reduction), features[rows])


def _open_ones(novel: Rows, connection: sqlite3.Connection, bundle: Bundle, most: int) -> Rows:
    """The latest, one image for each part, the first, without those that an operator has put where they belong."""
    settled = {
        image_id
        for image_id, said in read_said(connection, bundle.sha256, images=novel.image_ids.tolist()).items()
        if said.label in bundle.facts["normal"] or is_group(bundle, said.node)
    }
    seen, kept = set(), []
    for row, part in enumerate(novel.parts):
        if part not in seen and int(novel.image_ids[row]) not in settled:
            seen.add(part)
            kept.append(row)
    kept = kept[max(0, len(kept) - most) :]
    return Rows(
        novel.label_ids[kept],
        novel.image_ids[kept],
        [novel.nodes[row] for row in kept],
        [novel.parts[row] for row in kept],
        novel.vectors[kept],
    )


def is_group(bundle: Bundle, node: str) -> bool:
    """Whether a node is, or lies in, a group of the bundle's root; numbers that were not accepted are none."""
    group, counts = group_of(node), bundle.nodes[ROOT].counts
    number = -1 if group is None else int(group.split(".")[1])
    return 0 <= number < len(counts) and bool(counts[number] > 0)


def _next_number(earlier: Sequence[dict[str, Any]], bundle: Bundle) -> int:
    numbers = [int(group.split(".")[1]) for detail in earlier if (group := group_of(detail["node"]))]
    return max([len(bundle.nodes[ROOT].centres) - 1, *numbers]) + 1


def _is_same(detail: dict[str, Any], group: Proposal) -> bool:
    """Whether a group was proposed before: it shares half of the smaller one's images, or has its centre.

    Means of n images are about radius / √n from the group's own; twice what that comes to for two of them is allowed.
    """
    then, members = set(detail["image_ids"]), group.image_ids
    if 2 * len(then.intersection(members)) >= min(len(then), len(members)):
        return True
    if detail["bundle_sha256"] != group.bundle_sha256:
        return False
    apart = float(np.linalg.norm(np.asarray(detail["centre"]) - group.centre))
    return apart <= 2 * np.hypot(detail["radius"] / np.sqrt(len(then)), group.radius / np.sqrt(len(members)))
