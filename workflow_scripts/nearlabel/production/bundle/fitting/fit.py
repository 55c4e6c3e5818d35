"""A run's bundle, from files to a numbered folder."""

import logging
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.features.catalogue import complete_reduction
from nearlabel.features.store import Features
from nearlabel.grouping.maps.node_map import read_map
from nearlabel.grouping.selection.node_files import read_clusters
from nearlabel.grouping.selection.selected import read_selection
from nearlabel.grouping.tree.groups import collect_groups
from nearlabel.grouping.tree.names import read_names
from nearlabel.production.bundle.contents import NodeGroups
from nearlabel.production.bundle.fitting.carrying import carry_over, describe_clustering
from nearlabel.production.bundle.fitting.encoders import describe_encoder, network_weights
from nearlabel.production.bundle.fitting.features import RunFeatures
from nearlabel.production.bundle.fitting.images import BundleImages, collect_images
from nearlabel.production.bundle.fitting.judging import list_uncalibrated
from nearlabel.production.bundle.fitting.labels import give_by_model, give_by_network, list_unpromised
from nearlabel.production.bundle.fitting.node_groups import assign_leaf, fit_groups
from nearlabel.production.bundle.fitting.reference import hold_against
from nearlabel.production.bundle.writing import Content, write_bundle
from nearlabel.production.novelty.distances import novelty_features
from nearlabel.run_files import SELECTION, fields_of
from nearlabel.seeds import derive_seed
from nearlabel.sources import module_file

logger = logging.getLogger(__name__)

LIBRARIES = ("numpy", "pillow", "scikit-learn", "scipy", "skops")
"""Whose versions a bundle depends on, beside those of its encoders."""


def fit_bundle(
    bundles: str | Path,
    *,
    images,
    hashes,
    near_labels,
    features: Sequence[str | Path],
    clusters: Sequence[str | Path],
    selections: Sequence[str | Path],
    place,
    names: str | Path | None,
    answers: Sequence[str | Path],
    network: str | Path | None,
    predictions: str | Path | None,
    settings: Mapping[str, Any],
    model: Mapping[str, Any],
    reductions: Sequence[Mapping[str, Any]],
    encoders: Mapping[str, Mapping[str, Any]],
    runtime: Mapping[str, Mapping[str, Any]],
    cache: str | Path,
    run: str,
    dataset: str,
    config_hash: str,
    seed: int,
    workers: int = 1,
) -> Path:
    """Make a bundle of a run.

    Parameters
    ----------
    bundles : path
        Folder of the numbered folders.
    images, hashes, near_labels : path
        ``images.csv``, ``hashes.h5``, ``near_labels.csv``.
    features : sequence of path
        Of every encoder that may have been selected at a node.
    clusters, selections : sequence of path
        Of every clustered node.
    place : path
        ``map.h5`` of the root.
    names : path or None
        The user's names for groups.
    answers : sequence of path
        Files of labels.
    network, predictions : path or None
        ``model.pt`` and ``predictions.csv`` of the network that labelling ended with, where that gives labels.
    settings : mapping
        ``label_by`` (auto, model or network), ``labels`` (names that may be given beside near-labels), ``named_alone``
        (whether near-labels that are none of them count as none), ``normal, held_out, coverage, false_alarms,
        neighbors, reference``, ``distance`` (of near-duplicates), ``line`` (folder of captured images).
    model : mapping
        ``id, name, parameters`` of the model on top.
    reductions : sequence of mapping
        Of each level; the last serves deeper ones.
    encoders, runtime, cache
        As for `nearlabel.production.bundle.fitting.features.RunFeatures`.
    run, dataset, config_hash : str
        For the record.
    seed : int
        Of the run.
    workers : int
        Images read at a time.

    Returns
    -------
    Path
        The bundle's folder: a new number, or the newest where nothing has changed.

    Raises
    ------
    ValueError
        Too few images for what is asked; the sentence says what is possible.
    """
    found = collect_images(images, hashes, near_labels, answers, settings, workers)
    run_features = RunFeatures(features, encoders, found.table.iloc[found.count :], cache, runtime)
    members = read_clusters(clusters)
    chosen = {fields_of(SELECTION, file)["node"]: read_selection(file).encoder for file in selections}
    nodes = {}
    for node in sorted(chosen, key=lambda name: (name.count("."), name)):
        own = members[node]
        nodes[node] = fit_groups(
            node,
            chosen[node],
            run_features.rows(chosen[node], own["image_id"]),
            own["cluster"].to_numpy(),
            _reduction(reductions, node, run_features.store(chosen[node])),
            derive_seed(seed, f"reduce/{dataset}/{node}"),
        )
    described, weights = {}, {}
    for id in sorted(set(chosen.values())):
        described[id], files = describe_encoder(id, encoders[id], run_features.store(id), found.scale, runtime[id])
        weights |= files
    clustering = describe_clustering(
        members, {node: described[id] for node, id in chosen.items()}, list(map(dict, reductions))
    )
    carried = carry_over(bundles, nodes["root"], clustering, set(found.table["sha256"]), settings["neighbors"])
    nodes["root"] = carried.root
    root = chosen["root"]
    values = run_features.all(root, found.table["image_id"].iloc[: found.count])
    if network:
        given = give_by_network(found, network, predictions)
    else:
        reduction = _reduction(reductions, "root", run_features.store(root))
        given = give_by_model(found, values, settings, model, reduction, derive_seed(seed, f"bundle/{dataset}"))
    leaves = _leaves(found, members, nodes, run_features)
    # The network was trained before, on images of the data set alone.
    learnt = set() if network else set(leaves[~found.held.held_out & (found.labels != "")])
    reference, calibration, novelty = hold_against(
        found,
        novelty_features(values),
        leaves,
        read_map(place),
        settings,
        given,
        carried.reference,
        seed=derive_seed(seed, "reference"),
        workers=workers,
    )
    # A network was trained before, and tells other labels.
    notes = [*([] if network else found.held.notes), *given.notes, *carried.notes]
    told = given.model["classes"] if given.model else given.labels
    notes += list_unpromised(found, settings, bool(network))
    notes += list_uncalibrated(told, given.nonconformity, settings["coverage"], given.stand_for)
    files, own_weights = network_weights(network, runtime[root]) if network else ({}, "")
    weights |= files
    saved = given.model and given.model | {"dataset": dataset, "encoder": described[root] | {"weights_dir": ""}}
    held = found.table.iloc[given.rows]
    held_out = held[["image_id", "sha256"]].assign(
        group=found.held.group[given.rows],
        label=given.truth,
        said=given.said,
        novelty=novelty[given.rows],
        weight=given.weights,
    )
    versions = {library: version(library) for library in LIBRARIES}
    for facts in described.values():
        versions |= facts["library_versions"]
    for note in notes:
        logger.warning("%s", note)
    facts = {
        "run": run,
        "dataset": dataset,
        "commit": _commit(),
        "config_hash": config_hash,
        "library_versions": dict(sorted(versions.items())),
        "encoders": described,
        "labels": given.labels,
        "normal": given.normal,
        "label_by": given.label_by,
        "network_weights": own_weights,
        "unlearnt": [node for node in carried.accepted if node not in learnt],
        "coverage": settings["coverage"],
        "false_alarms": settings["false_alarms"],
        "images": {
            "learnt": int((~found.held.held_out).sum()),
            "held_out": int(found.held.held_out.sum()),
            "good": len(calibration.novelty),
            "people": len(found.people.labels),
            "line": len(found.people.line),
        },
        "groups": {name: int((groups.counts > 0).sum()) for name, groups in nodes.items()},
        "clustering": clustering,
        "followed": carried.followed,
        "scores": given.scores,
        "notes": notes,
    }
    content = Content(
        facts,
        carried.names | read_names(names),
        nodes,
        reference,
        calibration,
        saved,
        found.people.labels,
        held_out,
        {id: arrays for id in described if (arrays := run_features.pooling(id))},
        Path(network) if network else None,
        weights,
    )
    folder = write_bundle(bundles, content)
    logger.info("bundle %s: %s", folder.name, folder)
    return folder


def _reduction(reductions: Sequence[Mapping[str, Any]], node: str, store: Features) -> dict[str, Any]:
    """How a node's features are reduced, complete."""
    level = reductions[min(node.count("."), len(reductions) - 1)]
    return complete_reduction(level, store.attributes["network"])


def _leaves(found: BundleImages, members, nodes: Mapping[str, NodeGroups], run_features: RunFeatures) -> np.ndarray:
    """Leaf group of every image: of the data set's as it was clustered, of the line's by the nearest centres."""
    near = pd.DataFrame({"image_id": found.table["image_id"].iloc[: found.count], "near_label": ""})
    own = collect_groups(members, near)["leaf"].to_numpy(dtype=object)
    line = {groups.encoder: run_features.line(groups.encoder) for groups in nodes.values()}
    return np.concatenate([own, assign_leaf(nodes, line, len(found.table) - found.count)])


def _commit() -> str:
    """Commit of the checkout that this library lies in; empty where there is none, or no git."""
    command = ["git", "-C", str(module_file("nearlabel").parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
