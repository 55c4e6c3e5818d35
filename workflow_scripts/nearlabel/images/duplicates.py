"""Images that are nearly the same: by perceptual hash, by content, by part; joined into groups."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from nearlabel.files import read_table, write_csv
from nearlabel.images.reading import UnreadableImageError, read_image

# Side of the grey thumbnail and of the block of its lowest frequencies, as in ImageHash.
THUMBNAIL, BLOCK = 32, 8
# A thumbnail whose grey levels differ by no more than this shows nothing: its hash would be that of rounding.
FLAT = 1
# Pairs compared at a time, so that they stay in the processor's cache, and pairs found that are held at a time.
COMPARED, HELD = 400_000, 1_000_000


class Hashes(NamedTuple):
    """Perceptual hashes of images.

    Attributes
    ----------
    values : ndarray of uint64, shape (n,)
        64 bits each; like images differ in few.
    flat : ndarray of bool, shape (n,)
        Images of one grey throughout, whose hash says nothing: all of them share one.
    """

    values: np.ndarray
    flat: np.ndarray


def perceptual_hash(image: Image.Image) -> tuple[int, bool]:
    """Hash an image by the signs of its lowest frequencies.

    The image is made grey and 32×32 (Lanczos); of its cosine transform the 8×8 lowest frequencies each give a bit:
    whether they lie above their median (Krawetz 2011; ``imagehash.phash``, bit for bit, first bit highest). That
    library is not used because it brings a wavelet library with it and hashes the rounding noise of frequencies that
    an image does not have; here these are 0.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode that turns grey.

    Returns
    -------
    value : int
        64 bits.
    flat : bool
        The image is of one grey throughout, to within one level of 255.
    """
    from scipy.fft import dctn

    small = np.asarray(image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS), dtype=np.float64)
    low = dctn(small)[:BLOCK, :BLOCK].round(6)
    bits = np.packbits(low > np.median(low))
    return int.from_bytes(bits.tobytes(), "big"), bool(np.ptp(small) <= FLAT)


def hash_images(paths: Iterable[str | os.PathLike], workers: int = 1) -> Hashes:
    """Read images and hash them.

    Parameters
    ----------
    paths : iterable of path-like
        Image files that `nearlabel.images.reading.read_image` reads.
    workers : int
        Images decoded at a time, in threads; changes no bit.

    Returns
    -------
    Hashes
        In the order of `paths`.

    Raises
    ------
    ValueError
        A file cannot be read (any more).
    """
    paths = list(paths)
    with ThreadPoolExecutor(workers) as pool:
        found = list(tqdm(pool.map(_hash_file, paths), total=len(paths), unit="image", desc="hashing", disable=None))
    values = np.fromiter((value for value, _ in found), np.uint64, len(found))
    return Hashes(values, np.fromiter((flat for _, flat in found), bool, len(found)))


def _hash_file(path) -> tuple[int, bool]:
    try:
        return perceptual_hash(read_image(path, max_pixels=None))
    except UnreadableImageError as error:
        raise ValueError(f"{path}: {error}; it was readable when the images were checked, check them again") from error


def write_hashes(path: str | os.PathLike, image_ids: Iterable[str], hashes: Hashes) -> None:
    """Write hashes as a table: image_id, hash (16 hexadecimal digits), flat (0 or 1).

    Parameters
    ----------
    path : str or path-like
        The CSV.
    image_ids : iterable of str, length n
        The images.
    hashes : Hashes
        Of the same images.
    """
    texts = [f"{value:016x}" for value in hashes.values.tolist()]
    write_csv(path, pd.DataFrame({"image_id": list(image_ids), "hash": texts, "flat": hashes.flat.astype(int)}))


def read_hashes(path: str | os.PathLike, image_ids: Iterable[str]) -> Hashes:
    """Read what `write_hashes` wrote.

    Parameters
    ----------
    path : str or path-like
        The CSV.
    image_ids : iterable of str
        The images wanted, in the order wanted.

    Returns
    -------
    Hashes

    Raises
    ------
    FileNotFoundError, ValueError
        No such file, not such a file, or an image is not in it.
    """
    table = read_table(path, ("image_id", "hash", "flat")).drop_duplicates("image_id").set_index("image_id")
    image_ids = list(image_ids)
    missing = [image for image in image_ids if image not in table.index]
    if missing:
        raise ValueError(f"{path} has no hash of image {missing[0]!r}; delete it and run again")
    table = table.loc[image_ids]
    try:
        values = np.array([int(text, 16) for text in table["hash"]], dtype=np.uint64)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path}: a hash is not 16 hexadecimal digits ({error}); delete it and run again") from error
    return Hashes(values, (table["flat"] == "1").to_numpy())


def near_pairs(values: np.ndarray, distance: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Find all pairs of hashes that differ in at most `distance` bits.

    Parameters
    ----------
    values : ndarray of uint64, shape (n,)
        Hashes.
    distance : int
        Hamming distance, from 0 to 64.

    Yields
    ------
    first, second : ndarray of int64
        Positions of the pairs' members, first < second; about a million pairs at a time.
    """
    n = len(values)
    rows = max(1, COMPARED // max(n, 1))
    found, held = [], 0
    for start in range(0, n, rows):
        differing = np.bitwise_count(values[start : start + rows, np.newaxis] ^ values[start:])
        first, second = np.divmod(np.flatnonzero(differing.ravel() <= distance), n - start)
        above = first < second
        found.append((start + first[above], start + second[above]))
        held += len(found[-1][0])
        if held >= HELD or start + rows >= n:
            yield tuple(np.concatenate(part) for part in zip(*found, strict=True))
            found, held = [], 0


def group_images(images: pd.DataFrame, hashes: Hashes | None = None, distance: int = 4) -> np.ndarray:
    """Join images that are nearly the same, or of one part, into groups.

    Two images are in one group when a chain of images leads from one to the other in which neighbours have the same
    part (when they have one), the same sha256, or hashes that differ in at most `distance` bits. Flat images have no
    hash to compare: part and sha256 alone join them.

    Parameters
    ----------
    images : DataFrame
        Columns ``image_id, part, sha256``, as in ``images.csv``.
    hashes : Hashes, optional
        Of the same images; without them, part and sha256 alone join images.
    distance : int
        Hamming distance of the 64-bit hashes.

    Returns
    -------
    ndarray of int64, shape (n,)
        For each image the row of the first image of its group; its own where it stands alone or is the first.

    Raises
    ------
    ValueError
        A distance outside 0 … 64; hashes of another number of images.
    """
    if not 0 <= distance <= 64:
        raise ValueError(f"duplicate_distance is {distance}; hashes of 64 bits differ in 0 to 64 of them")
    n = len(images)
    first = np.arange(n)
    for column in ("part", "sha256"):
        text = images[column].fillna("").astype(str).to_numpy(dtype=object)
        known = np.flatnonzero(text != "")
        leaders = pd.Series(known).groupby(text[known]).transform("first").to_numpy(dtype=np.int64)
        first = _join(first, known, leaders)
    if hashes is None:
        return first
    if len(hashes.values) != n:
        raise ValueError(f"there are hashes of {len(hashes.values)} images for {n} images; hash these images")
    seen = np.flatnonzero(~hashes.flat)
    # Equal hashes are joined first: many copies then cost no pairs.
    values, leader, member = np.unique(hashes.values[seen], return_index=True, return_inverse=True)
    first = _join(first, seen, seen[leader[member]])
    for left, right in near_pairs(values, distance):
        first = _join(first, seen[leader[left]], seen[leader[right]])
    return first


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
