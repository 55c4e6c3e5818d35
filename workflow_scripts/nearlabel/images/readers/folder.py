"""A folder of images, in sub-folders or not."""

from dataclasses import dataclass

from nearlabel.images.readers.dataset import Dataset, TableBuilder, require_folder


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
        for name in table.own_images("image_folder"):
            parts = name.split("/")
            table.add(name, parts[0] if self.classes and len(parts) > 1 else "")
        return table.build()
