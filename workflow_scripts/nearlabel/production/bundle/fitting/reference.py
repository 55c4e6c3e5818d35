"""Training images that new ones are held against, and how novel held-out good images are by them."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.features.preparation import load_image
from nearlabel.grouping.maps.node_map import NodeMap
from nearlabel.production.bundle.contents import Calibration, Reference
from nearlabel.production.bundle.fitting.holdout import first_of_groups
from nearlabel.production.bundle.fitting.images import BundleImages
from nearlabel.production.bundle.fitting.labels import Given
from nearlabel.production.labeller.reading import draw_thumbnail, measure_grey
from nearlabel.production.novelty import distances
from nearlabel.production.novelty.conformal import require_rate

SIDE = 64
"""Pixels of a reference image's thumbnail."""


def hold_against(
    found: BundleImages,
    vectors: np.ndarray,
    leaves: np.ndarray,
    mapped: NodeMap,
    settings: Mapping[str, Any],
    given: Given,
    carried: Reference | None,
    *,
    seed: int,
    workers: int,
) -> tuple[Reference, Calibration, np.ndarray]:
    """Choose the images that new ones are held against, and say what the held-out good ones are by them.

    Parameters
    ----------
    found : BundleImages
        n images.
    vectors : ndarray of float32, shape (n, d)
        As `nearlabel.production.novelty.distances.novelty_features` makes them.
    leaves : ndarray of object (str), shape (n,)
        Leaf groups.
    mapped : NodeMap
        The root's map.
    settings : mapping
        ``false_alarms, neighbors, normal, reference``.
    given : Given
        What gives labels.
    carried : Reference or None
        Further images that new ones are held against.
    seed : int
        Of the choice.
    workers : int
        Images read at a time.

    Returns
    -------
    reference : Reference
    calibration : Calibration
    novelty : ndarray of float64, shape (n,)
        Of held-out images; NaN of others.

    Raises
    ------
    ValueError
        The rate of false alarms takes more held-out good images.
    """
    table, contents, held = found.table, found.table["sha256"].to_numpy(dtype=object), found.held
    good = np.flatnonzero(held.held_out & found.good(settings["normal"]))
    good = first_of_groups(good, held.group, contents)
    try:
        require_rate(settings["false_alarms"], len(good))
    except ValueError as error:
        raise ValueError(f"production.false_alarms: {error}; near-duplicates count once") from None
    rows = choose_reference(np.flatnonzero(~held.held_out), found.labels, contents, settings["reference"], seed)
    chosen = table.iloc[rows]
    seen, seen_good = look_at(chosen, workers), look_at(table.iloc[good], workers)
    reference = Reference(
        chosen["image_id"].to_numpy(dtype=object),
        contents[rows],
        found.labels[rows],
        leaves[rows],
        vectors[rows],
        _places(mapped, chosen["image_id"]),
        seen.thumbnails,
    )
    if carried is not None:
        reference = Reference(
            *(np.concatenate(pair) for pair in zip(reference[:-1], carried[:-1], strict=True)),
            [*reference.thumbnails, *carried.thumbnails],
        )
    novelty = np.full(len(table), np.nan)
    asked = np.flatnonzero(held.held_out)
    novelty[asked] = measure_novelty(vectors[asked], reference.features, settings["neighbors"])
    # Novelty of training images by themselves says nothing; their light says as much as that of held-out ones.
    grey = np.full((len(table), 2), np.nan)
    grey[rows], grey[good] = seen.grey, seen_good.grey
    lit = np.flatnonzero(found.good(settings["normal"]) & ~np.isnan(grey[:, 0]))
    grey = grey[first_of_groups(lit, held.group, contents)]
    calibration = Calibration(
        np.sort(novelty[good]), settings["neighbors"], given.nonconformity, *grey.T, given.stand_for
    )
    return reference, calibration, novelty


def _places(mapped: NodeMap, image_ids: pd.Series) -> np.ndarray:
    """Where images are on a map, NaN where they are not."""
    where = mapped.pca if mapped.tsne is None else mapped.tsne
    position = pd.Series(np.arange(len(where)), index=mapped.image_id).reindex(image_ids)
    known = position.notna().to_numpy()
    places = np.full((len(image_ids), 2), np.nan, np.float32)
    places[known] = where[position[known].astype(int)]
    return places


def choose_reference(rows: np.ndarray, labels: np.ndarray, sha256: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Choose the training images to keep: of each content one, and where those are too many, of each label a share.

    Half of the places are dealt out evenly, so that rare labels keep theirs, the others by how many images a label has.
    Of a label the images with the smallest keyed hashes are kept: one more image changes one place.

    Parameters
    ----------
    rows : ndarray of int
        Images that are learnt from.
    labels, sha256 : ndarray of object (str), shape (n,)
        Of all images.
    most : int
        Images at most.
    seed : int
        Keys the hash.

    Returns
    -------
    ndarray of int
        In the order of `rows`.
    """
    order = pd.DataFrame({"row": rows, "label": labels[rows], "sha256": sha256[rows]}).drop_duplicates("sha256")
    if len(order) <= most:
        return order["row"].to_numpy()
    order["key"] = [hashlib.sha256(f"{seed}:{one}".encode()).digest() for one in order["sha256"]]
    counts = order["label"].value_counts().sort_index()
    least = np.minimum(counts, most // (2 * len(counts)))
    spare = most - int(least.sum())
    quota = least + (spare * (counts - least) / (counts - least).sum()).astype(int)
    rank = order.sort_values("key").groupby("label").cumcount()
    kept = rank.reindex(order.index) < order["label"].map(quota)
    return order.loc[kept, "row"].to_numpy()


class Seen(NamedTuple):
    """Images that were read again.

    Attributes
    ----------
    thumbnails : list of bytes, length n
        WebP.
    grey : ndarray of float64, shape (n, 2)
        Brightness and contrast.
    """

    thumbnails: list[bytes]
    grey: np.ndarray


def look_at(images: pd.DataFrame, workers: int) -> Seen:
    """Read images, draw them small and measure their grey values.

    Parameters
    ----------
    images : DataFrame
        Columns path, sha256, full_range.
    workers : int
        Images read at a time.
    """

    def look(source: tuple[str, str, str]) -> tuple[bytes, tuple[float, float]]:
        image = load_image(*source)
        return draw_thumbnail(image, SIDE), measure_grey(image)

    with ThreadPoolExecutor(workers) as pool:
        seen = list(pool.map(look, _sources(images)))
    grey = np.array([measured for _, measured in seen], dtype=np.float64).reshape(-1, 2)
    return Seen([thumbnail for thumbnail, _ in seen], grey)


def measure_novelty(features: np.ndarray, reference: np.ndarray, neighbors: int) -> np.ndarray:
    """Novelty of images, float64, shape (n,); see `nearlabel.production.novelty.distances.measure_novelty`.

    Parameters
    ----------
    features, reference : ndarray of float32, shapes (n, d) and (r, d)
        As `nearlabel.production.novelty.distances.novelty_features` makes them.
    neighbors : int
        How many training images.
    """
    return distances.measure_novelty(features, distances.NearestReference(reference), neighbors).scores


def _sources(images: pd.DataFrame) -> list[tuple[str, str, str]]:
    return list(images[["path", "sha256", "full_range"]].itertuples(index=False, name=None))
