"""A folder of images, in sub-folders or not."""

from dataclasses import dataclass

from nearlabel.images.listing import data_files, is_hidden
from nearlabel.images.readers.dataset import Dataset, TableBuilder, require_folder

IMAGE_SUFFIXES = (".bmp", ".gif", ".j2k", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes, in any case, of files that `ImageFolder` takes for images."""


@dataclass(frozen=True)
class ImageFolder:
    """A folder of images, in sub-folders or not.

    Attributes
    ----------
    root : str
        The folder; all files below it are considered.
    classes : bool
        Whether the first sub-folder is the class; images directly in the root have none.
    """

    root: str
    classes: bool = True

    def __call__(self) -> Dataset:
        """List the images."""
        table = TableBuilder(self.root)
        require_folder(self.root, "images, or one sub-folder of images per class")
        for name in data_files("image_folder", self.root):
            parts = name.split("/")
            if is_hidden(name):
                table.reject(name, "hidden file or folder")
            elif not name.lower().endswith(IMAGE_SUFFIXES):
                table.reject(name, f"not an image by its suffix (images: {' '.join(IMAGE_SUFFIXES)})")
            else:
                table.add(name, parts[0] if self.classes and len(parts) > 1 else "")
        return table.build()
