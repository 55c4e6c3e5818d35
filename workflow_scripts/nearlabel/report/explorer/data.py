"""What the explorer shows of a data set, as its page takes it."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Column:
    """One thing that is known of every image: a category or a number.

    Attributes
    ----------
    key : str
        Unique among the columns of a node: ``cluster``, ``near_label``, ``class``, ``predicted``, ``silhouette``, …
    title : str
        What the page calls it.
    values : ndarray, shape (n,)
        Of categories int32, an index into ``names``, −1 where it is not known; of numbers float32, NaN where it is not
        known.
    names : tuple of str or None
        The categories, in the order of the legend; None for numbers.
    colors : tuple of str
        A colour (``#rrggbb``) of each category; empty for numbers.
    note : str
        One sentence on what it is; may be empty.
    """

    key: str
    title: str
    values: np.ndarray
    names: tuple[str, ...] | None = None
    colors: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class MapView:
    """A map of a node: ``points``, float32 (n, 2), says where each image lies, ``note`` how far to trust that."""

    key: str
    title: str
    points: np.ndarray
    note: str = ""


@dataclass(frozen=True)
class NodeView:
    """A clustered node.

    Attributes
    ----------
    name : str
        ``root``, ``root.1``, …
    title : str
        The user's name for it; may be empty.
    members : ndarray of int32, shape (n,)
        Its images, as positions in `ExplorerData.image_ids`.
    maps : tuple of MapView
        At least one; rows follow ``members``.
    columns : tuple of Column
        What is known within the node alone, its clusters first (key ``cluster``; category i is the node's cluster i);
        rows follow ``members``.
    neighbors : ndarray of int32, shape (n, k)
        The k nearest other images of each, nearest first, as positions in ``members``; −1 where there is none.
    prototypes : ndarray of int32, shape (number of clusters,)
        The image nearest the centre of each cluster, as positions in ``members``.
    """

    name: str
    title: str
    members: np.ndarray
    maps: tuple[MapView, ...]
    columns: tuple[Column, ...]
    neighbors: np.ndarray
    prototypes: np.ndarray


@dataclass(frozen=True)
class Thumbnails:
    """Small pictures in sheets; image i of the data set is cell ``i % c`` of sheet ``i // c``, with c = columns × rows.

    Attributes
    ----------
    side : int
        Pixels of a cell, which is square; the picture keeps its shape and lies in its middle.
    columns, rows : int
        Cells of a sheet; cells are counted row by row.
    files : tuple of Path
        The sheets, WebP.
    note : str
        What the page says of them, as of cells made smaller; may be empty.
    """

    side: int
    columns: int
    rows: int
    files: tuple[Path, ...]
    note: str = ""


@dataclass(frozen=True)
class ExplorerData:
    """All that the explorer of a data set shows.

    Attributes
    ----------
    run, dataset : str
        Names.
    image_ids : tuple of str
        All images of the data set, in the order of ``images.csv``.
    files : tuple of str
        Where each image lies, as a path from the page's folder, or absolute.
    thumbnails : Thumbnails
        Of all images.
    columns : tuple of Column
        What is known of all images, whatever the node; near-labels have the key ``near_label``.
    nodes : tuple of NodeView
        Clustered nodes, ``root`` first.
    names : dict of str to str
        Group (``root.1``) → what the user calls it.
    names_file : str
        ``grouping.names`` of the data set; '' where there is none.
    labels : tuple of str
        What a person may say of an image: ``labelling.labels``; empty where the data set is not labelled by a person.
    labels_folder : str
        Where files of labels belong.
    """

    run: str
    dataset: str
    image_ids: tuple[str, ...]
    files: tuple[str, ...]
    thumbnails: Thumbnails
    columns: tuple[Column, ...]
    nodes: tuple[NodeView, ...]
    names: dict[str, str] = field(default_factory=dict)
    names_file: str = ""
    labels: tuple[str, ...] = ()
    labels_folder: str = "labels"
