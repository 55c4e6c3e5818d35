"""What a bundle holds."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

FACTS, GROUPS, ARRAYS, MODEL, NETWORK, HELD_OUT, KNOWN, WEIGHTS = (
    "bundle.json", "groups.skops", "arrays.h5", "model.skops", "network.pt", "held_out.csv", "known.csv", "weights",
)  # fmt: skip
"""Files of a bundle's folder; ``weights`` is a folder with the encoders' own files of published weights."""

NEWEST, USED = "newest.json", "used.json"
"""Beside the numbered folders: which bundle was made last, and which one is in use."""


class NodeGroups(NamedTuple):
    """A node whose images are in groups.

    Attributes
    ----------
    node : str
        ``root``, ``root.1``, …
    encoder : str
        Id of the encoder whose features it was clustered by.
    reduction : sklearn.pipeline.Pipeline
        From the encoder's features to what distances are measured in.
    centres : ndarray of float64, shape (k, c)
        Mean of each cluster's images; row i is cluster i (noise, −1, has none).
    counts : ndarray of int, shape (k,)
        Images of each.
    returned : float
        Share of the images whose nearest centre is that of their own cluster.
    """

    node: str
    encoder: str
    reduction: Any
    centres: np.ndarray
    counts: np.ndarray
    returned: float


class Reference(NamedTuple):
    """Training images that new ones are held against.

    Attributes
    ----------
    image_id, sha256, label, node : ndarray of object (str), shape (n,)
        Label and leaf group may be empty.
    features : ndarray of float32, shape (n, d)
        What novelty is measured in.
    place : ndarray of float32, shape (n, 2)
        On the map; NaN where an image is not on it.
    thumbnails : list of bytes, length n
        WebP, 64 pixels.
    """

    image_id: np.ndarray
    sha256: np.ndarray
    label: np.ndarray
    node: np.ndarray
    features: np.ndarray
    place: np.ndarray
    thumbnails: list[bytes]


class Calibration(NamedTuple):
    """What held-out images say, near-duplicates and images of one part on one side.

    Attributes
    ----------
    novelty : ndarray of float64, shape (m,)
        Novelty of the held-out good images, ascending.
    neighbors : int
        How many nearest training images novelty is measured by.
    nonconformity : dict of str to ndarray of float64
        By label: scores of its held-out images under their own label, ascending; see
        `nearlabel.production.novelty.sets`. Empty without labels.
    brightness, contrast : ndarray of float64, shape (g,)
        Of good images, held out or in the reference, in any order: the baseline of drift.
    weights : mapping of str to ndarray of float64
        By label: how many images each of `nonconformity` stands for. Empty where each stands for itself.
    """

    novelty: np.ndarray
    neighbors: int
    nonconformity: dict[str, np.ndarray]
    brightness: np.ndarray
    contrast: np.ndarray
    weights: Mapping[str, np.ndarray] = MappingProxyType({})


class Bundle(NamedTuple):
    """All that labels new images.

    Attributes
    ----------
    folder : Path
        Where it lies.
    number : int
    sha256 : str
        Of all its content: what a row in the database is known to be of.
    facts : dict
        What ``bundle.json`` says: ``number, run, dataset, commit, config_hash, library_versions, encoders`` (id → id,
        options, seed, weights_sha256, weights_file, own_weights, module_sha256, library_versions, scale, and
        ``reference``: arrays, where it pools by novelty), ``labels`` (all that may be given, the good ones first),
        ``normal`` (those of good images; empty: all images), ``label_by`` (``model``, ``network`` or ``""``),
        ``network_weights`` (the user's own file that the network began with; empty where it is none), ``unlearnt``
        (groups of the root that operators accepted and what labels has not learnt from), ``coverage``,
        ``false_alarms``, ``images`` (learnt; held_out; good: those that novelty is calibrated by; people; line),
        ``groups`` (node → how many), ``clustering`` (what ids of groups stand for), ``followed`` (identity
        of a database → the last word in it that the root's centres come from), ``scores`` (``balanced_accuracy`` and
        ``labels``: per label images and recall, on images that were not learnt from; ``how``), ``notes`` (sentences),
        ``files`` (name → sha256).
    names : dict of str to str
        Node → a person's name for it.
    nodes : dict of str to NodeGroups
        By node; ``root`` is always there.
    reference : Reference
    calibration : Calibration
    model : dict or None
        As `nearlabel.grouping.models.saved.load_model` gives it; None where the network or nothing gives labels.
    known : dict of str to str
        Content (sha256) → the label that people have given it.
    """

    folder: Path
    number: int
    sha256: str
    facts: dict[str, Any]
    names: dict[str, str]
    nodes: dict[str, NodeGroups]
    reference: Reference
    calibration: Calibration
    model: dict[str, Any] | None
    known: dict[str, str]
