"""From the files of a run to what the explorer of a data set shows."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.files import how_to_remake
from nearlabel.grouping.maps.measures import find_prototypes
from nearlabel.grouping.maps.node_map import NodeMap, read_map
from nearlabel.grouping.tree.names import read_names
from nearlabel.report.base.figures import cluster_colors, name_cluster, near_label_colors
from nearlabel.report.explorer.columns import category_column, number_column
from nearlabel.report.explorer.data import Column, ExplorerData, MapView, NodeView, Thumbnails
from nearlabel.report.explorer.images import image_columns
from nearlabel.run_files import MAP, fields_of

NEIGHBORS = 8
"""Neighbours of an image that the page has."""


def collect_explorer(
    output,
    run: str,
    dataset: str,
    files: Mapping[str, Any],
    nodes: Sequence[tuple[Any, Any, Any]],
    *,
    names_file: str = "",
    labels: Sequence[str] = (),
    labels_folder: str = "",
    rounds: str = "",
    strategies: Sequence[str] = (),
) -> ExplorerData:
    """Collect what the explorer of a data set shows.

    Parameters
    ----------
    output : str or Path
        The page: images are named by paths from its folder.
    run, dataset : str
        Names.
    files : mapping
        Paths, as of `nearlabel.plan.report.explorer.explorer_files`.
    nodes : sequence of (path, path, path)
        ``map.h5``, ``images.csv`` and ``stability.csv`` of each clustered node.
    names_file, labels, labels_folder, rounds, strategies
        As of `nearlabel.plan.report.explorer.explorer_settings`.

    Returns
    -------
    ExplorerData

    Raises
    ------
    ValueError
        Files that do not fit together.
    """
    images = pd.read_csv(files["images"], dtype=str, keep_default_na=False)
    names = read_names(next(iter(files["names"]), None))
    near_labels = pd.read_csv(files["near_labels"], dtype=str, keep_default_na=False)
    label_colors = near_label_colors(near_labels["near_label"])
    views = [view_node(*node, list(images["image_id"]), names, label_colors) for node in nodes]
    return ExplorerData(
        run=run,
        dataset=dataset,
        image_ids=tuple(images["image_id"]),
        files=tuple(address_image(path, Path(output).parent) for path in images["path"]),
        thumbnails=view_thumbnails(files["thumbnails"]),
        columns=image_columns(images, files, strategies, rounds),
        nodes=tuple(sorted(views, key=lambda view: [int(part) for part in view.name.split(".")[1:]])),
        names=names,
        names_file=names_file,
        labels=tuple(labels),
        labels_folder=labels_folder,
    )


def address_image(path: str, folder: Path) -> str:
    """Say where an image lies: from a folder where its path is relative to the working directory, else absolute."""
    return path if os.path.isabs(path) else Path(os.path.relpath(path, folder)).as_posix()


def view_thumbnails(index) -> Thumbnails:
    """Read the index of a data set's thumbnails; the sheets lie in the folder beside it, called as it is."""
    found = json.loads(Path(index).read_text(encoding="utf-8"))
    folder = Path(index).with_suffix("")
    problems = len(found["problems"])
    note = f"{problems} images could not be read any more; their cells are crossed." if problems else ""
    return Thumbnails(
        found["side"],
        found["columns"],
        found["rows"],
        tuple(folder / f"{number:04d}.webp" for number in range(found["sheets"])),
        " ".join(filter(None, [found["note"], note])),
    )


def view_node(
    map_file,
    measures_file,
    stability_file,
    image_ids: Sequence[str],
    names: Mapping[str, str],
    label_colors: Mapping[str, str],
) -> NodeView:
    """Collect what the explorer shows of a node.

    Parameters
    ----------
    map_file, measures_file, stability_file : path
        ``map.h5``, ``images.csv`` and ``stability.csv`` of the node.
    image_ids : sequence of str
        All images of the data set.
    names : mapping of str to str
        The user's names for groups.
    label_colors : mapping of str to str
        Colours of near-labels, which no cluster has as long as the palette lasts.

    Returns
    -------
    NodeView

    Raises
    ------
    ValueError
        The node's files are of other images than the data set's, or than each other's.
    """
    node = fields_of(MAP, map_file)["node"]
    found = read_map(map_file)
    places = {image: place for place, image in enumerate(image_ids)}
    measures = pd.read_csv(
        measures_file, dtype={"image_id": str}, keep_default_na=False, na_values={"silhouette": [""]}
    )
    if list(measures["image_id"]) != list(found.image_id) or not places.keys() >= set(found.image_id):
        raise ValueError(f"{map_file} is of other images than {measures_file}; {how_to_remake(map_file)}")
    labels, distance = measures["cluster"].to_numpy(), measures["distance"].to_numpy(float)
    prototypes = find_prototypes(found.image_id, labels, distance)
    return NodeView(
        name=node,
        title=names.get(node, ""),
        members=np.array([places[image] for image in found.image_id], dtype=np.int32),
        maps=view_maps(found),
        columns=_columns(node, measures, stability_file, names, label_colors),
        neighbors=found.neighbors[:, :NEIGHBORS],
        prototypes=np.array(list(prototypes.values()), dtype=np.int32),
    )


def view_maps(found: NodeMap) -> tuple[MapView, ...]:
    """Describe a node's maps, the plane of principal components first."""

    def trust(name: str) -> str:
        if name not in found.trustworthiness:
            return ""
        measured = f"5 neighbours, {found.trusted_images:,} images"
        return f" Trustworthiness {found.trustworthiness[name]:.3f} ({measured}; 1 is best)."

    note = f"First two principal components of the features of {found.encoder}.{trust('pca')}"
    maps = [MapView("pca", "PCA", found.pca, note)]
    if found.tsne is not None:
        note = (
            f"Features of {found.encoder}, perplexity {found.perplexity:.3g}.{trust('tsne')} "
            "Neighbours mean something; distances between islands, and their sizes, mean nothing."
        )
        maps.append(MapView("tsne", "t-SNE", found.tsne, note))
    return tuple(maps)


def _columns(
    node: str, measures: pd.DataFrame, stability_file, names: Mapping[str, str], label_colors: Mapping[str, str]
) -> tuple[Column, ...]:
    from matplotlib.colors import to_hex

    count = int(measures["cluster"].max()) + 1
    called = [name_cluster(node, cluster, names, length=60) for cluster in range(count)]
    colors = dict(zip(called, map(to_hex, cluster_colors(count, label_colors)), strict=True))
    stability = pd.read_csv(stability_file).set_index("cluster")["stability"].reindex(measures["cluster"])
    columns = [
        category_column("cluster", "cluster", [called[c] for c in measures["cluster"]], names=called, colors=colors),
        number_column(
            "silhouette", "silhouette", measures["silhouette"], "How well it fits its cluster, from −1 to 1."
        ),
        number_column("distance", "distance to its cluster's centre", measures["distance"]),
        category_column(
            "nearest_prototype",
            "nearest prototype",
            [called[c] for c in measures["nearest_prototype"]],
            names=called,
            colors=colors,
            note="The cluster whose most typical image is nearest.",
        ),
        number_column("stability", "stability of its cluster", stability, "Mean Jaccard similarity over bootstraps."),
    ]
    return tuple(column for column in columns if column.names is not None or np.isfinite(column.values).any())
