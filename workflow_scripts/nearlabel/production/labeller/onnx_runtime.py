"""Encoders that onnxruntime computes, from files of `nearlabel.production.bundle.onnx`; free of torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from nearlabel.features.placement import Placement
from nearlabel.production.bundle.contents import WEIGHTS, Bundle

FORMAT, NOTE, SUFFIX = 1, "nearlabel", ".onnx"
"""Of what is noted in a file, and where."""


def open_session(model: str | bytes, threads: int):
    """Open a model on the CPU.

    Parameters
    ----------
    model : str or bytes
        Path, or content.
    threads : int

    Returns
    -------
    onnxruntime.InferenceSession

    Raises
    ------
    ValueError
        It is no such model; onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise ValueError("onnxruntime is not installed, which runtime onnx needs: pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises kinds of its own for what is damaged.
        where = model if isinstance(model, str) else "the model"
        raise ValueError(f"{where} is no ONNX model that can be run ({' '.join(str(error).split())[:200]})") from None


def run_session(session: Any, batch: np.ndarray) -> np.ndarray:
    """Encode placed images, uint8 (1, h, w, 3), to float32 (1, d)."""
    return session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(batch)})[0]


class OnnxEncoder:
    """An encoder in a file; see `nearlabel.features.batches.Encoder`. It takes one placed image at a time.

    Parameters
    ----------
    path : Path
        From `nearlabel.production.bundle.onnx.export_encoder`.
    threads : int

    Raises
    ------
    FileNotFoundError, ValueError
        No such file, or one that was not made by that.
    """

    weights, weights_source, pooling = "onnx", "weights_dir", "average"

    def __init__(self, path: Path, threads: int):
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing, which runtime onnx needs: on a machine with torch, call `nearlabel bundle export` "
                "and copy what it writes into a folder that --weights-dir names"
            )
        self._session = open_session(str(path), threads)
        try:
            note = json.loads(self._session.get_modelmeta().custom_metadata_map[NOTE])
            if note["format"] != FORMAT:
                raise ValueError(f"format {note['format']}")
            placement = dict(note["placement"])
            if isinstance(placement["size"], list):
                placement["size"] = tuple(placement["size"])
            self.prepare = Placement(**placement)
            self.name, self.weights_sha256 = note["encoder"], note["weights_sha256"]
            self.tile_pool, self.dimension = note["tile_pool"], note["dimension"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} was not written by `nearlabel bundle export` of this version ({error!r}); export it again"
            ) from None
        self.geometry, self.image_size = self.prepare.geometry, self.prepare.size
        self.settings = {"placement": placement, "threads": threads}

    def encode(self, batch: np.ndarray) -> np.ndarray:
        """Encode placed images: uint8 (n, h, w, 3) to float32 (n, d)."""
        return np.concatenate([run_session(self._session, batch[row : row + 1]) for row in range(len(batch))])


def build_onnx_encoder(bundle: Bundle, name: str, *, threads: int, weights_dir: str | Path | None) -> Any:
    """Build an encoder of a bundle without torch.

    Parameters
    ----------
    bundle : Bundle
    name : str
        Its id in the bundle.
    threads : int
    weights_dir : str or Path, optional
        Where ``{name}.onnx`` lies; the bundle's own ``weights/`` by default.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file, or one of other weights.
    """
    facts = bundle.facts["encoders"][name]
    if facts["options"]["name"] == "texture":
        from nearlabel.features.encoders import build_encoder

        options = {key: facts["options"][key] for key in ("geometry", "image_size", "tile_overlap", "tile_pool")
                   if key in facts["options"]}  # fmt: skip
        return build_encoder("texture", **options)
    path = Path(weights_dir or bundle.folder / WEIGHTS) / f"{name}{SUFFIX}"
    found = OnnxEncoder(path, threads)
    if found.name != name or found.weights_sha256 != facts["weights_sha256"]:
        raise ValueError(
            f"{path} holds {found.name} of weights whose SHA-256 begins with {found.weights_sha256[:12]}, and bundle "
            f"{bundle.number} has {name} of {facts['weights_sha256'][:12]}; export it from this bundle"
        )
    return found
