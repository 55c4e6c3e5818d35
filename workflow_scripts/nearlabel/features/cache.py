"""The feature cache: what was computed once is kept by the image's content and by everything it depends on."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from nearlabel.files import written_whole
from nearlabel.hdf5 import hdf5_file
from nearlabel.sources import fingerprint

logger = logging.getLogger(__name__)

BLOCK_ROWS = 1024


class FeatureCache:
    """Features of one encoder fingerprint, in shards that are written whole.

    Opening reads every shard once and checks it. A damaged one is named in the log and deleted; one that the system
    does not let us read is named and left. Their images count as missing and are computed again.

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
                keys = _read_keys(shard)
                for name in _names(shard):
                    _read_shard(shard, name)
            except (OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
                if isinstance(error, OSError) and error.errno:  # permissions, the disk: it may be whole
                    logger.warning("cache shard %s cannot be read (%s): its images are computed again", shard, error)
                    continue
                logger.warning("cache shard %s is damaged (%s): deleted, its images are computed again", shard, error)
                shard.unlink(missing_ok=True)
                continue
            self._places.update((key, (shard, row)) for row, key in enumerate(keys))

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def add(self, keys: Sequence[str], features: np.ndarray, **others: np.ndarray | Sequence[np.ndarray]) -> None:
        """Keep the features of some images, as one shard.

        Parameters
        ----------
        keys : sequence of str
            SHA-256 of the images' files.
        features : ndarray of float32, shape (len(keys), d)
            One row per image.
        **others : ndarray or sequence of ndarray, length len(keys)
            What else there is of each image, by name: rows of an array, or arrays that differ in shape but not in type
            and number of axes.
        """
        shard = self.folder / f"{hashlib.sha256(''.join(keys).encode()).hexdigest()[:32]}.h5"
        with written_whole(shard) as partial, hdf5_file(partial, "w") as file:
            file["key"] = np.array(keys, dtype="S")
            for name, rows in {"features": features, **others}.items():
                unlike = not isinstance(rows, np.ndarray)
                values = np.concatenate([row.ravel() for row in rows]) if unlike else rows
                file[name] = values
                if unlike:
                    file[name].attrs["shapes"] = np.array([row.shape for row in rows])
                file[name].attrs["sha256"] = _digest(keys, values)
        self._places.update((key, (shard, row)) for row, key in enumerate(keys))

    def blocks(self, keys: Sequence[str], name: str = "features") -> Iterator[np.ndarray | list[np.ndarray]]:
        """Yield what is kept of images that are all in the cache, in blocks of rows, in the order asked for.

        Blocks of what differs in shape are lists.
        """
        for start in range(0, len(keys), BLOCK_ROWS):
            places = [self._places[key] for key in keys[start : start + BLOCK_ROWS]]
            shards = {shard: _read_shard(shard, name) for shard in {shard for shard, _ in places}}
            rows = [shards[shard][row] for shard, row in places]
            yield np.stack(rows) if isinstance(shards[places[0][0]], np.ndarray) else rows


def _names(path: Path) -> list[str]:
    with hdf5_file(path, "r") as file:
        return ["features", *(name for name in file if name not in ("key", "features"))]


def _read_keys(path: Path) -> list[str]:
    with hdf5_file(path, "r") as file:
        return [key.decode() for key in file["key"][:]]


def _read_shard(path: Path, name: str) -> np.ndarray | list[np.ndarray]:
    with hdf5_file(path, "r") as file:
        keys = [key.decode() for key in file["key"][:]]
        values, shapes = file[name][:], file[name].attrs.get("shapes")
        if file[name].attrs["sha256"] != _digest(keys, values):
            raise ValueError(f"its {name} do not have the recorded hash")
    if shapes is None:
        return values
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    return [row.reshape(shape) for row, shape in zip(np.split(values, ends[:-1]), shapes, strict=True)]


def _digest(keys: Sequence[str], values: np.ndarray) -> str:
    digest = hashlib.sha256("\n".join(keys).encode())
    digest.update(f"{values.dtype} {values.shape}".encode())
    digest.update(np.ascontiguousarray(values))
    return digest.hexdigest()
