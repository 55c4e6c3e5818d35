"""Extraction: from ``images.csv`` to a feature file, streaming, through the cache."""

import hashlib
import json
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from nearlabel.features.batches import Encoder, encode_images
from nearlabel.features.cache import FeatureCache
from nearlabel.features.encoders import build_encoder
from nearlabel.features.placement import require_placeable
from nearlabel.features.pooling.novelty import NoveltyEncoder
from nearlabel.features.pooling.reference import choose_reference
from nearlabel.features.pooling.rows import NoveltyRows
from nearlabel.features.preparation import load_image
from nearlabel.features.store import read_reference, write_features, write_reference
from nearlabel.images.scales import content_keys, full_ranges
from nearlabel.sources import fingerprint, sources_of

logger = logging.getLogger(__name__)

# What the features of every encoder depend on, beside the encoder's own code.
_STEPS = ("nearlabel.features.batches", "nearlabel.features.preparation")
_OPTIONS = (
    "geometry", "image_size", "tile_overlap", "tile_pool", "threads", "module", "callable", "pooling", "novelty"
)  # fmt: skip

REFERENCE_FILE = "reference.hdf5"
"""In a cache's folder, beside its shards ``*.h5``: what was learnt of the reference set."""


def extract_features(
    images: pd.DataFrame,
    encoder: dict,
    *,
    output,
    cache,
    seed: int | None = None,
    reference_seed: int = 0,
    reference: Mapping[str, np.ndarray] | None = None,
    weights_dir=None,
    weights_mirror: str | None = None,
    device: str = "auto",
    workers: int = 1,
) -> None:
    """Compute the features of all images by one encoder and write them to one HDF5 file.

    Images are decoded in other processes and held for a few batches only. Each batch's features go into the cache at
    once: a killed run continues after the last whole batch and ends with the same bytes; images seen before, by
    content, are not computed again, and exact duplicates are computed once.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``: image_id, path, width, height, sha256, full_range. Rows of the output follow it.
    encoder : dict
        ``name`` and optionally ``weights, geometry, image_size, tile_overlap, tile_pool, batch_size, threads, module,
        callable, pooling, novelty``: see `nearlabel.features.encoders.build_encoder`. ``id`` is what messages and the
        file call it.
    output : str or Path
        The feature file; see `nearlabel.features.store.write_features`. Attributes: encoder (``id``),
        network (``name``), weights, weights_sha256, weights_source, weights_dir (where they were found in one),
        geometry, image_size, pooling, cache (folder of the features, by image) and library_versions (JSON); with
        pooling by novelty also novelty (JSON: stages, reference, temperature, share, between, covers).
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
        Processes that decode; 0 decodes in this one. They change no number.

    Raises
    ------
    FileNotFoundError, ValueError
        An image is gone or changed since it was listed, or too thin a strip to be placed; weights are missing or
        damaged; features are not finite.
    """
    if images.empty:
        raise ValueError(f"{output}: images.csv lists no image to extract features of")
    options = {key: encoder[key] for key in _OPTIONS if key in encoder}
    built = build_encoder(
        encoder["name"],
        encoder.get("weights", "imagenet"),
        seed=seed,
        weights_dir=weights_dir,
        weights_mirror=weights_mirror,
        device=device,
        **options,
    )
    require_placeable(built.prepare.refusal, images)
    label = encoder.get("id", built.name)
    batch_size = encoder.get("batch_size", 32)
    # Images as they are can differ in shape; were a pass to hold those of one shape, an added image could change all.
    pass_size = 1 if built.geometry == "native" else batch_size
    # A pooling is around a network's own encoder.
    modules = {type(one).__module__ for one in (built, getattr(built, "encoder", built))}
    sources = sources_of(*sorted(modules), *_STEPS)
    images = images.assign(key=content_keys(images), full_range=full_ranges(images))
    unique = images.drop_duplicates("key")
    novel = NoveltyRows(built, pass_size) if isinstance(built, NoveltyEncoder) else None
    held_against = {}
    if novel and reference is not None:
        novel.restore(reference)
        held_against = {name: hashlib.sha256(values.tobytes()).hexdigest() for name, values in reference.items()}
    elif novel:
        chosen = choose_reference(unique["key"], built.reference, reference_seed)
        held_against = {"images": chosen, "seed": reference_seed}
    store = FeatureCache(
        cache,
        {
            "encoder": built.name,
            "weights_sha256": built.weights_sha256,
            "settings": built.settings,
            "batch_size": pass_size,
            "sources": sources.describe(),
            **({"reference": fingerprint(held_against)} if novel else {}),
        },
    )
    missing = unique[[key not in store for key in unique["key"]]]
    logger.info(
        "%s: %d images, %d of unlike content, %d of them in the cache %s",
        label, len(images), len(unique), len(unique) - len(missing), store.folder,
    )  # fmt: skip
    if novel and reference is None:
        listed = unique.set_index("key", drop=False).loc[chosen]
        _learn_reference(store.folder / REFERENCE_FILE, novel, listed, built, batch_size, workers, reference_seed)
    if len(missing):
        _fill_cache(store, missing, built, novel, label, batch_size, pass_size, workers)
    keys = list(images["key"])
    write_features(
        output,
        store.blocks(keys),
        list(images["image_id"]),
        {
            "encoder": label,
            "network": built.name,
            "weights": built.weights,
            "weights_sha256": built.weights_sha256,
            "weights_source": built.weights_source,
            "weights_dir": str(weights_dir) if built.weights_source == "weights_dir" else "",
            "geometry": built.geometry,
            "image_size": json.dumps(built.image_size),
            "pooling": getattr(built, "pooling", "average"),
            "cache": store.folder.name,
            "library_versions": json.dumps(sources.libraries, sort_keys=True),
            **({"novelty": json.dumps(built.describe(novel.mixture))} if novel else {}),
        },
        zip(store.blocks(keys, "novelty"), store.blocks(keys, "novelty_map"), strict=True) if novel else None,
        novel.keep() if novel else None,
    )


def _learn_reference(
    known: Path,
    novel: NoveltyRows,
    images: pd.DataFrame,
    encoder: NoveltyEncoder,
    batch_size: int,
    workers: int,
    seed: int,
) -> None:
    """Learn the reference set, unless the file `known` has what was learnt of it."""
    try:
        novel.restore(read_reference(known))
        return
    except FileNotFoundError:
        pass
    except ValueError as error:
        logger.warning("%s is damaged (%s): the reference set is learnt again", known, error)
    logger.info("a reference set of %d images says what is novel", len(images))
    novel.learn(list(images["key"]), _prepared_batches(encoder, images, batch_size, workers), seed)
    write_reference(known, novel.keep())


def _fill_cache(
    store: FeatureCache,
    missing: pd.DataFrame,
    encoder: Encoder,
    novel: NoveltyRows | None,
    label: str,
    batch_size: int,
    pass_size: int,
    workers: int,
) -> None:
    keys, ids = list(missing["key"]), list(missing["image_id"])
    # Where the tiles of an image lie follows from its shape.
    frames = list(zip(missing["width"].astype(int), missing["height"].astype(int), strict=True)) if novel else []
    start = time.perf_counter()
    # Into a file, a line a minute is enough.
    interval = 0.5 if sys.stderr.isatty() else 60
    with tqdm(total=len(keys), desc=label, unit="img", mininterval=interval, maxinterval=interval) as progress:
        done = 0
        for prepared in _prepared_batches(encoder, missing, batch_size, workers):
            rows = slice(done, done + len(prepared))
            if novel:
                found = novel.encode(prepared, keys[rows], frames[rows])
            else:
                found = {"features": encode_images(encoder, prepared, pass_size)}
            _check_finite(found["features"], ids[rows], label)
            store.add(keys[rows], **found)
            done += len(prepared)
            progress.update(len(prepared))
    seconds = time.perf_counter() - start
    logger.info("%s: %d images in %.1f s, %.2f images/s", label, done, seconds, done / seconds)


class _ListedImages(Dataset):
    """Images as ``images.csv`` lists them, prepared; an error is returned, for the job's own process to raise."""

    def __init__(self, encoder: Encoder, images: pd.DataFrame):
        self._prepare = encoder.prepare
        self._rows = list(images[["path", "sha256", "full_range"]].itertuples(index=False, name=None))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> np.ndarray | Exception:
        try:
            return self._prepare(load_image(*self._rows[index]))
        except Exception as error:
            return error


def _as_list(batch: list) -> list:
    return batch


def _end_with(parent: int, _worker: int) -> None:
    """Let a process that decodes end when its parent was killed; blocked on a full pipe, it would stay for ever."""

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _prepared_batches(
    encoder: Encoder, images: pd.DataFrame, batch_size: int, workers: int
) -> Iterator[list[np.ndarray]]:
    """Yield prepared images in their order, a batch at a time; at most a few batches are ahead."""
    # A forked process decodes at once; a spawned one would first run the job's script again.
    forks = "fork" in multiprocessing.get_all_start_methods()
    loader = DataLoader(
        _ListedImages(encoder, images),
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=_as_list,
        prefetch_factor=2 if workers else None,
        multiprocessing_context="fork" if workers and forks else None,
        worker_init_fn=partial(_end_with, os.getpid()),
        # The loader draws a seed; not from the caller's random numbers.
        generator=torch.Generator(),
    )
    for batch in loader:
        for prepared in batch:
            if isinstance(prepared, Exception):
                raise prepared
        yield batch


def _check_finite(features: np.ndarray, ids: Sequence[str], label: str) -> None:
    bad = [image for image, row in zip(ids, features, strict=True) if not np.isfinite(row).all()]
    if bad:
        raise ValueError(
            f"encoder {label} gives NaN or infinite features for {len(bad)} of {len(ids)} images of a batch, first "
            f"{', '.join(map(repr, bad[:3]))}; check its weights"
        )
