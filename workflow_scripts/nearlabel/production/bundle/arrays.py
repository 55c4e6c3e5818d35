"""``arrays.h5`` of a bundle: reference images, calibration, and what encoders that pool by novelty hold images against.

Groups ``reference`` (``image_id, sha256, label, node, features, place``; ``thumbnails``, all one after the other, and
``thumbnail_sizes``), ``calibration`` (``novelty, brightness, contrast``; ``nonconformity/{i}`` of the i-th of the
attribute ``labels``, and ``weights/{i}`` where its images stand for more or less than themselves) and
``pooling/{encoder}`` as of `nearlabel.features.store.read_reference`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from nearlabel.hdf5 import TEXT, hdf5_file, opened_hdf5
from nearlabel.production.bundle.contents import Calibration, Reference

_TEXTS = ("image_id", "sha256", "label", "node")
_WHOLE = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}

Pooling = Mapping[str, Mapping[str, np.ndarray]]
"""By encoder, what it holds images against."""


def write_arrays(path: str | Path, reference: Reference, calibration: Calibration, pooling: Pooling) -> None:
    """Write ``arrays.h5``; the same arrays give the same bytes.

    Parameters
    ----------
    path : str or Path
        A file that is not there yet.
    reference : Reference
    calibration : Calibration
    pooling : mapping of str to mapping of str to ndarray
        By encoder id: `nearlabel.features.store.read_reference`.
    """
    with hdf5_file(path, "w") as file:
        group = file.create_group("reference")
        for name in _TEXTS:
            group.create_dataset(name, data=list(getattr(reference, name)), dtype=TEXT)
        _put(group, "features", np.asarray(reference.features, np.float32))
        _put(group, "place", np.asarray(reference.place, np.float32))
        _put(group, "thumbnails", np.frombuffer(b"".join(reference.thumbnails), np.uint8))
        _put(group, "thumbnail_sizes", np.array([len(one) for one in reference.thumbnails], np.int64))
        group = file.create_group("calibration")
        group.attrs["neighbors"] = calibration.neighbors
        for name in ("novelty", "brightness", "contrast"):
            _put(group, name, np.asarray(getattr(calibration, name), np.float64))
        labels = list(calibration.nonconformity)
        group.attrs["labels"] = json.dumps(labels, ensure_ascii=False)
        for number, label in enumerate(labels):
            _put(group, f"nonconformity/{number}", np.asarray(calibration.nonconformity[label], np.float64))
            if calibration.weights:
                _put(group, f"weights/{number}", np.asarray(calibration.weights[label], np.float64))
        for encoder, arrays in pooling.items():
            for name, values in arrays.items():
                _put(file, f"pooling/{encoder}/{name}", values)


def read_arrays(path: str | Path) -> tuple[Reference, Calibration, dict[str, dict[str, np.ndarray]]]:
    """Read what `write_arrays` wrote.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; a damaged one, or one whose arrays do not fit each other.
    """
    with opened_hdf5(path) as file:
        group = file["reference"]
        sizes = group["thumbnail_sizes"][:]
        ends = np.cumsum(sizes)
        packed = group["thumbnails"][:].tobytes()
        reference = Reference(
            *(group[name].asstr()[:] for name in _TEXTS),
            group["features"][:],
            group["place"][:],
            [packed[end - size : end] for end, size in zip(ends, sizes, strict=True)],
        )
        group = file["calibration"]
        labels = json.loads(group.attrs["labels"])
        calibration = Calibration(
            group["novelty"][:],
            int(group.attrs["neighbors"]),
            {label: group[f"nonconformity/{number}"][:] for number, label in enumerate(labels)},
            group["brightness"][:],
            group["contrast"][:],
            {label: group[f"weights/{number}"][:] for number, label in enumerate(labels)} if "weights" in group else {},
        )
        pooling = {
            # Without h5py's own notes in the type of texts.
            encoder: {name: values[:].astype(values.dtype.str) for name, values in arrays.items()}
            for encoder, arrays in file.get("pooling", {}).items()
        }
    problem = _find_misfit(reference, calibration)
    if problem:
        raise ValueError(f"{path}: {problem}; make the bundle again")
    return reference, calibration, pooling


def _put(group: h5py.Group, name: str, values: np.ndarray) -> None:
    group.create_dataset(name, data=values, **(_WHOLE if values.size else {}))


def _find_misfit(reference: Reference, calibration: Calibration) -> str | None:
    if len({len(part) for part in reference}) > 1 or not len(reference.image_id):
        return "its reference images have unlike numbers of features, labels and places, or there are none"
    if reference.features.ndim != 2 or not np.isfinite(reference.features).all():
        return "features of its reference images are no table of finite numbers"
    if len(calibration.brightness) != len(calibration.contrast):
        return "its good images have unlike numbers of brightness and contrast"
    for scores in (calibration.novelty, *calibration.nonconformity.values()):
        if not np.isfinite(scores).all() or (np.diff(scores) < 0).any():
            return "scores of its held-out images are not finite or do not ascend"
    for label, weights in calibration.weights.items():
        if weights.shape != calibration.nonconformity[label].shape or not (np.isfinite(weights) & (weights > 0)).all():
            return "what its held-out images stand for does not fit them"
    return None
