"""The feature cache: what was computed once is kept by the image's content and by everything it depends on."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from nearlabel.files import written_whole
from nearlabel.sources import fingerprint

logger = logging.getLogger(__name__)

BLOCK_ROWS = 1024


class FeatureCache:
    """Features of one encoder fingerprint, in shards that are written whole.

    Opening reads every shard once and checks it. A damaged one is named in the log and deleted; its images count as
    missing and are computed again.

    Parameters
    ----------
    root : str or Path
        The folder of all caches.
    parts : mapping
        Everything the features depend on; JSON-able. Its fingerprint names the cache's folder, and ``encoder.json``
        there tells it to people.
    """

    def __init__(self, root, parts: Mapping[str, object]):
        self.folder = Path(root) / fingerprint(parts)
        self.folder.mkdir(parents=True, exist_ok=True)
        description = self.folder / "encoder.json"
        if not description.exists():
            with written_whole(description) as partial:
                partial.write_text(
                    json.dumps(parts, sort_keys=True, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
                )
        self._places: dict[str, tuple[Path, int]] = {}
        for shard in sorted(self.folder.glob("*.h5")):
            try:
                keys, _ = _read_shard(shard)
            except (OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
                logger.warning("cache shard %s is damaged (%s): deleted, its images are computed again", shard, error)
                shard.unlink(missing_ok=True)
                continue
            self._places.update((key, (shard, row)) for row, key in enumerate(keys))

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def add(self, keys: Sequence[str], features: np.ndarray) -> None:
        """Keep the features of some images, as one shard.

        Parameters
        ----------
        keys : sequence of str
            SHA-256 of the images' files.
        features : ndarray of float32, shape (len(keys), d)
            One row per image.
        """
        shard = self.folder / f"{hashlib.sha256(''.join(keys).encode()).hexdigest()[:32]}.h5"
        with written_whole(shard) as partial, h5py.File(partial, "w") as file:
            file["key"] = np.array(keys, dtype="S")
            file["features"] = features
            file.attrs["sha256"] = _digest(keys, features)
        self._places.update((key, (shard, row)) for row, key in enumerate(keys))

    def blocks(self, keys: Sequence[str]) -> Iterator[np.ndarray]:
        """Yield the features of images that are all in the cache, in blocks of rows, in the order asked for."""
        for start in range(0, len(keys), BLOCK_ROWS):
            places = [self._places[key] for key in keys[start : start + BLOCK_ROWS]]
            shards = {shard: _read_shard(shard)[1] for shard in {shard for shard, _ in places}}
            yield np.stack([shards[shard][row] for shard, row in places])


def _read_shard(path: Path) -> tuple[list[str], np.ndarray]:
    # Shards never change under their name, so that no lock is needed (cluster file systems often lack them).
    with h5py.File(path, "r", locking=False) as file:
        keys = [key.decode() for key in file["key"][:]]
        features = file["features"][:]
        if file.attrs["sha256"] != _digest(keys, features):
            raise ValueError("its content does not have the recorded hash")
    return keys, features


def _digest(keys: Sequence[str], features: np.ndarray) -> str:
    digest = hashlib.sha256("\n".join(keys).encode())
    digest.update(f"{features.dtype} {features.shape}".encode())
    digest.update(np.ascontiguousarray(features))
    return digest.hexdigest()
