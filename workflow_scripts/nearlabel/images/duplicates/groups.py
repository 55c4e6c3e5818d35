"""Images that are nearly the same: by perceptual hash and a second look, by content, by part; joined into groups."""

import logging
from collections.abc import Iterator

import numpy as np
import pandas as pd

from nearlabel.images.duplicates.hashes import ORIENTATIONS, Hashes, orient
from nearlabel.images.duplicates.second_look import PAIRS, SMALL, crowd_pairs, is_crowd, show_one_thing

logger = logging.getLogger(__name__)

DISTANCE = 4
"""Bits of 64 in which hashes of near-duplicates differ, at most, unless the user says otherwise."""

# Pairs compared at a time, so that they stay in the processor's cache, and pairs found that are held at a time.
COMPARED, HELD = 400_000, 1_000_000


def near_pairs(values: np.ndarray, distance: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Find all pairs of images whose hashes differ in at most `distance` bits, in any orientation of the second.

    Parameters
    ----------
    values : ndarray of uint64, shape (n, 8)
        Hashes in all orientations.
    distance : int
        Hamming distance, from 0 to 64.

    Yields
    ------
    first, second : ndarray of int64
        Positions of the pairs' members, first < second; about a million pairs at a time.
    orientation : ndarray of int64
        How the second lies when it looks like the first; a pair may come in several.
    """
    n = len(values)
    rows = max(1, COMPARED // max(n, 1))
    found, held = [], 0
    for start in range(0, n, rows):
        for orientation in range(ORIENTATIONS):
            differing = np.bitwise_count(values[start : start + rows, :1] ^ values[start:, orientation])
            first, second = np.divmod(np.flatnonzero(differing.ravel() <= distance), n - start)
            above = first < second
            first, second = start + first[above], start + second[above]
            found.append((first, second, np.full(len(first), orientation)))
            held += len(first)
        if held >= HELD or start + rows >= n:
            yield tuple(np.concatenate(part) for part in zip(*found, strict=True))
            found, held = [], 0


def group_images(images: pd.DataFrame, hashes: Hashes | None = None, distance: int | None = DISTANCE) -> np.ndarray:
    """Join images that are nearly the same, or of one part, into groups.

    Two images are in one group when a chain of images leads from one to the other in which neighbours have the same
    part (when they have one), the same sha256, or look the same: hashes, of the images or of one of them turned or
    mirrored, that differ in at most `distance` bits, and thumbnails that show one thing, as
    `nearlabel.images.duplicates.second_look` says. Flat images have no hash to compare: part and sha256 alone join
    them.

    Parameters
    ----------
    images : DataFrame
        Columns ``image_id, part, sha256``, as in ``images.csv``.
    hashes : Hashes, optional
        Of the same images; without them, part and sha256 alone join images.
    distance : int or None
        Hamming distance of the 64-bit hashes; None: part and sha256 alone join images.

    Returns
    -------
    ndarray of int64, shape (n,)
        For each image the row of the first image of its group; its own where it stands alone or is the first.

    Raises
    ------
    ValueError
        A distance outside 0 … 64; hashes of another number of images.
    """
    if distance is not None and not 0 <= distance <= 64:
        raise ValueError(f"duplicate_distance is {distance}; hashes of 64 bits differ in 0 to 64 of them")
    n = len(images)
    first = np.arange(n)
    for column in ("part", "sha256"):
        text = images[column].fillna("").astype(str).to_numpy(dtype=object)
        known = np.flatnonzero(text != "")
        leaders = pd.Series(known).groupby(text[known]).transform("first").to_numpy(dtype=np.int64)
        first = _join(first, known, leaders)
    if hashes is None or distance is None:
        return first
    if len(hashes.values) != n:
        raise ValueError(f"there are hashes of {len(hashes.values)} images for {n} images; hash these images")
    content = images["sha256"].fillna("")
    # Of equal files one is looked at.
    seen = np.flatnonzero(~hashes.flat & ~(content.duplicated() & (content != "")).to_numpy())
    return _join_alike(first, seen, hashes, distance)


def find_duplicates(images: pd.DataFrame, hashes: Hashes) -> pd.DataFrame:
    """Name for each image that looks like an earlier one, or is of its part, the first that it repeats; log how many.

    Parameters
    ----------
    images : DataFrame
        Columns ``image_id, part, sha256``, as in ``images.csv``.
    hashes : Hashes
        Of the same images.

    Returns
    -------
    DataFrame
        ``near_duplicates.csv``: image_id, duplicate_of (empty where there is none), at the default distance; equal
        files and images of one part are not told here.
    """
    known = group_images(images)
    joined = group_images(images, hashes)
    # Of a group, what part and content do not join already.
    leaders = joined == np.arange(len(images))
    repeats = ~leaders & (known == np.arange(len(images)))
    ids = images["image_id"].to_numpy(dtype=object)
    found = pd.DataFrame({"image_id": ids, "duplicate_of": np.where(repeats, ids[joined], "")}, dtype=str)
    logger.info(
        "%d images look like another one (hashes within %d bits, turned or mirrored too, and a second look)",
        repeats.sum(),
        DISTANCE,
    )
    if repeats.any():
        logger.info("the first: %r looks like %r", *found[repeats].iloc[0])
    return found


def _join_alike(first: np.ndarray, seen: np.ndarray, hashes: Hashes, distance: int) -> np.ndarray:
    """Join the images seen whose hashes are near and which a second look finds to show one thing."""
    chain = np.arange(len(seen))
    for left, right, _ in near_pairs(hashes.values[seen], distance):
        chain = _join(chain, left, right)
    sizes = np.bincount(chain, minlength=len(seen))
    crowded = np.zeros(len(seen), bool)
    for leader in np.flatnonzero(sizes >= SMALL):
        members = np.flatnonzero(chain == leader)
        own = hashes.of(seen[members])
        if is_crowd(own.values, own.thumbnails, len(seen)):
            crowded[members] = True
            laid, pairs = crowd_pairs(own.values, own.thumbnails, distance)
            same = np.arange(len(members))
            for left, right, orientation in pairs:
                same = _join_checked(same, left, right, orientation, laid)
            first = _join(first, seen[members], seen[members[same]])
    others = seen[(sizes[chain] > 1) & ~crowded]
    for left, right, orientation in near_pairs(hashes.values[others], distance):
        first = _join_checked(first, others[left], others[right], orientation, hashes.thumbnails)
    return first


def _join_checked(first, left, right, orientation, thumbnails) -> np.ndarray:
    """Join those of the pairs that a second look confirms, a few at a time: most of a large group need none then."""
    while True:
        apart = first[left] != first[right]
        left, right, orientation = left[apart], right[apart], orientation[apart]
        if not len(left):
            return first
        now = slice(0, PAIRS)
        turned = np.stack([orient(thumbnails[r], o) for r, o in zip(right[now], orientation[now], strict=True)])
        same = show_one_thing(thumbnails[left[now]], turned, orientation[now] > 0)
        first = _join(first, left[now][same], right[now][same])
        left, right, orientation = left[PAIRS:], right[PAIRS:], orientation[PAIRS:]


def _join(first: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Join the groups of each pair of rows."""
    if not len(left):
        return first
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(first)
    left, right = np.concatenate([np.arange(n), left]), np.concatenate([first, right])
    labels = connected_components(coo_array((np.ones(len(left), bool), (left, right)), shape=(n, n)), directed=False)[1]
    leaders = np.unique(labels, return_index=True)[1]
    return leaders[labels]
