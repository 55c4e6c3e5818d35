"""A bundle's encoder as ONNX, for machines without torch: pixels in, features out, compared before it is written."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nearlabel.files import written_whole
from nearlabel.production.bundle.contents import Bundle
from nearlabel.production.labeller.encoders import build_bundle_encoder
from nearlabel.production.labeller.onnx_runtime import FORMAT, NOTE, SUFFIX, open_session, run_session
from nearlabel.seeds import derive_seed

PARITY = 1e-4
"""Largest difference of a feature, as a share of the largest feature, with which a file is written."""

IMAGES = 16
"""Training images that it is measured on, beside black, white and noise."""


def export_encoder(
    bundle: Bundle,
    path: str | Path,
    encoder: str | None = None,
    *,
    weights_dir: str | Path | None = None,
    module: str | Path | None = None,
) -> dict[str, Any]:
    """Write an encoder as ONNX.

    The graph takes one placed image, uint8 (1, h, w, 3), normalises it and gives float32 (1, d); how images are placed
    is noted within, so that neither torch nor torchvision is needed to label with it.

    Parameters
    ----------
    bundle : Bundle
    path : str or Path
        ``{encoder}.onnx`` in any folder.
    encoder : str, optional
        Its id in the bundle; that of the root by default.
    weights_dir, module : optional
        As for `nearlabel.production.labeller.encoders.build_encoders`.

    Returns
    -------
    dict
        encoder; file; bytes; parity, the largest difference of a feature as a share of the largest; images, that it was
        measured on; use, how to label with it.

    Raises
    ------
    ValueError
        There is no such encoder, or it is none that can be written: texture (which needs no torch), pooled by novelty,
        images of any shape; torch cannot export it, or its features differ too much; onnx is not installed.
    """
    encoder, path = encoder or bundle.nodes["root"].encoder, Path(path)
    if encoder not in bundle.facts["encoders"]:
        known = ", ".join(bundle.facts["encoders"])
        raise ValueError(f"bundle {bundle.number} has no encoder {encoder!r}; it has {known}")
    if path.name != f"{encoder}{SUFFIX}":
        raise ValueError(f"{path}: call the file {encoder}{SUFFIX}, which is what it is looked for as")
    if refused := _refusal(bundle.facts["encoders"][encoder]["options"]):
        raise ValueError(f"encoder {encoder} is not exported: {refused}")
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ValueError(f"{error.name} is not installed, which export needs: pip install 'nearlabel[onnx]'") from None
    built = build_bundle_encoder(bundle, encoder, device="cpu", weights_dir=weights_dir, module=module)
    placed = _images(bundle, built)
    model = _trace(built, placed[0][np.newaxis])
    note = {
        "format": FORMAT,
        "encoder": encoder,
        "weights_sha256": built.weights_sha256,
        "placement": vars(built.prepare),
        "tile_pool": built.tile_pool,
        "pooling": getattr(built, "pooling", "average"),
        "dimension": built.dimension,
    }
    onnx.helper.set_model_props(model, {NOTE: json.dumps(note, sort_keys=True)})
    content = model.SerializeToString()
    parity = _compare(built, content, placed)
    if not parity <= PARITY:
        raise ValueError(
            f"encoder {encoder} is not exported: its features as ONNX differ by {parity:.1e} of the largest feature, "
            f"more than {PARITY:g}; label with --runtime torch"
        )
    with written_whole(path) as partial:
        partial.write_bytes(content)
    return {
        "encoder": encoder,
        "file": str(path),
        "bytes": len(content),
        "parity": parity,
        "images": len(placed),
        "use": f"nearlabel label FOLDER --bundle {bundle.folder} --runtime onnx --weights-dir {path.parent}",
    }


def _refusal(options: dict[str, Any]) -> str | None:
    if options["name"] == "texture":
        return "texture has no network and needs no torch; label with --runtime onnx all the same"
    if options.get("pooling") == "novelty":
        return "pooling by novelty compares patches with those of a reference set, which is no part of a network"
    if options.get("geometry") == "native":
        return "with geometry native every image has its own shape, and the file has one; use squash or tile"
    if options.get("precision", "float32") == "bfloat16":
        return "in bfloat16 it differs by more than what is allowed; use precision float32"
    return None


def _images(bundle: Bundle, built: Any) -> list[np.ndarray]:
    """Placed images to compare on: the bundle's own, small as it has them, and what no training image looks like."""
    chosen = bundle.reference.thumbnails[:: max(1, len(bundle.reference.thumbnails) // IMAGES)][:IMAGES]
    pictures = [Image.open(io.BytesIO(one)).convert("RGB") for one in chosen]
    noise = np.random.default_rng(derive_seed(0, "onnx")).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    pictures += [Image.new("RGB", (256, 256), colour) for colour in ("black", "white")] + [Image.fromarray(noise)]
    return [tile for picture in pictures for tile in built.prepare(picture)[:1]]


def _trace(built: Any, sample: np.ndarray):
    """Export what the encoder computes of one placed image, as an ONNX model."""
    import logging
    import warnings

    import torch

    from nearlabel.features.pooling.pools import MapEncoder

    class Whole(torch.nn.Module):
        def __init__(self):
            super().__init__()
            inner = built.encoder if isinstance(built, MapEncoder) else built
            self.network = inner.network

        def forward(self, images):
            return built.start(images)

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(Whole().eval(), (torch.from_numpy(sample),), dynamo=True, verbose=False)
    except Exception as error:  # torch raises whatever its tracing leads to.
        raise ValueError(
            f"torch cannot export {built.name} ({' '.join(str(error).split())[:200]}); label with --runtime torch"
        ) from None
    return program.model_proto


def _compare(built: Any, content: bytes, placed: Sequence[np.ndarray]) -> float:
    session = open_session(content, threads=1)
    theirs = np.concatenate([run_session(session, tile[np.newaxis]) for tile in placed])
    ours = np.concatenate([built.encode(tile[np.newaxis]) for tile in placed])
    if theirs.shape != ours.shape or not np.isfinite(theirs).all():
        return float("inf")
    return float(np.abs(theirs - ours).max() / max(np.abs(ours).max(), np.finfo(np.float32).tiny))
