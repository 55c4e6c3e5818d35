"""What a strategy asked for, round by round, as thumbnails on one sheet; where it looks at maps, these laid over."""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd
from PIL import Image

from nearlabel.files import how_to_remake, written_whole
from nearlabel.images.cells import cell_size, crossed_cell, fit_to_cell
from nearlabel.images.reading import UnreadableImageError, read_image
from nearlabel.images.scales import full_ranges
from nearlabel.learning.simulation.query_maps import QueryMaps
from nearlabel.report.base.overlays import lay_map_over

logger = logging.getLogger(__name__)

ASKED_COLUMNS = [
    "kind", "round", "batch", "defects", "x", "y", "width", "height", "image_id", "defective", "score", "problem",
]  # fmt: skip
PER_ROUND = 16
# Rounds that are shown whole at the beginning, and in all: later ones are picked evenly.
FIRST_ROUNDS, MOST_ROUNDS = 12, 40
THUMBNAIL = 64
EMPTY = (128, 128, 128)


def draw_asked(
    queries: pd.DataFrame,
    images: pd.DataFrame,
    near_labels: Mapping[str, str],
    positive: str,
    output,
    *,
    knee: int | None = None,
    maps: QueryMaps | None = None,
    covers: float = 1.0,
) -> pd.DataFrame:
    """Draw the first images of each round's batch, in the order of choice, as one WebP sheet.

    A row of the sheet is a round. Below them come rows of the first round that was chosen, of the knee's and of the
    last one once more, each image under the activation map that it was chosen by.

    Parameters
    ----------
    queries : DataFrame
        ``queries.csv``: round, image_id, score.
    images : DataFrame
        ``images.csv``; may hold more images.
    near_labels : mapping of str to str
        By image_id.
    positive : str
        The near-label that counts as defective.
    output : str or Path
        The sheet.
    knee : int, optional
        The knee's round.
    maps : QueryMaps, optional
        None, or an empty one, where the strategy looks at no maps.
    covers : float
        Share of an image's short side that a map covers, as for `nearlabel.report.base.overlays.lay_map_over`.

    Returns
    -------
    DataFrame
        `ASKED_COLUMNS`, a row for each thumbnail. kind: ``image``, or ``map`` with a map laid over; batch and defects:
        images of the whole batch, and the defective among them; x, y, width, height: where it is on the sheet, in
        pixels; problem: why an image could not be read, whose cell is then crossed.

    Raises
    ------
    ValueError
        An image that was asked for is not in ``images.csv``, or has no near-label.
    """
    images = images.set_index("image_id")
    unknown = set(queries["image_id"]) - (set(images.index) & set(near_labels))
    if unknown:
        raise ValueError(f"image {min(unknown)!r} was asked for but is not listed; {how_to_remake('queries.csv')}")
    queries = queries.assign(defective=[near_labels[image] == positive for image in queries["image_id"]])
    batches = dict(list(queries.groupby("round")))
    map_of = {} if maps is None else dict(zip(maps.image_id, maps.maps, strict=True))
    last = max(batches)
    rows = [("image", number) for number in pick_rounds(last, knee)]
    if map_of:
        rows += [("map", number) for number in sorted({1, knee or 1, last})]
    shown = images.loc[queries["image_id"]]
    width, height = cell_size(shown["width"].astype(float), shown["height"].astype(float), THUMBNAIL)
    columns = min(PER_ROUND, max(len(batches[number]) for _, number in rows))
    sheet = Image.new("RGB", (columns * width, len(rows) * height), EMPTY)
    index = []
    for line, (kind, number) in enumerate(rows):
        batch = batches[number]
        chosen = batch.head(PER_ROUND)
        sources = images.loc[chosen["image_id"]]
        ranges = full_ranges(sources)
        for column, (query, source, full_range) in enumerate(
            zip(chosen.itertuples(), sources["path"], ranges, strict=True)
        ):
            place = {"x": column * width, "y": line * height, "width": width, "height": height}
            picture, problem = _read(source, full_range, (width, height))
            if kind == "map":
                picture = lay_map_over(picture, map_of[query.image_id], covers, 0, 255)
            sheet.paste(picture, _centred(place, picture))
            index.append(
                {"kind": kind, "round": number, "batch": len(batch), "defects": int(batch["defective"].sum())}
                | place
                | {"image_id": query.image_id, "defective": query.defective, "score": query.score, "problem": problem}
            )
    with written_whole(output) as partial:
        sheet.save(partial, format="WEBP", quality=60)
    return pd.DataFrame(index, columns=ASKED_COLUMNS)


def pick_rounds(last: int, knee: int | None = None) -> list[int]:
    """Return the rounds to show, 0 to `last`: all, or `MOST_ROUNDS` of many, the first ones, the knee and the last."""
    if last < MOST_ROUNDS:
        return list(range(last + 1))
    later = np.linspace(FIRST_ROUNDS, last, MOST_ROUNDS - FIRST_ROUNDS).round().astype(int).tolist()
    return sorted({*range(FIRST_ROUNDS), *later} | ({knee} if knee is not None else set()))


def map_cover(placement: Mapping) -> float:
    """Share of an image's short side that a network sees, of how its images are placed: all but for ``official``."""
    if placement["geometry"] != "official" or not placement["resize"]:
        return 1.0
    size = placement["size"]
    return (size if isinstance(size, int) else min(size)) / placement["resize"]


def _read(source: str, full_range, cell: tuple[int, int]) -> tuple[Image.Image, str]:
    """A thumbnail, or a crossed cell and why."""
    try:
        picture = read_image(source, max_pixels=None, full_range=full_range).convert("RGB")
    except (UnreadableImageError, OSError) as error:
        logger.warning("no thumbnail of %s: %s", source, error)
        return crossed_cell(cell), str(error)
    return fit_to_cell(picture, cell), ""


def _centred(place: Mapping[str, int], picture: Image.Image) -> tuple[int, int]:
    return (
        place["x"] + (place["width"] - picture.width) // 2,
        place["y"] + (place["height"] - picture.height) // 2,
    )
