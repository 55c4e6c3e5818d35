"""The bundle's training images beside the new ones: thumbnails, the map, names, what images are called there."""

from typing import Any

import numpy as np

from nearlabel.files import read_table
from nearlabel.images.scales import Scale
from nearlabel.labelling.answers.reading import LINE
from nearlabel.production.bundle.contents import HELD_OUT, Bundle
from nearlabel.production.novelty.sets import always_in

_STEPS = 10_000


class TrainingImages:
    """What the page shows of a bundle.

    Parameters
    ----------
    bundle : Bundle
    """

    def __init__(self, bundle: Bundle):
        self.bundle = bundle
        reference = bundle.reference
        self._rows = {str(name): row for row, name in enumerate(reference.image_id)}
        self._ids = {str(sha256): str(name) for sha256, name in zip(reference.sha256, reference.image_id, strict=True)}
        self._ids |= _held_out(bundle)
        # Adopted from the line, where nothing lies under this name before it is exported.
        self._ids = {sha256: name for sha256, name in self._ids.items() if not name.startswith(LINE)}
        self._places = _PlacedPoints(np.asarray(reference.place, dtype=np.float64))

    def describe(self) -> dict[str, Any]:
        """Say what the page shows of the bundle as a whole."""
        facts = self.bundle.facts
        return {
            "number": self.bundle.number,
            "sha256": self.bundle.sha256,
            "labels": [str(label) for label in facts.get("labels", [])],
            "names": dict(self.bundle.names),
            "always": sorted(self.always),
        }

    @property
    def scale(self) -> Scale:
        """Of images of more than 8 bits, as `nearlabel.production.labeller.labeller.Labeller` has it."""
        return Scale(**next(iter(self.bundle.facts["encoders"].values())).get("scale") or {"bits": 16})

    @property
    def always(self) -> list[str]:
        """Labels that are in every set for want of held-out images."""
        facts, calibration = self.bundle.facts, self.bundle.calibration
        if not calibration.nonconformity:
            return []
        return list(always_in(facts["labels"], calibration.nonconformity, facts["coverage"], calibration.weights))

    def image_id(self, sha256: str) -> str | None:
        """Return what an image of this content is called in the data set; None: it is not in it, or of the line."""
        return self._ids.get(sha256)

    def thumbnail(self, row: int) -> bytes | None:
        """Return a training image, small, as WebP."""
        thumbnails = self.bundle.reference.thumbnails
        return bytes(thumbnails[row]) if 0 <= row < len(thumbnails) else None

    def add_rows(self, neighbors: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Say of each neighbour which row of the reference it is, None where it is none of this bundle's."""
        return [one | {"row": self._rows.get(str(one.get("image_id")))} for one in neighbors]

    def map(self) -> dict[str, Any]:
        """Return the map: places of the training images that are on it, and their labels.

        Returns
        -------
        dict
            ``x``, ``y``: lists of int, in a square of 10,000 steps a side; ``labels``: names; ``label``: list of int,
            which of the names each image has, −1 for none.
        """
        kept = np.flatnonzero(self._places.known)
        labels = sorted({str(label) for label in self.bundle.reference.label} - {""})
        number = {label: place for place, label in enumerate(labels)}
        x, y = self._places.steps[kept].T if len(kept) else ((), ())
        return {
            "x": [int(one) for one in x],
            "y": [int(one) for one in y],
            "labels": labels,
            "label": [number.get(str(self.bundle.reference.label[row]), -1) for row in kept],
        }

    def place(self, place: list[float] | None) -> list[int] | None:
        """Return where on the map a new image lies, in the map's steps, at its edge where it would be outside."""
        if place is None or not self._places.known.any():
            return None
        return [int(one) for one in self._places.to_steps(np.array([place], dtype=np.float64))[0]]


def _held_out(bundle: Bundle) -> dict[str, str]:
    """Return what held-out images are called, by sha256."""
    file = bundle.folder / HELD_OUT
    if not file.is_file():
        return {}
    table = read_table(file, ("image_id", "sha256"))
    return dict(zip(table["sha256"], table["image_id"], strict=True))


class _PlacedPoints:
    """Places on the map in whole steps, both axes on one scale."""

    def __init__(self, places: np.ndarray):
        self.known = np.isfinite(places).all(axis=1) if len(places) else np.zeros(0, bool)
        found = places[self.known]
        self._least = found.min(axis=0) if len(found) else np.zeros(2)
        extent = np.ptp(found, axis=0) if len(found) else np.ones(2)
        self._side = max(float(extent.max()), 1e-12)
        self._gap = (self._side - extent) / 2
        self.steps = self.to_steps(np.where(self.known[:, None], places, self._least))

    def to_steps(self, places: np.ndarray) -> np.ndarray:
        share = (places - self._least + self._gap) / self._side
        return np.rint(share.clip(0, 1) * _STEPS).astype(np.int64)
