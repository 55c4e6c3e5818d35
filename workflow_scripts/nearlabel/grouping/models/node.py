"""Models of a node, from files to files."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.features.catalogue import complete_reduction
from nearlabel.features.store import read_features, read_reference
from nearlabel.files import read_table, write_csv, written_whole
from nearlabel.grouping.models.catalogue import CATALOGUE
from nearlabel.grouping.models.saved import save_model
from nearlabel.grouping.models.training import train_models
from nearlabel.grouping.models.tree_rules import introduce_rules
from nearlabel.grouping.models.validation import SCORES
from nearlabel.grouping.selection.selected import read_selection
from nearlabel.images.duplicates import group_images, read_hashes
from nearlabel.images.scales import learnt_scale

LIBRARIES = ("numpy", "scikit-learn", "skops")


def train_node(
    features: Sequence[str | Path],
    *,
    images: str | Path,
    hashes: str | Path,
    near_labels: str | Path,
    clusters: str | Path,
    selection: str | Path,
    target: str,
    models: Sequence[Mapping[str, Any]],
    folds: int,
    duplicate_distance: int | None,
    choose: str | None,
    normal: str | None,
    reduction: Mapping[str, Any],
    encoders: Mapping[str, Mapping[str, Any]],
    seed: int,
    dataset: str,
    node: str,
    output: Mapping[str, str | Path],
) -> None:
    """Train the post-clustering models of a node on its selected encoder's features.

    Parameters
    ----------
    features : sequence of path
        ``features/{encoder}.h5`` of every encoder that the selection may name.
    images, hashes, near_labels : path
        ``images.csv`` (for the files' contents and the parts), ``hashes.h5`` and, where they are the target,
        ``near_labels.csv``.
    clusters, selection : path
        ``clusters.csv`` and ``selection.json`` of the node.
    target : {"clusters", "near_labels"}
        What the models learn to tell.
    models, folds, choose, normal, seed
        As for `train_models`.
    duplicate_distance : int or None
        As for `nearlabel.images.duplicates.groups.group_images`.
    reduction : mapping
        Of the node; what is None is the encoder's own, as in `nearlabel.grouping.reduction.node.reduce_node`.
    encoders : mapping of str to mapping
        By encoder id, what new images need: the options of `nearlabel.features.extract.extract_features` and ``seed``.
    dataset, node : str
        Names, for the record.
    output : mapping of str to path
        Files to write: ``scores``, ``confusion``, ``predictions`` (CSV), ``rules`` (text), ``model`` (skops),
        ``summary`` (JSON).

    Raises
    ------
    ValueError
        As of `train_models`, says of which data set, node and target; or the features are pooled by novelty and their
        file keeps no reference set.
    """
    encoder = read_selection(selection).encoder
    file = next(file for file in features if Path(file).stem == encoder)
    store = read_features(file)
    # New images are held against what these were.
    kept = {"reference": read_reference(file)} if store.attributes.get("pooling") == "novelty" else {}
    table = pd.read_csv(clusters, dtype={"image_id": str}, keep_default_na=False).set_index("image_id")["cluster"]
    rows = pd.Series(np.arange(len(store.image_id)), index=store.image_id).loc[table.index]
    image_id = table.index.to_numpy(dtype=object)
    labels = table.astype(str)
    if target == "near_labels":
        known = read_table(near_labels, ("image_id", "near_label")).set_index("image_id")["near_label"]
        labels = known.loc[image_id]
    reduction = complete_reduction(reduction, store.attributes["network"])
    everything = read_table(images, ("image_id", "part", "sha256"))
    listed = everything.set_index("image_id", drop=False).loc[image_id]
    groups = group_images(listed.reset_index(drop=True), read_hashes(hashes, image_id), duplicate_distance)
    what = f"{target.replace('_', '-')} of node {node} of {dataset}"
    try:
        trained = train_models(
            store.features[rows.to_numpy()],
            labels.to_numpy(dtype=str),
            groups,
            table.to_numpy(),
            models,
            reduction=reduction,
            folds=folds,
            choose=choose,
            normal=normal,
            seed=seed,
        )
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error
    validation, summary = trained.validation, trained.summary
    place = {"dataset": dataset, "node": node, "target": target}
    options = dict(encoders[encoder])
    saved = {
        "pipeline": trained.pipeline,
        "model": dict(trained.chosen),
        "kind": CATALOGUE[trained.chosen["name"]].kind,
        "classes": list(summary["classes"]),
        "normal": summary["normal"],
        **place,
        "encoder": {
            "id": encoder,
            "seed": options.pop("seed", None),
            "options": options,
            "weights_sha256": str(store.attributes["weights_sha256"]),
            "weights_dir": str(store.attributes.get("weights_dir", "")),
            "library_versions": json.loads(store.attributes["library_versions"]),
            "scale": learnt_scale(everything),
            **kept,
        },
        "scores": {
            key: value
            for model in summary["models"]
            if model["id"] == summary["chosen"]
            for key, value in model.items()
            if key.removesuffix("_std") in SCORES
        },
        "library_versions": {library: version(library) for library in LIBRARIES},
    }
    summary = {**place, "encoder": encoder, **summary}
    write_csv(output["scores"], validation.scores)
    write_csv(output["confusion"], validation.confusion)
    predictions = validation.predictions.copy()
    predictions.insert(0, "image_id", image_id[trained.learnt])
    write_csv(output["predictions"], predictions)
    _write_text(output["rules"], introduce_rules(trained.rules, summary, what))
    _write_text(output["summary"], json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    save_model(output["model"], saved)


def _write_text(path: str | Path, text: str) -> None:
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
