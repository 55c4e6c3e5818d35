"""A bundle's encoders, built once: from prepared images to rows of features in passes of a constant size."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nearlabel.features.batches import encode_images
from nearlabel.files import hash_file
from nearlabel.production.bundle.contents import WEIGHTS, Bundle
from nearlabel.production.labelled import Prepared

RUNTIMES = ("torch", "onnx")

CPU_PASS, CUDA_PASS = 1, 32
"""Images of a forward pass. On a CPU one at a time is the quickest for one image, and hardly slower for many."""


class BundleEncoder:
    """One encoder of a bundle.

    Parameters
    ----------
    encoder : nearlabel.features.batches.Encoder
    pass_size : int
        Tiles of a forward pass; constant, so that an image's features depend on no other image.
    reference : mapping of str to ndarray, optional
        What pooling by novelty holds images against.
    """

    def __init__(self, encoder: Any, pass_size: int, reference: Mapping[str, np.ndarray] | None = None):
        self.prepare: Callable = encoder.prepare
        self._encoder = encoder
        # Images as they are differ in shape.
        self._pass_size = 1 if encoder.geometry == "native" else pass_size
        self._rows = None
        if getattr(encoder, "pooling", None) == "novelty":
            from nearlabel.features.pooling.rows import NoveltyRows

            self._rows = NoveltyRows(encoder, self._pass_size)
            self._rows.restore(reference or {})

    def encode(self, placed: Sequence[Any], images: Sequence[Prepared]) -> np.ndarray:
        """Encode images.

        Parameters
        ----------
        placed : sequence, length n
            What `prepare` made of each.
        images : sequence of Prepared, length n

        Returns
        -------
        ndarray of float32, shape (n, d)
        """
        if self._rows is not None:
            frames = [(image.width, image.height) for image in images]
            return self._rows.encode(placed, [image.sha256 for image in images], frames)["features"]
        return encode_images(self._encoder, placed, self._pass_size)


def build_encoders(
    bundle: Bundle,
    *,
    device: str = "auto",
    threads: int = 1,
    batch_size: int | None = None,
    weights_dir: str | Path | None = None,
    module: str | Path | None = None,
    runtime: str = "torch",
) -> dict[str, BundleEncoder]:
    """Build all encoders that a bundle's nodes and its model need.

    Parameters
    ----------
    bundle : Bundle
    device, threads, weights_dir, module
        As for `build_bundle_encoder`.
    batch_size : int, optional
        Tiles of a forward pass.
    runtime : {"torch", "onnx"}
        What computes networks; ``onnx``: see `nearlabel.production.labeller.onnx_runtime.build_onnx_encoder`.

    Returns
    -------
    dict of str to BundleEncoder
        By id.

    Raises
    ------
    FileNotFoundError, ValueError
        As `build_bundle_encoder`; an unknown runtime.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime {runtime!r} is unknown; choose one of {', '.join(RUNTIMES)}")
    found = {}
    for name, facts in bundle.facts["encoders"].items():
        if runtime == "onnx":
            from nearlabel.production.labeller.onnx_runtime import build_onnx_encoder

            built = build_onnx_encoder(bundle, name, threads=threads, weights_dir=weights_dir)
        else:
            built = build_bundle_encoder(
                bundle, name, device=device, threads=threads, weights_dir=weights_dir, module=module
            )
        cuda = getattr(getattr(built, "device", None), "type", "cpu") != "cpu"
        size = batch_size or (CUDA_PASS if cuda else CPU_PASS)
        found[name] = BundleEncoder(built, size, facts.get("reference"))
    return found


def build_bundle_encoder(
    bundle: Bundle,
    name: str,
    *,
    device: str = "auto",
    threads: int = 1,
    weights_dir: str | Path | None = None,
    module: str | Path | None = None,
) -> Any:
    """Build one encoder of a bundle as it was when the bundle was made.

    Parameters
    ----------
    bundle : Bundle
    name : str
        Its id.
    device, threads
        As for `nearlabel.features.encoders.build_encoder`.
    weights_dir : str or Path, optional
        Folder with published weights; the bundle's own by default.
    module : str or Path, optional
        Python file of a custom encoder, which is run; never taken from a bundle.

    Returns
    -------
    nearlabel.features.batches.Encoder

    Raises
    ------
    FileNotFoundError, ValueError
        Weights that are missing, or others than those of the bundle; a custom encoder without its file.
    """
    from nearlabel.features.encoders import build_encoder

    facts = bundle.facts["encoders"][name]
    options, own = dict(facts["options"]), bundle.folder / WEIGHTS
    if options["name"] == "custom":
        if module is None:
            raise ValueError(
                f"bundle {bundle.number} needs its custom encoder's Python file, {Path(options['module']).name!r} when "
                "it was made; read that file, for it is run, and name it by --module"
            )
        options["module"] = str(module)
        if hash_file(module) != facts["module_sha256"]:
            raise ValueError(
                f"{module} is another file than the one that bundle {bundle.number} was made with; name that one by "
                "--module"
            )
    known = inspect.signature(build_encoder).parameters
    arguments = {key: value for key, value in options.items() if key in known}
    arguments |= {"seed": facts["seed"], "device": device, "threads": threads}
    built = build_encoder(**arguments, weights_dir=weights_dir or (own if own.is_dir() else None))
    if built.weights_sha256 != facts["weights_sha256"]:
        raise ValueError(
            f"bundle {bundle.number} was made with weights of {name} whose SHA-256 begins with "
            f"{facts['weights_sha256'][:12]}, but those found here with {built.weights_sha256[:12]}; name the folder "
            "with the same weights by --weights-dir"
        )
    return built
