"""The page of the final network: one HTML file that needs nothing beside it."""

import base64
import io
import json
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from nearlabel.files import read_table, written_whole
from nearlabel.images.reading import UnreadableImageError, read_image
from nearlabel.images.scales import full_ranges
from nearlabel.labelling.page.writing import policy_hash
from nearlabel.report.base.embedding import embed_file
from nearlabel.report.page import TEMPLATES, page_environment

SHOWN, SIDE = 24, 320
"""Doubtful labels that the page shows, and pixels of an image's longer side there."""


def write_final_page(output, *, run: str, dataset: str, images, report, doubtful, status, figure) -> None:
    """Write the page.

    Parameters
    ----------
    output : str or Path
        ``final/index.html``.
    run, dataset : str
    images, report, doubtful, status : str or Path
        ``images.csv``, ``final/report.json``, ``final/doubtful.csv``, ``status.json``.
    figure : str or Path
        Of `nearlabel.report.labelling.final_figure.plot_final`, an SVG.
    """
    table = pd.read_csv(images, dtype=str, keep_default_na=False)
    facts = dict(zip(table["image_id"], zip(table["path"], full_ranges(table), strict=True), strict=True))
    doubts = [
        {
            "image_id": row.image_id,
            "label": row.label,
            "disagreement": float(row.disagreement),
            "probability": float(row.probability) if row.probability else None,
            "neighbour": row.neighbour,
            "picture": _embed(*facts[row.image_id]),
            "other": _embed(*facts[row.neighbour]) if row.neighbour in facts else None,
        }
        for row in read_table(doubtful, ("image_id", "label")).head(SHOWN).itertuples()
    ]
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    html = (
        page_environment()
        .get_template("final.html")
        .render(
            run=run,
            dataset=dataset,
            style=Markup(style),
            style_hash=policy_hash(style),
            report=json.loads(Path(report).read_text(encoding="utf-8")),
            certificate=_describe_certificate(json.loads(Path(status).read_text(encoding="utf-8"))),
            figure=embed_file(figure),
            doubts=doubts,
        )
    )
    with written_whole(output) as partial:
        partial.write_text(html, encoding="utf-8", newline="\n")


def _describe_certificate(status) -> str:
    certificate = status["certificate"]
    claim = f"at least {certificate['recall']:.0%} of all defects of the data set"
    if not status["left"]:
        return "Every image of the data set has a label."
    if certificate["state"] == "certified":
        return (
            f"Labelling ended with a certificate: {claim} are found, at {1 - certificate['alpha']:.0%}, by "
            f"{certificate['size']} images drawn at random."
        )
    if certificate["state"] == "certain":
        return f"Labelling ended where {claim} are found whatever the rest is."
    left = status["defects_left"]
    told = f" By the images drawn at random, {left['low']} to {left['high']} defects are left." if left else ""
    return f"It is not certified that {claim} are found: labelling ended before.{told}"


def _embed(path: str, full_range: str) -> Markup | None:
    """A small picture of an image as a data URI; None where it cannot be read any more."""
    try:
        image = read_image(path, full_range=full_range)
    except (OSError, UnreadableImageError):
        return None
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return Markup("data:image/jpeg;base64,{}").format(Markup(base64.b64encode(buffer.getvalue()).decode()))
