"""Layouts of anomaly detection: splits, below them a folder per class, and masks of the defects beside."""

import posixpath
from dataclasses import dataclass

from nearlabel.images.naming.layouts import Place, find_place
from nearlabel.images.naming.words import SPLITS, unmasked
from nearlabel.images.readers.dataset import Dataset, TableBuilder, require_folder


@dataclass(frozen=True)
class MvtecAd:
    """MVTec AD (Bergmann et al., 2019) and what is laid out like it: VisA's splits, BTAD, MVTec LOCO and AD 2.

    ``train/good/000.png``, ``test/scratch/000.png``, ``ground_truth/scratch/000_mask.png``: the folder below the split
    is the class, masks are left out. The root holds the splits of one category, or folders of categories (bottle,
    cable, …), whose classes of one name are one class.

    Attributes
    ----------
    root : str
        The folder.
    """

    root: str

    def __call__(self) -> Dataset:
        """List the images of all splits."""
        require_folder(self.root, "train/ and test/, or a folder with both for every category")
        table = TableBuilder(self.root)
        names = list(table.own_images("mvtec"))
        places = {name: find_place(name) for name in names}
        plain = {posixpath.splitext(name)[0] for name in names}
        stems = {_stem(name, place) for name, place in places.items() if not place.mask}
        for name, place in places.items():
            own = unmasked(posixpath.splitext(name)[0])
            if place.mask:
                known = _stem(name, place) in stems
                table.leave_out(name, "a mask, not an image" if known else "a mask whose image is missing")
            elif not place.split:
                table.leave_out(name, f"not below a split ({', '.join(sorted(SPLITS))})")
            elif own and own in plain:
                table.leave_out(name, "a mask, not an image")
            else:
                table.add(name, place.image_class)
        return table.build()


def _stem(name: str, place: Place) -> tuple[str, str, str]:
    stem = posixpath.splitext(posixpath.basename(name))[0]
    return place.category, place.image_class, unmasked(stem) or stem
