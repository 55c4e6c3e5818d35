"""Perceptual hashes of images, upright, turned and mirrored, and the thumbnails that a second look takes."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from PIL import Image

from nearlabel.bars import Progress
from nearlabel.files import how_to_remake, written_whole
from nearlabel.hdf5 import TEXT, hdf5_file, opened_hdf5
from nearlabel.images.reading import UnreadableImageError, read_image

# Side of the hashed thumbnail and of the block of its lowest frequencies, as in ImageHash.
HASHED, BLOCK = 32, 8
# Side of the thumbnail for the second look: 6 of 256 pixels are still more than one of it.
THUMBNAIL = 64
# A thumbnail whose grey levels differ by no more than this shows nothing: its hash would be that of rounding.
FLAT = 1
ORIENTATIONS = 8
"""Ways to lay a picture: as it is, turned by a quarter, a half and three quarters, and the same four mirrored."""


class Hashes(NamedTuple):
    """Perceptual hashes of images.

    Attributes
    ----------
    values : ndarray of uint64, shape (n, 8)
        64 bits each, of the image in each of the `ORIENTATIONS`, upright first; like images differ in few.
    flat : ndarray of bool, shape (n,)
        Images of one grey throughout, whose hash says nothing: all of them share one.
    thumbnails : ndarray of uint8, shape (n, 64, 64)
        The images, grey, upright.
    """

    values: np.ndarray
    flat: np.ndarray
    thumbnails: np.ndarray

    def of(self, rows: np.ndarray) -> "Hashes":
        """Return those of some images, by number or by a mask."""
        return Hashes(self.values[rows], self.flat[rows], self.thumbnails[rows])


def orient(pictures: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror pictures, shape (..., side, side), into one of the `ORIENTATIONS`."""
    mirrored = pictures[..., ::-1] if orientation >= 4 else pictures
    return np.rot90(mirrored, orientation % 4, axes=(-2, -1))


# Which orientation one and then another make together.
_CORNERS = np.arange(4).reshape(2, 2)
COMPOSED = np.array(
    [
        [
            next(c for c in range(ORIENTATIONS) if np.array_equal(orient(orient(_CORNERS, a), b), orient(_CORNERS, c)))
            for b in range(ORIENTATIONS)
        ]
        for a in range(ORIENTATIONS)
    ]
)


def perceptual_hash(image: Image.Image) -> tuple[list[int], bool]:
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
    values : list of int
        64 bits in each of the `ORIENTATIONS`.
    flat : bool
        The image is of one grey throughout, to within one level of 255.
    """
    from scipy.fft import dctn

    grey = image.convert("L").resize((HASHED, HASHED), Image.Resampling.LANCZOS)
    small = np.asarray(grey, dtype=np.float64)
    laid = np.stack([orient(small, orientation) for orientation in range(ORIENTATIONS)])
    low = dctn(laid, axes=(1, 2))[:, :BLOCK, :BLOCK].round(6).reshape(ORIENTATIONS, -1)
    bits = np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1)
    return [int.from_bytes(row.tobytes(), "big") for row in bits], bool(np.ptp(small) <= FLAT)


def hash_images(
    paths: Iterable[str | os.PathLike], workers: int = 1, full_ranges: Iterable[str] | None = None
) -> Hashes:
    """Read images and hash them.

    Parameters
    ----------
    paths : iterable of path-like
        Image files that `nearlabel.images.reading.read_image` reads.
    workers : int
        Images decoded at a time, in threads; changes no bit.
    full_ranges : iterable of str, optional
        What the images' values are scaled by, each, as for `nearlabel.images.reading.read_image`.

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
    ranges = [""] * len(paths) if full_ranges is None else list(full_ranges)
    hashes = Hashes(
        np.empty((len(paths), ORIENTATIONS), np.uint64),
        np.empty(len(paths), bool),
        np.empty((len(paths), THUMBNAIL, THUMBNAIL), np.uint8),
    )
    with ThreadPoolExecutor(workers) as pool, Progress(len(paths), "images") as progress:
        for row, (values, flat, thumbnail) in enumerate(pool.map(_hash_file, paths, ranges)):
            hashes.values[row], hashes.flat[row], hashes.thumbnails[row] = values, flat, thumbnail
            progress.update()
    return hashes


def _hash_file(path, full_range: str) -> tuple[list[int], bool, np.ndarray]:
    try:
        image = read_image(path, max_pixels=None, full_range=full_range).convert("L")
    except UnreadableImageError as error:
        raise ValueError(f"{path}: {error}; it was readable when the images were checked, check them again") from error
    return *perceptual_hash(image), np.asarray(image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR))


def write_hashes(path: str | os.PathLike, image_ids: Iterable[str], hashes: Hashes) -> None:
    """Write hashes as HDF5: ``image_id``, ``hash``, ``flat``, ``thumbnail``, rows as the images.

    Parameters
    ----------
    path : str or path-like
        The file.
    image_ids : iterable of str, length n
        The images.
    hashes : Hashes
        Of the same images.
    """
    whole = {"compression": "gzip", "compression_opts": 1, "fletcher32": True}
    with written_whole(path) as partial, hdf5_file(partial, "w") as file:
        file.create_dataset("image_id", data=list(image_ids), dtype=TEXT)
        file.create_dataset("hash", data=hashes.values, **whole)
        file.create_dataset("flat", data=hashes.flat, **whole)
        file.create_dataset("thumbnail", data=hashes.thumbnails, **whole)


def read_hashes(path: str | os.PathLike, image_ids: Iterable[str]) -> Hashes:
    """Read what `write_hashes` wrote.

    Parameters
    ----------
    path : str or path-like
        The file.
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
    with opened_hdf5(path) as file:
        row = {name: number for number, name in enumerate(file["image_id"].asstr()[()])}
        stored = Hashes(file["hash"][()], file["flat"][()], file["thumbnail"][()])
    image_ids = list(image_ids)
    missing = [image for image in image_ids if image not in row]
    if missing:
        raise ValueError(f"{path} has no hash of image {missing[0]!r}; {how_to_remake(path)}")
    return stored.of(np.array([row[image] for image in image_ids], dtype=np.int64))
