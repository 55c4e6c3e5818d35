"""Which images are held out: whole groups of near-duplicates, label by label, the same ones from bundle to bundle."""

import hashlib
from collections import Counter
from typing import NamedTuple

import numpy as np

FEWEST = 5
"""Groups of images of a label below which all of them are learnt from."""


class HeldOut(NamedTuple):
    """Images that a bundle is judged by.

    Attributes
    ----------
    held_out : ndarray of bool, shape (n,)
    group : ndarray of object (str), shape (n,)
        The smallest sha256 of each image's group.
    notes : list of str
        Labels of which nothing is held out, a sentence each.
    """

    held_out: np.ndarray
    group: np.ndarray
    notes: list[str]


def choose_held_out(
    labels: np.ndarray, groups: np.ndarray, sha256: np.ndarray, share: float, keep: np.ndarray, *, unlabelled: bool
) -> HeldOut:
    """Choose the images to hold out.

    A group belongs to its most frequent label. Of each label the groups come in the order of a hash of their smallest
    sha256, and the first are held out: images that come or go later hardly change which, so that two bundles can be
    compared by what neither has learnt from.

    Parameters
    ----------
    labels : ndarray of object (str), shape (n,)
        '' where an image has none.
    groups : ndarray of int, shape (n,)
        From `nearlabel.images.duplicates.groups.group_images`.
    sha256 : ndarray of object (str), shape (n,)
        Of the files.
    share : float
        Of each label's groups.
    keep : ndarray of bool, shape (n,)
        Images that are learnt from whatever they are, and with them their groups.
    unlabelled : bool
        Whether images without a label are held out as if that were one.

    Returns
    -------
    HeldOut
    """
    rows: dict[int, list[int]] = {}
    for row, group in enumerate(groups.tolist()):
        rows.setdefault(group, []).append(row)
    # Of each label its groups, and those that may be held out.
    counted: Counter[str] = Counter()
    strata: dict[str, list[tuple[bytes, list[int]]]] = {}
    names = np.empty(len(labels), dtype=object)
    for members in rows.values():
        names[members] = first = min(sha256[members])
        counts = Counter(labels[members].tolist())
        label = min(counts, key=lambda name: (-counts[name], name))
        order = hashlib.sha256(f"held out/{first}".encode()).digest()
        counted[label] += 1
        if not keep[members].any():
            strata.setdefault(label, []).append((order, members))
    held_out, notes = np.zeros(len(labels), bool), []
    for label, count in sorted(counted.items()):
        if not label and not unlabelled:
            continue
        found = sorted(strata.get(label, []))
        chosen = found[: round(share * len(found))] if len(found) >= FEWEST else []
        if not chosen:
            what = f"{count} different images" if count > 1 else "one image"
            why = f" (production.held_out is {share:g})" if len(found) >= FEWEST else ""
            notes.append(
                f"{label!r} has {what}, near-duplicates counted once: all are learnt from{why}, so that nothing is "
                "known of how well it is told, and every set of labels holds it"
                if label
                else f"there are {what}, near-duplicates counted once: none is held out{why}"
            )
        for _, members in chosen:
            held_out[members] = True
    return HeldOut(held_out, names, notes)


def first_of_groups(rows: np.ndarray, group: np.ndarray, sha256: np.ndarray) -> np.ndarray:
    """Of some images those that stand for their groups, so that near-duplicates count once.

    Parameters
    ----------
    rows : ndarray of int
        The images.
    group, sha256 : ndarray of object (str), shape (n,)
        Of all images.

    Returns
    -------
    ndarray of int
        Of each group the image with the smallest sha256, in the order of `rows`.
    """
    best: dict[str, int] = {}
    for row in rows.tolist():
        other = best.get(group[row])
        if other is None or sha256[row] < sha256[other]:
            best[group[row]] = row
    chosen = set(best.values())
    return np.array([row for row in rows.tolist() if row in chosen], dtype=np.int64)
