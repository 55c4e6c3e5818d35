"""Labels of one algorithm for a block of k, and the files that keep them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from nearlabel.files import how_to_remake, written_whole
from nearlabel.hdf5 import TEXT, hdf5_file, opened_hdf5

OUTLIERS = "outliers"
"""Flag of clusterings with an outlier group; its share of the points follows after a colon."""


class Sweep(NamedTuple):
    """Labels of one algorithm for a block of k.

    Attributes
    ----------
    labels : dict of int to ndarray
        int32 array (n,) for each k that was computed, ascending. Numbers within a k mean nothing beyond "same cluster".
    flags : dict of int to list of str
        For each computed k, what a reader must know: ``fewer_clusters`` (fewer clusters than k came out),
        ``not_converged`` (the iteration limit ended the fit), ``degenerate`` (mixtures, see
        `nearlabel.grouping.clustering.algorithms.sweep`),
        ``reg_covar_raised`` (mixtures), ``disconnected_graph`` (spectral), ``identical_points`` (points that are
        exactly the same ended in different clusters), ``outliers:`` with a share from 0 to 1 (``hdbscan``).
    cut : list of int
        The k asked for that exceed the number of points; they have no labels.
    recorded : dict
        Seed, every parameter as used, and what was derived from the data (JSON types).
    missing : sequence of int
        The k asked for, up to n, that an algorithm of its own k did not find; they have no labels.
    outliers : mapping of int to int
        For each k with an outlier group, its label.
    """

    labels: dict[int, np.ndarray]
    flags: dict[int, list[str]]
    cut: list[int]
    recorded: dict[str, Any]
    missing: Sequence[int] = ()
    outliers: Mapping[int, int] = MappingProxyType({})


class LabelBlock(NamedTuple):
    """All clusterings of one algorithm, its files joined.

    Attributes
    ----------
    algorithm : str
        Id of the algorithm.
    labels : dict of int to ndarray
        int32 array (n,) for each k, ascending; raw numbers as the algorithm gave them.
    flags : dict of int to list of str
        As in `Sweep`, for each k.
    cut : list of int
        The k that exceed n and have no labels.
    image_id : ndarray of object (str), shape (n,)
        The images.
    recorded : dict
        Parameters as used (of the first file, where something was recorded for its own k only).
    missing : sequence of int
        The k that an algorithm of its own k did not find; they have no labels.
    outliers : mapping of int to int
        For each k with an outlier group, its label.
    """

    algorithm: str
    labels: dict[int, np.ndarray]
    flags: dict[int, list[str]]
    cut: list[int]
    image_id: np.ndarray
    recorded: dict[str, Any]
    missing: Sequence[int] = ()
    outliers: Mapping[int, int] = MappingProxyType({})


def write_labels(path: str | Path, image_ids: Sequence[str], sweep: Sweep, algorithm: str) -> None:
    """Write a sweep: dataset ``k{k}`` (int32) with attribute ``flags`` for each k; ``image_id``; attributes.

    A dataset with an outlier group has its label as attribute ``outliers``.

    Parameters
    ----------
    path : str or Path
        The HDF5 file.
    image_ids : sequence of str, length n
        The images, in the order of the labels.
    sweep : Sweep
        What `nearlabel.grouping.clustering.algorithms.sweep` gave.
    algorithm : str
        Id of the algorithm.

    Raises
    ------
    ValueError
        The number of ids is not the number of labels.
    """
    with written_whole(path) as partial, hdf5_file(partial, "w") as file:
        file.create_dataset("image_id", data=list(image_ids), dtype=TEXT)
        for k, labels in sweep.labels.items():
            if len(labels) != len(image_ids):
                raise ValueError(f"{path}: {len(labels)} labels for {len(image_ids)} image ids at k = {k}")
            dataset = file.create_dataset(f"k{k}", data=np.asarray(labels, dtype=np.int32))
            dataset.attrs["flags"] = ";".join(sweep.flags[k])
            if k in sweep.outliers:
                dataset.attrs["outliers"] = sweep.outliers[k]
        file.attrs["algorithm"] = algorithm
        file.attrs["cut"] = json.dumps(sweep.cut)
        file.attrs["missing"] = json.dumps(list(sweep.missing))
        file.attrs["parameters"] = json.dumps(sweep.recorded, sort_keys=True)


def read_labels(paths: str | Path | Iterable[str | Path]) -> dict[str, LabelBlock]:
    """Read label files, of one or of several algorithms, and join the blocks of each algorithm.

    Parameters
    ----------
    paths : path or iterable of paths
        Files that `write_labels` wrote, all on the same images.

    Returns
    -------
    dict of str to LabelBlock
        By algorithm id, in the order in which the files first name them.

    Raises
    ------
    FileNotFoundError, ValueError
        A file is missing, damaged, on other images than the first, or repeats a k.
    """
    paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
    joined: dict[str, LabelBlock] = {}
    image_id = None
    for path in paths:
        block = _read_block(path)
        image_id = block.image_id if image_id is None else image_id
        if not np.array_equal(block.image_id, image_id):
            raise ValueError(f"{path} labels other images than {paths[0]}; {how_to_remake('cluster_images')}")
        empty = LabelBlock(block.algorithm, {}, {}, [], image_id, block.recorded, [], {})
        before = joined.setdefault(block.algorithm, empty)
        if repeated := sorted(before.labels.keys() & block.labels.keys()):
            raise ValueError(f"{path} repeats k = {repeated[0]} of {block.algorithm}; give each block of k once")
        before.labels.update(block.labels)
        before.flags.update(block.flags)
        before.cut.extend(block.cut)
        before.missing.extend(block.missing)
        before.outliers.update(block.outliers)
    return {name: _sorted_by_k(block) for name, block in joined.items()}


def _read_block(path: str | Path) -> LabelBlock:
    with opened_hdf5(path) as file:
        image_id = file["image_id"].asstr()[:]
        ks = sorted(int(name[1:]) for name in file if name != "image_id")
        return LabelBlock(
            file.attrs["algorithm"],
            {k: file[f"k{k}"][:] for k in ks},
            {k: [flag for flag in file[f"k{k}"].attrs["flags"].split(";") if flag] for k in ks},
            json.loads(file.attrs["cut"]),
            image_id,
            json.loads(file.attrs["parameters"]),
            json.loads(file.attrs["missing"]),
            {k: int(file[f"k{k}"].attrs["outliers"]) for k in ks if "outliers" in file[f"k{k}"].attrs},
        )


def _sorted_by_k(block: LabelBlock) -> LabelBlock:
    return block._replace(
        labels=dict(sorted(block.labels.items())),
        flags=dict(sorted(block.flags.items())),
        cut=sorted(set(block.cut)),
        missing=sorted(set(block.missing)),
    )
