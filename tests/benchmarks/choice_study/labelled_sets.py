"""Sets of images with known classes, which the study of label-free choices is held against.

Real sets come from a folder that the user has or from installed packages and are never part of the repository; the
others are drawn from a seed (`drawn_sets`). A set that is not there says in a sentence what would bring it.
"""

import gzip
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from drawn_sets import STRIP_SETS, draw_photograph_crops, draw_strips, draw_surfaces
from PIL import Image

from nearlabel.images.readers.public import MagneticTile
from nearlabel.seeds import derive_seed

MOST_IMAGES = 1500
"""Images of a set that take part; of a larger one, a seeded sample."""

SEED = 0


class MissingSetError(Exception):
    """A set is not there; the message says what to install or to name."""


@dataclass
class LabelledSet:
    """Images and their classes.

    Attributes
    ----------
    images : list of ndarray
        uint8, grey (h, w) or RGB (h, w, 3); sizes may differ.
    labels : ndarray of str, shape (n,)
        The classes that a choice is judged by.
    other_labels : dict of str to ndarray of str
        Coarser classes that a choice may have found instead.
    image_size : int
        Side in pixels to which a network's images are brought.
    pixels : bool
        Whether grey values themselves are features worth having: small images, all of one size, nothing moved.
    """

    images: list[np.ndarray]
    labels: np.ndarray
    other_labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    image_size: int = 224
    pixels: bool = False

    def take(self, rows: np.ndarray) -> "LabelledSet":
        """Return the set of some of the images."""
        others = {name: values[rows] for name, values in self.other_labels.items()}
        return LabelledSet([self.images[row] for row in rows], self.labels[rows], others, self.image_size, self.pixels)


def load_set(name: str, tiles: str | Path) -> LabelledSet:
    """Load a set of `SETS`, at most `MOST_IMAGES` of it.

    Parameters
    ----------
    name : str
        Key of `SETS`.
    tiles : str or Path
        Folder of the magnetic tiles, with ``MT_Free/Imgs`` and so on.

    Returns
    -------
    LabelledSet

    Raises
    ------
    MissingSetError
        The folder is not there, or a package is not installed.
    """
    found = SETS[name](Path(tiles))
    rng = np.random.default_rng(derive_seed(SEED, f"choice_study/sample/{name}"))
    if len(found.images) > MOST_IMAGES:
        found = found.take(np.sort(rng.choice(len(found.images), MOST_IMAGES, replace=False)))
    return found


def _magnetic_tiles(tiles: Path, keep: Callable[[np.ndarray], np.ndarray]) -> LabelledSet:
    if not tiles.is_dir():
        raise MissingSetError(f"there is no folder {tiles}; name that of the magnetic tiles by --tiles")
    table = MagneticTile(str(tiles))().images
    classes = table["class"].to_numpy(dtype=str)
    rows = keep(classes)
    images = []
    for path in table["path"].iloc[rows]:
        with Image.open(path) as image:
            images.append(np.asarray(image.convert("L")))
    labels = classes[rows]
    return LabelledSet(images, labels, {"defective": np.where(labels == "MT_Free", "free", "defective")})


def _all_rows(classes: np.ndarray) -> np.ndarray:
    return np.arange(len(classes))


def _defective_rows(classes: np.ndarray) -> np.ndarray:
    return np.flatnonzero(classes != "MT_Free")


def _balanced_rows(classes: np.ndarray) -> np.ndarray:
    """As many of each class as the rarest has."""
    rng = np.random.default_rng(derive_seed(SEED, "choice_study/balanced"))
    names, counts = np.unique(classes, return_counts=True)
    return np.sort(
        np.concatenate([rng.choice(np.flatnonzero(classes == name), counts.min(), replace=False) for name in names])
    )


def _solar_cells(_tiles: Path, cell_type: str | None) -> LabelledSet:
    """Electroluminescence images of solar cells (Buerhop-Lutz et al., 2018), 300 x 300.

    A cell counts as defective where the probability is above a half. The main classes are cell type and defect
    together: both are true of the images, and a clustering that finds only one of them has missed the other; how well
    it has found that one is told beside.
    """
    _require("elpv_dataset", "elpv-dataset")
    from elpv_dataset.utils import load_dataset

    images, probabilities, types = load_dataset()
    state = np.where(probabilities > 0.5, "defective", "functional")
    if cell_type is not None:
        rows = np.flatnonzero(types == cell_type)
        return LabelledSet([images[row] for row in rows], state[rows])
    both = np.char.add(np.char.add(types.astype(str), "_"), state)
    return LabelledSet(list(images), both, {"type": types.astype(str), "defective": state})


def _digits(_tiles: Path) -> LabelledSet:
    """Handwritten digits of 8 x 8 pixels, within scikit-learn (UCI, Alpaydin and Kaynak, 1998)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = [np.rint(image * (255 / 16)).astype(np.uint8) for image in found.images]
    return LabelledSet(images, found.target.astype(str), image_size=128, pixels=True)


def _faces(_tiles: Path) -> LabelledSet:
    """A hundred faces and a hundred other pieces of photographs, 25 x 25, within scikit-image (of LFW)."""
    import skimage

    file = Path(skimage.__file__).parent / "data" / "lfw_subset.npy"
    if not file.is_file():
        raise MissingSetError(f"scikit-image has no {file.name} on disk in this version")
    images = np.rint(np.load(file) * 255).astype(np.uint8)
    return LabelledSet(list(images), np.repeat(["face", "other"], 100), image_size=128, pixels=True)


class _ArraysOnly(pickle.Unpickler):
    """Refuses whatever is no NumPy array: a pickle from a package could else run anything."""

    _ALLOWED = frozenset({"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"})

    def find_class(self, module, name):
        if module.split(".")[0] == "numpy" and name in self._ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an array")


def _animals(_tiles: Path) -> LabelledSet:
    """Outlines of ten kinds of animals, 28 x 28, 1000 each (Mohammadi, 2025)."""
    _require("animal_mnist", "animal-mnist", "--no-deps, as it asks for TensorFlow")
    folder = Path(find_spec("animal_mnist").submodule_search_locations[0]) / "data" / "Animal_MNIST"
    images, labels = (_read_array(folder / f"animal_{part}_version_3.gz") for part in ("data", "label"))
    return LabelledSet(list(images.astype(np.uint8)), labels.astype(str), image_size=128, pixels=True)


def _read_array(file: Path) -> np.ndarray:
    with gzip.open(file) as stream:
        return np.asarray(_ArraysOnly(stream).load())


def _require(module: str, package: str, how: str = "") -> None:
    if find_spec(module) is None:
        raise MissingSetError(f"the package {package} is not installed; pip install {package}{how and f' ({how})'}")


def _drawn(draw: Callable[[], tuple[list[np.ndarray], np.ndarray]], _tiles: Path) -> LabelledSet:
    return LabelledSet(*draw())


SETS: dict[str, Callable[[Path], LabelledSet]] = {
    "tiles_six": partial(_magnetic_tiles, keep=_all_rows),
    "tiles_defects": partial(_magnetic_tiles, keep=_defective_rows),
    "tiles_balanced": partial(_magnetic_tiles, keep=_balanced_rows),
    "solar_cells": partial(_solar_cells, cell_type=None),
    "solar_mono": partial(_solar_cells, cell_type="mono"),
    "digits": _digits,
    "faces": _faces,
    "animals": _animals,
    "steel_surfaces": partial(_drawn, partial(draw_surfaces, 120, (18, 45))),
    "steel_faint": partial(_drawn, partial(draw_surfaces, 60, (4, 14))),
    "photographs": partial(_drawn, draw_photograph_crops),
    **{name: partial(_drawn, partial(draw_strips, name)) for name in STRIP_SETS},
}
"""What loads each set, from the folder of the magnetic tiles."""
