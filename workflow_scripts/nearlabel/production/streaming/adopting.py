"""A bundle with the centres that operators' words have moved, and with the new groups that were accepted."""

import io
import logging
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from nearlabel.labelling.answers.reading import LINE
from nearlabel.labelling.catalogue import UNDECIDED
from nearlabel.production.bundle.contents import Bundle, NodeGroups, Reference
from nearlabel.production.bundle.writing import Content, content_of
from nearlabel.production.database.opening import open_to_read
from nearlabel.production.database.reader import read_state
from nearlabel.production.database.recording import text_to_path
from nearlabel.production.database.said import IDENTITY
from nearlabel.production.labelled import Prepared
from nearlabel.production.streaming.confirmed import (
    Rows,
    last_correction,
    read_confirmed,
    read_latest,
    read_said,
    same_groups,
)
from nearlabel.production.streaming.proposals import find_groups, is_group, read_proposals
from nearlabel.production.streaming.shadow import ROOT, Shadow, group_of

logger = logging.getLogger(__name__)

FAR = 1e100
"""Coordinate of the centre of a number that is not used: no image is near it."""

# Of a thumbnail in a bundle.
_THUMBNAIL = 64


class _Accepted(NamedTuple):
    """A new group: node, a person's name for it (may be empty), its images by number, and their vectors."""

    node: str
    name: str
    image_ids: list[int]
    vectors: np.ndarray


class _Images(NamedTuple):
    """Images of new groups that were read again."""

    found: list[tuple[Prepared, str, str, tuple[float, float]]]
    features: np.ndarray


def adopt(bundle: Bundle, database: str | Path, *, accept: Sequence[str] = (), **build: Any) -> Content | None:
    """Make the content of a bundle with the shadow's centres and with accepted groups.

    Old groups keep their ids, names and what is below them. An accepted group has the number under which it was
    proposed; numbers between that were not accepted stay unused for ever. Its images, those that an operator has put
    into it among them, are read again and join the training images that new ones are held against: so images like them
    are novel no more. Held-out good images keep their novelty scores: the new images were novel, so far from those, and
    hardly change them.

    What labels images is not trained here: it would call the images of an accepted group, most of them a new kind of
    defect, what it knows, good ones perhaps. So they get no label. Export the corrections and run ``snakemake bundle``
    for a bundle that has learnt the new group's label; until then the note in the bundle says so.

    Parameters
    ----------
    bundle : Bundle
        In use; read from its folder.
    database : str or Path
        The watcher's.
    accept : sequence of str
        Proposed groups to take over.
    **build
        ``device, threads, weights_dir, module`` of `nearlabel.production.labeller.encoders.build_encoders`; needed
        where groups are accepted.

    Returns
    -------
    Content or None
        For `nearlabel.production.bundle.writing.write_bundle`; None where no word has moved a centre of the bundle's
        own groups and nothing is accepted.

    Raises
    ------
    OSError, ValueError
        No such database or proposal; too few of a group's images lie where they were.
    """
    connection = open_to_read(database)
    try:
        # Words that come meanwhile are for the next time.
        connection.execute("BEGIN")
        shadow = Shadow(bundle.nodes[ROOT])
        shadow.refresh(connection, bundle.sha256)
        accepted = [_accept(connection, bundle, node) for node in sorted(set(accept), key=_number)]
        images = _read_images(connection, bundle, accepted, build) if accepted else _Images([], np.empty((0, 0)))
        identity = read_state(connection, IDENTITY)
        followed = {} if identity is None else {identity.decode(): last_correction(connection)}
    finally:
        connection.close()
    own = bundle.nodes[ROOT]
    moved = sum(count for node, count in shadow.followed.items() if is_group(bundle, node))
    if not accepted and not moved:
        return None
    content = content_of(bundle)
    reference = _extended(bundle.reference, images)
    root = _moved(own, shadow, accepted, reference)
    facts = dict(content.facts)
    facts["notes"] = [*facts.get("notes", ()), *_notes(bundle, moved, accepted)]
    facts["followed"] = facts.get("followed", {}) | followed
    facts["unlearnt"] = [*facts["unlearnt"], *(one.node for one in accepted)]
    facts["groups"] = facts.get("groups", {}) | {ROOT: int((root.counts > 0).sum())}
    facts["images"] = facts["images"] | {"line": facts["images"].get("line", 0) + len(images.found)}
    return content._replace(
        facts=facts,
        names=bundle.names | {one.node: one.name for one in accepted if one.name},
        nodes=bundle.nodes | {ROOT: root},
        reference=reference,
    )


def _accept(connection: sqlite3.Connection, bundle: Bundle, node: str) -> _Accepted:
    """A proposed group: images that were proposed, those found by now, and those that operators have put into it."""
    proposed = {
        detail["node"]: detail
        for detail in read_proposals(connection)
        if same_groups(connection, bundle, detail["bundle_sha256"])
    }
    if node not in proposed:
        known = ", ".join(sorted(proposed, key=_number)) or "none"
        raise ValueError(f"{node!r} was not proposed; there are {known} beside the groups of bundle {bundle.number}")
    if is_group(bundle, node):
        raise ValueError(f"{node} is a group of bundle {bundle.number} already; leave it out")
    now = [set(group.image_ids) for group, _ in find_groups(connection, bundle) if group.node == node]
    members = set(proposed[node]["image_ids"]).union(*now)
    said_of = read_said(connection, bundle.sha256)
    word = {image_id: (one.label, group_of(one.node)) for image_id, one in said_of.items()}
    members |= {image_id for image_id, (_, said) in word.items() if said == node}
    for image_id, (label, said) in word.items():
        if (said is not None and said != node) or (said is None and label in bundle.facts["normal"]):
            members.discard(image_id)
    rows = _by_image(
        read_latest(connection, bundle.sha256, novel=True, limit=-1), read_confirmed(connection, bundle.sha256)
    )
    chosen = sorted(members & rows.keys())
    if not chosen:
        raise ValueError(f"{node}: bundle {bundle.number} has labelled none of its images; let it label them first")
    labels = (word[image_id][0] for image_id in chosen if image_id in word)
    names = Counter(label for label in labels if label and label not in UNDECIDED)
    return _Accepted(node, names.most_common(1)[0][0] if names else "", chosen, np.stack([rows[one] for one in chosen]))


def _by_image(*tables: Rows) -> dict[int, np.ndarray]:
    return {
        int(image_id): vector for rows in tables for image_id, vector in zip(rows.image_ids, rows.vectors, strict=True)
    }


def _read_images(
    connection: sqlite3.Connection, bundle: Bundle, accepted: Sequence[_Accepted], build: dict[str, Any]
) -> _Images:
    """Encode the images of new groups anew: the database has the root's reduced features only."""
    from nearlabel.images.reading import UnreadableImageError
    from nearlabel.images.scales import Scale
    from nearlabel.production.labeller.encoders import build_encoders
    from nearlabel.production.labeller.reading import prepare_image

    name = bundle.nodes[ROOT].encoder
    facts = bundle.facts["encoders"][name]
    alone = bundle._replace(facts=bundle.facts | {"encoders": {name: facts}})
    encoder = build_encoders(alone, **build)[name]
    scale = Scale(**(facts.get("scale") or {"bits": 16}))
    found, features = [], []
    for group in accepted:
        read = 0
        label = group.name if group.name in bundle.facts["labels"] else ""
        for image_id in group.image_ids:
            path, sha256, x, y = connection.execute(
                "SELECT path, sha256, x, y FROM images JOIN labels USING (image_id) "
                "WHERE image_id = ? AND bundle_sha256 = ?",
                (image_id, bundle.sha256),
            ).fetchone()
            try:
                image = prepare_image(text_to_path(path), scale, {name: encoder.prepare}, shown=True)
            except (OSError, UnreadableImageError) as error:
                logger.warning("%s: %s cannot be read and is left out (%s)", group.node, path, error)
                continue
            if image.sha256 != sha256:
                logger.warning("%s: %s is another image now and is left out", group.node, path)
                continue
            read += 1
            place = (np.nan, np.nan) if x is None or y is None else (x, y)
            found.append((image, label, group.node, place))
            features.append(encoder.encode([image.placed[name]], [image])[0])
        # With fewer the nearest others of each lie in other groups, far away, and nothing near it would be novel.
        if read <= bundle.calibration.neighbors:
            raise ValueError(
                f"{group.node}: {read} of its {len(group.image_ids)} images lie where they were, and novelty needs "
                f"{bundle.calibration.neighbors + 1}, each of them {bundle.calibration.neighbors} others; put them "
                "back, or accept the group later, when it has more"
            )
    return _Images(found, np.stack(features))


def _extended(reference: Reference, images: _Images) -> Reference:
    from nearlabel.production.labeller.reading import draw_thumbnail
    from nearlabel.production.novelty.distances import novelty_features

    if not images.found:
        return reference

    def text(values: list[str]) -> np.ndarray:
        return np.array(values, dtype=object)

    prepared = [image for image, *_ in images.found]
    thumbnails = [
        draw_thumbnail(Image.open(io.BytesIO(image.thumbnail)).convert("RGB"), _THUMBNAIL) for image in prepared
    ]
    # As they are called when they are exported with their corrections.
    ids = [f"{LINE}{image.sha256[:20]}{Path(image.path).suffix.lower()}" for image in prepared]
    places = np.array([place for *_, place in images.found], np.float32)
    return Reference(
        np.concatenate([reference.image_id, text(ids)]),
        np.concatenate([reference.sha256, text([image.sha256 for image in prepared])]),
        np.concatenate([reference.label, text([label for _, label, _, _ in images.found])]),
        np.concatenate([reference.node, text([node for _, _, node, _ in images.found])]),
        np.concatenate([reference.features, novelty_features(images.features)]),
        np.concatenate([reference.place, places]),
        [*reference.thumbnails, *thumbnails],
    )


def _moved(root: NodeGroups, shadow: Shadow, accepted: Sequence[_Accepted], reference: Reference) -> NodeGroups:
    """The root's groups with the shadow's centres and the accepted ones, each at the row of its number."""
    size = max([len(root.centres), *(_number(one.node) + 1 for one in accepted)])
    centres = np.full((size, root.centres.shape[1]), FAR)
    counts = np.zeros(size, np.asarray(root.counts).dtype)
    # Words on a number that was never accepted make no group.
    for cluster in np.flatnonzero(root.counts):
        node = f"{ROOT}.{cluster}"
        centres[cluster] = shadow.centres.get(node, root.centres[cluster])
        counts[cluster] = root.counts[cluster] + shadow.followed.get(node, 0)
    for one in accepted:
        centres[_number(one.node)] = one.vectors.mean(axis=0)
        counts[_number(one.node)] = len(one.vectors)
    return root._replace(centres=centres, counts=counts, returned=_share_returned(root, centres, reference))


def _share_returned(root: NodeGroups, centres: np.ndarray, reference: Reference) -> float:
    """Share of the reference images in a group that are nearest to its centre; as before where none is in one."""
    groups = [group_of(str(node)) for node in reference.node]
    kept = [row for row, group in enumerate(groups) if group is not None]
    if not kept:
        return root.returned
    reduced = root.reduction.transform(reference.features[kept].astype(np.float64))
    own = np.array([_number(groups[row]) for row in kept])
    between = ((reduced[:, np.newaxis] - centres[np.newaxis]) ** 2).sum(axis=2)
    return float((between.argmin(axis=1) == own).mean())


def _notes(bundle: Bundle, moved: int, accepted: Sequence[_Accepted]) -> list[str]:
    notes = []
    if moved:
        notes.append(f"centres of bundle {bundle.number}, moved by {moved} images that operators confirmed")
    for one in accepted:
        called = f" ({one.name})" if one.name else ""
        notes.append(
            f"{one.node}{called}: {len(one.image_ids)} novel images that were accepted as a group; what falls into it "
            "gets no label before the next training"
        )
    return notes


def _number(node: str) -> int:
    group = group_of(node)
    if group is None or group != node:
        raise ValueError(f"{node!r} is no group of the root; proposed groups are called {ROOT}.7 or the like")
    return int(node.split(".")[1])
