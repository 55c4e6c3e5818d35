"""Readers of public inspection data sets, each by the layout that its authors published."""

import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from nearlabel.images.readers.dataset import Dataset, TableBuilder, require_folder
from nearlabel.tables import read_user_table

DEFECT = "defect"
GOOD = "good"


@dataclass(frozen=True)
class Severstal:
    """Severstal steel defect detection (Kaggle, 2019): ``train.csv`` and ``train_images/*.jpg``.

    An image with any mask row is of class ``defect``, all others are ``good``. Both published forms of ``train.csv``
    are read: ``ImageId, ClassId, EncodedPixels`` with rows for masks only, and ``ImageId_ClassId, EncodedPixels`` with
    four rows an image, empty where there is no mask.

    Attributes
    ----------
    root : str
        Folder with both.
    """

    root: str

    def __call__(self) -> Dataset:
        """List the training images."""
        root = require_folder(self.root, "train.csv and train_images/")
        require_folder(root / "train_images", "the training images (*.jpg)")
        cells = read_user_table(root / "train.csv", ["EncodedPixels"], ["ImageId", "ImageId_ClassId"]).cells
        if "ImageId" in cells:
            names = cells["ImageId"]
        elif "ImageId_ClassId" in cells:
            names = [name.rpartition("_")[0] for name in cells["ImageId_ClassId"]]
        else:
            raise ValueError(f"{root / 'train.csv'}: no column 'ImageId' or 'ImageId_ClassId'.")
        with_mask = {name for name, mask in zip(names, cells["EncodedPixels"], strict=True) if mask}

        table = TableBuilder(self.root)
        found = set()
        for path in table.own_files("severstal"):
            name = path.removeprefix("train_images/")
            if path == "train.csv":
                continue
            if not re.fullmatch(r"[^/.][^/]*\.jpg", name):
                table.leave_out(path, "not named like a training image (train_images/*.jpg)")
                continue
            table.add(path, DEFECT if name in with_mask else GOOD)
            found.add(name)
        for name in set(names) - found:
            table.reject(f"train_images/{name}", "listed in train.csv, but there is no such file")
        return table.build()


@dataclass(frozen=True)
class KolektorSdd:
    """KolektorSDD (Tabernik et al., 2020): ``kosNN/PartN.jpg`` with the mask ``kosNN/PartN_label.bmp``.

    A mask with any non-zero pixel makes the class ``defect``, else ``good``. ``kosNN`` is the part: eight sides of one
    commutator.

    Attributes
    ----------
    root : str
        Folder with the ``kosNN`` folders.
    """

    root: str

    def __call__(self) -> Dataset:
        """List the images."""
        root = require_folder(self.root, "the folders kos01, kos02, ...")
        table = TableBuilder(self.root)
        _add_masked_images(
            table,
            root,
            list(table.own_files("kolektor_sdd")),
            image=r"(kos[0-9]+/Part[0-9]+)\.jpg",
            mask="{}_label.bmp",
            part=lambda image_id: image_id.split("/")[0],
        )
        return table.build()


@dataclass(frozen=True)
class KolektorSdd2:
    """KolektorSDD2 (Bozic et al., 2021): ``train/`` and ``test/`` with ``NNNNN.png`` and the mask ``NNNNN_GT.png``.

    A mask with any non-zero pixel makes the class ``defect``, else ``good``. The stray ``10301 (copy).png`` and its
    mask, which the public archive has in ``train/``, are rejected.

    Attributes
    ----------
    root : str
        Folder with both.
    """

    root: str

    def __call__(self) -> Dataset:
        """List the images of both splits."""
        root = require_folder(self.root, "train/ and test/")
        for split in ("train", "test"):
            require_folder(root / split, "NNNNN.png and NNNNN_GT.png")
        table = TableBuilder(self.root)
        _add_masked_images(
            table,
            root,
            list(table.own_files("kolektor_sdd2")),
            image=r"((?:train|test)/[0-9]+)\.png",
            mask="{}_GT.png",
        )
        return table.build()


@dataclass(frozen=True)
class MagneticTile:
    """Magnetic tile surface defects (Huang et al., 2020): ``MT_*/Imgs/*.jpg`` with a mask ``.png`` beside each.

    The folder's name is the class (``MT_Free`` is without defect); the masks are not read. A copy that lacks some of
    the six classes is read as it is.

    Attributes
    ----------
    root : str
        Folder with the ``MT_*`` folders.
    """

    root: str

    def __call__(self) -> Dataset:
        """List the images."""
        require_folder(self.root, "the folders MT_Free/Imgs, MT_Crack/Imgs, ...")
        table = TableBuilder(self.root)
        names = list(table.own_files("magnetic_tile"))
        images = {name.removesuffix(".jpg") for name in names if re.fullmatch(r"MT_[^/]+/Imgs/[^/.][^/]*\.jpg", name)}
        for name in names:
            stem, _, suffix = name.rpartition(".")
            if stem not in images or suffix not in ("jpg", "png"):
                table.leave_out(name, "neither an image (MT_*/Imgs/*.jpg) nor the mask (.png) of one")
            elif suffix == "jpg":
                table.add(name, name.split("/")[0])
        return table.build()


def _add_masked_images(table, root: Path, names: list[str], *, image: str, mask: str, part=lambda image_id: "") -> None:
    """Add each image with the class that its mask gives; reject every other file.

    `image` is a pattern whose first group is the stem, `mask` turns the stem into the mask's name.
    """
    present = set(names)
    masks = set()
    others = []
    for name in names:
        match = re.fullmatch(image, name)
        if not match:
            others.append(name)
            continue
        mask_name = mask.format(match[1])
        masks.add(mask_name)
        if mask_name not in present:
            table.reject(name, f"its mask {mask_name} is missing")
            continue
        try:
            image_class = DEFECT if _has_defect(root / mask_name) else GOOD
        except Exception as error:  # Pillow's plugins raise whatever damaged bytes lead to.
            table.reject(name, f"its mask {mask_name} cannot be read: {error}")
            continue
        table.add(name, image_class, part(name))
    for name in others:
        if "(copy)" in name:
            table.leave_out(name, "stray copy, not one of the data set's numbered images")
        elif name not in masks:
            table.leave_out(name, "neither one of the data set's images nor the mask of one, by its name")


def _has_defect(mask: Path) -> bool:
    # Raw values, before any resizing: a one-pixel defect counts, and a palette's colours do not matter.
    with Image.open(mask) as image:
        image.load()
        bands = zip(image.getbands(), image.split(), strict=True)
        return any(band.getextrema()[1] > 0 for name, band in bands if name != "A")
