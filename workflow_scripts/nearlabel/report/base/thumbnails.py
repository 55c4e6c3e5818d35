"""Single thumbnails out of the sheets of a data set."""

import base64
import io
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image


class ThumbnailSheets:
    """The sheets of a data set's thumbnails, to cut single ones out of.

    Parameters
    ----------
    index : str or Path
        ``thumbnails.json``; the sheets lie in the folder beside it that has its name without suffix.
    image_ids : sequence of str
        All images, in the order of ``images.csv``.
    """

    def __init__(self, index: str | Path, image_ids: Sequence[str]):
        layout = json.loads(Path(index).read_text(encoding="utf-8"))
        self.side, self.columns, self.rows = (int(layout[key]) for key in ("side", "columns", "rows"))
        self.folder = Path(index).with_suffix("")
        self.position = {image_id: i for i, image_id in enumerate(image_ids)}
        self._read = lru_cache(maxsize=8)(self._open)

    def cut(self, image_id: str, width: int, height: int, side: int = 96) -> str:
        """Return the thumbnail of an image as a data URI, without the grey around it.

        Parameters
        ----------
        image_id : str
        width, height : int
            Of the image, whose shape the thumbnail has.
        side : int
            Pixels of its longer side at most.
        """
        sheet, cell = divmod(self.position[image_id], self.columns * self.rows)
        x, y = self.side * (cell % self.columns), self.side * (cell // self.columns)
        shrink = self.side / max(width, height)
        own = [max(1, round(width * shrink)), max(1, round(height * shrink))]
        left, top = x + (self.side - own[0]) // 2, y + (self.side - own[1]) // 2
        picture = self._read(sheet).crop((left, top, left + own[0], top + own[1]))
        picture.thumbnail((side, side))
        buffer = io.BytesIO()
        picture.save(buffer, format="WEBP", quality=80)
        return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"

    def _open(self, sheet: int) -> Image.Image:
        with Image.open(self.folder / f"{sheet:04d}.webp") as picture:
            return picture.convert("RGB")
