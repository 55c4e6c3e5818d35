"""Databases of made-up labels with vectors of our choice, and operators' words on them."""

import dataclasses
import itertools

import numpy as np

from helpers.labelled_images import labelled, prepared
from nearlabel.production.bundle.contents import Bundle, Calibration, NodeGroups, Reference
from nearlabel.production.database.opening import open_database, transaction
from nearlabel.production.database.recording import Arrival, Event, Recorded, record_batch
from nearlabel.production.streaming.confirmed import note_of


def vector_bundle(centres, counts, *, sha256="b" * 64, names=None) -> Bundle:
    """A bundle of which only the root's groups and names matter."""
    centres = np.asarray(centres, np.float64)
    root = NodeGroups("root", "texture", None, centres, np.asarray(counts), 1.0)
    none = np.empty(0)
    reference = Reference(none, none, none, none, np.empty((0, 2)), np.empty((0, 2)), [])
    facts = {"normal": ["good"], "labels": ["good", "scratch"]}
    calibration = Calibration(none, 5, {}, none, none)
    return Bundle(None, 1, sha256, facts, names or {}, {"root": root}, reference, calibration, None, {})


class Stream:
    """A watcher's database that is filled by hand."""

    def __init__(self, folder, bundle):
        self.connection = open_database(folder / "labels.sqlite", create=True)
        self.bundle, self._next = bundle, itertools.count(1)
        self._said = itertools.count(1)

    def add(self, vectors, node="", *, parts=None, shadow="", events=(), bundle=None, names=None) -> list[int]:
        """Record an image for each vector; novel without a node. Returns their label_ids."""
        rows = []
        for place, vector in enumerate(np.asarray(vectors, np.float32)):
            label_id = next(self._next)
            image = prepared(names[place] if names else f"/inbox/{label_id}.png")
            steps = node.split(".")
            lineage = tuple(".".join(steps[: depth + 1]) for depth in range(1, len(steps))) if node else ()
            said = dataclasses.replace(labelled(image, novel=not node), lineage=lineage, vector=vector)
            part = parts[place] if parts else image.path
            rows.append(
                Recorded(Arrival(image.path, label_id, image.bytes, "left", part), image, said, label_id, shadow)
            )
        of = bundle or self.bundle
        record_batch(self.connection, rows, bundle=of.number, bundle_sha256=of.sha256, events=events, state=note_of(of))
        return [row.label_id for row in rows]

    def say(self, label_id, action="confirm", *, node="", label="", undoes=None) -> int:
        """An operator's word; returns its number."""
        (image_id,) = self.connection.execute("SELECT image_id FROM labels WHERE label_id = ?", (label_id,)).fetchone()
        with transaction(self.connection):
            return self.connection.execute(
                "INSERT INTO corrections (image_id, label_id, operator, time, action, label, node, undoes, request) "
                "VALUES (?, ?, 'anna', '', ?, ?, ?, ?, ?)",
                (image_id, label_id, action, label, node, undoes, str(next(self._said))),
            ).lastrowid

    def record(self, proposals) -> None:
        """Write down what was proposed."""
        record_batch(self.connection, events=[Event("proposal", one.sentence, one.detail) for one in proposals])
