"""A bundle at work: from files to what it says of each image."""

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from threadpoolctl import ThreadpoolController

from nearlabel.images.reading import MAX_PIXELS
from nearlabel.images.scales import Scale
from nearlabel.production.bundle.contents import NETWORK, Bundle
from nearlabel.production.labelled import MODEL, PERSON, Labelled, Neighbor, Prepared
from nearlabel.production.labelled import NETWORK as BY_NETWORK
from nearlabel.production.labeller.batch import Batch
from nearlabel.production.labeller.encoders import build_encoders
from nearlabel.production.labeller.labels import ModelLabels, NetworkLabels
from nearlabel.production.labeller.lineage import ROOT, Node, find_lineages
from nearlabel.production.labeller.reading import prepare_image
from nearlabel.production.novelty.conformal import normal_percentiles, p_values, require_rate
from nearlabel.production.novelty.distances import NearestReference, measure_novelty, novelty_features
from nearlabel.production.novelty.sets import always_in, class_p_values, error_rate, label_sets, nonconformity

PLACING = 10
"""Nearest training images whose median place on the map is a new image's, as openTSNE begins to place one."""


@dataclass
class Seconds:
    """Where time went.

    Attributes
    ----------
    decode : float
        Reading, decoding and placing, added up over threads.
    encode : float
        Passes of the encoders.
    rest : float
        All else of labelling.
    images : int
        Labelled.
    """

    decode: float = 0.0
    encode: float = 0.0
    rest: float = 0.0
    images: int = 0


class Labeller:
    """Labels images by a bundle.

    What is said of an image depends on the image and the bundle alone, to the last bit on one machine: not on what else
    is labelled with it. `prepare` may be called from several threads, `label` from one.

    Parameters
    ----------
    bundle : Bundle
    device, threads
        As for `nearlabel.features.encoders.build_encoder`.
    coverage, false_alarms : float, optional
        Of the sets of labels, and of flagging as novel; the bundle's own by default.
    batch_size : int, optional
        Images of a forward pass.
    weights_dir, module : optional
        As for `nearlabel.production.labeller.encoders.build_encoders`.
    runtime : {"torch", "onnx"}
        What computes networks.

    Raises
    ------
    FileNotFoundError, ValueError
        What the bundle needs is missing or does not fit; the held-out images cannot support the rate of false alarms.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        device: str = "auto",
        threads: int = 1,
        coverage: float | None = None,
        false_alarms: float | None = None,
        batch_size: int | None = None,
        weights_dir: str | Path | None = None,
        module: str | Path | None = None,
        runtime: str = "torch",
    ):
        self.bundle = bundle
        self.coverage = bundle.facts["coverage"] if coverage is None else coverage
        self.false_alarms = bundle.facts["false_alarms"] if false_alarms is None else false_alarms
        self._encoders = build_encoders(
            bundle,
            device=device,
            threads=threads,
            batch_size=batch_size,
            weights_dir=weights_dir,
            module=module,
            runtime=runtime,
        )
        self._giver = None
        if bundle.facts["label_by"] == BY_NETWORK:
            if runtime != "torch":
                raise ValueError(
                    f"bundle {bundle.number} labels by the network that labelling ended with, which needs torch; use "
                    "runtime torch, or a bundle with production.label_by: model"
                )
            self._giver = NetworkLabels(bundle, device=device, weights_dir=weights_dir)
        elif bundle.model is not None:
            self._giver = ModelLabels(bundle.model)
        # All of a data set's images have one scale, whatever the encoder.
        scale = next(iter(bundle.facts["encoders"].values())).get("scale") or {"bits": 16}
        self._scale = Scale(**scale)
        self._preparations = {name: encoder.prepare for name, encoder in self._encoders.items()}
        if isinstance(self._giver, NetworkLabels):
            self._preparations[NETWORK] = self._giver.prepare
        self._nodes = {name: Node(groups) for name, groups in bundle.nodes.items()}
        self._reference = NearestReference(bundle.reference.features)
        self._reference.spreads(bundle.calibration.neighbors)
        # Its other threads wait for products of one image's size longer than those take, where the cores are busy.
        self._blas = ThreadpoolController()
        self.seconds = Seconds()
        self._lock = threading.Lock()

    @property
    def coverage(self) -> float:
        """Stated coverage of the sets of labels; may be changed at any time."""
        return self._coverage

    @coverage.setter
    def coverage(self, value: float) -> None:
        error_rate(value)
        self._coverage = float(value)

    @property
    def false_alarms(self) -> float:
        """Stated rate of good images that are flagged as novel; may be changed at any time."""
        return self._false_alarms

    @false_alarms.setter
    def false_alarms(self, value: float) -> None:
        require_rate(value, len(self.bundle.calibration.novelty))
        self._false_alarms = float(value)

    @property
    def uncalibrated(self) -> dict[str, int]:
        """Labels that are in every set for want of held-out images, with how many those are."""
        labels = self._giver.labels if self._giver else []
        calibration = self.bundle.calibration
        return always_in(labels, calibration.nonconformity, self.coverage, calibration.weights)

    def prepare(self, path: str | os.PathLike, max_pixels: int = MAX_PIXELS, *, shown: bool = False) -> Prepared:
        """Read an image whole, once, and make it ready; see `nearlabel.production.labeller.reading.prepare_image`.

        Raises
        ------
        UnreadableImageError
            No whole image, or one that the data set would not have taken.
        """
        start = time.perf_counter()
        prepared = prepare_image(path, self._scale, self._preparations, max_pixels, shown=shown)
        with self._lock:
            self.seconds.decode += time.perf_counter() - start
        return prepared

    def take_seconds(self) -> Seconds:
        """Return where time went since this was last asked."""
        with self._lock:
            taken, self.seconds = self.seconds, Seconds()
        return taken

    def label(self, prepared: Sequence[Prepared]) -> list[Labelled]:
        """Say what the bundle says of images.

        Parameters
        ----------
        prepared : sequence of Prepared
            From `prepare`; any number.

        Returns
        -------
        list of Labelled
            In their order.
        """
        if not prepared:
            return []
        start = time.perf_counter()
        work = Batch(self._encoders, prepared)
        with self._blas.limit(limits=1, user_api="blas"):
            said = self._label(work)
        with self._lock:
            self.seconds.encode += work.seconds
            self.seconds.rest += time.perf_counter() - start - work.seconds
            self.seconds.images += len(prepared)
        return said

    def _label(self, work: Batch) -> list[Labelled]:
        bundle, images = self.bundle, work.images
        calibration, root = bundle.calibration, self._nodes[ROOT]
        everything = range(len(images))
        features = work.features(root.encoder, everything)
        reduced = root.reduce(features)
        measured = measure_novelty(novelty_features(features), self._reference, calibration.neighbors, PLACING)
        novelty, distances, nearest = measured
        novelty_p = p_values(novelty, calibration.novelty)
        percentile = normal_percentiles(novelty, calibration.novelty)
        novel = novelty_p <= self.false_alarms
        usual = np.flatnonzero(~novel)
        lineages: list[tuple[str, ...]] = [()] * len(images)
        walked = find_lineages(
            self._nodes, reduced[usual], lambda encoder, rows: work.features(encoder, [usual[row] for row in rows])
        )
        for row, lineage in zip(usual, walked, strict=True):
            lineages[row] = lineage
        labels = self._labels(images, features)
        said = []
        for row, image in enumerate(images):
            label, p_value, confidence, label_set = labels[row]
            by = (MODEL if isinstance(self._giver, ModelLabels) else BY_NETWORK) if label else ""
            # What labels has not seen a group's images would call them what it knows, good ones perhaps.
            if novel[row] or lineages[row][0] in bundle.facts["unlearnt"]:
                label, by = "", ""
            if image.sha256 in bundle.known:
                label, by = bundle.known[image.sha256], PERSON
            named = [bundle.names[group] for group in lineages[row] if bundle.names.get(group)]
            said.append(
                Labelled(
                    sha256=image.sha256,
                    lineage=lineages[row],
                    group=named[-1] if named else "",
                    label=label,
                    label_by=by,
                    p_value=p_value,
                    confidence=confidence,
                    label_set=label_set,
                    novelty=float(novelty[row]),
                    novelty_p=float(novelty_p[row]),
                    normal_percentile=float(percentile[row]),
                    novel=bool(novel[row]),
                    neighbors=self._neighbors(nearest[row], distances[row]),
                    place=self._place(nearest[row]),
                    vector=reduced[row].astype(np.float32),
                )
            )
        return said

    def _labels(self, images, features) -> list[tuple[str, float, float, tuple[str, ...]]]:
        """Label, its p-value, confidence and set of each image."""
        if self._giver is None:
            return [("", np.nan, np.nan, ())] * len(images)
        likeliest, scores = self._giver.scores(images, features)
        held_out = self.bundle.calibration
        p = class_p_values(nonconformity(scores), self._giver.labels, held_out.nonconformity, held_out.weights)
        inside = label_sets(p, self.coverage)
        found = []
        for row, given in enumerate(likeliest):
            # The label that is given first, whatever ties.
            order = sorted(range(len(self._giver.labels)), key=lambda column: (column != given, -scores[row, column]))
            others = [p[row, column] for column in order[1:]]
            found.append(
                (
                    self._giver.labels[given],
                    float(p[row, given]),
                    float(1 - max(others, default=0.0)),
                    tuple(self._giver.labels[column] for column in order if inside[row, column]),
                )
            )
        return found

    def _neighbors(self, nearest: np.ndarray, distances: np.ndarray) -> tuple[Neighbor, ...]:
        of = self.bundle.reference
        return tuple(
            Neighbor(str(of.image_id[row]), float(distance), str(of.label[row]), str(of.node[row]))
            for row, distance in zip(nearest[: self.bundle.calibration.neighbors], distances, strict=False)
        )

    def _place(self, nearest: np.ndarray) -> tuple[float, float]:
        places = self.bundle.reference.place[nearest[:PLACING]]
        places = places[np.isfinite(places).all(axis=1)]
        if not len(places):
            return float("nan"), float("nan")
        return tuple(median(map(float, along)) for along in places.T)
