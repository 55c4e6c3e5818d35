"""Labels for new images by a saved model; also ``python -m nearlabel.grouping.models.labelling MODEL FOLDER``."""

import argparse
import csv
import inspect
import logging
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.files import write_csv
from nearlabel.grouping.models.catalogue import DETECTOR
from nearlabel.grouping.models.pipelines import predict
from nearlabel.grouping.models.saved import load_model

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
        Processes that decode; 0 decodes in this one.
    weights : str or Path, optional
        Where the encoder's own weights file lies now, if it was a file.
    weights_dir, weights_mirror : optional
        Where published weights come from; see `nearlabel.features.weights.files.find_weights_file`.
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
    from nearlabel.images.checks import check_images
    from nearlabel.images.readers import read_dataset

    saved = load_model(model)
    if saved["encoder"]["options"].get("pooling") == "novelty" and not saved["encoder"].get("reference"):
        raise ValueError(
            f"{model} lacks the reference set that pooling by novelty holds new images against (an older version made "
            "it); delete it and run again"
        )
    if Path(folder).is_dir() and not any(path.is_file() for path in Path(folder).rglob("*")):
        raise ValueError(f"{folder}: the folder holds no file; name a folder of images")
    dataset = read_dataset({"kind": "image_folder", "root": str(folder), "classes": False})
    images, rejected = check_images(dataset, workers=max(1, workers))
    bad = pd.DataFrame(
        {
            "image_id": [Path(path).relative_to(folder).as_posix() for path in rejected["path"]],
            "path": rejected["path"],
            "label": "",
            "score": np.nan,
            "reason": rejected["reason"],
        }
    )
    if images.empty:
        return bad[COLUMNS]
    _compare_versions(saved, model)
    runtime = {"device": device, "weights_dir": weights_dir, "weights_mirror": weights_mirror}
    features = _extract(images, saved["encoder"], model, weights, module, workers, runtime)
    # Clusters are numbers, which mean nothing without their node.
    prefix = f"{saved['node']}." if saved["target"] == "clusters" else ""
    label, score = predict(saved["pipeline"], saved["kind"], features, f"{prefix}{saved['normal']}")
    if saved["kind"] != DETECTOR:
        columns = list(map(str, saved["pipeline"].classes_))
        score = score[np.arange(len(label)), [columns.index(name) for name in label]]
        label = [f"{prefix}{name}" for name in label]
    good = images[["image_id", "path"]].assign(label=label, score=score, reason="")
    return pd.concat([good, bad], ignore_index=True)[COLUMNS]


def _extract(images, encoder: dict[str, Any], model, weights, module, workers: int, runtime) -> np.ndarray:
    from nearlabel.features.encoders import build_encoder
    from nearlabel.features.extract import extract_features
    from nearlabel.features.pooling.rows import NoveltyRows
    from nearlabel.features.store import read_features

    options, seed, reference = dict(encoder["options"]), encoder["seed"], encoder.get("reference")
    if options["name"] == "custom" and module is None:
        raise ValueError(
            f"{model} needs its custom encoder's Python file, {options['module']!r} when it was trained; read that "
            "file, for it is run, and name it as module"
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
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "features.h5")
        extract_features(
            images,
            options,
            output=output,
            cache=Path(scratch, "cache"),
            seed=seed,
            reference=reference,
            workers=workers,
            **runtime,
        )
        return read_features(output).features


def _compare_versions(saved: dict[str, Any], model) -> None:
    for library, then in (saved["encoder"]["library_versions"] | saved["library_versions"]).items():
        try:
            now = version(library)
        except PackageNotFoundError:
            now = "none"
        if now != then:
            logger.warning("%s was made with %s %s, here is %s: close cases can differ", model, library, then, now)


def main(arguments: list[str] | None = None) -> int:
    """Label a folder from the command line; returns the exit status.

    Parameters
    ----------
    arguments : list of str, optional
        Of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="nearlabel.grouping.models.labelling", description="Label a folder of new images."
    )
    parser.add_argument("model", help="model.skops of a classification")
    parser.add_argument("folder", help="folder of images")
    parser.add_argument("--output", help="CSV to write; standard output without it")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--workers", type=int, default=0, help="processes that decode")
    parser.add_argument("--weights", help="where the encoder's own weights file lies now")
    parser.add_argument("--weights-dir", help="folder with published weights")
    parser.add_argument("--weights-mirror", help="address to download published weights from")
    parser.add_argument("--module", help="Python file of a custom encoder; it is run")
    named = vars(parser.parse_args(arguments))
    output = named.pop("output")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        labels = label_folder(**named)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if output is None:
        labels.to_csv(sys.stdout, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    else:
        write_csv(output, labels)
    return 0


if __name__ == "__main__":
    sys.exit(main())
