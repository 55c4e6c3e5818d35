"""Labels for new images by a saved model alone."""

import inspect
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.files import how_to_remake
from nearlabel.grouping.models.catalogue import DETECTOR
from nearlabel.grouping.models.pipelines import predict
from nearlabel.grouping.models.saved import load_model
from nearlabel.sources import compare_versions

logger = logging.getLogger(__name__)

COLUMNS = ["image_id", "path", "label", "score", "reason"]


def label_folder(
    model: str | Path,
    folder: str | Path,
    *,
    device: str = "auto",
    workers: int = 0,
    weights: str | Path | None = None,
    weights_dir: str | Path | None = None,
    weights_mirror: str | None = None,
    module: str | Path | None = None,
) -> pd.DataFrame:
    """Label every image in a folder.

    Parameters
    ----------
    model : str or Path
        ``model.skops`` of a classification.
    folder : str or Path
        Images, in sub-folders or not.
    device : str
        auto, cpu, cuda or cuda:N. Labels of close cases can differ between devices.
    workers : int
        Processes beside this one; see `nearlabel.features.extract.extract_features`.
    weights : str or Path, optional
        Where the encoder's own weights file lies now, if it was a file.
    weights_dir, weights_mirror : optional
        Where published weights come from; see `nearlabel.features.weights.files.find_weights_file`. Without
        `weights_dir`, the folder that they were found in when the model was trained, if it is still there.
    module : str or Path, optional
        The Python file of a custom encoder. Never taken from the model's file, which may come from anybody.

    Returns
    -------
    DataFrame
        A row per file: image_id (path relative to the folder), path, label, score and reason. Label is a near-label or,
        of a model that learnt clusters, the node's name of the group (``root.1.3``: cluster 3 of node ``root.1``); a
        detector's is its normal label or ``not`` that label. Score is the label's
        probability where the model has one (``decision_tree``, ``mlp``), its decision value for ``svm``, and for a
        detector how abnormal the image is (above 0: not normal). Files that are no usable images come last: no label,
        score NaN, and why as reason, which is empty for the others.

    Raises
    ------
    FileNotFoundError, ValueError
        No such model or folder, or no file or image in it; a model file that is not trusted; features pooled by
        novelty without the reference set; a custom encoder without its module; weights that are missing, or others than
        those that the model was trained with.
    """
    from nearlabel.features.placement import find_unplaceable
    from nearlabel.images.checks import check_images
    from nearlabel.images.readers import read_dataset
    from nearlabel.images.scales import Scale

    saved = load_model(model)
    if saved["encoder"]["options"].get("pooling") == "novelty" and not saved["encoder"].get("reference"):
        raise ValueError(
            f"{model} lacks the reference set that pooling by novelty holds new images against (an older version made "
            f"it); {how_to_remake(model)}"
        )
    if Path(folder).is_dir() and not any(path.is_file() for path in Path(folder).rglob("*")):
        raise ValueError(f"{folder}: the folder holds no file; name a folder of images")
    dataset = read_dataset({"kind": "image_folder", "root": str(folder), "classes": False})
    scale = Scale(**saved["encoder"].get("scale", {"bits": 16}))
    images, rejected = check_images(dataset, scale=scale, workers=max(1, workers))
    bad = _list_rejected(rejected, folder)
    if images.empty:
        return bad
    _compare_versions(saved, model)
    known = saved["encoder"].get("weights_dir")
    if weights_dir is None and known and Path(known).is_dir():
        weights_dir = known
    runtime = {"device": device, "weights_dir": weights_dir, "weights_mirror": weights_mirror}
    built, options = _build(saved["encoder"], model, weights, module, runtime)
    thin = images["image_id"].map(find_unplaceable(built.prepare.refusal, images))
    if thin.notna().any():
        rejected = images[thin.notna()].assign(reason=thin.dropna())
        bad = pd.concat([bad, _list_rejected(rejected, folder)], ignore_index=True)
        images = images[thin.isna()].reset_index(drop=True)
    if images.empty:
        return bad
    features = _extract(images, saved["encoder"], options, workers, runtime)
    # Clusters are numbers, which mean nothing without their node.
    prefix = f"{saved['node']}." if saved["target"] == "clusters" else ""
    label, score = predict(saved["pipeline"], saved["kind"], features, f"{prefix}{saved['normal']}")
    if saved["kind"] != DETECTOR:
        columns = list(map(str, saved["pipeline"].classes_))
        score = score[np.arange(len(label)), [columns.index(name) for name in label]]
        label = [f"{prefix}{name}" for name in label]
    good = images[["image_id", "path"]].assign(label=label, score=score, reason="")
    return pd.concat([good, bad], ignore_index=True)[COLUMNS]


def _list_rejected(rejected: pd.DataFrame, folder: str | Path) -> pd.DataFrame:
    names = [Path(path).relative_to(folder).as_posix() for path in rejected["path"]]
    columns = {"image_id": names, "path": rejected["path"], "label": "", "score": np.nan, "reason": rejected["reason"]}
    return pd.DataFrame(columns)[COLUMNS]


def _build(encoder: dict[str, Any], model, weights, module, runtime):
    """Build a saved model's encoder; return it, and the options that give it again."""
    from nearlabel.features.encoders import build_encoder
    from nearlabel.features.pooling.rows import NoveltyRows

    options, seed, reference = dict(encoder["options"]), encoder["seed"], encoder.get("reference")
    if options["name"] == "custom" and module is None:
        raise ValueError(
            f"{model} needs its custom encoder's Python file, {options['module']!r} when it was trained; read that "
            "file, for it is run, and name it as `module`"
        )
    options["module"] = None if module is None else str(module)
    if weights is not None:
        options["weights"] = str(weights)
    # Before hours of encoding rather than after.
    known = inspect.signature(build_encoder).parameters
    arguments = {key: value for key, value in options.items() if key in known}
    built = build_encoder(**(arguments | runtime | {"seed": seed}))
    found = built.weights_sha256
    if found != encoder["weights_sha256"]:
        raise ValueError(
            f"{model} was trained with weights of {encoder['id']} whose SHA-256 begins with "
            f"{encoder['weights_sha256'][:12]}, but those found here with {found[:12]}; name the same weights"
        )
    if reference is not None:
        try:
            NoveltyRows(built, 1).restore(reference)
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"{model} is damaged ({error}); make it again") from error
    return built, options


def _extract(images, encoder: dict[str, Any], options: dict[str, Any], workers: int, runtime) -> np.ndarray:
    from nearlabel.features.extract import extract_features
    from nearlabel.features.store import read_features

    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "features.h5")
        extract_features(
            images,
            options,
            output=output,
            cache=Path(scratch, "cache"),
            seed=encoder["seed"],
            reference=encoder.get("reference"),
            workers=workers,
            **runtime,
        )
        return read_features(output).features


def _compare_versions(saved: dict[str, Any], model) -> None:
    for sentence in compare_versions(saved["encoder"]["library_versions"] | saved["library_versions"]):
        logger.warning("%s %s", model, sentence)
