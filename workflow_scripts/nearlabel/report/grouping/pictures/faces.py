"""The faces of a group: the images nearest its centre, as one picture."""

import base64
import io
from pathlib import Path

import pandas as pd
from PIL import Image

FACES = 4


def cut_faces(index: pd.DataFrame, folder: Path, cluster: int, faces: int = FACES) -> tuple[str, list[str]]:
    """Cut the first images out of the contact sheet of a cluster's nearest images.

    Parameters
    ----------
    index : DataFrame
        Of a node's contact sheets, see `nearlabel.report.grouping.pictures.sheets.draw_contact_sheets`.
    folder : Path
        Where the sheets are.
    cluster : int
        Number of the cluster.
    faces : int
        Images at most, as whole rows of the sheet, at least one.

    Returns
    -------
    strip : str
        The strip, as a data URI.
    image_ids : list of str
        What it shows, row by row.
    """
    rows = index[(index["cluster"] == cluster) & (index["side"] == "nearest")].sort_values("position")
    first = rows.iloc[0]
    columns, lines = int(first["columns"]), int(first["rows"])
    wide = min(columns, faces)
    high = max(1, min(lines, faces // wide))
    shown = rows[(rows["position"] % columns < wide) & (rows["position"] < high * columns)]
    with Image.open(folder / first["file"]) as sheet:
        width, height = sheet.width // columns, sheet.height // lines
        strip = sheet.crop((0, 0, width * min(wide, len(shown)), height * high))
        buffer = io.BytesIO()
        strip.save(buffer, format="JPEG", quality=85, optimize=True)
    uri = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return uri, shown["image_id"].tolist()
