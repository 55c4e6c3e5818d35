"""What the page shows of the images of single clusters: how well they fit, and near-labels to look at again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.report.base.thumbnails import ThumbnailSheets

MOST_SUSPECTS = 12
"""Near-labels shown of a data set as worth a second look."""
_BARS = 120


def draw_profile(silhouettes: np.ndarray) -> dict[str, Any]:
    """Arrange the silhouettes of a cluster's images, sorted, as a picture of 100 × 40 with zero at 20.

    Parameters
    ----------
    silhouettes : float array, shape (n,)
        From −1 to 1; NaN where they are not known.

    Returns
    -------
    dict
        ``area``: points of a polygon; ``mean``; ``below``: how many images are nearer to another cluster; empty where
        nothing is known.
    """
    known = np.sort(silhouettes[np.isfinite(silhouettes)])[::-1]
    if not len(known):
        return {}
    shown = known[np.linspace(0, len(known) - 1, min(_BARS, len(known))).round().astype(int)]
    edges = np.linspace(0, 100, len(shown) + 1)
    heights = 20 - 20 * shown
    outline = [f"{x:.1f},{y:.1f}" for i, y in enumerate(heights) for x in (edges[i], edges[i + 1])]
    return {
        "area": " ".join(["0,20", *outline, "100,20"]),
        "mean": float(known.mean()),
        "below": int((known < 0).sum()),
    }


def view_suspects(
    suspects: pd.DataFrame, images: pd.DataFrame, sheets: ThumbnailSheets, most: int = MOST_SUSPECTS
) -> dict[str, Any]:
    """Arrange the near-labels that an image's neighbours contradict most.

    Parameters
    ----------
    suspects : DataFrame
        ``suspects.csv``, most suspicious first; may be of some images alone.
    images : DataFrame
        ``images.csv`` by image_id, with ``link``.
    sheets : ThumbnailSheets
        Of the data set.
    most : int
        Shown at most.

    Returns
    -------
    dict
        ``count``: near-labels in doubt; ``shown``: a dict each.
    """
    wrong = suspects[suspects["issue"]]
    return {
        "count": len(wrong),
        "shown": [
            {
                "name": row.image_id,
                "label": row.near_label,
                "suggested": row.suggested,
                "support": float(row.self_confidence),
                "link": images.loc[row.image_id, "link"],
                "picture": _cut(sheets, images, row.image_id),
                "nearest": row.nearest,
                "other": _cut(sheets, images, row.nearest) if row.nearest else "",
            }
            for row in wrong.head(most).itertuples()
        ],
    }


def _cut(sheets: ThumbnailSheets, images: pd.DataFrame, name: str) -> str:
    size: Mapping[str, Any] = images.loc[name]
    return sheets.cut(name, int(size["width"]), int(size["height"]), side=128)
