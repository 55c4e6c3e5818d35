"""Writing the explorer: a data set's images on maps, in one file that makes no request."""

import base64
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nearlabel.files import written_whole
from nearlabel.labelling.page.writing import SHARED, as_json, policy_hash
from nearlabel.report.explorer.checking import check_data
from nearlabel.report.explorer.data import Column, ExplorerData, NodeView
from nearlabel.report.explorer.packing import pack_integers, pack_numbers, pack_points, pack_texts
from nearlabel.sources import data_path

TEMPLATES = data_path(__file__, "templates")

# In this order: a file declares what a later one uses.
_SCRIPTS = (
    "text",
    "unpacking",
    "geometry",
    "statistics",
    "colors",
    "columns",
    "filters",
    "selection",
    "virtual",
    "files",
    "changes",
    "sheets",
    "painting",
    "map",
    "pointing",
    "card",
    "legend",
    "grid",
    "summary",
    "image",
    "giving",
    "saving",
    "state",
    "page",
    "actions",
    "start",
)
# Sheets beside the page come from its own server, or from the disk.
_EMBEDDED, _LINKED = "data: blob:", "data: blob: 'self' file:"


def write_explorer(output, data: ExplorerData, *, budget: int = 32_000_000, page: str = "../index.html") -> None:
    """Write the explorer of a data set: one HTML file, opened from disk.

    It shows each node's maps, colours, hides and selects images, tells what a selection is made of, and writes labels
    and names of groups as files that the workflow reads. It makes no request. Same data, same bytes.

    Parameters
    ----------
    output : str or Path
        The page.
    data : ExplorerData
        What it shows.
    budget : int
        Bytes of the file. The sheets of thumbnails are in it where it then stays within that; else the page loads
        them from where they lie, by paths relative to it, and says so.
    page : str
        Address of the report, from the page's folder.

    Raises
    ------
    FileNotFoundError
        A sheet is not there.
    ValueError
        Parts of `data` do not fit together; the sentence names the part.
    """
    check_data(data)
    output = Path(output)
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    style = (TEMPLATES / "explorer.css").read_text(encoding="utf-8")
    files = [SHARED, *(TEMPLATES / f"explorer_{name}.js" for name in _SCRIPTS)]
    script = "".join(file.read_text(encoding="utf-8") for file in files)
    # Their names stay inside; there is nothing else on the page to share them with.
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    content = _describe(data)
    sizes = [file.stat().st_size for file in data.thumbnails.files]
    frame = len(style) + len(script) + len(as_json(content)) + 12_000
    embedded = frame + sum(4 * ((size + 2) // 3) + 60 for size in sizes) <= budget
    content["thumbnails"]["addresses"] = (
        None if embedded else [_address(file, output.parent) for file in data.thumbnails.files]
    )
    html = environment.get_template("explorer.html").render(
        dataset=data.dataset,
        run=data.run,
        page=page,
        images=Markup(_EMBEDDED if embedded else _LINKED),
        style=Markup(style),
        style_hash=policy_hash(style),
        script=Markup(script),
        script_hash=policy_hash(script),
        data=Markup(as_json(content)),
        sheets=_read_sheets(data.thumbnails.files) if embedded else [],
    )
    with written_whole(output) as partial:
        partial.write_text(html, encoding="utf-8", newline="\n")


def explorer_key(data: ExplorerData) -> str:
    """Name the place where a browser keeps what was given on the page: sha256 of run, data set and image ids."""
    return _hash([data.run, data.dataset, data.image_ids])


def clusters_key(node: NodeView) -> str:
    """Name a node's clusters: sha256 of its images and their clusters. A name given to others is not theirs."""
    clusters = [column.values.tolist() for column in node.columns if column.key == "cluster"]
    return _hash([node.members.tolist(), clusters])


def _hash(parts: list) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _describe(data: ExplorerData) -> dict[str, Any]:
    prefix = _shared_prefix(data.image_ids, data.files)
    thumbnails = data.thumbnails
    return {
        "key": explorer_key(data),
        "run": data.run,
        "dataset": data.dataset,
        "count": len(data.image_ids),
        "ids": pack_texts(data.image_ids),
        # Nearly always a folder and the id.
        "files": {"prefix": prefix} if prefix is not None else {"texts": pack_texts(data.files)},
        "thumbnails": {
            "side": thumbnails.side,
            "columns": thumbnails.columns,
            "rows": thumbnails.rows,
            "note": thumbnails.note,
        },
        "columns": [_describe_column(column) for column in data.columns],
        "nodes": [_describe_node(node) for node in data.nodes],
        "names": data.names,
        "names_file": data.names_file,
        "labels": list(data.labels),
        "labels_folder": data.labels_folder,
    }


def _describe_node(node: NodeView) -> dict[str, Any]:
    return {
        "name": node.name,
        "title": node.title,
        "key": clusters_key(node),
        "members": pack_integers(node.members),
        "maps": [{"key": m.key, "title": m.title, "note": m.note, "points": pack_points(m.points)} for m in node.maps],
        "columns": [_describe_column(column) for column in node.columns],
        "neighbors": pack_integers(node.neighbors) | {"each": int(node.neighbors.shape[1])},
        "prototypes": node.prototypes.tolist(),
    }


def _describe_column(column: Column) -> dict[str, Any]:
    return {
        "key": column.key,
        "title": column.title,
        "note": column.note,
        "names": None if column.names is None else list(column.names),
        "colors": list(column.colors),
        "values": pack_numbers(column.values) if column.names is None else pack_integers(column.values),
    }


def _shared_prefix(image_ids: Iterable[str], files: Iterable[str]) -> str | None:
    """Return the text that each file's path has before the image's id; None where there is no such text."""
    prefix = None
    for image_id, file in zip(image_ids, files, strict=True):
        own = file.removesuffix(image_id)
        if not file.endswith(image_id) or (prefix is not None and own != prefix):
            return None
        prefix = own
    return prefix


def _read_sheets(files: Iterable[Path]) -> list[str]:
    return [base64.b64encode(file.read_bytes()).decode("ascii") for file in files]


def _address(file: Path, folder: Path) -> str:
    return quote(os.path.relpath(file.resolve(), folder.resolve()).replace(os.sep, "/"))
