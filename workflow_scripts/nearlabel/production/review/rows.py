"""What the page says of images: many in the grid, one in full."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import Any

from nearlabel.production.database.said import Said
from nearlabel.production.review.filters import Filters, as_sql

PAGE = 60
"""Images of one answer."""

HISTORY = 500
"""Rows of each kind that an opened image shows at most, the latest."""

_COLUMNS = """
    labels.label_id, labels.image_id, labels.bundle, labels.time, labels.label, labels.label_by, labels.p_value,
    labels.confidence, labels.label_set, labels.node, labels.group_name, labels.novelty_p, labels.normal_percentile,
    labels.novel, images.sha256, images.path, images.width, images.height
"""


def read_page(connection: sqlite3.Connection, filters: Filters, before: int | None, count: int = PAGE) -> dict:
    """Read images, the latest first.

    Parameters
    ----------
    connection : Connection
    filters : Filters
    before : int or None
        Only labels of smaller numbers: the last number of the page before.
    count : int

    Returns
    -------
    dict
        ``images``: list of what `describe` returns; ``next``: where the next page begins, or None.
    """
    condition, values = as_sql(filters, connection)
    if before is not None:
        condition += " AND labels.label_id < ?"
        values.append(before)
    rows = connection.execute(
        f"SELECT labels.label_id FROM labels WHERE {condition} ORDER BY labels.label_id DESC LIMIT ?",
        [*values, count + 1],
    ).fetchall()
    ids = [row["label_id"] for row in rows[:count]]
    return {"images": describe(connection, ids), "next": ids[-1] if len(rows) > count else None}


def describe(connection: sqlite3.Connection, label_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Describe the images of these labels as the grid shows them, in this order."""
    marks = _marks(label_ids)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM labels JOIN images USING (image_id) WHERE label_id IN ({marks})", list(label_ids)
    ).fetchall()
    images = [row["image_id"] for row in rows]
    seen = {
        row["image_id"]: row
        for row in connection.execute(
            "SELECT image_id, count(*) AS sightings, max(sighting_id) AS last, camera, path, time "
            f"FROM sightings WHERE image_id IN ({_marks(images)}) GROUP BY image_id",
            images,
        )
    }
    words = read_words(connection, images)
    found = {row["label_id"]: _describe(row, seen.get(row["image_id"]), words) for row in rows}
    return [found[one] for one in label_ids if one in found]


def read_words(connection: sqlite3.Connection, image_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the latest standing word on each of the images, and whether operators' latest words differ."""
    rows = connection.execute(
        "SELECT correction_id, image_id, operator, time, action, label, node FROM standing_corrections "
        f"WHERE image_id IN ({_marks(image_ids)}) ORDER BY correction_id",
        list(image_ids),
    ).fetchall()
    found: dict[int, dict[str, Any]] = {}
    by_operator: dict[int, dict[str, Said]] = {}
    for row in rows:
        own = by_operator.setdefault(row["image_id"], {})
        said = own[row["operator"]] = own.get(row["operator"], Said()).then(row)
        found[row["image_id"]] = {
            "id": row["correction_id"],
            "operator": row["operator"],
            "time": row["time"],
            "action": row["action"],
            "label": said.label,
            "node": said.node,
            "differ": _differ(own.values()),
        }
    return found


def read_image(connection: sqlite3.Connection, sha256: str) -> dict[str, Any] | None:
    """Describe one image in full: its latest label, every label, every sighting, every word; None: there is none."""
    row = connection.execute(
        "SELECT image_id, max(label_id) AS label_id FROM labels WHERE image_id = "
        "(SELECT image_id FROM images WHERE sha256 = ?)",
        (sha256,),
    ).fetchone()
    if row["label_id"] is None:
        return None
    image_id = row["image_id"]
    [image] = describe(connection, [row["label_id"]])
    latest = connection.execute(
        "SELECT lineage, neighbors, novelty, shadow_node, bundle_sha256, x, y FROM labels WHERE label_id = ?",
        (row["label_id"],),
    ).fetchone()
    facts = connection.execute(
        "SELECT mode, bytes, brightness, contrast, first_seen FROM images WHERE image_id = ?", (image_id,)
    ).fetchone()
    labels = connection.execute(
        "SELECT bundle, time, label, node, group_name, confidence, novel, novelty_p FROM labels WHERE image_id = ? "
        "ORDER BY label_id DESC LIMIT ?",
        (image_id, HISTORY),
    )
    sightings = connection.execute(
        "SELECT time, camera, part, path FROM sightings WHERE image_id = ? ORDER BY sighting_id DESC LIMIT ?",
        (image_id, HISTORY),
    )
    words = connection.execute(
        "SELECT correction_id AS id, operator, time, action, label, node, undoes, request FROM corrections "
        "WHERE image_id = ? ORDER BY correction_id DESC LIMIT ?",
        (image_id, HISTORY),
    ).fetchall()
    undone = {word["undoes"] for word in words}
    return image | {
        "lineage": _as_list(latest["lineage"]),
        "neighbors": [one for one in _as_list(latest["neighbors"]) if isinstance(one, dict)],
        "novelty": latest["novelty"],
        "shadow": latest["shadow_node"],
        "bundle_sha256": latest["bundle_sha256"],
        "place": None if latest["x"] is None or latest["y"] is None else [latest["x"], latest["y"]],
        "facts": dict(facts),
        "labels": [dict(one) | {"novel": bool(one["novel"])} for one in labels],
        "seen": [dict(one) | {name: file_name(one[name]) for name in ("path", "part")} for one in sightings],
        "words": [dict(one) | {"undone": one["id"] in undone} for one in words],
    }


def read_choices(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return what there is to filter by: labels, groups with their names, cameras, bundles' numbers, and the total."""
    labels = {*_distinct(connection, "labels", "label"), *_distinct(connection, "corrections", "label")} - {""}
    nodes = [node for node in _distinct(connection, "labels", "node") if node]
    names = {}
    for node in nodes:
        row = connection.execute(
            "SELECT group_name FROM labels WHERE node = ? ORDER BY label_id DESC LIMIT 1", (node,)
        ).fetchone()
        names[node] = row["group_name"]
    return {
        "labels": sorted(labels),
        "groups": [{"node": node, "name": names[node]} for node in sorted(nodes, key=_by_number)],
        "cameras": [camera for camera in _distinct(connection, "sightings", "camera") if camera],
        "images": connection.execute("SELECT count(*) FROM images").fetchone()[0],
    }


def file_name(path: str) -> str:
    """Return the last part of a path of any system; the folders are nobody's business on a page."""
    return PurePath(path.replace("\\", "/")).name


def _describe(row: sqlite3.Row, seen: sqlite3.Row | None, words: dict[int, dict[str, Any]]) -> dict[str, Any]:
    return {
        "image": row["sha256"],
        "label_id": row["label_id"],
        "name": file_name(row["path"] if seen is None else seen["path"]),
        "time": row["time"] if seen is None else seen["time"],
        "camera": "" if seen is None else seen["camera"],
        "sightings": 0 if seen is None else seen["sightings"],
        "size": [row["width"], row["height"]],
        "bundle": row["bundle"],
        "label": row["label"],
        "by": row["label_by"],
        "p": row["p_value"],
        "confidence": row["confidence"],
        "set": [one for one in _as_list(row["label_set"]) if isinstance(one, str)],
        "node": row["node"],
        "group": row["group_name"],
        "novelty_p": row["novelty_p"],
        "percentile": row["normal_percentile"],
        "novel": bool(row["novel"]),
        "word": words.get(row["image_id"]),
    }


def _differ(said: Collection[Said]) -> bool:
    """Whether what operators say cannot all be right; what one leaves open agrees with all."""
    labels, nodes = {one.label for one in said} - {""}, {one.node for one in said} - {""}
    # A confirmation of no label and no group says that the image is novel.
    novel = any(one.of_label is not None and not one.label and not one.node for one in said)
    return novel + len(labels) > 1 or novel + len(nodes) > 1


def _distinct(connection: sqlite3.Connection, table: str, column: str) -> list[str]:
    """Return the values of a column that begins an index: one look-up for each, however many rows there are."""
    rows = connection.execute(
        f"WITH RECURSIVE found (value) AS (SELECT min({column}) FROM {table} UNION ALL "
        f"SELECT (SELECT min({column}) FROM {table} WHERE {column} > found.value) FROM found "
        "WHERE found.value IS NOT NULL) SELECT value FROM found WHERE value IS NOT NULL LIMIT 2000"
    )
    return [row["value"] for row in rows]


def _by_number(node: str) -> tuple:
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in node.split("."))


def _as_list(text: str) -> list:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _marks(values: Sequence) -> str:
    return ",".join("?" * len(values))
