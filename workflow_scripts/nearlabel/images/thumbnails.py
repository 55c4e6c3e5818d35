"""Small pictures of all images of a data set, many to a file: sheets of square cells."""

import io
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from nearlabel.bars import Progress
from nearlabel.files import written_whole
from nearlabel.images.cells import crossed_cell, fit_to_cell
from nearlabel.images.reading import UnreadableImageError, read_image
from nearlabel.images.scales import full_ranges

logger = logging.getLogger(__name__)

SIDES = (128, 96, 64, 56, 48, 40, 32)
"""Pixels of a cell; even, as WebP keeps one colour for two pixels by two."""
BUDGET = 20_000_000
"""Bytes of all sheets: 26.7 MB as base64. Of 32 MB, a page has 5 left for what is known of 100,000 images."""
SHEET_SIDE = 1024
"""Pixels of a sheet at most; a browser decodes one in a few milliseconds."""
SAMPLE = 200
"""Images that a side is chosen by, where there are more."""
PAPER = (128, 128, 128)
THIN = 3
"""Times as long as wide, an image is a strip."""

# Method 6 is slower than 4 and saves some percent.
_WEBP = {"format": "WEBP", "quality": 60, "method": 6}


def draw_thumbnails(
    images: pd.DataFrame,
    folder: str | Path,
    *,
    seed: int,
    workers: int = 1,
    budget: int = BUDGET,
    sides: Sequence[int] = SIDES,
) -> dict[str, Any]:
    """Draw every image of a data set small, in sheets of square cells, as WebP.

    The side is the largest with which all sheets together have at most `budget` bytes: of more than 200 images
    estimated from a seeded sample, then counted; the last of `sides` where none does. A picture keeps its shape and
    lies in the middle of its cell on grey, one pixel of it at least. An image that has become unreadable leaves a
    crossed cell and a problem.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``: image_id, path, width, height, full_range.
    folder : str or Path
        Gets ``0000.webp``, ``0001.webp``, …: image i is cell ``i % c`` of sheet ``i // c``, with c = columns × rows,
        counted row by row. Sheets of an earlier drawing are removed.
    seed : int
        Of the sample.
    workers : int
        Sheets drawn at a time, in threads; changes no bit.
    budget : int
        Bytes.
    sides : sequence of int
        Pixels of a cell to choose from, the largest first.

    Returns
    -------
    dict
        side; columns, rows, of a sheet; images; sheets; bytes, of all sheets; note, what a reader should know;
        problems, image_id → why the image cannot be read.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sources = list(zip(images["path"], full_ranges(images), strict=True))
    estimate = _estimator(sources, seed, workers)
    for side in sides:
        if side != sides[-1] and len(sources) > SAMPLE and estimate(side) > budget:
            continue
        columns, rows = sheet_shape(len(sources), side)
        size, problems = _draw_sheets(sources, folder, side, columns, rows, workers)
        if size <= budget:
            break
    logger.info(
        "%d images at %d pixels: %d sheets, %d bytes",
        len(sources),
        side,
        math.ceil(len(sources) / (columns * rows)),
        size,
    )
    ids = list(images["image_id"])
    return {
        "side": side,
        "columns": columns,
        "rows": rows,
        "images": len(sources),
        "sheets": math.ceil(len(sources) / (columns * rows)),
        "bytes": size,
        "note": describe_strips(images["width"].astype(int), images["height"].astype(int), side),
        "problems": {ids[row]: reason for row, reason in problems.items()},
    }


def sheet_shape(count: int, side: int) -> tuple[int, int]:
    """Return how many columns and rows of cells a sheet has, for so many images; at least one."""
    columns = max(1, min(SHEET_SIDE // side, count))
    return columns, max(1, min(SHEET_SIDE // side, math.ceil(count / columns)))


def describe_strips(widths: pd.Series, heights: pd.Series, side: int) -> str:
    """Say how strips thinner than 1 : 3 look in their cells; '' where there are none."""
    longer, shorter = np.maximum(widths, heights), np.minimum(widths, heights)
    thin = longer > THIN * shorter
    if not thin.any():
        return ""
    least = max(1, round(side * float((shorter / longer).min())))
    return (
        f"{int(thin.sum())} of {len(widths)} images are strips thinner than 1 : {THIN}: a strip lies across the middle "
        f"of its grey cell, from edge to edge; the thinnest takes {least} of {side} pixels. Open it to see more."
    )


def _estimator(sources: list[tuple[str, str]], seed: int, workers: int) -> Callable[[int], float]:
    """Return the function from a side to the bytes that all sheets would have, by a sample; read when first asked."""
    chosen = np.arange(len(sources))
    if len(chosen) > SAMPLE:
        chosen = np.sort(np.random.default_rng(seed).choice(len(chosen), SAMPLE, replace=False))
    pictures: list[Image.Image] = []

    def estimate(side: int) -> float:
        if not pictures:
            # Twice as large as the largest cell, not as in the files: those may be too large to hold.
            with ThreadPoolExecutor(workers) as pool:
                read = pool.map(lambda row: _read_small(sources[row], 2 * max(SIDES)), chosen)
                pictures.extend(picture for picture, _ in read)
        columns, rows = sheet_shape(len(pictures), side)
        whole = columns * rows
        parts = [pictures[start : start + whole] for start in range(0, len(pictures), whole)]
        size = sum(len(_encode([fit_to_cell(one, (side, side)) for one in part], side, columns)) for part in parts)
        return size / len(pictures) * len(sources)

    return estimate


def _draw_sheets(
    sources: list[tuple[str, str]], folder: Path, side: int, columns: int, rows: int, workers: int
) -> tuple[int, dict[int, str]]:
    """Draw all sheets; return their bytes, and why images cannot be read, by row."""
    for stale in folder.glob("*.webp"):
        stale.unlink()
    starts = range(0, len(sources), columns * rows)

    def draw(start: int) -> tuple[int, dict[int, str]]:
        part = sources[start : start + columns * rows]
        found = [_read_small(source, side) for source in part]
        content = _encode([picture for picture, _ in found], side, columns)
        with written_whole(folder / f"{start // (columns * rows):04d}.webp") as partial:
            partial.write_bytes(content)
        return len(content), {start + place: reason for place, (_, reason) in enumerate(found) if reason}

    size, problems = 0, {}
    with ThreadPoolExecutor(workers) as pool, Progress(len(sources), "images") as progress:
        for start, (written, wrong) in zip(starts, pool.map(draw, starts), strict=True):
            size += written
            problems |= wrong
            progress.update(min(columns * rows, len(sources) - start))
    return size, problems


def _read_small(source: tuple[str, str], side: int) -> tuple[Image.Image, str]:
    """Read an image into a square; a crossed cell and the reason where that fails."""
    path, full_range = source
    try:
        return fit_to_cell(read_image(path, max_pixels=None, full_range=full_range), (side, side)), ""
    except (UnreadableImageError, OSError) as error:
        logger.warning("no thumbnail of %s: %s", path, error)
        return crossed_cell((side, side)), str(error)


def _encode(pictures: Sequence[Image.Image], side: int, columns: int) -> bytes:
    sheet = Image.new("RGB", (columns * side, math.ceil(len(pictures) / columns) * side), PAPER)
    for cell, picture in enumerate(pictures):
        left, top = cell % columns * side, cell // columns * side
        sheet.paste(picture, (left + (side - picture.width) // 2, top + (side - picture.height) // 2))
    content = io.BytesIO()
    sheet.save(content, **_WEBP)
    return content.getvalue()
