"""An encoder as its feature file describes it."""

import json
from dataclasses import dataclass
from pathlib import Path

from nearlabel.hdf5 import opened_hdf5


@dataclass(frozen=True)
class EncoderReport:
    """One encoder as its feature file describes it; ``dimension`` counts the features of an image."""

    id: str
    network: str
    weights: str
    weights_sha256: str
    weights_source: str
    geometry: str
    pooling: str
    image_size: str
    dimension: int
    library_versions: dict[str, str]

    @property
    def untrained(self) -> bool:
        """True where the weights are random numbers from a seed."""
        return self.weights == "seeded"


def read_encoder(path) -> EncoderReport:
    """Read the attributes of a feature file and its dimension, not its features."""
    path = Path(path)
    with opened_hdf5(path) as file:
        attributes, dimension = dict(file.attrs), int(file["features"].shape[1])
    try:
        versions = json.loads(attributes.get("library_versions", "{}"))
    except ValueError:
        versions = {"libraries": str(attributes["library_versions"])}
    keys = ("network", "weights", "weights_sha256", "weights_source", "geometry")
    texts = {key: str(attributes.get(key, "")) for key in keys}
    return EncoderReport(
        id=path.stem,
        **texts,
        pooling=_describe_pooling(attributes),
        image_size=_describe_size(attributes.get("image_size", "null")),
        dimension=dimension,
        library_versions=versions,
    )


def _describe_pooling(attributes: dict) -> str:
    """Name of the pooling; of novelty also the share of the novel patches in the features."""
    pooling = str(attributes.get("pooling", "average")).replace("_", " ")
    if "novelty" not in attributes:
        return pooling if attributes.get("weights_sha256") else "–"
    return f"{pooling} (share {json.loads(attributes['novelty'])['share']:.2g})"


def _describe_size(text) -> str:
    """Height and width as a person writes them, from JSON: ``[224, 224]``, ``224``, or null for images as they are."""
    size = json.loads(str(text))
    if size is None:
        return "as the image"
    return " × ".join(str(side) for side in size) if isinstance(size, list) else str(size)
