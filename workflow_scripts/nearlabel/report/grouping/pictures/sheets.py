"""Contact sheets: for each cluster, the images nearest its centre and those farthest from it."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from nearlabel.files import written_whole
from nearlabel.images.cells import cell_size, crossed_cell, fit_to_cell
from nearlabel.images.reading import UnreadableImageError, read_image
from nearlabel.images.scales import full_ranges
from nearlabel.report.base.overlays import lay_map_over
from nearlabel.report.grouping.pictures.overlays import FAINT, FULL

logger = logging.getLogger(__name__)

INDEX_COLUMNS = [
    "cluster", "size", "side", "file", "map_file", "columns", "rows", "position", "image_id", "distance", "problem"
]  # fmt: skip
GAP = 4
PAPER = (238, 238, 238)


def draw_contact_sheets(
    images: pd.DataFrame,
    features: np.ndarray,
    image_ids,
    clusters: pd.DataFrame,
    folder,
    *,
    per_side: int = 20,
    thumbnail: int = 96,
    sheet_width: int = 520,
    maps: Mapping[str, tuple[np.ndarray, float]] | None = None,
) -> pd.DataFrame:
    """Draw two contact sheets per cluster as JPEG and return their index.

    No image is on both sheets: a cluster of at most ``per_side`` images has only the sheet ``nearest``, which then
    shows all of it, nearest first; ``farthest`` starts with the farthest. An image that has become unreadable leaves
    a crossed cell and its reason in the index.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``; may hold more images than the clustering.
    features : float array of shape (n, c)
        Features in which the clustering was made; distances are Euclidean, to the mean of a cluster's members.
    image_ids : sequence of str, length n
        Ids of the rows of ``features``.
    clusters : DataFrame
        ``clusters.csv``: image_id, cluster.
    folder : str or Path
        Gets ``cluster{number:03d}_{side}.jpg``; sheets of an earlier drawing are removed.
    per_side : int
        Images on each sheet at most.
    thumbnail : int
        Side in pixels of the square whose area a cell has; the cell's shape follows the images' median shape.
    sheet_width : int
        Width in pixels that the number of columns aims at.
    maps : mapping, optional
        Of novelty, by image_id: see `nearlabel.report.grouping.pictures.overlays.read_winner_maps`. With them there is
        a third sheet, ``cluster{number:03d}_nearest_maps.jpg``: the nearest images once more, their maps laid over
        them.

    Returns
    -------
    DataFrame
        The index, ``INDEX_COLUMNS``, one row per image shown: ``position`` counts cells from 0, row by row.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("cluster*_*.jpg"):
        stale.unlink()
    images = images.set_index("image_id")
    unknown = set(clusters["image_id"]) - set(images.index)
    if unknown:
        raise ValueError(f"images.csv lacks {len(unknown)} clustered images, for example {min(unknown)!r}")
    row_of = {image_id: row for row, image_id in enumerate(image_ids)}
    shown = images.loc[clusters["image_id"]]
    cell = cell_size(shown["width"].astype(float), shown["height"].astype(float), thumbnail)
    columns = max(1, min(per_side, (sheet_width + GAP) // (cell[0] + GAP)))
    index = []
    for cluster, members in clusters.groupby("cluster")["image_id"]:
        distances = distances_to_centre(np.asarray(features), [row_of[i] for i in members])
        # Ties go by name, so that a sheet does not depend on the order of rows.
        ranked = sorted(zip(distances.tolist(), members, strict=True))
        for side, chosen in choose_sides(ranked, per_side):
            used = min(columns, len(chosen))
            file = f"cluster{int(cluster):03d}_{side}.jpg"
            names = [name for _, name in chosen]
            pictures = images.loc[names]
            problems = draw_sheet(folder / file, pictures, cell, used)
            map_file = ""
            if maps and side == "nearest":
                map_file = f"{Path(file).stem}_maps.jpg"
                draw_sheet(folder / map_file, pictures, cell, used, [maps[i] for i in names])
            shape = {"columns": used, "rows": math.ceil(len(chosen) / used)}
            index += [
                {"cluster": int(cluster), "size": len(members), "side": side, "file": file, "map_file": map_file}
                | shape
                | {"position": position, "image_id": name, "distance": distance, "problem": problem}
                for position, ((distance, name), problem) in enumerate(zip(chosen, problems, strict=True))
            ]
    return pd.DataFrame(index, columns=INDEX_COLUMNS)


def choose_sides(ranked: list, per_side: int) -> list[tuple[str, list]]:
    """Split a list ranked by distance into what the sheets ``nearest`` and ``farthest`` show, nothing twice."""
    sides = [("nearest", ranked[:per_side])]
    rest = ranked[per_side:]
    if rest:
        sides.append(("farthest", rest[::-1][:per_side]))
    return sides


def distances_to_centre(features: np.ndarray, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each of some images to their mean."""
    members = np.asarray(features[rows], dtype=np.float64)
    return np.linalg.norm(members - members.mean(axis=0), axis=1)


def draw_sheet(
    path: Path,
    images: pd.DataFrame,
    cell: tuple[int, int],
    columns: int,
    maps: list[tuple[np.ndarray, float]] | None = None,
) -> list[str]:
    """Write one sheet of rows of ``images.csv``, maps laid over; return for each image '' or why it is unreadable."""
    width, height = cell
    rows = math.ceil(len(images) / columns)
    sheet = Image.new("RGB", (columns * (width + GAP), rows * (height + GAP)), PAPER)
    problems = []
    for position, (source, full_range) in enumerate(zip(images["path"], full_ranges(images), strict=True)):
        left = position % columns * (width + GAP) + GAP // 2
        top = position // columns * (height + GAP) + GAP // 2
        try:
            picture = fit_to_cell(read_image(source, max_pixels=None, full_range=full_range), cell)
            picture = lay_map_over(picture, *maps[position], FAINT, FULL) if maps else picture
            problems.append("")
        except (UnreadableImageError, OSError) as error:
            logger.warning("no thumbnail of %s: %s", source, error)
            picture = crossed_cell(cell)
            problems.append(str(error))
        sheet.paste(picture, (left + (width - picture.width) // 2, top + (height - picture.height) // 2))
    with written_whole(path) as partial:
        sheet.save(partial, format="JPEG", quality=82, optimize=True)
    return problems
