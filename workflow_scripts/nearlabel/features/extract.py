"""Extraction: from ``images.csv`` to a feature file, streaming, through the cache."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.features.encoding.extraction import Extraction
from nearlabel.files import write_json


def extract_features(
    images: pd.DataFrame,
    encoder: Mapping[str, Any],
    *,
    output,
    cache,
    seed: int | None = None,
    reference_seed: int = 0,
    reference: Mapping[str, np.ndarray] | None = None,
    weights_dir=None,
    weights_mirror: str | None = None,
    device: str = "auto",
    workers: int = 0,
) -> None:
    """Compute the features of all images by one encoder and write them to one HDF5 file.

    Images are held for a few batches only. Each batch's features go into the cache at once: a killed run continues
    with the batches that it lacks and ends with the same bytes; images seen before, by content, are not computed again,
    and exact duplicates are computed once.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``: image_id, path, width, height, sha256, full_range. Rows of the output follow it.
    encoder : dict
        ``name`` and optionally ``weights, geometry, image_size, tile_overlap, tile_pool, batch_size, threads,
        precision, module, callable, pooling, novelty``: see `nearlabel.features.encoders.build_encoder`. ``id`` is what
        messages and the file call it. ``batch_size`` is a number, or ``auto``:
        `nearlabel.features.devices.choose_batch_size`.
    output : str or Path
        The feature file; see `nearlabel.features.store.write_features`. Attributes: encoder (``id``),
        network (``name``), weights, weights_sha256, weights_source, weights_dir (where they were found in one),
        geometry, image_size, pooling, batch_size (of a forward pass), precision, cache (folder of the features, by
        image) and library_versions (JSON); with pooling by novelty also novelty (JSON: stages, reference, temperature,
        share, between, covers).
    cache : str or Path
        Folder of feature caches.
    seed : int, optional
        Of seeded weights, as `nearlabel.seeds.derive_seed` gives it.
    reference_seed : int
        Of the reference set that pooling by novelty holds images against.
    reference : mapping, optional
        What was kept of another data set's, see `nearlabel.features.store.read_reference`, to hold the images against
        instead of one of their own.
    weights_dir, weights_mirror : optional
        Where weights come from; see `nearlabel.features.weights.files.find_weights_file`.
    device : str
        auto, cpu, cuda or cuda:N.
    workers : int
        Processes beside this one: on the CPU each decodes and encodes whole batches, on a card they decode. They hold
        the network's weights together. 0: none. They change no number.

    Raises
    ------
    FileNotFoundError, ValueError
        An image is gone or changed since it was listed, or too thin a strip to be placed; weights are missing or
        damaged; features are not finite.
    """
    if images.empty:
        raise ValueError(f"{output}: images.csv lists no image to extract features of")
    extraction = Extraction(
        images,
        encoder,
        cache=cache,
        seed=seed,
        reference_seed=reference_seed,
        reference=reference,
        weights_dir=weights_dir,
        weights_mirror=weights_mirror,
        device=device,
        workers=workers,
    )
    extraction.fill()
    extraction.write(output)


def encode_part(
    images: pd.DataFrame, encoder: Mapping[str, Any], *, part: int, parts: int, output, **where: Any
) -> None:
    """Compute what the cache lacks of one part of a data set; `extract_features` then finds it there.

    Parameters
    ----------
    images : DataFrame
        ``images.csv`` whole.
    encoder : dict
        As for `extract_features`.
    part, parts : int
        Number of the part, from 0, and how many there are; see `nearlabel.features.encoding.parts.choose_part`.
    output : str or Path
        JSON: ``encoder, part, parts, images`` (of unlike content in the part), ``cache`` (folder that has them).
    **where
        As for `extract_features`.
    """
    extraction = Extraction(images, encoder, **where)
    facts = {"encoder": extraction.label, "part": part, "parts": parts, "images": extraction.fill(part, parts)}
    write_json(output, facts | {"cache": extraction.store.folder.name})
