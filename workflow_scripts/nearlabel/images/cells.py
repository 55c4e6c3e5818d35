"""Small pictures in the cells of a sheet: how large a cell is, how an image fits it, what stands for one without."""

import math

import numpy as np
from PIL import Image, ImageDraw

CROSSED, CROSS = (200, 200, 200), (120, 120, 120)


def cell_size(widths, heights, thumbnail: int) -> tuple[int, int]:
    """Return width and height in pixels of a cell with the median shape of the images and a square's area.

    A strip of 1600×256 gets a long, low cell, so that its thumbnail is as large as that of a square image; the shape
    is kept between 1:8 and 8:1.
    """
    shape = float(np.clip(np.median(np.asarray(widths) / np.asarray(heights)), 1 / 8, 8))
    return max(1, round(thumbnail * math.sqrt(shape))), max(1, round(thumbnail / math.sqrt(shape)))


def fit_to_cell(image: Image.Image, cell: tuple[int, int]) -> Image.Image:
    """Bring an image to the size of a cell, its shape kept: of the thinnest strip one pixel is left."""
    shrink = min(side / own for side, own in zip(cell, image.size, strict=True))
    size = [max(1, round(own * shrink)) for own in image.size]
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def crossed_cell(cell: tuple[int, int]) -> Image.Image:
    """Draw the cell of an image that cannot be read."""
    picture = Image.new("RGB", cell, CROSSED)
    pen = ImageDraw.Draw(picture)
    right, bottom = cell[0] - 1, cell[1] - 1
    pen.line([(0, 0), (right, bottom)], fill=CROSS, width=2)
    pen.line([(0, bottom), (right, 0)], fill=CROSS, width=2)
    return picture
