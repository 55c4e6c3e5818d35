"""Outputs of the stages that are never trained, computed once for all images and all runs."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from nearlabel.features.batches import padded
from nearlabel.features.devices import torch_set_up
from nearlabel.learning.data.arrays import ImageArrays, open_arrays, write_arrays
from nearlabel.learning.network.model import Classifier, build_classifier
from nearlabel.sources import fingerprint, sources_of


def encode_frozen_stages(images, output, *, network: Mapping[str, Any], fine_tune: str, **build: Any) -> None:
    """Compute what the stages that are never trained give for every image.

    Parameters
    ----------
    images : str or Path
        Decoded images.
    output : str or Path
        See `run_frozen_stages`.
    network, fine_tune, **build
        Of `nearlabel.learning.network.model.build_classifier`.
    """
    classifier = build_classifier(network, fine_tune=fine_tune, **build)
    run_frozen_stages(classifier, open_arrays(images), output, batch_size=network["batch_size"])


def run_frozen_stages(classifier: Classifier, images: ImageArrays, output, *, batch_size: int) -> None:
    """Compute what the frozen stages give for every image, and write it to one file.

    Parameters
    ----------
    classifier : Classifier
        With frozen stages: fine_tune ``last_block`` or ``head``.
    images : ImageArrays
        Decoded images.
    output : str or Path
        HDF5 file with data set ``frozen``, float32 (n, …), rows as in `images`.
    batch_size : int
        Images per pass.

    Raises
    ------
    ValueError
        The classifier has no frozen stages; an output is not finite.
    """
    if classifier.frozen is None:
        raise ValueError("with fine_tune full every stage is trained, and there is nothing to compute once")
    sources = sources_of(__name__)
    parts = {
        "images": str(images.attributes["fingerprint"]),
        "classifier": classifier.describe(),
        "batch_size": batch_size,
        "sources": sources.describe(),
    }
    attributes = {
        "fingerprint": fingerprint(parts),
        "network": classifier.name,
        "weights": classifier.weights,
        "weights_sha256": classifier.weights_sha256,
        "fine_tune": classifier.fine_tune,
        "library_versions": json.dumps(sources.libraries, sort_keys=True),
    }
    write_arrays(output, "frozen", _outputs(classifier, images, batch_size), list(images.image_id), attributes)


def _outputs(classifier: Classifier, images: ImageArrays, batch_size: int) -> Iterator[np.ndarray]:
    with torch.inference_mode(), torch_set_up(classifier.threads):
        for start in tqdm(range(0, len(images.values), batch_size), unit="batch", disable=None):
            rows = images.values[start : start + batch_size]
            found = classifier.frozen(classifier.take(padded(rows, batch_size)))[: len(rows)].float().cpu().numpy()
            bad = ~np.isfinite(found.reshape(len(found), -1)).all(axis=1)
            if bad.any():
                raise ValueError(
                    f"{classifier.name} gives NaN or infinity for image {images.image_id[start + bad.argmax()]!r}; "
                    "check its weights"
                )
            yield found
