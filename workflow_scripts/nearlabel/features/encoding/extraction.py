"""One encoder's features of one data set, through the cache: what is missing, and where it is computed."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.bars import Progress
from nearlabel.features.batches import encode_images, pool_tiles
from nearlabel.features.cache import FeatureCache
from nearlabel.features.encoders import build_encoder
from nearlabel.features.encoding.loading import ListedBatches, load_batches
from nearlabel.features.encoding.needs import machine_memory, process_bytes
from nearlabel.features.encoding.parts import choose_part
from nearlabel.features.encoding.processes import share_out
from nearlabel.features.placement import require_placeable
from nearlabel.features.store import read_reference, write_features, write_reference
from nearlabel.images.scales import content_keys, full_ranges
from nearlabel.sources import fingerprint, sources_of

logger = logging.getLogger(__name__)

# What the features of every encoder depend on, beside the encoder's own code.
_STEPS = ("nearlabel.features.batches", "nearlabel.features.preparation")
_OPTIONS = (
    *("geometry", "image_size", "tile_overlap", "tile_pool", "threads", "precision"),
    *("module", "callable", "pooling", "novelty"),
)
# Images that are kept together where they do not go through the network together.
_HELD = 32
# Of the machine's memory that processes which encode may take.
_MEMORY_SHARE = 0.7

REFERENCE_FILE = "reference.hdf5"
"""In a cache's folder, beside its shards ``*.h5``: what was learnt of the reference set."""


class Extraction:
    """An encoder, a data set and a cache; arguments are those of `nearlabel.features.extract.extract_features`."""

    def __init__(
        self,
        images: pd.DataFrame,
        encoder: Mapping[str, Any],
        *,
        cache,
        seed: int | None = None,
        reference_seed: int = 0,
        reference: Mapping[str, np.ndarray] | None = None,
        weights_dir=None,
        weights_mirror: str | None = None,
        device: str = "auto",
        workers: int = 0,
    ):
        built = build_encoder(
            encoder["name"],
            encoder.get("weights", "imagenet"),
            seed=seed,
            weights_dir=weights_dir,
            weights_mirror=weights_mirror,
            device=device,
            **{key: encoder[key] for key in _OPTIONS if key in encoder},
        )
        require_placeable(built.prepare.refusal, images)
        self.encoder, self.label, self.workers = built, encoder.get("id", built.name), workers
        self.weights_dir, self.reference_seed = weights_dir, reference_seed
        # Images as they are differ in shape; were a pass to hold those of one shape, an added image could change all.
        asked = _choose_pass(built, encoder.get("batch_size", "auto"))
        self.pass_size = 1 if built.geometry == "native" else asked
        self.batch_size = asked if asked > 1 else _HELD
        # A pooling is around a network's own encoder.
        modules = {type(one).__module__ for one in (built, getattr(built, "encoder", built))}
        self.sources = sources_of(*sorted(modules), *_STEPS)
        self.images = images.assign(key=content_keys(images), full_range=full_ranges(images))
        self.unique = self.images.drop_duplicates("key")
        self.novel, self.held_against = None, {}
        if getattr(built, "pooling", None) == "novelty":
            self._prepare_novelty(reference)
        self.store = FeatureCache(
            cache,
            {
                "encoder": built.name,
                "weights_sha256": built.weights_sha256,
                "settings": built.settings,
                "batch_size": self.pass_size,
                "sources": self.sources.describe(),
                **({"reference": fingerprint(self.held_against)} if self.novel else {}),
            },
        )

    def _prepare_novelty(self, reference: Mapping[str, np.ndarray] | None) -> None:
        from nearlabel.features.pooling.reference import choose_reference
        from nearlabel.features.pooling.rows import NoveltyRows

        self.novel = NoveltyRows(self.encoder, self.pass_size)
        self.chosen = None
        if reference is not None:
            self.novel.restore(reference)
            self.held_against = {name: hashlib.sha256(of.tobytes()).hexdigest() for name, of in reference.items()}
        else:
            self.chosen = choose_reference(self.unique["key"], self.encoder.reference, self.reference_seed)
            self.held_against = {"images": self.chosen, "seed": self.reference_seed}

    def fill(self, part: int = 0, parts: int = 1) -> int:
        """Compute what the cache lacks of the data set, or of a part of it.

        Returns
        -------
        int
            Images of unlike content in this part.
        """
        unique = self.unique[choose_part(list(self.unique["key"]), part, parts)]
        missing = unique[[key not in self.store for key in unique["key"]]]
        logger.info(
            "%s: %d images, %d of unlike content%s, %d of them in the cache %s",
            self.label, len(self.images), len(unique), f" in part {part + 1} of {parts}" if parts > 1 else "",
            len(unique) - len(missing), self.store.folder,
        )  # fmt: skip
        if self.novel and self.chosen is not None:
            self._learn_reference()
        if len(missing):
            self._encode(missing, len(unique))
        return len(unique)

    def write(self, output) -> None:
        """Write the feature file of images that are all in the cache."""
        keys, built, novel = list(self.images["key"]), self.encoder, self.novel
        write_features(
            output,
            self.store.blocks(keys),
            list(self.images["image_id"]),
            {
                "encoder": self.label,
                "network": built.name,
                "weights": built.weights,
                "weights_sha256": built.weights_sha256,
                "weights_source": built.weights_source,
                "weights_dir": str(self.weights_dir) if built.weights_source == "weights_dir" else "",
                "geometry": built.geometry,
                "image_size": json.dumps(built.image_size),
                "pooling": getattr(built, "pooling", "average"),
                "batch_size": self.pass_size,
                "precision": built.settings.get("precision", "float32"),
                "cache": self.store.folder.name,
                "library_versions": json.dumps(self.sources.libraries, sort_keys=True),
                **({"novelty": json.dumps(built.describe(novel.mixture))} if novel else {}),
            },
            zip(self.store.blocks(keys, "novelty"), self.store.blocks(keys, "novelty_map"), strict=True)
            if novel
            else None,
            novel.keep() if novel else None,
        )

    def _learn_reference(self) -> None:
        """Learn the reference set, unless it is known of an earlier time."""
        known = self.store.folder / REFERENCE_FILE
        try:
            self.novel.restore(read_reference(known))
            return
        except FileNotFoundError:
            pass
        except ValueError as error:
            logger.warning("%s is damaged (%s): the reference set is learnt again", known, error)
        images = self.unique.set_index("key", drop=False).loc[self.chosen]
        logger.info("a reference set of %d images says what is novel", len(images))
        batches, keys = ListedBatches(self.encoder, images, self.batch_size), list(images["key"])
        novel, seed = self.novel, self.reference_seed

        def find_patches(number: int) -> list:
            return novel.patches(keys[batches.rows(number)], batches.prepare(number), seed)

        found = dict(share_out(find_patches, len(batches), self._processes()))
        patches = [one for number in range(len(batches)) for one in found[number]]
        write_reference(known, novel.learn(keys, patches, seed))

    def _processes(self) -> int:
        """How many processes encode beside this one: none where a card does, and no more than memory suffices for."""
        if _on_card(self.encoder) or not self.workers:
            return 0
        side = self.encoder.image_size or 224
        height, width = (side, side) if isinstance(side, int) else side
        memory, each = machine_memory(), process_bytes(self.pass_size * height * width)
        most = max(1, int(_MEMORY_SHARE * memory / each)) if memory else self.workers
        if most < self.workers:
            logger.warning("%s: %d processes, not %d, for want of memory", self.label, most, self.workers)
        return min(most, self.workers)

    def _encode(self, missing: pd.DataFrame, total: int) -> None:
        keys, ids = list(missing["key"]), list(missing["image_id"])
        with Progress(total, "images", done=total - len(missing)) as progress:
            for rows, found in self._encoded(missing, keys):
                _check_finite(found["features"], ids[rows], self.label)
                self.store.add(keys[rows], **found)
                progress.update(rows.stop - rows.start)

    def _encoded(self, missing: pd.DataFrame, keys: Sequence[str]) -> Iterator[tuple[slice, Mapping[str, Any]]]:
        """Yield which images, and what was found of them, a batch at a time, in any order."""
        encoder, novel, batches = self.encoder, self.novel, ListedBatches(self.encoder, missing, self.batch_size)
        # Where the tiles of an image lie follows from its shape.
        frames = list(zip(missing["width"].astype(int), missing["height"].astype(int), strict=True)) if novel else []

        def encode(number: int, prepared: list[np.ndarray]) -> Mapping[str, Any]:
            rows = batches.rows(number)
            if novel:
                return novel.encode(prepared, keys[rows], frames[rows])
            return {"features": encode_images(encoder, prepared, self.pass_size)}

        if not _on_card(encoder):
            pieces = share_out(lambda number: encode(number, batches.prepare(number)), len(batches), self._processes())
            yield from ((batches.rows(number), found) for number, found in pieces)
        elif novel or encoder.geometry == "native":
            for number, prepared in share_out(batches.prepare, len(batches), self.workers):
                yield batches.rows(number), encode(number, prepared)
        else:
            from nearlabel.features.encoding.streams import stream

            loaded = load_batches(batches, self.workers, pin=True)
            passes = stream(encoder.start, loaded, encoder.device, self.pass_size)
            for number, (features, counts) in enumerate(passes):
                yield batches.rows(number), {"features": pool_tiles(features, counts, encoder.tile_pool)}


def _on_card(encoder) -> bool:
    device = getattr(encoder, "device", None)
    return device is not None and device.type == "cuda"


def _choose_pass(encoder, batch_size: int | str) -> int:
    """Images of a forward pass; an encoder without a device is no network, and takes what it is given."""
    if not hasattr(encoder, "device"):
        return _HELD if batch_size == "auto" else int(batch_size)
    from nearlabel.features.devices import choose_batch_size

    return choose_batch_size(batch_size, encoder.device, encoder.image_size or 224)


def _check_finite(features: np.ndarray, ids: Sequence[str], label: str) -> None:
    bad = [image for image, row in zip(ids, features, strict=True) if not np.isfinite(row).all()]
    if bad:
        raise ValueError(
            f"encoder {label} gives NaN or infinite features for {len(bad)} of {len(ids)} images of a batch, first "
            f"{', '.join(map(repr, bad[:3]))}; check its weights"
        )
