"""What a bundle says of one image."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

PERSON, MODEL, NETWORK = "person", "model", "network"
"""Who has given a label: a person (of this very content, by its hash), the model on top, the learnt network."""


@dataclass(frozen=True)
class Neighbor:
    """One of the nearest training images.

    Attributes
    ----------
    image_id : str
        In the bundle's data set.
    distance : float
        Euclidean, in the features that novelty is measured in.
    label, node : str
        What the image was labelled, and its leaf group; may be empty.
    """

    image_id: str
    distance: float
    label: str
    node: str


@dataclass(frozen=True)
class Labelled:
    """What a bundle says of one image.

    Attributes
    ----------
    sha256 : str
        Of the file.
    lineage : tuple of str
        Its groups from the top down (``root.1``, ``root.1.3``); empty where the image is novel.
    group : str
        A person's name of the deepest group that has one; may be empty.
    label : str
        Empty where the image is novel, or in a group that operators accepted and what labels has not learnt from,
        unless a person has labelled this very content; and where nothing gives labels.
    label_by : str
        ``person``, ``model``, ``network``; empty without a label.
    p_value, confidence : float
        Of the most likely label: its conformal p-value, and 1 less the largest p-value of the others. NaN without
        labels.
    label_set : tuple of str
        Labels whose p-value is above 1 less the stated coverage, most likely first; may be empty, or all.
    novelty : float
        Mean distance to the nearest training images, as a multiple of theirs to their own nearest.
    novelty_p : float
        Share of held-out good images at least as novel: (1 + #{≥}) / (m + 1).
    normal_percentile : float
        Share of held-out good images less novel, 0 to 100.
    novel : bool
        ``novelty_p`` is at most the stated rate of false alarms.
    neighbors : tuple of Neighbor
        The nearest training images, nearest first.
    place : tuple of two floats
        On the map of the training images; NaN where there is none.
    vector : ndarray of float32, shape (c,)
        Reduced features of the root, which centres are distances in.
    """

    sha256: str
    lineage: tuple[str, ...]
    group: str
    label: str
    label_by: str
    p_value: float
    confidence: float
    label_set: tuple[str, ...]
    novelty: float
    novelty_p: float
    normal_percentile: float
    novel: bool
    neighbors: tuple[Neighbor, ...]
    place: tuple[float, float]
    vector: np.ndarray = field(repr=False, compare=False)

    @property
    def node(self) -> str:
        """The leaf group; empty where the image is novel."""
        return self.lineage[-1] if self.lineage else ""


@dataclass(frozen=True)
class Prepared:
    """An image that was read whole, once, and made ready for a bundle's encoders.

    Attributes
    ----------
    path : str
        Where it lay.
    sha256 : str
        Of the bytes that were decoded.
    width, height : int
        In pixels.
    mode : str
        As ``images.csv`` has it.
    bytes : int
        Size of the file.
    brightness, contrast : float
        Mean and standard deviation of the grey values, in 0 to 1.
    thumbnail : bytes
        WebP, the long side at most 96 pixels; empty where nobody will look at it.
    placed : dict of str to ndarray
        By encoder: uint8, shape (tiles, h, w, 3), or what else the encoder's ``prepare`` gives.
    """

    path: str
    sha256: str
    width: int
    height: int
    mode: str
    bytes: int
    brightness: float
    contrast: float
    thumbnail: bytes = field(repr=False)
    placed: dict[str, Any] = field(repr=False, compare=False)
