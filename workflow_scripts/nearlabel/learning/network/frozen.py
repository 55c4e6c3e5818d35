"""Outputs of the stages that are never trained, computed once for all images and all runs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from nearlabel.bars import Progress
from nearlabel.features.batches import padded
from nearlabel.features.devices import autocast, choose_batch_size, torch_set_up
from nearlabel.features.encoding.processes import share_out_in_order
from nearlabel.features.encoding.streams import stream
from nearlabel.learning.data.arrays import ImageArrays, open_arrays, write_arrays
from nearlabel.learning.network.model import Classifier, build_classifier
from nearlabel.sources import fingerprint, sources_of


def encode_frozen_stages(
    images, output, *, network: Mapping[str, Any], fine_tune: str, workers: int = 0, **build: Any
) -> None:
    """Compute what the stages that are never trained give for every image.

    Parameters
    ----------
    images : str or Path
        Decoded images.
    output : str or Path
        See `run_frozen_stages`.
    workers : int
        Likewise.
    network, fine_tune, **build
        Of `nearlabel.learning.network.model.build_classifier`.
    """
    arrays, classifier = open_arrays(images), build_classifier(network, fine_tune=fine_tune, **build)
    size = choose_batch_size(network["batch_size"], classifier.device, arrays.values.shape[1:3])
    run_frozen_stages(classifier, arrays, output, batch_size=size, workers=workers)


def run_frozen_stages(
    classifier: Classifier, images: ImageArrays, output, *, batch_size: int, workers: int = 0
) -> None:
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
    workers : int
        Processes that compute on the CPU, as of `nearlabel.features.extract.extract_features`.

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
    blocks = _outputs(classifier, images, batch_size, workers)
    write_arrays(output, "frozen", _counted(blocks, len(images.values)), list(images.image_id), attributes)


def _counted(blocks: Iterable[np.ndarray], total: int) -> Iterator[np.ndarray]:
    with Progress(total, "images") as progress:
        for block in blocks:
            yield block
            progress.update(len(block))


def _outputs(classifier: Classifier, images: ImageArrays, batch_size: int, workers: int) -> Iterator[np.ndarray]:
    starts = range(0, len(images.values), batch_size)

    def start(batch: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode(), torch_set_up(classifier.threads, classifier.precision):
            images = classifier.normalise(batch)
            with autocast(classifier.device, classifier.precision):
                return classifier.frozen(images).float()

    def compute(number: int) -> np.ndarray:
        rows = images.values[starts[number] : starts[number] + batch_size]
        return start(torch.from_numpy(padded(rows, batch_size))).numpy()[: len(rows)]

    if classifier.device.type == "cuda":
        batches = (torch.from_numpy(np.array(images.values[at : at + batch_size])).pin_memory() for at in starts)
        found = (rows for rows, _ in stream(start, ((batch, None) for batch in batches), classifier.device, batch_size))
    else:
        found = share_out_in_order(compute, len(starts), workers)
    for at, rows in zip(starts, found, strict=True):
        bad = ~np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)
        if bad.any():
            raise ValueError(
                f"{classifier.name} gives NaN or infinity for image {images.image_id[at + bad.argmax()]!r}; "
                "check its weights"
            )
        yield rows
