"""Extraction: from ``images.csv`` to a feature file, streaming, through the cache."""

import json
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from nearlabel.features.batches import Encoder, encode_images
from nearlabel.features.cache import FeatureCache
from nearlabel.features.encoders import build_encoder
from nearlabel.features.preparation import load_image
from nearlabel.features.store import write_features
from nearlabel.sources import sources_of

logger = logging.getLogger(__name__)

# What the features of every encoder depend on, beside the encoder's own code.
_STEPS = ("nearlabel.features.batches", "nearlabel.features.preparation")
_OPTIONS = ("geometry", "image_size", "tile_overlap", "tile_pool", "threads", "module", "callable")


def extract_features(
    images: pd.DataFrame,
    encoder: dict,
    *,
    output,
    cache,
    seed: int | None = None,
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
        ``images.csv``: image_id, path, sha256. Rows of the output follow it.
    encoder : dict
        ``name`` and optionally ``weights, geometry, image_size, tile_overlap, tile_pool, batch_size, threads, module,
        callable``: see `nearlabel.features.encoders.build_encoder`. ``id`` is what messages and the file call it.
    output : str or Path
        The feature file; see `nearlabel.features.store.write_features`. Attributes: encoder (``id``),
        network (``name``), weights, weights_sha256, geometry, image_size, cache (folder of the features, by image) and
        library_versions (JSON).
    cache : str or Path
        Folder of feature caches.
    seed : int, optional
        Of seeded weights, as `nearlabel.seeds.derive_seed` gives it.
    weights_dir, weights_mirror : optional
        Where weights come from; see `nearlabel.features.weights.find_weights_file`.
    device : str
        auto, cpu, cuda or cuda:N.
    workers : int
        Processes that decode; 0 decodes in this one. They change no number.

    Raises
    ------
    FileNotFoundError, ValueError
        An image is gone or changed since it was listed; weights are missing or damaged; features are not finite.
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
    label = encoder.get("id", built.name)
    batch_size = encoder.get("batch_size", 32)
    # Images as they are can differ in shape; were a pass to hold those of one shape, an added image could change all.
    pass_size = 1 if built.geometry == "native" else batch_size
    sources = sources_of(type(built).__module__, *_STEPS)
    store = FeatureCache(
        cache,
        {
            "encoder": built.name,
            "weights_sha256": built.weights_sha256,
            "settings": built.settings,
            "batch_size": pass_size,
            "sources": sources.describe(),
        },
    )
    unique = images.drop_duplicates("sha256")
    missing = unique[[key not in store for key in unique["sha256"]]]
    logger.info(
        "%s: %d images, %d of unlike content, %d of them in the cache %s",
        label, len(images), len(unique), len(unique) - len(missing), store.folder,
    )  # fmt: skip
    if len(missing):
        _fill_cache(store, missing, built, label, batch_size, pass_size, workers)
    write_features(
        output,
        store.blocks(list(images["sha256"])),
        list(images["image_id"]),
        {
            "encoder": label,
            "network": built.name,
            "weights": built.weights,
            "weights_sha256": built.weights_sha256,
            "geometry": built.geometry,
            "image_size": json.dumps(built.image_size),
            "cache": store.folder.name,
            "library_versions": json.dumps(sources.libraries, sort_keys=True),
        },
    )


def _fill_cache(
    store: FeatureCache,
    missing: pd.DataFrame,
    encoder: Encoder,
    label: str,
    batch_size: int,
    pass_size: int,
    workers: int,
) -> None:
    paths, keys, ids = (list(missing[column]) for column in ("path", "sha256", "image_id"))
    start = time.perf_counter()
    # Into a file, a line a minute is enough.
    interval = 0.5 if sys.stderr.isatty() else 60
    with tqdm(total=len(paths), desc=label, unit="img", mininterval=interval, maxinterval=interval) as progress:
        done = 0
        for prepared in _prepared_batches(encoder, paths, keys, batch_size, workers):
            features = encode_images(encoder, prepared, pass_size)
            rows = slice(done, done + len(prepared))
            _check_finite(features, ids[rows], label)
            store.add(keys[rows], features)
            done += len(prepared)
            progress.update(len(prepared))
    seconds = time.perf_counter() - start
    logger.info("%s: %d images in %.1f s, %.2f images/s", label, done, seconds, done / seconds)


class _ListedImages(Dataset):
    """Images as ``images.csv`` lists them, prepared; an error is returned, for the job's own process to raise."""

    def __init__(self, encoder: Encoder, paths: Sequence[str], keys: Sequence[str]):
        self._prepare, self._paths, self._keys = encoder.prepare, paths, keys

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> np.ndarray | Exception:
        try:
            return self._prepare(load_image(self._paths[index], self._keys[index]))
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
    encoder: Encoder, paths: Sequence[str], keys: Sequence[str], batch_size: int, workers: int
) -> Iterator[list[np.ndarray]]:
    """Yield prepared images in their order, a batch at a time; at most a few batches are ahead."""
    # A forked process decodes at once; a spawned one would first run the job's script again.
    forks = "fork" in multiprocessing.get_all_start_methods()
    loader = DataLoader(
        _ListedImages(encoder, paths, keys),
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
