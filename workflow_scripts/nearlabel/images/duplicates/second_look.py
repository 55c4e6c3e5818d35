"""A second look at images whose hashes are alike: whether two pictures show one thing, or two things of one kind.

A hash sees the outline. Parts in a fixture share theirs; what tells them apart is small, or is in the grain of the
surface. So images are also compared by their thumbnails: two at a time and, where many are alike, as a crowd.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from nearlabel.images.duplicates.hashes import COMPOSED, orient, perceptual_hash

# Grey levels, of 255: differences and details below are taken for noise of decoding.
NOISE = 0.5
# Detail is what a picture has beyond its mean over so many pixels of the thumbnail; light changes over more than LIGHT.
DETAIL, LIGHT = 5, 9
# Copies, also much compressed ones, and one part under other light, correlate above this in detail; strangers do not.
ALIKE = 0.2
# Copies correlate above this as a whole.
COPY = 0.97
# A difference this many times as large as those of nearly all other places is a mark, not a matter of light or coding.
MARK, USUAL = 6.0, 0.99
# Images that a chain of like hashes makes a crowd: from so many on where they clearly differ by their grain alone, or
# so many and such a share of the data set, or so many. Copies of one image are fewer.
SMALL, GRAIN = 8, 2.0
LARGE, SHARE = 20, 0.05
HUGE = 500
# Residuals of a crowd correlate above this where they come from one image.
SAME = 0.25
# Pairs compared at a time.
PAIRS = 256


def show_one_thing(first: np.ndarray, second: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """Compare pairs of thumbnails.

    Two pictures show one thing when their detail correlates and the difference that remains after brightness, contrast
    and light are set equal does not sit in one place. One that had to be turned or mirrored must be a copy: parts lie
    before a camera in one way, and many look much the same turned.

    Parameters
    ----------
    first, second : ndarray of uint8, shape (m, side, side)
        The pairs, laid alike.
    turned : ndarray of bool, shape (m,)
        Whether one had to be turned or mirrored.

    Returns
    -------
    ndarray of bool, shape (m,)
    """
    first, second = (_centred(pictures) for pictures in (first, second))
    copies = ~turned | (_correlate_pairs(first, second) > COPY)
    return copies & _share_detail(first, second) & ~_differ_in_one_place(first, second)


def crowd_pairs(
    values: np.ndarray, thumbnails: np.ndarray, distance: int
) -> tuple[np.ndarray, Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Find the pairs of a crowd that seem to come from one image, for `show_one_thing` to confirm.

    Hashes must be near, as elsewhere. What all have in common is subtracted, moved by less than a pixel where that fits
    better; what is left is each one's own: its grain, its position, its defects. It is compared in every orientation in
    which the crowd looks the same. Single strong differences count no more than others.

    Parameters
    ----------
    values : ndarray of uint64, shape (m, 8)
        Hashes.
    thumbnails : ndarray of uint8, shape (m, side, side)
        Of the same images.
    distance : int
        As for `nearlabel.images.duplicates.groups.group_images`.

    Returns
    -------
    laid : ndarray of uint8, shape (m, side, side)
        The thumbnails, all laid as the first one lies.
    pairs : iterator of (ndarray, ndarray, ndarray) of int64
        Rows of the pairs' members, and how the second of those laid lies when it looks like the first.
    """
    turns = _turns(values)
    laid, common, own = _residuals(turns, thumbnails)
    hashes = np.take_along_axis(values, COMPOSED[turns], axis=1)
    return laid, _correlated(own, hashes, _symmetries(common, distance), distance)


def _correlated(own, hashes, orientations: list[int], distance: int) -> Iterator[tuple[np.ndarray, ...]]:
    block = 1024
    for start in range(0, len(own), block):
        left = own[start : start + block].astype(np.float32)
        for other in range(start, len(own), block):
            right = own[other : other + block]
            for orientation in orientations:
                turned = orient(right, orientation).reshape(len(right), -1).astype(np.float32)
                first, second = np.nonzero(_correlate(left.reshape(len(left), -1), turned) > SAME)
                first, second = start + first, other + second
                near = np.bitwise_count(hashes[first, 0] ^ hashes[second, orientation]) <= distance
                above = near & (first < second)
                yield first[above], second[above], np.full(above.sum(), orientation)


def is_crowd(values: np.ndarray, thumbnails: np.ndarray, total: int) -> bool:
    """Whether images that a chain of like hashes joins are many things of one kind rather than one thing many times.

    Parameters
    ----------
    values, thumbnails
        As for `crowd_pairs`.
    total : int
        Images of the data set.
    """
    m = len(values)
    if m >= HUGE or (m >= LARGE and m >= SHARE * total):
        return True
    if m < SMALL:
        return False
    _, common, own = _residuals(_turns(values), thumbnails, scaled=False)
    # Where the common picture has least detail: of copies, the grain is in the common picture; of a crowd, outside it.
    detail = _detail(common[np.newaxis])[0]
    even = _mean(detail**2, DETAIL) <= np.median(_mean(detail**2, DETAIL))
    return bool(np.median(np.abs(own[:, even])) > GRAIN * np.median(np.abs(detail[even])))


def _mean(pictures: np.ndarray, side: int) -> np.ndarray:
    from scipy.ndimage import uniform_filter

    return uniform_filter(pictures, (*[0] * (pictures.ndim - 2), side, side), mode="reflect")


def _detail(pictures: np.ndarray) -> np.ndarray:
    return pictures - _mean(pictures, DETAIL)


def _centred(pictures: np.ndarray) -> np.ndarray:
    pictures = pictures.astype(np.float32)
    return pictures - np.median(pictures, axis=(1, 2), keepdims=True)


def _bounded(detail: np.ndarray) -> np.ndarray:
    """Detail in units of its usual size, cut at two of them, so that no single place decides."""
    usual = 1.4826 * np.median(np.abs(detail), axis=(-2, -1), keepdims=True)
    return np.clip(detail / np.maximum(usual, NOISE), -2, 2)


def _correlate(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlations of all rows with all rows; 0 where a row is constant."""
    rows = [block - block.mean(axis=1, keepdims=True) for block in (first, second)]
    rows = [block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-9) for block in rows]
    return rows[0] @ rows[1].T


def _correlate_pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation of each picture with its partner; 0 where one is constant."""
    first, second = (pictures - pictures.mean(axis=(1, 2), keepdims=True) for pictures in (first, second))
    energy = np.linalg.norm(first, axis=(1, 2)) * np.linalg.norm(second, axis=(1, 2))
    return (first * second).sum(axis=(1, 2)) / np.maximum(energy, 1e-9)


def _share_detail(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    # At half the size: what a picture loses when it is stored small says nothing.
    m, side = len(first), first.shape[1] // 2
    halves = [pictures.reshape(m, side, 2, side, 2).mean(axis=(2, 4)) for pictures in (first, second)]
    first, second = (_bounded(_detail(half)) for half in halves)
    # Pictures without detail, as smooth drawings are, have none to compare.
    plain = np.minimum(*(np.linalg.norm(pictures, axis=(1, 2)) for pictures in (first, second))) < NOISE * side / 2
    return plain | (_correlate_pairs(first, second) > ALIKE)


def _differ_in_one_place(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    from scipy.ndimage import maximum_filter, minimum_filter

    # The contrast of each is brought to that of the stronger one.
    spread = [np.maximum(pictures.std(axis=(1, 2), keepdims=True), NOISE) for pictures in (first, second)]
    first, second = (
        pictures * (np.maximum(*spread) / own) for pictures, own in zip((first, second), spread, strict=True)
    )
    difference = first - second
    difference -= _mean(difference, LIGHT)
    difference -= np.median(difference, axis=(1, 2), keepdims=True)
    # Beside an edge, a part of a pixel makes a difference: what counts is what exceeds half of the edge there.
    window = (0, 3, 3)
    edges = [maximum_filter(pictures, window) - minimum_filter(pictures, window) for pictures in (first, second)]
    excess = (np.abs(difference) / (1 + np.minimum(*edges) / 2)).reshape(len(first), -1)
    usual = int(USUAL * excess.shape[1])
    parted = np.partition(excess, usual, axis=1)
    return excess.max(axis=1) > MARK * (NOISE + parted[:, usual])


def _turns(values: np.ndarray) -> np.ndarray:
    """How each of a crowd lies when it looks like the first."""
    return np.bitwise_count(values ^ values[0, 0]).argmin(axis=1)


def _residuals(turns, thumbnails, scaled: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay a crowd as its first image lies; return it, its mean picture, and what each has beyond it.

    The last is bounded and stored in bytes (`scaled`), or as it is.
    """
    from scipy.ndimage import sobel

    laid = np.stack([orient(picture, turn) for picture, turn in zip(thumbnails, turns, strict=True)])
    side = laid.shape[1]
    contrast = lambda pictures: pictures / np.maximum(pictures.std(axis=(1, 2), keepdims=True), NOISE)  # noqa: E731
    common = sum(contrast(_centred(laid[i : i + PAIRS])).sum(axis=0) for i in range(0, len(laid), PAIRS)) / len(laid)
    known = np.stack([np.ones_like(common), common, sobel(common, 0), sobel(common, 1)]).reshape(4, -1)
    base = np.linalg.qr(known.T.astype(np.float64))[0].astype(np.float32)
    own = np.empty(laid.shape, np.int8 if scaled else np.float32)
    for start in range(0, len(laid), PAIRS):
        pictures = contrast(_centred(laid[start : start + PAIRS])).reshape(-1, side * side)
        left = _detail((pictures - (pictures @ base) @ base.T).reshape(-1, side, side))
        if scaled:
            usual = 1.4826 * np.median(np.abs(left), axis=(1, 2), keepdims=True)
            left = np.rint(np.clip(left / np.maximum(usual, 1e-6), -2, 2) * 60)
        own[start : start + PAIRS] = left
    return laid, common, own


def _symmetries(common: np.ndarray, distance: int) -> list[int]:
    """Orientations in which the mean picture of a crowd looks the same, as its hash says; the first is upright."""
    low, high = common.min(), common.max()
    grey = np.rint((common - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
    upright, *others = perceptual_hash(Image.fromarray(grey))[0]
    return [0, *(i for i, value in enumerate(others, start=1) if (value ^ upright).bit_count() <= distance)]
