"""Whether the parts of what the explorer shows fit together: a page that mixes up images is worse than none."""

import re
from collections.abc import Sequence

import numpy as np

from nearlabel.report.explorer.data import Column, ExplorerData, NodeView, Thumbnails

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def check_data(data: ExplorerData) -> None:
    """Check that rows, positions, categories and sheets fit together.

    Raises
    ------
    FileNotFoundError
        A sheet of thumbnails is not there.
    ValueError
        Parts that do not fit; the sentence names them.
    """
    count = len(data.image_ids)
    if len(set(data.image_ids)) < count:
        raise ValueError(f"{data.dataset}: two images have the same id; ids must differ")
    if len(data.files) != count:
        raise ValueError(f"{data.dataset}: {count} images have {len(data.files)} files; each must have one")
    _check_thumbnails(data.thumbnails, count)
    for column in data.columns:
        _check_column(column, count, data.dataset)
    if not data.nodes:
        raise ValueError(f"{data.dataset}: there is no node to show; write no explorer for it")
    for node in data.nodes:
        _check_node(node, count, [column.key for column in data.columns])


def _check_thumbnails(thumbnails: Thumbnails, count: int) -> None:
    cells = thumbnails.columns * thumbnails.rows
    if thumbnails.side < 1 or cells < 1 or len(thumbnails.files) * cells < count:
        raise ValueError(f"{len(thumbnails.files)} sheets of {cells} thumbnails do not hold {count} images")
    for file in thumbnails.files:
        if not file.is_file():
            raise FileNotFoundError(f"{file} is not there; make the thumbnails again")


def _check_node(node: NodeView, count: int, keys: Sequence[str]) -> None:
    size = len(node.members)
    if not _within(node.members, 0, count) or len(np.unique(node.members)) < size:
        raise ValueError(f"{node.name}: members must be positions of different images, from 0 to {count - 1}")
    if not size or not node.maps:
        raise ValueError(f"{node.name} has {size} images on {len(node.maps)} maps; it needs one of each at least")
    for view in node.maps:
        if np.shape(view.points) != (size, 2):
            raise ValueError(
                f"{node.name}, map {view.key}: points have the shape {np.shape(view.points)}, not {size, 2}"
            )
    for column in node.columns:
        _check_column(column, size, node.name)
    own = [*keys, *(column.key for column in node.columns)]
    if len(set(own)) < len(own):
        raise ValueError(f"{node.name}: two columns have the same key ({', '.join(own)}); keys must differ")
    if node.neighbors.ndim != 2 or len(node.neighbors) != size or not _within(node.neighbors, -1, size):
        raise ValueError(f"{node.name}: neighbors must be positions in the node, a row for each of its {size} images")
    if not _within(node.prototypes, 0, size):
        raise ValueError(f"{node.name}: prototypes must be positions in the node, from 0 to {size - 1}")


def _check_column(column: Column, size: int, where: str) -> None:
    if np.shape(column.values) != (size,):
        raise ValueError(f"{where}, column {column.key}: {np.shape(column.values)} values for {size} images")
    if column.names is None:
        return
    if not _within(column.values, -1, len(column.names)):
        raise ValueError(f"{where}, column {column.key}: a value is none of its {len(column.names)} categories, nor -1")
    if len(column.colors) != len(column.names) or not all(_COLOR.fullmatch(color) for color in column.colors):
        raise ValueError(f"{where}, column {column.key}: each of its categories needs a colour such as #0b5c8f")


def _within(values: np.ndarray, low: int, end: int) -> bool:
    values = np.asarray(values)
    return not values.size or (int(values.min()) >= low and int(values.max()) < end)
