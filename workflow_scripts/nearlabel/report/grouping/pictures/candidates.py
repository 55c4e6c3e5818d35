"""Faces of clusterings that might have been chosen: for each of their clusters, the images nearest its centre."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nearlabel.grouping.clustering.labels import read_labels
from nearlabel.grouping.reduction.reduced import read_reduced
from nearlabel.grouping.selection.node_files import encoder_of, labels_of
from nearlabel.grouping.selection.numbering import number_clusters
from nearlabel.images.cells import cell_size
from nearlabel.report.grouping.pictures.sheets import distances_to_centre, draw_sheet

CANDIDATE_COLUMNS = [
    "candidate",
    "encoder",
    "algorithm",
    "k",
    "reason",
    "images",
    "clusters",
    "cluster",
    "size",
    "file",
    "position",
    "image_id",
    "distance",
    "problem",
]


def draw_candidates(
    candidates: Sequence[Mapping],
    images: pd.DataFrame,
    reduced: Sequence[str | Path],
    labels: Sequence[str | Path],
    folder: str | Path,
    *,
    most_clusters: int = 8,
    faces: int = 4,
    thumbnail: int = 56,
) -> pd.DataFrame:
    """Draw a strip of faces for the largest clusters of each candidate, and return their index.

    Parameters
    ----------
    candidates : sequence of mapping
        Clusterings of one node: encoder, algorithm, k and the reason why each is worth a look.
    images : DataFrame
        ``images.csv``; may hold more images than the node.
    reduced, labels : sequence of path
        ``reduced.h5`` of each encoder of the node, which names it, and the label files of all of them.
    folder : str or Path
        Gets ``{candidate}_{cluster:03d}.jpg``; strips of an earlier drawing are removed.
    most_clusters : int
        Clusters shown of a candidate, the largest.
    faces : int
        Images of a strip: those nearest the cluster's mean in the candidate's own features.
    thumbnail : int
        As for `nearlabel.report.grouping.pictures.sheets.draw_contact_sheets`.

    Returns
    -------
    DataFrame
        The index, ``CANDIDATE_COLUMNS``, one row per image shown: candidate counts from 0, images and clusters are
        all that the candidate has, cluster is numbered by size as in ``clusters.csv``, size counts its images, and
        position is an image's place in the strip.

    Raises
    ------
    ValueError
        A candidate was not computed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*_*.jpg"):
        stale.unlink()
    images = images.set_index("image_id")
    files = {encoder_of(file): file for file in reduced}
    rows = []
    for number, wanted in enumerate(candidates):
        encoder, algorithm, k = wanted["encoder"], wanted["algorithm"], int(wanted["k"])
        blocks = read_labels(labels_of(files[encoder], labels)) if encoder in files else {}
        if algorithm not in blocks or k not in blocks[algorithm].labels:
            raise ValueError(
                f"{folder}: the candidate {encoder}, {algorithm}, k = {k} was not computed; run select_clustering again"
            )
        block = blocks[algorithm]
        features = read_reduced(files[encoder]).reduction.values
        shown = images.loc[block.image_id]
        cell = cell_size(shown["width"].astype(float), shown["height"].astype(float), thumbnail)
        clusters = number_clusters(block.labels[k], block.image_id)
        facts = {"candidate": number, "encoder": encoder, "algorithm": algorithm, "k": k, "reason": wanted["reason"]}
        facts |= {"images": len(clusters), "clusters": int(clusters.max()) + 1}
        for cluster in range(min(most_clusters, facts["clusters"])):
            members = np.flatnonzero(clusters == cluster)
            distances = distances_to_centre(features, members)
            # Ties go by name, so that a strip does not depend on the order of rows.
            nearest = sorted(zip(distances.tolist(), block.image_id[members].tolist(), strict=True))[:faces]
            file = f"{number}_{cluster:03d}.jpg"
            problems = draw_sheet(folder / file, images.loc[[name for _, name in nearest]], cell, len(nearest))
            rows += [
                facts
                | {"cluster": cluster, "size": len(members), "file": file, "position": position}
                | {"image_id": name, "distance": distance, "problem": problem}
                for position, ((distance, name), problem) in enumerate(zip(nearest, problems, strict=True))
            ]
    return pd.DataFrame(rows, columns=CANDIDATE_COLUMNS)
